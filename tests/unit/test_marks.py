"""Lives of a worker with a record that ends it, as `kafka.attempts` sees them: found in few deaths, alone to blame."""

from collections.abc import Iterator

from aiokafka.structs import OffsetAndMetadata, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.attempts import CAREFUL_RECORDS, WINDOWS_IN_STAGES, Attempts, Marks

P0 = TopicPartition("inbound-emails", 0)
WINDOW = 40
REACH = WINDOWS_IN_STAGES * WINDOW


class Partition:
    """A partition whose record `killer` ends the process; `committed` is what the broker keeps."""

    def __init__(self, killer: int) -> None:
        self.killer = killer
        self.committed = OffsetAndMetadata(0, "")
        self.given_up: list[int] = []

    def commit(self, marks: Marks, end: int) -> None:
        [at] = marks.carried({P0: OffsetAndMetadata(end, "")}).values()
        marks.passed({P0: at})
        self.committed = at

    def live(self, sizes: Iterator[int], uncommitted: Iterator[int], end: int) -> bool:
        """One life, to its death or until all is read; returns whether it died."""
        marks, position, in_stages = Marks(WINDOW), self.committed.offset, []
        self.committed = marks.begin({P0: self.committed})[P0]
        while position < end:
            alone, careful = P0 in marks.solo, P0 in marks.careful
            size = 1 if alone else min(next(sizes), CAREFUL_RECORDS if careful else WINDOW)
            size = min(size, end - position)
            in_stages.append(position + size)
            if alone and (mark := marks.alone([P0])) is None:
                self.given_up.append(position)
                marks.clear([P0])
            elif alone:
                self.committed = mark[P0]
            if self.killer in range(position, position + size) and position not in self.given_up:
                return True
            position += size
            keep = 0 if alone or careful else next(uncommitted)
            while len(in_stages) > keep:
                self.commit(marks, in_stages.pop(0))
        for last in in_stages:
            self.commit(marks, last)
        return False


@given(
    st.integers(0, 600),
    st.lists(st.integers(1, WINDOW), min_size=1, max_size=8),
    st.lists(st.integers(0, WINDOWS_IN_STAGES - 1), min_size=1, max_size=8),
)
def test_wherever_the_killer_is_five_deaths_find_it_and_nobody_else_is_given_up(
    killer: int, sizes: list[int], uncommitted: list[int]
) -> None:
    partition, deaths = Partition(killer), 0
    while partition.live(endless(sizes), endless(uncommitted), 700):
        deaths += 1
        assert deaths <= 5
    assert partition.given_up == [killer]
    assert partition.committed == OffsetAndMetadata(700, "")


def endless(values: list[int]) -> Iterator[int]:
    while True:
        yield from values


def test_an_attempt_is_carried_until_the_partition_is_past_what_can_have_been_in_the_stages() -> (
    None
):
    marks = Marks(WINDOW)
    marks.begin({P0: OffsetAndMetadata(1000, "")})
    near, far = OffsetAndMetadata(1000 + REACH - 1, ""), OffsetAndMetadata(1000 + REACH, "")
    assert marks.carried({P0: near})[P0].metadata == "attempt=1;alone=0"
    assert marks.carried({P0: far})[P0].metadata == ""


def test_a_withdrawn_attempt_names_the_place_that_is_committed() -> None:
    marks = Marks(WINDOW)
    marks.begin({P0: OffsetAndMetadata(5, "attempt=1;alone=0")})
    marks.passed(marks.carried({P0: OffsetAndMetadata(20, "")}))
    marks.carried({P0: OffsetAndMetadata(30, "")})  # its transaction never ended
    assert marks.withdraw() == {P0: OffsetAndMetadata(20, "attempt=1;alone=0")}


def test_a_carried_mark_of_this_very_process_is_no_death() -> None:
    marks = Marks(WINDOW)
    marks.begin({P0: OffsetAndMetadata(0, "")})
    marks.passed(marks.carried({P0: OffsetAndMetadata(10, "")}))
    in_doubt = marks.carried({P0: OffsetAndMetadata(20, "")})
    assert marks.begin(in_doubt)[P0].metadata == "attempt=1;alone=0"
    again = Marks(WINDOW).begin(in_doubt)
    assert Attempts.parse(again[P0].metadata).attempt == 2


def test_the_innocent_that_passed_alone_leave_no_trace() -> None:
    marks = Marks(WINDOW)
    marks.begin({P0: OffsetAndMetadata(0, "attempt=2;alone=1")})
    for place in range(CAREFUL_RECORDS - 1):
        assert marks.alone([P0]) is not None
        carried = marks.carried({P0: OffsetAndMetadata(place + 1, "")})
        assert carried[P0].metadata == "attempt=2;alone=0"
        marks.passed(carried)
    end = {P0: OffsetAndMetadata(CAREFUL_RECORDS, "")}
    assert marks.carried(end) == end
    marks.passed(end)
    assert not marks.solo
    assert not marks.withdraw()
