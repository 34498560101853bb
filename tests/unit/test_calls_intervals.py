"""Seen numbers as intervals: the same set as Python's, small to store, refused where damaged."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.calls import intervals
from stream.calls.intervals import Intervals, are_edges

NUMBERS = st.lists(st.integers(0, 60) | st.integers(2**53 - 3, 2**53))


@given(NUMBERS)
def test_intervals_are_the_set_of_what_was_added(numbers: list[int]) -> None:
    seen, expected = Intervals(), set[int]()
    for number in numbers:
        assert (number in seen) == (number in expected)
        assert seen.add(number) == (number not in expected)
        expected.add(number)
        assert seen.count == len(expected)
    assert all((number in seen) == (number in expected) for number in (*range(62), *numbers))


@given(NUMBERS, st.randoms())
def test_equal_sets_are_stored_as_equal_bytes_whatever_the_order(numbers: list[int], lots) -> None:
    shuffled = [*numbers, *numbers]
    lots.shuffle(shuffled)
    one, other = Intervals(), Intervals()
    for number in numbers:
        one.add(number)
    for number in shuffled:
        other.add(number)
    assert one.edges() == other.edges()
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(one.edges()))
    assert are_edges(stored)
    again = Intervals.of_edges(stored)
    assert again.edges() == one.edges()
    assert again.count == one.count


def test_a_call_without_gaps_is_one_interval_of_a_few_bytes() -> None:
    seen = Intervals()
    for number in range(10_000):
        seen.add(number)
    assert seen.edges() == (0, 10_000)
    assert len(msgspec.msgpack.encode(seen.edges())) == 5
    assert are_edges(seen.edges())


@given(NUMBERS)
def test_room_for_a_number_is_room_for_its_interval(numbers: list[int]) -> None:
    seen = Intervals()
    for number in numbers:
        full, bigger = Intervals.of_edges(seen.edges()), Intervals.of_edges(seen.edges())
        bigger.add(number)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(intervals, "MOST_INTERVALS", len(seen.edges()) // 2)
            if number not in seen:
                assert full.has_room_for(number) == (len(bigger.edges()) <= len(seen.edges()))
        seen.add(number)


@pytest.mark.parametrize("numbers", [[1], [0, 0], [-1, 2], [0, 2, 2, 3], [3, 5, 4, 6]])
def test_edges_that_no_set_has_are_known(numbers: list[int]) -> None:
    assert not are_edges(numbers)
