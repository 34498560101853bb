"""Stories of calls: what each fragment's score says, and what stays of it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from models.churn.vectors import CallSums, FeatureSpace
from stream.calls.fold import fold_window, rows_needed
from stream.calls.intervals import MOST_INTERVALS
from stream.calls.table import CallTable
from stream.errors import PoisonRecordError
from stream.records import CallFragment, ChurnScore
from tests.churn_fakes import (
    HOUR_MS,
    FakeChurnBundle,
    FakeChurnModel,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

BUNDLE = FakeChurnBundle()
MODELS = FakeChurnModels({"default": BUNDLE})
ANNA = {"months": 40.0, "plan": "gold"}
PROFILES = FakeProfiles({("default", "anna"): ANNA})
KEY = b"default/c"


def said(seq: int, text: str | None = "my card is gone", **more) -> CallFragment:
    return CallFragment(**{"call_id": "c", "seq": seq, "text": text, "customer_id": "anna"} | more)


def fold(
    table: CallTable,
    made: Sequence[CallFragment],
    models: FakeChurnModels = MODELS,
    profiles: FakeProfiles = PROFILES,
    at_ms: int = 0,
) -> list[ChurnScore]:
    """One window, committed."""
    items = [item(one, offset, at_ms) for offset, one in enumerate(made)]
    found = fold_window(with_rows(items, table, models), table, models, profiles, 1_000)
    table.merge({0: 1})
    return found


def expected(texts: Sequence[str], agent: Sequence[str] = (), profile=ANNA) -> float:
    """The probability of a call, from its transcript."""

    def total(parts: Sequence[str]):
        return sum((BUNDLE.row(text) for text in parts), np.zeros(16, np.int64))

    sums = CallSums(total(texts), total(agent), len(texts), len(agent))
    return float(BUNDLE.churn.probabilities(BUNDLE.churn.space.vectors([(profile, sums)]))[0])


def test_every_fragment_of_a_window_has_the_probability_of_the_call_up_to_it() -> None:
    one, two, three = fold(
        empty_table(), [said(0), said(1, "hello", speaker="agent"), said(2, "cancel", speaker=None)]
    )
    assert one.probability == expected(["my card is gone"])
    assert two.probability == expected(["my card is gone"], ["hello"])
    assert three.probability == expected(["my card is gone", "cancel"], ["hello"])
    assert [found.fragments for found in (one, two, three)] == [1, 2, 3]


def test_the_first_contribution_is_what_was_said_beside_the_profile_and_then_it_adds_up() -> None:
    table = empty_table()
    one, two = fold(table, [said(0), said(1, "cancel")])
    (three,) = fold(table, [said(2, "now")])
    assert one.previous is None
    assert one.contribution == pytest.approx(one.probability - expected([]))
    assert (two.previous, three.previous) == (one.probability, two.probability)
    moves = one.contribution + two.contribution + three.contribution
    assert moves == pytest.approx(three.probability - expected([]))


def test_the_model_runs_once_for_a_window_of_many_calls() -> None:
    bundle = FakeChurnBundle()
    made = [said(seq, call_id=f"c{call}") for call in range(10) for seq in range(3)]
    fold(empty_table(), made, FakeChurnModels({"default": bundle}))
    assert bundle.churn.runs == [30 + 10]  # and one of the profile alone for each first fragment


def test_a_duplicate_says_so_moves_nothing_and_writes_nothing() -> None:
    table = empty_table()
    (first, _) = fold(table, [said(0), said(1, "cancel")])
    before = table.find(0, KEY)
    items = with_rows([item(said(0, customer_id="bert"), 9, at_ms=5)], table, MODELS)
    assert items[0].row is None  # not even embedded
    (again,) = fold_window(items, table, MODELS, PROFILES, 0)
    assert (again.duplicate, again.contribution) == (True, 0.0)
    assert again.probability == again.previous == expected(["my card is gone", "cancel"])
    assert again.customer_id == first.customer_id
    assert table.staged() == []
    assert table.find(0, KEY) == before


def test_a_partial_segment_is_scored_on_top_and_its_final_form_counts_once() -> None:
    table = empty_table()
    early, later, whole = fold(
        table, [said(0, "my card", partial=True), said(0, "my card is", partial=True), said(0)]
    )
    assert early.probability == expected(["my card"])
    assert later.probability == expected(["my card is"])
    assert early.previous is later.previous is whole.previous is None
    assert (early.partial, early.duplicate, early.fragments) == (True, False, 0)
    assert whole.probability == expected(["my card is gone"])
    (late,) = fold(table, [said(0, "my", partial=True)])
    assert (late.duplicate, late.contribution) == (True, 0.0)
    assert late.probability == whole.probability


def test_a_partial_segment_of_the_agent_is_the_agents() -> None:
    _, partial = fold(empty_table(), [said(0), said(1, "sorry", speaker="agent", partial=True)])
    assert partial.probability == expected(["my card is gone"], ["sorry"])


def test_a_call_of_partial_segments_alone_leaves_nothing() -> None:
    table = empty_table()
    fold(table, [said(0, partial=True), said(3, partial=True, event="completed")])
    assert table.find(0, KEY) is None


def test_events_without_words_begin_and_end_a_call() -> None:
    table = empty_table()
    started, spoken, completed = fold(
        table, [said(0, None, event="started"), said(1), said(2, None, event="completed")]
    )
    assert started.probability == expected([])
    assert started.contribution == 0
    assert spoken.probability == completed.probability == expected(["my card is gone"])
    assert [one.final for one in (started, spoken, completed)] == [False, False, True]
    state = table.find(0, KEY)
    assert state is not None
    assert (state.life.ended, state.customer.fragments, state.customer.characters) == (
        "completed",
        1,
        15,
    )


@pytest.mark.parametrize("event", ["completed", "failed"])
def test_a_late_fragment_of_an_ended_call_counts_once_and_does_not_resurrect_it(event: str) -> None:
    table = empty_table()
    fold(table, [said(0), said(9, None, event=event)])
    late, again = fold(table, [said(4, "cancel"), said(4, "cancel")], at_ms=HOUR_MS)
    assert late.probability == expected(["my card is gone", "cancel"])
    assert (late.final, late.duplicate, again.final, again.duplicate) == (True, False, True, True)
    state = table.find(0, KEY)
    assert state is not None
    assert (state.life.ended, state.life.ended_ms, state.life.last_ms) == (event, 0, HOUR_MS)


def test_blank_words_count_as_a_fragment_but_not_as_words() -> None:
    (blank,) = fold(empty_table(), [said(0, " \n")])
    assert (blank.probability, blank.fragments) == (expected([]), 1)


def test_calls_with_one_id_from_two_tenants_are_two_calls() -> None:
    table = empty_table()
    mine, theirs = fold(table, [said(0), said(0, "cancel", tenant="other")])
    assert not mine.duplicate
    assert not theirs.duplicate
    assert theirs.probability == expected(["cancel"], profile=None)
    assert not theirs.profile_known  # the profile of another tenant's anna is none of theirs
    assert [record.key for record in table.staged()] == []
    assert table.find(0, KEY) != table.find(0, b"other/c")


def test_a_customer_who_is_named_later_is_known_from_then_on() -> None:
    table = empty_table()
    nobody, anna, still = fold(
        table,
        [said(0, customer_id=None), said(1, "cancel"), said(2, "now", customer_id=None)],
    )
    assert (nobody.customer_id, nobody.profile_known) == (None, False)
    assert nobody.probability == expected(["my card is gone"], profile=None)
    assert (anna.customer_id, anna.profile_known) == ("anna", True)
    assert anna.probability == expected(["my card is gone", "cancel"])
    assert (still.customer_id, still.profile_known) == ("anna", True)


def test_a_duplicate_that_names_a_customer_names_nobody() -> None:
    table = empty_table()
    fold(table, [said(3, customer_id=None)])
    again, partial = fold(table, [said(3), said(4, partial=True)])
    assert (again.customer_id, again.profile_known) == (None, False)
    assert (partial.customer_id, partial.profile_known) == ("anna", True)
    state = table.find(0, KEY)
    assert state is not None
    assert state.customer_id is None


def test_where_two_customers_are_named_the_earlier_word_counts_however_late_it_comes() -> None:
    table = empty_table()
    first, second = fold(table, [said(5, customer_id="bert"), said(7, customer_id="anna")])
    assert (first.customer_id, second.customer_id) == ("bert", "bert")
    (late,) = fold(table, [said(2, customer_id="anna")])
    assert (late.customer_id, late.profile_known) == ("anna", True)


def test_a_profile_takes_effect_from_the_next_fragment_on() -> None:
    table, profiles = empty_table(), FakeProfiles()
    (before,) = fold(table, [said(0)], profiles=profiles)
    profiles.known["default", "anna"] = ANNA
    after, again = fold(table, [said(1, "cancel"), said(0)], profiles=profiles)
    assert (before.profile_known, after.profile_known) == (False, True)
    assert after.probability == again.probability == expected(["my card is gone", "cancel"])
    assert after.contribution == after.probability - before.probability


def test_a_duplicate_shows_the_new_profile_and_claims_no_part_in_it() -> None:
    table, profiles = empty_table(), FakeProfiles()
    (first,) = fold(table, [said(0)], profiles=profiles)
    profiles.known["default", "anna"] = ANNA
    again, more = fold(table, [said(0), said(1, "cancel")], profiles=profiles)
    assert again.probability == expected(["my card is gone"]) != first.probability
    assert (again.previous, again.contribution) == (first.probability, 0.0)
    assert more.previous == first.probability  # a duplicate leaves the state alone


def test_without_a_model_each_fragment_is_a_dead_letter_that_a_replay_counts() -> None:
    table = empty_table()
    nobody = FakeChurnModels({})
    (error,) = fold(table, [said(0)], nobody)
    assert isinstance(error, PoisonRecordError)
    assert (error.stage, error.kind) == ("infer", "no-churn-model")
    assert "train-churn" in error.message
    assert "dead-letters replay" in error.message
    assert table.find(0, KEY) is None
    (replayed,) = fold(table, [said(0)])
    assert not replayed.duplicate


def test_a_producer_that_leaves_gaps_for_ever_cannot_make_a_state_grow_for_ever() -> None:
    table = empty_table()
    found = fold(table, [said(2 * seq, " ") for seq in range(MOST_INTERVALS)])
    assert all(isinstance(one, ChurnScore) for one in found)
    size = table.state_bytes
    told: list[Any] = fold(
        table,
        [
            said(9_999),  # one gap too many
            said(9_999, partial=True),  # remembered by nobody
            said(2),  # again
            said(1),  # fills a gap
            said(9_999),  # so that there is room
            said(10_001),
        ],
    )
    kinds = [getattr(one, "kind", None) for one in told]
    assert kinds == ["too-many-gaps", None, None, None, None, "too-many-gaps"]
    assert "number its fragments 0, 1, 2" in told[0].message
    assert (told[2].duplicate, told[4].fragments) == (True, MOST_INTERVALS + 2)
    assert told[4].probability == expected(["my card is gone"] * 2)
    assert table.state_bytes < size + 200
    many = [said(10**15 * seq, " ", call_id="d") for seq in range(9)]
    fold(table, [*many, *(said(2**52 + 2 * seq, " ", call_id="d") for seq in range(2_000))])
    assert table.state_bytes < 2 * 20_000


def test_a_tenant_without_a_model_does_not_hold_up_the_others() -> None:
    models = FakeChurnModels({"telvia": BUNDLE})
    found = fold(empty_table(), [said(0), said(0, tenant="telvia"), said(1)], models)
    assert [isinstance(one, ChurnScore) for one in found] == [False, True, False]


def test_a_profile_that_breaks_the_model_is_told_and_its_words_are_kept() -> None:
    class Breaks(FakeChurnModel):
        def probabilities(self, vectors):
            found = super().probabilities(vectors)
            found[vectors[:, 0] == 7] = math.nan
            return found

    models = FakeChurnModels({"default": FakeChurnBundle(churn=Breaks())})
    profiles = FakeProfiles({("default", "bad"): {"months": 7.0}})
    table = empty_table()
    bad, good = fold(table, [said(0, customer_id="bad"), said(0, call_id="d")], models, profiles)
    assert isinstance(bad, PoisonRecordError)
    assert (bad.stage, bad.kind) == ("infer", "no-probability")
    assert isinstance(good, ChurnScore)
    profiles.known.clear()
    again, more = fold(table, [said(0), said(1, "cancel")], models, profiles)
    assert (again.duplicate, again.previous) == (True, None)
    assert more.probability == expected(["my card is gone", "cancel"], profile=None)


def test_a_model_of_profiles_alone_needs_no_embedding() -> None:
    space = FeatureSpace(numerical=("months",), means=(20.0,))
    models = FakeChurnModels({"default": FakeChurnBundle(churn=FakeChurnModel(space=space))})
    table = empty_table()
    assert rows_needed([item(said(0))], table, models) == []
    one, two = fold(table, [said(0), said(1)], models)
    assert one.probability == two.probability
    assert (one.contribution, two.fragments) == (0.0, 2)


def test_a_row_of_another_model_is_asked_for_again_before_the_fold() -> None:
    old, new = (
        FakeChurnBundle(version=version, encoder_key=key)
        for version, key in (("1", "a"), ("2", "b"))
    )
    table = empty_table()
    second = item(said(1, "cancel"), 1)
    with_rows([second], table, FakeChurnModels({"default": new}))  # computed before the first ended
    fold(table, [said(0)], FakeChurnModels({"default": old}))
    models = FakeChurnModels({"default": new}, [old])
    assert rows_needed([second], table, models) == [(second, old)]
    with pytest.raises(AssertionError, match="see rows_needed"):
        fold_window([second], table, models, PROFILES, 0)
    with_rows([second], table, models)
    (score,) = fold_window([second], table, models, PROFILES, 0)
    assert score.model.version == "1"
    assert score.probability == expected(["my card is gone", "cancel"])


def test_a_call_that_was_silent_too_long_has_ended_also_where_nobody_swept() -> None:
    table = empty_table()
    fold(table, [said(0)])
    (late,) = fold(table, [said(1, "cancel")], at_ms=3 * HOUR_MS)
    assert late.final
    state = table.find(0, KEY)
    assert state is not None
    assert (state.life.ended, state.life.ended_ms) == ("silent", 2 * HOUR_MS)


def test_after_a_day_an_ended_call_is_forgotten_and_its_id_begins_another_one() -> None:
    made = [
        item(said(1, None, event="completed"), 1, 0),
        item(said(0, "cancel"), 2, 24 * HOUR_MS),
        item(said(0, "cancel"), 3, 24 * HOUR_MS),
    ]
    in_one, one_by_one, alone = empty_table(), empty_table(), []
    for table in (in_one, one_by_one):
        fold(table, [said(0)])
    found = fold_window(with_rows(made, in_one, MODELS), in_one, MODELS, PROFILES, 0)
    for each in made:
        alone += fold_window(with_rows([each], one_by_one, MODELS), one_by_one, MODELS, PROFILES, 0)
        one_by_one.merge({})
    assert found == alone
    assert [one.duplicate for one in found] == [False, False, True]
    assert (found[1].previous, found[1].final) == (None, False)
    in_one.merge({})
    assert in_one.find(0, KEY) == one_by_one.find(0, KEY)


def test_a_state_holds_no_word_of_the_call() -> None:
    table = empty_table()
    fold(table, [said(0, "marked-word"), said(1, "marked-word", speaker="agent")])
    state = table.find(0, KEY)
    assert state is not None
    assert "marked" not in repr(replace(state, call_id="")) + repr(table._held)
