"""Time passes: a silent call ends, an ended one is forgotten, and nothing of it is so before it is committed."""

import pytest

from stream.calls.ageing import Ageing
from stream.calls.fold import fold_window
from stream.calls.state import CallState, decode_state
from stream.calls.table import CallTable
from stream.records import CallFragment
from tests.churn_fakes import (
    AGES,
    HOUR_MS,
    FakeChurnBundle,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

MODELS = FakeChurnModels({"default": FakeChurnBundle()})


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


class Worker:
    """A table of one partition with its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.table = empty_table()
        self.ageing = Ageing(self.table, self.clock)

    def hear(self, call_id: str, seq: int, at_ms: int, event: str = "segment") -> None:
        said = CallFragment(call_id=call_id, seq=seq, text="hello", event=event)
        made = with_rows([item(said, seq, at_ms)], self.table, MODELS)
        fold_window(made, self.table, MODELS, FakeProfiles(), at_ms)

    def commit(self) -> list[tuple[bytes, bytes | None]]:
        written = [(record.key, record.value) for record in self.table.staged()]
        self.table.merge({})
        return written

    def sweep_at(self, hours: float, behind_hours: float | None = None, **more: int) -> int:
        self.clock.now_ms = int(hours * HOUR_MS)
        behind_ms = None if behind_hours is None else int(behind_hours * HOUR_MS)
        return self.ageing.sweep(0, behind_ms, **more)

    def state(self, call_id: str = "c") -> CallState | None:
        return self.table.find(0, f"default/{call_id}".encode())


@pytest.fixture
def worker() -> Worker:
    made = Worker()
    made.hear("c", 0, 0)
    made.commit()
    return made


def test_a_silent_call_ends_after_two_hours_and_is_forgotten_a_day_later(worker: Worker) -> None:
    assert worker.sweep_at(1.99) == 0
    assert worker.sweep_at(2) == 1
    [(key, value)] = worker.commit()
    assert value is not None
    life = decode_state(key, value).life
    assert (life.ended, life.ended_ms) == ("silent", 2 * HOUR_MS)
    assert worker.sweep_at(25.99) == 0
    assert worker.sweep_at(26) == 1
    assert worker.commit() == [(b"default/c", None)]
    assert worker.sweep_at(1000) == 0
    assert worker.table.agenda(0) == []


def test_each_word_puts_the_silence_off(worker: Worker) -> None:
    for seq in range(1, 5):
        assert worker.sweep_at(1.5 * seq) == 0
        worker.hear("c", seq, int(1.5 * seq * HOUR_MS))
        worker.commit()
    assert len(worker.table.agenda(0)) == 1
    assert worker.sweep_at(7.99) == 0
    assert worker.sweep_at(8) == 1


def test_an_ended_call_stays_a_day_after_its_last_late_fragment(worker: Worker) -> None:
    worker.hear("c", 1, 0, "completed")
    worker.commit()
    worker.hear("c", 2, 5 * HOUR_MS)
    worker.commit()
    assert worker.sweep_at(28.99) == 0
    assert worker.sweep_at(29) == 1
    assert worker.commit() == [(b"default/c", None)]


def test_a_sweep_whose_transaction_was_aborted_is_done_again(worker: Worker) -> None:
    for _ in range(3):
        assert worker.sweep_at(2) == 1
        worker.table.drop()
        state = worker.state()
        assert state is not None
        assert state.life.ended is None
    assert worker.sweep_at(2) == 1
    worker.commit()
    for _ in range(3):
        assert worker.sweep_at(26) == 1
        worker.table.drop()
    assert worker.sweep_at(26) == 1
    worker.commit()
    assert worker.state() is None


def test_a_call_that_is_spoken_in_now_is_left_to_its_window(worker: Worker) -> None:
    worker.hear("c", 1, int(1.9 * HOUR_MS))
    assert worker.sweep_at(2) == 0
    worker.commit()
    assert worker.sweep_at(2) == 0
    assert worker.sweep_at(3.9) == 1


def test_a_word_that_was_not_committed_puts_no_silence_off(worker: Worker) -> None:
    worker.hear("c", 1, int(1.9 * HOUR_MS))
    assert worker.sweep_at(2) == 0
    worker.table.drop()
    assert worker.sweep_at(2) == 1


def test_while_records_wait_nobody_is_silent_by_the_clock(worker: Worker) -> None:
    """A worker that was away for a day finds the rest of the call before it calls it silent."""
    assert worker.sweep_at(24, behind_hours=0.5) == 0
    worker.hear("c", 1, int(0.6 * HOUR_MS))
    worker.commit()
    assert worker.sweep_at(24, behind_hours=0.6) == 0
    assert worker.sweep_at(24) == 1


def test_a_call_that_nobody_swept_for_long_is_forgotten_at_once(worker: Worker) -> None:
    assert worker.sweep_at(26) == 1
    assert worker.commit() == [(b"default/c", None)]


def test_a_sweep_and_the_fold_agree_on_what_became_of_a_call(worker: Worker) -> None:
    other = Worker()
    other.hear("c", 0, 0)
    other.commit()
    worker.sweep_at(2)
    worker.commit()
    for each in (worker, other):  # one was swept, one was not
        each.hear("c", 1, 3 * HOUR_MS)
        each.commit()
    assert worker.state() == other.state()


def test_a_restored_partition_ages_like_the_one_it_was(worker: Worker) -> None:
    worker.hear("d", 0, HOUR_MS)
    worker.commit()
    restored = CallTable(AGES)
    restored.load(0, worker.table._held[0].states.items(), 2)
    sweep = Ageing(restored, worker.clock)
    worker.clock.now_ms = 2 * HOUR_MS
    assert (sweep.sweep(0), [record.key for record in restored.staged()]) == (1, [b"default/c"])


def test_when_nothing_is_due_nobody_is_looked_at(worker: Worker, monkeypatch) -> None:
    for call in range(50):
        worker.hear(f"c{call}", 0, 0)
    worker.commit()
    before = list(worker.table.agenda(0))
    monkeypatch.setattr(worker.table, "find", None)
    assert worker.sweep_at(1) == 0
    assert worker.table.agenda(0) == before


def test_many_calls_that_are_due_at_once_are_spread_over_windows(worker: Worker) -> None:
    for call in range(50):
        worker.hear(f"c{call}", 0, 0)
    worker.commit()
    staged = 0
    while worker.table.calls_open:
        found = worker.sweep_at(2, most=20)
        assert found <= 20
        staged += found
        worker.commit()
    assert staged == worker.table.calls_ended == 51


def test_a_call_whose_id_comes_again_has_one_place_in_the_agenda_in_the_end(worker: Worker) -> None:
    worker.sweep_at(26)
    worker.commit()
    worker.hear("c", 0, 30 * HOUR_MS)
    worker.commit()
    assert worker.sweep_at(31) == 0
    assert worker.sweep_at(32) == 1
    assert len(worker.commit()) == 1
    assert worker.sweep_at(56) == 1
    assert worker.commit() == [(b"default/c", None)]
    worker.sweep_at(56)
    assert worker.table.agenda(0) == []


def test_a_partition_that_is_not_held_has_nothing_due(worker: Worker) -> None:
    worker.table.forget(0)
    assert worker.sweep_at(100) == 0


def test_a_call_that_was_given_to_other_workers_is_not_aged_here(worker: Worker) -> None:
    worker.hear("ours", 0, 0)
    worker.hear("theirs", 0, 0)
    worker.commit()
    worker.clock.now_ms = 3 * HOUR_MS
    assert worker.ageing.sweep(0, None, lambda key: key == b"default/ours") == 1
    assert [key for key, _ in worker.commit()] == [b"default/ours"], "theirs is old here"
