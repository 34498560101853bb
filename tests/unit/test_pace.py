from hypothesis import given
from hypothesis import strategies as st

from stream.pace import FIRST_WINDOW, Pace

WINDOWS = st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1e6)), max_size=30)


@given(st.floats(0.001, 10), st.integers(1, 10_000), WINDOWS)
def test_a_window_holds_at_least_one_record_and_at_most_the_limit(
    target_s: float, max_records: int, windows: list[tuple[int, float]]
) -> None:
    pace = Pace(target_s, max_records)
    assert 1 <= pace.records() <= max_records
    for records, device_s in windows:
        pace.note(records, device_s)
        assert 1 <= pace.records() <= max_records


@given(st.floats(0.0005, 0.05))
def test_a_steady_device_gets_windows_of_the_target_time(record_s: float) -> None:
    pace = Pace(0.1, 10_000)
    for _ in range(3):
        pace.note(pace.records(), pace.records() * record_s)
    assert abs(pace.records() - 0.1 / record_s) <= 1


@given(st.integers(0, 100_000))
def test_behind_a_queue_a_window_grows_to_an_eighth_of_it_and_four_targets_at_most(
    waiting: int,
) -> None:
    pace = Pace(0.1, 10_000)
    pace.note(100, 1.0)  # 10 ms a record: ten of them are the target
    assert abs(pace.records(waiting) - min(max(10, waiting / 8), 40)) <= 1


def test_a_few_that_wait_do_not_lengthen_the_window() -> None:
    pace = Pace(0.1, 10_000)
    pace.note(100, 1.0)
    assert pace.records(60) == pace.records()


def test_before_anything_was_measured_the_first_window_is_small() -> None:
    assert Pace(0.1, 512).records() == FIRST_WINDOW
    assert Pace(0.1, 5).records() == 5


def test_a_change_of_speed_is_followed_within_some_twenty_windows() -> None:
    pace = Pace(0.1, 10_000)
    pace.note(100, 0.1)
    assert pace.records() == 100
    for _ in range(20):
        pace.note(100, 1.0)
    assert 10 <= pace.records() <= 11


def test_one_slow_window_does_not_shrink_the_next_one_to_a_record() -> None:
    pace = Pace(0.1, 10_000)
    pace.note(100, 0.1)
    pace.note(100, 1.0)
    assert pace.records() > 30
