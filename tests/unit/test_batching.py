import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.batching import cut_batches, device_limits

LENGTHS = st.lists(st.integers(1, 600), max_size=80)
BUDGETS = st.integers(1, 2_000)


@given(LENGTHS, BUDGETS)
def test_every_place_of_a_window_appears_exactly_once(lengths: list[int], budget: int) -> None:
    places = [place for batch in cut_batches(lengths, budget) for place in batch]
    assert sorted(places) == list(range(len(lengths)))


@given(LENGTHS, BUDGETS)
def test_a_batch_keeps_its_limit_and_one_record_always_fits(
    lengths: list[int], budget: int
) -> None:
    for batch in cut_batches(lengths, budget):
        padded_tokens = len(batch) * max(lengths[place] for place in batch)
        assert padded_tokens <= budget or len(batch) == 1


@given(LENGTHS, BUDGETS)
def test_batches_run_longest_texts_first_and_equal_ones_in_window_order(
    lengths: list[int], budget: int
) -> None:
    places = [place for batch in cut_batches(lengths, budget) for place in batch]
    assert places == sorted(places, key=lambda place: (-lengths[place], place))


@given(st.lists(st.integers(1, 30), max_size=9), st.integers(1, 100), st.integers(0, 20))
def test_no_other_cut_of_the_sorted_window_costs_less(
    lengths: list[int], budget: int, run_tokens: int
) -> None:
    def cost(batches: list[list[int]]) -> int:
        return sum(run_tokens + len(batch) * max(batch) for batch in batches)

    ordered = sorted(lengths, reverse=True)
    found = [
        [lengths[place] for place in batch] for batch in cut_batches(lengths, budget, run_tokens)
    ]
    borders = range(1, len(ordered))
    cuts = (
        [ordered[a:b] for a, b in itertools.pairwise([0, *chosen, len(ordered)])]
        for count in range(len(ordered))
        for chosen in itertools.combinations(borders, count)
    )
    allowed = [cut for cut in cuts if all(len(b) == 1 or len(b) * b[0] <= budget for b in cut)]
    assert cost(found) == min(map(cost, allowed), default=0)


@pytest.mark.parametrize("window", [64, 128, 256])
def test_short_texts_of_mixed_lengths_waste_little_padding(window: int) -> None:
    draw = random.Random(5)
    lengths = [int(draw.lognormvariate(2.6, 0.5)) + 3 for _ in range(window)]
    batches = cut_batches(lengths, 256)
    padded = sum(len(batch) * max(lengths[place] for place in batch) for batch in batches)
    assert sum(lengths) / padded >= 0.95
    assert len(batches) <= window // 2


def test_no_texts_are_no_batches() -> None:
    assert cut_batches([], 512) == []


def test_a_text_longer_than_the_limit_runs_alone_beside_full_batches() -> None:
    assert cut_batches([10, 900, 10], 20) == [[1], [0, 2]]


@pytest.mark.parametrize(
    ("provider", "tokens", "threads"),
    [("cpu", 256, 3), ("cuda", 16_384, 1), ("tensorrt", 16_384, 1)],
)
def test_a_cpu_gets_short_runs_on_every_core_and_a_gpu_one_large_run(
    provider: str, tokens: int, threads: int
) -> None:
    limits = device_limits(provider, 3)
    assert (limits.max_batch_tokens, limits.threads) == (tokens, threads)
