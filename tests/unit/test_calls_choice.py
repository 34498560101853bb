"""Which bundle scores a call, and whether what was said goes with it."""

from collections.abc import Sequence

import numpy as np
import pytest

from stream.calls.choice import choose, sums_key
from stream.calls.fold import fold_window
from stream.calls.state import CallState
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

OLD = FakeChurnBundle(version="1")


def begun_with(bundle: FakeChurnBundle) -> CallState:
    return folded([bundle], ["my card is gone"])[0]


def folded(
    bundles: Sequence[FakeChurnBundle], texts: Sequence[str], kept: Sequence[FakeChurnBundle] = ()
) -> tuple[CallState, list[ChurnScore]]:
    """A call whose fragments come while one bundle after the other is live, each in a window of its own."""
    table, found = empty_table(), []
    for seq, (bundle, text) in enumerate(zip(bundles, texts, strict=True)):
        models = FakeChurnModels({"default": bundle}, kept)
        made = [item(CallFragment(call_id="c", seq=seq, text=text))]
        found += fold_window(with_rows(made, table, models), table, models, FakeProfiles(), 0)
        table.merge({0: seq + 1})
    state = table.find(0, b"default/c")
    assert state is not None
    return state, found


def test_a_call_begins_with_the_live_bundle_or_with_none() -> None:
    models = FakeChurnModels({"telvia": OLD})
    choice = choose(None, "telvia", models)
    assert choice is not None
    assert (choice.bundle, choice.carries) == (OLD, False)
    assert choose(None, "other", models) is None


def test_a_call_stays_with_its_bundle_while_that_may_go_on() -> None:
    new = FakeChurnBundle(version="2", encoder_key="other", churn=FakeChurnModel(seed=1))
    state, scores = folded([OLD, new, new], ["a", "b", "c"], kept=[OLD])
    assert [one.model.version for one in scores] == ["1", "1", "1"]
    assert (state.version, state.customer.fragments) == ("1", 3)


def test_a_call_whose_bundle_was_rolled_back_goes_on_with_the_live_one_and_its_sums() -> None:
    new = FakeChurnBundle(version="2", churn=FakeChurnModel(seed=1))
    state, scores = folded([OLD, new], ["a", "b"])
    assert [one.model.version for one in scores] == ["1", "2"]
    assert (state.version, state.customer.fragments) == ("2", 2)
    straight, _ = folded([new, new], ["a", "b"])
    assert state == straight


@pytest.mark.parametrize(
    "new",
    [
        FakeChurnBundle(version="2", encoder_key="another"),
        FakeChurnBundle(version="2", churn=FakeChurnModel(16, np.eye(16, dtype=np.float32))),
        FakeChurnBundle(version="2", churn=FakeChurnModel(8, np.ones((16, 8), np.float32))),
    ],
    ids=["other encoder", "other projection", "other length"],
)
def test_sums_that_mean_something_else_begin_anew_and_seen_fragments_stay_seen(
    new: FakeChurnBundle,
) -> None:
    choice = choose(begun_with(OLD), "default", FakeChurnModels({"default": new}))
    assert choice is not None
    assert (choice.bundle, choice.carries) == (new, False)
    state, (_, score) = folded([OLD, new], ["a", "b"])
    assert (state.customer.fragments, state.seen, score.fragments) == (1, (0, 2), 2)
    assert state.size == new.churn.space.size
    assert score.previous is not None


def test_nobody_live_and_the_own_bundle_gone_is_no_model() -> None:
    state = begun_with(OLD)
    assert choose(state, "default", FakeChurnModels({})) is None
    choice = choose(state, "default", FakeChurnModels({}, [OLD]))
    assert choice is not None
    assert (choice.bundle, choice.carries) == (OLD, True)


def test_the_key_of_sums_names_encoder_and_projection() -> None:
    eye, ones = np.eye(16, dtype=np.float32), np.ones((16, 16), np.float32)
    bundles = [
        FakeChurnBundle(),
        FakeChurnBundle(encoder_key="other"),
        *(FakeChurnBundle(churn=FakeChurnModel(16, matrix)) for matrix in (eye, ones)),
    ]
    assert len({sums_key(bundle) for bundle in bundles}) == 4
    assert sums_key(bundles[2]) == sums_key(FakeChurnBundle(churn=FakeChurnModel(16, eye.copy())))
