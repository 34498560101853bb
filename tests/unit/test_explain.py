"""What a probability rests on: each part's effect is what the model says with it, less what it says without."""

from dataclasses import replace

import pytest

from models.churn.vectors import CallSums
from stream.calls.explain import explain, sums_of
from stream.records import CallFragment
from tests.churn_fakes import (
    FakeChurnBundle,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

BUNDLE = FakeChurnBundle()
MODEL = BUNDLE.churn
ANNA = {"months": 40.0, "plan": "gold", "unlisted": 7.0}
NOBODY = CallSums.empty(16).customer
SUMS = CallSums(BUNDLE.row("I am leaving") * 3, BUNDLE.row("please stay"), 3, 1)


def said(features, sums: CallSums = SUMS) -> float:
    return float(MODEL.probabilities(MODEL.space.vectors([(features, sums)]))[0])


def test_an_effect_is_the_probability_with_a_part_less_the_one_without_it() -> None:
    found = explain(MODEL, ANNA, SUMS)
    assert found.probability == said(ANNA)
    changes = {one.name: one.change for one in (*found.features, *found.parts)}
    assert changes == pytest.approx(
        {
            "months": said(ANNA) - said({**ANNA, "months": None}),
            "plan": said(ANNA) - said({**ANNA, "plan": None}),
            "customer": said(ANNA) - said(ANNA, replace(SUMS, customer=NOBODY, customer_count=0)),
            "agent": said(ANNA) - said(ANNA, replace(SUMS, agent=NOBODY, agent_count=0)),
            "profile": said(ANNA) - said(None),
        }
    )
    assert all(changes.values())


def test_the_strongest_come_first_with_their_values() -> None:
    found = explain(MODEL, ANNA, SUMS)
    for effects in (found.features, found.parts):
        strengths = [abs(one.change) for one in effects]
        assert strengths == sorted(strengths, reverse=True)
    assert {one.name: one.value for one in found.features} == {"months": 40.0, "plan": "gold"}


def test_what_is_unknown_or_unsaid_has_no_effect_to_tell() -> None:
    found = explain(MODEL, {"months": 40.0, "plan": None}, CallSums(SUMS.customer, NOBODY, 3, 0))
    assert [one.name for one in found.features] == ["months"]
    assert {one.name for one in found.parts} == {"customer", "profile"}
    nothing = explain(MODEL, None, CallSums.empty(16))
    assert (nothing.features, nothing.parts) == ((), ())
    assert nothing.probability == said(None, CallSums.empty(16))


def test_a_calls_state_says_what_was_said_in_it() -> None:
    from stream.calls.fold import fold_window  # noqa: PLC0415

    table, models = empty_table(), FakeChurnModels({"default": BUNDLE})
    fragments = [
        CallFragment(call_id="c", seq=seq, speaker=who, text=words)
        for seq, (who, words) in enumerate((("customer", "I am leaving"), ("agent", "please stay")))
    ]
    items = with_rows([item(one, at) for at, one in enumerate(fragments)], table, models)
    scores = fold_window(items, table, models, FakeProfiles(), 0)
    state = table.find(0, b"default/c")
    assert state is not None
    assert explain(MODEL, None, sums_of(state)).probability == scores[-1].probability  # pyright: ignore
