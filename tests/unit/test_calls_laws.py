"""The laws of the fold: order, repetition and windows change nothing; what was not committed never was."""

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.calls.fold import fold_window
from stream.calls.steps import CallItem
from stream.calls.table import CallTable
from stream.records import CallFragment, ChurnScore
from tests.churn_fakes import (
    FakeChurnBundle,
    FakeChurnModel,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

LOTS = st.integers(0, 2**32).map(random.Random)
WORDS = ["my", "card", "is", "gone", "cancel", "thanks", "again"]
MODELS = FakeChurnModels({"default": FakeChurnBundle(churn=FakeChurnModel(8), hidden_size=8)})
PROFILES = FakeProfiles(
    {
        ("default", "anna"): {"months": 40.0, "plan": "gold"},
        ("other", "anna"): {"months": 1.0, "plan": "basic"},
    }
)


@st.composite
def fragments(draw: st.DrawFn) -> list[CallFragment]:
    """Calls of two tenants under two ids: each (tenant, call, seq) says one thing, however often it comes."""
    made = []
    for tenant in ("default", "other"):
        for call_id in ("c1", "c2"):
            for seq in sorted(draw(st.sets(st.integers(0, 12), max_size=8))):
                event = draw(st.sampled_from(["segment"] * 5 + ["started", "completed", "failed"]))
                says = event == "segment"
                made.append(
                    CallFragment(
                        call_id=call_id,
                        seq=seq,
                        tenant=tenant,
                        customer_id=draw(st.sampled_from([None, "anna", "bert"])),
                        speaker=draw(st.sampled_from([None, "customer", "agent"])),
                        text=" ".join(draw(st.lists(st.sampled_from(WORDS)))) if says else None,
                        event=event,
                    )
                )
    return made


def items_of(made: Sequence[CallFragment]) -> list[CallItem]:
    """A fragment has its time however late it comes, so that the laws hold for the times in the state too."""
    return [item(one, offset, at_ms=1000 * one.seq) for offset, one in enumerate(made)]


def fold(table: CallTable, window: Sequence[CallItem]) -> list[ChurnScore]:
    found = fold_window(with_rows(window, table, MODELS), table, MODELS, PROFILES, 0)
    assert all(isinstance(one, ChurnScore) for one in found)
    assert [one.source for one in found] == [one.source for one in window]
    return found


def windows_of(made: Sequence[CallItem], lots: random.Random) -> list[Sequence[CallItem]]:
    cuts = sorted(lots.randint(0, len(made)) for _ in range(lots.randint(0, 4)))
    return [made[a:b] for a, b in zip([0, *cuts], [*cuts, len(made)], strict=True)]


def walked(made: Sequence[CallItem], lots: random.Random) -> tuple[CallTable, list[ChurnScore]]:
    table, scores = empty_table(), []
    for number, window in enumerate(windows_of(made, lots)):
        scores += fold(table, window)
        table.merge({0: number})
    return table, scores


def states(table: CallTable) -> dict[bytes, bytes]:
    return table._held[0].states


def last_probabilities(scores: Sequence[ChurnScore]) -> dict[tuple[str, str], float]:
    return {(one.tenant, one.call_id): one.probability for one in scores if not one.partial}


@settings(max_examples=80, deadline=None)
@given(fragments(), LOTS)
def test_any_order_any_repetition_and_any_windows_give_the_same_bytes(
    made: list[CallFragment], lots: random.Random
) -> None:
    straight, scores = walked(items_of(made), random.Random(0))
    again = [*made, *(one for one in made if lots.random() < 0.4)]
    partial = [
        CallFragment(
            call_id=one.call_id, seq=one.seq, tenant=one.tenant, text="so far", partial=True
        )
        for one in made
        if lots.random() < 0.3
    ]
    mixed = [*again, *partial]
    lots.shuffle(mixed)
    shuffled, other_scores = walked(items_of(mixed), lots)
    assert states(shuffled) == states(straight)
    assert last_probabilities(other_scores) == last_probabilities(scores)
    assert sum(not one.duplicate and not one.partial for one in other_scores) == len(made)


@settings(max_examples=40, deadline=None)
@given(fragments(), LOTS)
def test_windows_that_were_aborted_leave_nothing_and_run_again_as_if_for_the_first_time(
    made: list[CallFragment], lots: random.Random
) -> None:
    made = [*made, *made[::3]]
    lots.shuffle(made)
    items = items_of(made)
    straight, scores = walked(items, random.Random(1))
    table, found = empty_table(), []
    for window in windows_of(items, lots):
        while lots.random() < 0.5:
            before = dict(states(table))
            fold(table, window)
            table.drop()
            assert table.staged() == []
            assert states(table) == before
        found += fold(table, window)
        table.merge({0: len(found)})
    assert states(table) == states(straight)
    assert found == scores


@settings(max_examples=40, deadline=None)
@given(fragments(), LOTS)
def test_a_worker_that_restores_from_the_written_records_goes_on_as_the_first_one_would_have(
    made: list[CallFragment], lots: random.Random
) -> None:
    lots.shuffle(made)
    items = items_of(made)
    straight, scores = walked(items, random.Random(2))
    table, topic, found = empty_table(), [], []
    for window in windows_of(items, lots):
        found += fold(table, window)
        topic += [(record.key, record.value) for record in table.staged()]
        if lots.random() < 0.5:
            table.merge({0: len(found)})
        else:  # killed after its transaction was committed: another worker reads the topic
            table = CallTable(table.ages)
            table.load(0, topic, len(found))
    assert states(table) == states(straight)
    assert found == scores
    assert table.offset(0) == len(items)


@settings(max_examples=40, deadline=None)
@given(fragments(), LOTS)
def test_a_window_writes_one_record_for_each_call_that_it_changed(
    made: list[CallFragment], lots: random.Random
) -> None:
    lots.shuffle(made)
    table = empty_table()
    for window in windows_of(items_of([*made, *made]), lots):
        scores = fold(table, window)
        changed = {(one.tenant, one.call_id) for one in scores if not one.duplicate}
        assert len({record.key for record in table.staged()}) == len(table.staged())
        assert len(table.staged()) == len(changed)
        table.merge({})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=8), st.integers(0, 2**32))
def test_sums_are_exact_beyond_32_bits(sides: list[int], seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-(2**33), 2**33, (len(sides), 8))
    table, key = empty_table(), next(iter(MODELS._live.values())).encoder.key
    for seq, (side, row) in enumerate(zip(sides, rows, strict=True)):
        said = CallFragment(
            call_id="c", seq=seq, text="x", speaker=("customer", "agent")[side], tenant="default"
        )
        one = item(said, seq)
        one.row, one.row_key = row, key
        fold_window([one], table, MODELS, PROFILES, 0)
        table.merge({0: seq + 1})
    state = table.find(0, b"default/c")
    assert state is not None
    for side, kept in enumerate((state.customer, state.agent)):
        mine = [place for place, one in enumerate(sides) if one == side]
        total = np.frombuffer(kept.total, "<i4" if len(kept.total) == 32 else "<i8")
        assert total.tolist() == (rows[mine].sum(axis=0).tolist() if mine else [])
