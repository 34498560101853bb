"""The text of a mail as numbered lines, what was taken out of it and why; and small questions about a line."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines that were taken out of a mail.

    Args:
        reason: `quote`, `signature`, `footer` or `boilerplate`; `markup` for text that HTML hides.
        rule: what they were known by, in words for a person.
        numbers: where the lines stood in the text as a person sees it, from 1; none for hidden text.
        lines: the lines as they were.
    """

    reason: str
    rule: str
    numbers: tuple[int, ...]
    lines: tuple[str, ...]

    @property
    def chars(self) -> int:
        """Characters, line ends included."""
        return sum(map(len, self.lines)) + len(self.lines)


@dataclass(slots=True)
class Letter:
    """The text on its way through the rooms: each takes lines out, and says why.

    Args:
        lines: what is left.
        numbers: where each of them stood in the text as a person sees it, from 1.
        cuts: what was taken out so far.
    """

    lines: list[str]
    numbers: list[int]
    cuts: list[Cut] = field(default_factory=list[Cut])

    @classmethod
    def of(cls, text: str) -> "Letter":
        """A letter with all its lines."""
        lines = text.split("\n")
        return cls(lines, list(range(1, len(lines) + 1)))

    def copy(self) -> "Letter":
        """The letter as it is now."""
        return Letter(list(self.lines), list(self.numbers), list(self.cuts))

    def cut(self, start: int, end: int, reason: str, rule: str) -> None:
        """Take lines out."""
        if start < end:
            self._note(start, end, reason, rule)
            del self.lines[start:end], self.numbers[start:end]

    def keep(self, places: Sequence[int], reason: str, rules: Sequence[tuple[int, str]]) -> None:
        """Take out every line that is not at one of these places.

        Args:
            places: where the lines stand that stay, rising.
            reason: why the others go.
            rules: by which rule, each with the place where it held; rising. A gap has the first at or behind its begin.
        """
        if len(places) == len(self.lines):
            return
        start = number = 0
        for stop in (*places, len(self.lines)):
            if start < stop:
                while number + 1 < len(rules) and rules[number][0] < start:
                    number += 1
                self._note(start, stop, reason, rules[number][1])
            start = stop + 1
        self.lines = [self.lines[place] for place in places]
        self.numbers = [self.numbers[place] for place in places]

    def _note(self, start: int, end: int, reason: str, rule: str) -> None:
        numbers, lines = tuple(self.numbers[start:end]), tuple(self.lines[start:end])
        self.cuts.append(Cut(reason, rule, numbers, lines))

    def trim(self) -> None:
        """Take off empty lines at both ends; they count for nothing."""
        start, end = 0, len(self.lines)
        while end and not self.lines[end - 1]:
            end -= 1
        while start < end and not self.lines[start]:
            start += 1
        if end - start < len(self.lines):
            self.lines, self.numbers = self.lines[start:end], self.numbers[start:end]

    def part(self, start: int, end: int) -> "Letter":
        """A copy of some of the lines that notes its cuts with this one's."""
        return Letter(self.lines[start:end], self.numbers[start:end], self.cuts)


_SMILEYS = frozenset((":)", ":-)", ";)", ";-)", ":(", ":-("))


def listed(words: str) -> tuple[str, ...]:
    """The words of a table, which is written with `|` between them."""
    return tuple(words.split("|"))


def is_quoted(line: str) -> bool:
    """Whether a line is quoted with `>`."""
    return line.startswith(">") or (line.startswith(" ") and line.lstrip().startswith(">"))


def has_words(line: str) -> bool:
    """Whether a line holds a letter or a digit."""
    return line[:1].isalnum() or any(map(str.isalnum, line))


def is_emoji(line: str) -> bool:
    """Whether a line without words still says something (`👍`, `:-)`); rules and box drawings do not."""
    if line.strip() in _SMILEYS:
        return True
    return any(char > "\u2190" and not "\u2500" <= char <= "\u257f" for char in line)
