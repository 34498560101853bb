from aiokafka.structs import OffsetAndMetadata, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.attempts import FATAL_ALONE, SUSPICIOUS, Attempts, Marks

ATTEMPTS = st.builds(Attempts, st.integers(0, 10**6), st.integers(0, 10**6))


@given(ATTEMPTS)
def test_attempts_survive_the_commit_metadata(attempts: Attempts) -> None:
    assert Attempts.parse(str(attempts)) == attempts


@given(st.text() | st.from_regex(r"(attempt|alone|x)=\w*(;(attempt|alone|x)=\w*)?", fullmatch=True))
def test_whatever_another_tool_wrote_is_read_without_an_error(metadata: str) -> None:
    found = Attempts.parse(metadata)
    assert found == Attempts() or ("attempt=" in metadata and "alone=" in metadata)


@given(st.integers(max_value=-1), st.integers(max_value=-1))
def test_less_than_no_attempt_counts_as_none(attempt: int, alone: int) -> None:
    assert Attempts.parse(f"attempt={attempt};alone=0") == Attempts()
    assert Attempts.parse(f"attempt=0;alone={alone}") == Attempts()


def test_garbage_counts_as_no_attempt() -> None:
    for metadata in (
        "",
        ";",
        "=",
        "attempt=3",
        "alone=1",
        "attempt=;alone=",
        "attempt=x;alone=1",
        "attempt=1.5;alone=1",
        f"attempt={'9' * 5000};alone=1",
        '{"attempt": 3}',
    ):
        assert Attempts.parse(metadata) == Attempts(), metadata[:30]


def test_each_try_counts_and_a_try_alone_counts_twice() -> None:
    assert Attempts().once_more() == Attempts(1, 0)
    assert Attempts(2, 0).once_more(alone=True) == Attempts(3, 1)


P0, P1 = TopicPartition("inbound-emails", 0), TopicPartition("inbound-emails", 1)


def committed(offset: int = 5, metadata: str = "") -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, metadata)


def test_a_killer_gets_two_attempts_in_company_two_alone_and_is_then_given_up() -> None:
    """Every life reads what the last one committed; each of them is killed by the same record."""
    offsets, lives = {P0: committed()}, []
    for _ in range(5):
        marks = Marks()
        offsets = dict(marks.begin(offsets))
        if P0 not in marks.solo:
            lives.append("in company")
        elif (alone := marks.alone([P0])) is None:
            lives.append("given up")
        else:
            lives.append("alone")
            offsets = dict(alone)
    assert lives == ["in company", "in company", "alone", "alone", "given up"]


def test_a_record_that_passes_alone_clears_its_partition() -> None:
    marks = Marks()
    marks.begin({P0: committed(metadata="attempt=2;alone=0"), P1: committed()})
    assert marks.solo == {P0}
    marks.clear([P0])
    assert marks.solo == set()
    assert set(marks.withdraw()) == {P1}


def test_the_set_of_suspicious_partitions_stays_the_same_object_within_an_assignment() -> None:
    """The lanes watch it while it shrinks."""
    marks = Marks()
    marks.begin({P0: committed(metadata="attempt=2;alone=0")})
    watched = marks.solo
    marks.clear([P0])
    assert watched is marks.solo


def test_marks_move_no_offset() -> None:
    marks = Marks()
    begun = marks.begin({P0: committed(7), P1: committed(9, "attempt=2;alone=0")})
    assert {tp: at.offset for tp, at in begun.items()} == {P0: 7, P1: 9}
    assert {tp: at.offset for tp, at in marks.withdraw().items()} == {P0: 7, P1: 9}
    alone = marks.alone([P1])
    assert alone is not None
    assert alone == {P1: committed(9, "attempt=3;alone=1")}


@given(st.lists(st.booleans(), max_size=12))
def test_only_deaths_count_and_withdrawn_attempts_do_not(deaths: list[bool]) -> None:
    offsets = {P0: committed()}
    for is_death in deaths:
        marks = Marks()
        begun = marks.begin(offsets)
        offsets = dict(begun if is_death else marks.withdraw())
    assert Attempts.parse(offsets[P0].metadata).attempt == sum(deaths)


def test_a_process_that_gets_its_partition_again_has_not_died() -> None:
    marks = Marks()
    offsets = {P0: committed(metadata="attempt=1;alone=0")}
    for _ in range(5):
        offsets = dict(marks.begin(offsets))
    assert offsets[P0].metadata == "attempt=2;alone=0"
    assert marks.solo == set()


def test_a_death_of_another_process_meanwhile_counts() -> None:
    ours, theirs = Marks(), Marks()
    offsets = dict(ours.begin({P0: committed()}))
    offsets = dict(theirs.begin(offsets))
    assert ours.begin(offsets)[P0].metadata == "attempt=3;alone=0"


def test_only_the_guilty_partition_must_run_alone() -> None:
    marks = Marks()
    marks.begin({P0: committed(metadata="attempt=3;alone=2"), P1: committed()})
    assert marks.solo == {P0}
    assert marks.alone([P0]) is None


def test_the_limits_are_those_of_the_promise() -> None:
    assert (SUSPICIOUS, FATAL_ALONE) == (2, 2)
