import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.tuning.batches import cut_runs, group_rows, plan_epoch


def test_heads_that_share_rows_are_one_group_and_the_others_stand_alone() -> None:
    a, b, c = np.eye(3, dtype=bool)
    known = np.stack([a, b, c, a | b, b, c])
    groups = group_rows(known)
    assert [group.tolist() for group in groups] == [[0, 1, 3, 4], [2, 5]]
    assert [group.tolist() for group in group_rows(known | c)] == [[0, 1, 2, 3, 4, 5]]


def test_an_epoch_of_one_group_shows_every_row_once() -> None:
    batches = plan_epoch([np.arange(130)], 64, seed=0, epoch=0)
    assert [len(batch) for batch in batches] == [65, 65]
    assert sorted(np.concatenate(batches).tolist()) == list(range(130))


def test_every_batch_has_rows_of_every_group_and_a_small_group_is_seen_more_often() -> None:
    large, small = np.arange(900), np.arange(900, 1000)
    batches = plan_epoch([large, small], 50, seed=0, epoch=0)
    assert len(batches) == 20
    shares = [int((batch >= 900).sum()) for batch in batches]
    assert max(shares) - min(shares) <= 1
    assert sum(shares) == 250, "a square root of 1:9 is 1:3"
    seen = np.concatenate(batches)
    assert set(seen[seen >= 900].tolist()) == set(small.tolist())


def test_epochs_differ_and_equal_seeds_do_not() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(plan_epoch([np.arange(100)], 10, seed, epoch)).tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1) != order(1, 1)


@given(st.lists(st.integers(1, 256), max_size=80), st.integers(1, 512))
def test_runs_lose_no_row_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    runs = cut_runs(lengths, budget)
    assert sorted(place for run in runs for place in run) == list(range(len(lengths)))
    for run in runs:
        assert len(run) == 1 or len(run) * max(lengths[place] for place in run) <= budget
