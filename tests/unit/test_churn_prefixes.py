"""Beginnings of calls: what is learned from is, bit for bit, what the live fold would serve."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.features_file import FeatureLists
from models.churn.prefixes import SpokenCall, make_prefixes, prefix_lengths
from models.churn.sums import pack, to_fixed, unpack
from models.churn.vectors import CallSums, FeatureSpace

SIZE = 5
PROFILE: dict[str, Any] = {"tenure": 2.0, "plan": "year"}
SPACE = FeatureSpace.fit(
    FeatureLists(("tenure",), ("plan",), ("customer", "agent")), [PROFILE] * 5, SIZE
)


def spoken(fragments: int, seed: int = 0, features: dict[str, Any] | None = PROFILE) -> SpokenCall:
    random = np.random.default_rng(seed)
    words = random.normal(size=(fragments, SIZE)).astype(np.float32)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    return SpokenCall(to_fixed(words).astype(np.int32), random.random(fragments) < 0.5, features)


@pytest.mark.parametrize(
    ("fragments", "lengths"),
    [
        (0, [0]),
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (3, [0, 1, 2, 3]),
        (8, [0, 1, 2, 4, 8]),
        (9, [0, 1, 2, 4, 8, 9]),
    ],
)
def test_a_call_is_looked_at_when_it_begins_as_it_doubles_and_at_its_end(
    fragments: int, lengths: list[int]
) -> None:
    assert prefix_lengths(fragments) == lengths


def fold_online(call: SpokenCall, order: list[int]) -> CallSums:
    """Fragment by fragment in some order, through the bytes of a state each time: as a worker does."""
    state = {True: (pack(np.zeros(SIZE, np.int64)), 0), False: (pack(np.zeros(SIZE, np.int64)), 0)}
    for place in order:
        side = bool(call.is_customer[place])
        data, count = state[side]
        state[side] = pack(unpack(data, SIZE) + call.fixed[place]), count + 1
    (customer, spoke), (agent, answered) = state[True], state[False]
    return CallSums(unpack(customer, SIZE), unpack(agent, SIZE), spoke, answered)


@given(st.integers(0, 40), st.integers(0, 2**16), st.randoms(use_true_random=False))
def test_a_prefix_made_offline_equals_bit_for_bit_the_one_folded_online_in_any_order(
    fragments: int, seed: int, random: Any
) -> None:
    call = spoken(fragments, seed)
    made = make_prefixes(SPACE, [call])
    assert made.fragments.tolist() == prefix_lengths(fragments)
    for vector, heard in zip(made.vectors, made.fragments.tolist(), strict=True):
        order = list(range(heard))
        random.shuffle(order)
        online = SPACE.vector(PROFILE, fold_online(call, order))
        assert vector.tobytes() == online.tobytes()


def test_a_call_counts_once_however_long_it_is() -> None:
    made = make_prefixes(SPACE, [spoken(3), spoken(0), spoken(100)])
    assert made.calls.tolist() == [0] * 4 + [1] + [2] * 9
    for call in range(3):
        assert made.weights[made.calls == call].sum() == pytest.approx(1)
    assert made.is_end.sum() == 3
    assert made.fragments[made.is_end].tolist() == [3, 0, 100]


def test_rows_of_many_calls_are_those_of_each_call_alone() -> None:
    """More rows than are made at once: the borders between must not show."""
    calls = [spoken(number % 9, number) for number in range(1500)]
    made = make_prefixes(SPACE, calls)
    assert len(made.vectors) > 4096
    for number in (0, 7, 900, 1499):
        alone = make_prefixes(SPACE, [calls[number]])
        assert made.vectors[made.calls == number].tobytes() == alone.vectors.tobytes()


def test_some_rows_lose_their_profile_by_seed_and_nothing_else() -> None:
    calls = [spoken(4, number) for number in range(200)]
    whole, masked = make_prefixes(SPACE, calls), make_prefixes(SPACE, calls, 0.25, seed=3)
    known = SPACE.columns.index("profile_known")
    assert (whole.vectors[:, known] == 1).all()
    assert not whole.is_masked.any()
    assert 0.2 < masked.is_masked.mean() < 0.3
    assert (masked.vectors[:, known] == ~masked.is_masked).all()
    words = SPACE.parts()["customer"]
    np.testing.assert_array_equal(whole.vectors[:, words], masked.vectors[:, words])
    blind = make_prefixes(SPACE, [SpokenCall(one.fixed, one.is_customer, None) for one in calls])
    row = np.flatnonzero(masked.is_masked)[0]
    assert masked.vectors[row].tobytes() == blind.vectors[row].tobytes()
    again, other = (make_prefixes(SPACE, calls, 0.25, seed=seed) for seed in (3, 4))
    assert again.vectors.tobytes() == masked.vectors.tobytes()
    assert other.vectors.tobytes() != masked.vectors.tobytes()


def test_a_model_that_hears_nobody_has_one_row_a_call() -> None:
    silent = FeatureSpace.fit(FeatureLists(("tenure",)), [PROFILE], 0)
    nothing = SpokenCall(np.zeros((3, 0), np.int64), np.ones(3, np.bool_), PROFILE)
    made = make_prefixes(silent, [nothing, nothing])
    assert made.vectors.tolist() == [[2, 0, 1], [2, 0, 1]]
    assert made.weights.tolist() == [1, 1]
    assert made.is_end.all()


def test_no_calls_give_no_rows() -> None:
    made = make_prefixes(SPACE, [])
    assert made.vectors.shape == (0, len(SPACE.columns))
    assert made.weights.shape == (0,)
