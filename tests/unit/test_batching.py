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


@given(LENGTHS, BUDGETS)
def test_a_batch_is_closed_only_when_its_next_row_would_not_fit(
    lengths: list[int], budget: int
) -> None:
    batches = cut_batches(lengths, budget)
    for batch in batches[:-1]:
        longest = max(lengths[place] for place in batch)
        assert (len(batch) + 1) * longest > budget


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
