"""The numbers of a call's fragments in, which of them were seen out: sorted intervals, small while few are missing."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

# Numbers come in any order, so gaps are remembered; but who numbers 0, 2, 4, … for ever must not make a state that is
# too large for its topic. 1,000 intervals take 18 kB at most; 1,000 fragments shuffled at random need about 250.
MOST_INTERVALS = 1000


class Intervals:
    """A set of whole numbers from 0 on, as disjoint intervals. Adding is as quick with 10 numbers as with 10,000."""

    __slots__ = ("_edges", "count")

    def __init__(self) -> None:
        # first, behind last, first, behind last, …: rising, so that a number lies inside where an odd count of edges
        # is at or below it
        self._edges: list[int] = []
        self.count = 0

    @classmethod
    def of_edges(cls, edges: Sequence[int]) -> "Intervals":
        """The set that has these `edges`, which were checked when they came from outside."""
        made = cls()
        made._edges = list(edges)
        made.count = sum(edges[1::2]) - sum(edges[::2])
        return made

    def edges(self) -> tuple[int, ...]:
        """First and behind last of each interval, rising: equal for equal sets, and small to store."""
        return tuple(self._edges)

    def __contains__(self, number: int) -> bool:
        return bisect_right(self._edges, number) % 2 == 1

    def has_room_for(self, number: int) -> bool:
        """Whether there are at most `MOST_INTERVALS` with a number that is not there yet."""
        edges = self._edges
        place = bisect_right(edges, number)
        joins = edges[place - 1 : place] == [number] or edges[place : place + 1] == [number + 1]
        return joins or len(edges) < 2 * MOST_INTERVALS

    def add(self, number: int) -> bool:
        """Add a number, at least 0; False: it was there before."""
        edges = self._edges
        place = bisect_right(edges, number)
        if place % 2:
            return False
        joins_left = place > 0 and edges[place - 1] == number
        joins_right = place < len(edges) and edges[place] == number + 1
        edges[place - joins_left : place + joins_right] = [
            *([] if joins_left else [number]),
            *([] if joins_right else [number + 1]),
        ]
        self.count += 1
        return True


def are_edges(numbers: Sequence[int]) -> bool:
    """Whether a set of whole numbers from 0 on has these edges."""
    rising = all(below < above for below, above in pairwise((-1, *numbers)))
    return rising and len(numbers) % 2 == 0
