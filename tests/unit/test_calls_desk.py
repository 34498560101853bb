"""The desk of calls lets time pass: with every clock a little wrong, and never too much in one transaction."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.calls import desk as desk_of_calls
from stream.calls.desk import MOST_SKEW_MS, CallDesk
from stream.calls.state import decode_state
from stream.classify import Item
from stream.errors import FatalError
from stream.metrics import Metrics
from stream.outputs import Inbound, Output
from stream.records import CallFragment
from stream.settings import Settings
from tests.churn_fakes import (
    HOUR_MS,
    FakeChurnBundle,
    FakeChurnModels,
    FakeProfiles,
    item,
    with_rows,
)
from tests.walking import Events

SETTINGS = Settings()
MODELS = FakeChurnModels({"default": FakeChurnBundle()})
PLACES = [TopicPartition(SETTINGS.topic("call-transcripts"), number) for number in range(3)]


class Shift:
    """A desk of three partitions, and its clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.desk = CallDesk(SETTINGS, FakeProfiles(), Metrics(), Events(), lambda: self.now_ms)
        for tp in PLACES:
            self.desk.table.load(tp.partition, (), 0)

    def window(self, *heard: tuple[str, int, int], due: bool = False) -> list[Output]:
        """Fold and commit (call, partition, append time) each, or those that are due; gives the states."""
        items = [self._item(*one) for one in heard]
        at = self.desk.due(dict.fromkeys(PLACES, 1)) if due else [PLACES[one[1]] for one in heard]
        offsets = {tp: OffsetAndMetadata(1, "") for tp in at}
        with_rows([one.call for one in items if one.call], self.desk.table, MODELS)
        records = self.desk.fold(items, MODELS, offsets)
        self.desk.merge(offsets)
        return records

    def _item(self, call: str, partition: int, at_ms: int) -> Item:
        made = item(CallFragment(call_id=call, seq=0, text="hello"), 0, at_ms, partition)
        return Item(Inbound(made.source, None, None, ()), at_ms, call=made)


@pytest.fixture
def shift() -> Shift:
    return Shift()


def ended(records: Sequence[Output]) -> set[str]:
    """The calls that these states call silent."""
    states = [decode_state(one.key or b"", one.value) for one in records if one.value]
    return {state.call_id for state in states if state.life.ended == "silent"}


def test_what_was_said_a_moment_before_a_call_falls_silent_may_still_be_on_its_way(
    shift: Shift,
) -> None:
    shift.window(("c", 0, 0))
    shift.now_ms = 2 * HOUR_MS + MOST_SKEW_MS - 1
    assert shift.window(due=True) == []
    assert shift.desk.due(dict.fromkeys(PLACES, 1)) == {}, "else an empty window follows the other"
    shift.now_ms += 1
    assert set(shift.desk.due(dict.fromkeys(PLACES, 1))) == {PLACES[0]}
    assert ended(shift.window(due=True)) == {"c"}


async def test_partitions_that_came_while_a_worker_runs_end_it_with_the_reason(
    shift: Shift,
) -> None:
    """Else it would ask for states that lie nowhere, for ever, and hold up its other partitions."""
    more = TopicPartition(PLACES[0].topic, len(PLACES))
    offsets = {tp: OffsetAndMetadata(0, "") for tp in (*PLACES, more)}
    everybody: Any = SimpleNamespace(takes=lambda tenant, at_ms: True)
    with pytest.raises(FatalError, match=r"call-transcripts has more partitions than the 3"):
        await shift.desk.restore(offsets, len(PLACES), everybody)


def test_one_record_with_a_time_far_ahead_ends_no_other_call(shift: Shift) -> None:
    """Where a topic has its producers' times, each of them may say what it likes."""
    shift.window(("c", 0, 0))
    shift.now_ms = HOUR_MS
    shift.window(("from-the-future", 0, 1000 * HOUR_MS))
    state = shift.desk.table.find(0, b"default/c")
    assert state is not None
    assert state.life.ended is None


def test_what_is_due_in_many_partitions_does_not_all_go_into_one_transaction(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_of_calls, "MOST_AT_ONCE", 7)
    shift.window(*((f"c{call}", call % 3, 0) for call in range(15)))
    shift.now_ms = 3 * HOUR_MS
    windows = [ended(shift.window(due=True)) for _ in range(4)]
    assert [len(window) for window in windows] == [7, 7, 1, 0]
    assert len(set().union(*windows)) == 15
