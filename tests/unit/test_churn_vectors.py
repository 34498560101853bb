"""The numbers that a churn model reads: the same for training and serving, whatever a profile holds."""

import math
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.features_file import FeatureLists
from models.churn.sums import SCALE
from models.churn.vectors import MAX_CATEGORIES, CallSums, FeatureSpace
from models.rows.errors import DatasetError

LISTS = FeatureLists(("tenure", "charges"), ("plan", "area"), ("customer", "agent"))
PROFILES: list[dict[str, Any] | None] = [
    *([{"tenure": 2.0, "charges": 10.0, "plan": "year", "area": 415.0}] * 5),
    *([{"tenure": 4.0, "charges": None, "plan": "month", "area": 408.0}] * 5),
    {"tenure": None, "plan": "rare"},
    None,
]
SPACE = FeatureSpace.fit(LISTS, PROFILES, size=3)
QUIET = CallSums.empty(3)


def named(vector: np.ndarray) -> dict[str, float]:
    return dict(zip(SPACE.columns, vector.tolist(), strict=True))


def heard(customer: list[int], agent: list[int], counts: tuple[int, int]) -> CallSums:
    return CallSums(np.array(customer, np.int64), np.array(agent, np.int64), *counts)


def test_columns_stand_in_the_order_of_the_contract() -> None:
    assert SPACE.columns == (
        *("tenure", "charges", "tenure:missing", "charges:missing"),
        *("area=408", "area=415", "plan=month", "plan=year", "profile_known"),
        *("customer:0", "customer:1", "customer:2", "customer:fragments"),
        *("agent:0", "agent:1", "agent:2", "agent:fragments"),
    )
    assert SPACE.parts() == {
        "profile": slice(0, 9),
        "customer": slice(9, 13),
        "agent": slice(13, 17),
    }


def test_a_known_profile_stands_as_it_is() -> None:
    row = named(SPACE.vector({"tenure": 7, "charges": 1.5, "plan": "year", "area": 408}, QUIET))
    assert (row["tenure"], row["charges"], row["tenure:missing"], row["charges:missing"]) == (
        *(7.0, 1.5),
        *(0.0, 0.0),
    )
    assert (row["plan=year"], row["plan=month"], row["area=408"], row["profile_known"]) == (
        *(1.0, 0.0),
        *(1.0, 1.0),
    )


def test_what_is_unknown_becomes_the_training_mean_and_is_marked() -> None:
    row = named(SPACE.vector({"tenure": None}, QUIET))
    assert (row["tenure"], row["tenure:missing"]) == (3.0, 1.0)
    assert (row["charges"], row["charges:missing"]) == (10.0, 1.0)
    assert row["profile_known"] == 1.0


def test_an_unknown_profile_is_told_from_an_empty_one() -> None:
    unknown, empty = SPACE.vector(None, QUIET), SPACE.vector({}, QUIET)
    [place] = np.flatnonzero(unknown != empty)
    assert SPACE.columns[place] == "profile_known"
    assert (unknown[place], empty[place]) == (0.0, 1.0)


def test_a_category_that_few_profiles_had_has_no_column_and_new_ones_count_as_none() -> None:
    assert "plan=rare" not in SPACE.columns
    row = named(SPACE.vector({"plan": "rare", "area": "new"}, QUIET))
    assert not any(value for name, value in row.items() if "=" in name)


@pytest.mark.parametrize("written", [415, 415.0, "415", " 415 "])
def test_a_category_is_one_whether_written_as_number_or_as_text(written: float | str) -> None:
    assert named(SPACE.vector({"area": written}, QUIET))["area=415"] == 1.0


def test_words_become_the_mean_of_each_side_and_how_much_was_said() -> None:
    call = heard([2 * SCALE, 0, -SCALE], [SCALE, SCALE, 0], (2, 1))
    row = named(SPACE.vector(None, call))
    assert [row[f"customer:{place}"] for place in range(3)] == [1.0, 0.0, -0.5]
    assert [row[f"agent:{place}"] for place in range(3)] == [1.0, 1.0, 0.0]
    assert row["customer:fragments"] == pytest.approx(math.log(3))
    assert row["agent:fragments"] == pytest.approx(math.log(2))


WRONG: list[Any] = ["12", "", True, [1], {"a": 1}, math.nan, math.inf, -math.inf, 10**400, 1e39]


@pytest.mark.parametrize("value", WRONG)
def test_a_number_of_the_wrong_type_counts_as_unknown_and_is_told_by_name(value: Any) -> None:
    wrong, unknown = {"tenure": value}, {"tenure": None}
    np.testing.assert_array_equal(SPACE.vector(wrong, QUIET), SPACE.vector(unknown, QUIET))
    assert SPACE.problems(wrong) == ("tenure",)


def test_what_is_missing_or_new_is_no_problem() -> None:
    assert SPACE.problems({"tenure": None, "plan": "never seen", "area": 5, "other": [1]}) == ()
    assert SPACE.problems({}) == ()
    odd: Any = {"plan": [1], "area": False}
    assert SPACE.problems(odd) == ("area", "plan")


values = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=4), st.booleans())
profiles = st.none() | st.dictionaries(st.sampled_from(["tenure", "charges", "plan", "x"]), values)
sums = st.lists(st.integers(-(2**40), 2**40), min_size=3, max_size=3)
calls = st.builds(heard, sums, sums, st.tuples(st.integers(0, 2000), st.integers(0, 2000)))


@given(st.lists(st.tuples(profiles, calls), max_size=4))
def test_whatever_a_profile_holds_a_row_is_finite_and_does_not_depend_on_its_batch(
    rows: list[tuple[Any, CallSums]],
) -> None:
    together = SPACE.vectors(rows)
    assert together.shape == (len(rows), len(SPACE.columns))
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    for row, (features, call) in zip(together, rows, strict=True):
        assert row.tobytes() == SPACE.vector(features, call).tobytes()


def test_a_manifest_keeps_the_columns_and_every_bit_of_a_row() -> None:
    """Manifests sort the keys of their objects: the columns must not follow the order of a dictionary."""
    lists = FeatureLists(LISTS.numerical, ("plan", "area"), LISTS.textual)
    profiles = [None if one is None else {**one, "tenure": 1 / 3} for one in PROFILES]
    space = FeatureSpace.fit(lists, profiles, size=3)
    stored = orjson.dumps(msgspec.to_builtins(space), option=orjson.OPT_SORT_KEYS)
    read = msgspec.convert(orjson.loads(stored), FeatureSpace)
    assert read.columns == space.columns
    row = {"plan": "year", "area": 408.0}
    assert read.vector(row, QUIET).tobytes() == space.vector(row, QUIET).tobytes()


def test_without_textual_features_nobody_is_heard_and_without_a_profile_nothing_is_known() -> None:
    silent = FeatureSpace.fit(FeatureLists(numerical=("tenure",)), PROFILES, size=3)
    assert silent.columns == ("tenure", "tenure:missing", "profile_known")
    blind = FeatureSpace.fit(FeatureLists(textual=("agent",)), [], size=3)
    assert blind.columns == ("agent:0", "agent:1", "agent:2", "agent:fragments")
    assert blind.parts() == {"agent": slice(0, 4)}
    call = heard([SCALE] * 3, [0, 0, SCALE], (1, 1))
    assert blind.vector({"tenure": 1.0}, call).tolist() == pytest.approx([0, 0, 1, math.log(2)])


def test_a_feature_of_which_the_profiles_say_nothing_is_refused_by_name() -> None:
    with pytest.raises(DatasetError, match=r"'tenur' has no number .* did you mean 'tenure'"):
        FeatureSpace.fit(FeatureLists(numerical=("tenur",)), PROFILES, size=3)
    with pytest.raises(DatasetError, match=r"'plan' has no number .* take it out"):
        FeatureSpace.fit(FeatureLists(numerical=("plan",)), PROFILES, size=3)
    few = [{"plan": str(number)} for number in range(20)]
    with pytest.raises(DatasetError, match=r"'plan' has no value that 5 profiles share"):
        FeatureSpace.fit(FeatureLists(categorical=("plan",)), few, size=3)


def test_of_thousands_of_categories_the_most_frequent_have_a_column() -> None:
    often, rare = [f"town {n}" for n in range(MAX_CATEGORIES)], [f"a {n}" for n in range(3_000)]
    profiles = [{"town": town} for town in (*often * 6, *rare * 5)]
    space = FeatureSpace.fit(FeatureLists(categorical=("town",)), profiles, size=0)
    assert space.categorical["town"] == tuple(sorted(often))
