"""The table of calls: what is committed counts, what is staged may yet not be."""

import pytest
from msgspec.structs import replace

from stream.calls.state import CallState, Life, Side, StateError, encode_state, state_key
from stream.calls.table import CallTable, StateRecord
from tests.churn_fakes import AGES, empty_table


def state_of(
    call_id: str = "c", probability: float = 0.5, ended=None, version: str = "1"
) -> CallState:
    return CallState(
        tenant="t",
        call_id=call_id,
        customer_id=None,
        customer_seq=0,
        model="churn",
        version=version,
        sums_key="k",
        size=4,
        customer=Side(),
        agent=Side(),
        seen=(0, 1),
        probability=probability,
        life=Life(0, 0, ended),
    )


def key(call_id: str = "c") -> bytes:
    return state_key("t", call_id)


def test_what_is_staged_is_seen_by_its_window_and_stays_when_merged() -> None:
    table = empty_table(3)
    table.stage(3, key(), state_of())
    assert table.find(3, key()) == state_of()
    assert table.staged() == [StateRecord(3, key(), encode_state(state_of()))]
    table.merge({3: 17})
    assert (table.staged(), table.offset(3)) == ([], 17)
    assert table.find(3, key()) == state_of()


def test_what_is_dropped_was_never_there() -> None:
    table = empty_table()
    table.stage(0, key(), state_of())
    table.merge({0: 1})
    table.stage(0, key(), state_of(probability=0.9))
    table.stage(0, key("d"), state_of("d"))
    table.drop()
    assert (table.staged(), table.offset(0)) == ([], 1)
    assert table.find(0, key()) == state_of()
    assert table.find(0, key("d")) is None
    table.merge({0: 2})
    assert table.find(0, key("d")) is None


def test_a_call_is_written_once_a_window_and_a_tombstone_takes_it_away() -> None:
    table = empty_table()
    table.stage(0, key(), state_of(probability=0.1))
    table.stage(0, key(), state_of(probability=0.2))
    assert len(table.staged()) == 1
    table.merge({0: 1})
    table.stage(0, key(), None)
    assert table.staged() == [StateRecord(0, key(), None)]
    assert table.find(0, key()) is None
    table.merge({0: 2})
    assert table.find(0, key()) is None
    assert (table.calls_open, table.calls_ended, table.state_bytes) == (0, 0, 0)


def test_of_restored_records_the_last_one_counts_and_a_tombstone_removes() -> None:
    table = CallTable(AGES)
    old, new = encode_state(state_of(probability=0.1)), encode_state(state_of(probability=0.2))
    gone = encode_state(state_of("d"))
    back = encode_state(state_of("e"))
    records = [(key(), old), (key("d"), gone), (key("e"), None), (key(), new), (key("d"), None)]
    table.load(2, [*records, (key("e"), back)], 40)
    assert table.find(2, key()) == state_of(probability=0.2)
    assert table.find(2, key("d")) is None
    assert table.find(2, key("e")) is not None
    assert table.offset(2) == 40
    assert table.calls_open == 2


def test_a_damaged_record_stops_the_restore_unless_a_later_one_replaced_it() -> None:
    table = CallTable(AGES)
    good = encode_state(state_of())
    table.load(0, [(key(), b"damaged"), (key(), good)], 1)
    with pytest.raises(StateError, match="'t/c' is damaged"):
        table.load(0, [(key(), good), (key(), b"damaged")], 1)
    assert table.offset(0) is None


def test_a_partition_that_was_given_away_is_forgotten_with_what_was_staged_for_it() -> None:
    table = empty_table(0, 1)
    for partition in (0, 1):
        table.stage(partition, key(), state_of())
    table.merge({0: 5, 1: 5})
    for partition in (0, 1):
        table.stage(partition, key(), state_of(probability=0.9))
    table.forget(0)
    assert (table.offset(0), table.find(0, key()), table.agenda(0)) == (None, None, [])
    assert [record.partition for record in table.staged()] == [1]
    table.merge({0: 6, 1: 6})
    assert (table.offset(0), table.offset(1), table.calls_open) == (None, 6, 1)
    with pytest.raises(AssertionError, match="not restored"):
        table.stage(0, key(), state_of())


def test_the_same_call_id_in_two_partitions_is_two_states() -> None:
    table = empty_table(0, 1)
    table.stage(1, key(), state_of())
    table.merge({1: 1})
    assert table.find(0, key()) is None


def test_figures_follow_what_is_committed() -> None:
    table = empty_table(0, 1)
    table.stage(0, key(), state_of())
    table.stage(0, key("d"), state_of("d", version="2"))
    table.stage(1, key("e"), state_of("e", version="2"))
    assert (table.calls_open, table.bundles_in_use()) == (0, set())
    table.merge({})
    size = sum(len(encode_state(state_of(name))) for name in "cde")
    assert (table.calls_open, table.calls_ended, table.state_bytes) == (3, 0, size)
    assert table.bundles_in_use() == {("churn", "1"), ("churn", "2")}
    table.stage(0, key("d"), replace(state_of("d"), version="3"))
    table.stage(0, key(), state_of(ended="completed"))
    table.merge({})
    assert (table.calls_open, table.calls_ended) == (2, 1)
    assert table.bundles_in_use() == {("churn", "2"), ("churn", "3")}
    table.stage(0, key(), state_of(ended="completed", probability=0.6))
    table.merge({})
    table.forget(1)
    assert table.bundles_in_use() == {("churn", "3")}
    records = [(name, value) for name, value in table._held[0].states.items()]
    held = table.state_bytes
    table.load(0, records, 9)
    assert (table.calls_open, table.calls_ended, table.state_bytes) == (1, 1, held)
    assert table.bundles_in_use() == {("churn", "3")}
    assert sorted(name for _, name in table.agenda(0)) == [key(), key("d")]
