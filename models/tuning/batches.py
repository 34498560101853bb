"""Decides which rows go through the encoder together: an epoch's batches, and a batch's runs of little padding.

The same seed, epoch and rows give the same batches, so that a resumed training goes on where it was. NumPy alone.
"""

from collections.abc import Sequence

import numpy as np

from models.tuning.task import BoolArray, IntArray


def group_rows(known: BoolArray) -> list[IntArray]:
    """Part the rows by heads that never share a row, directly or through other heads.

    Args:
        known: bool [N, heads], each row with at least one True.

    Returns:
        Places of the rows by group, rising. One group where some row links all heads.
    """
    groups = list(range(known.shape[1]))  # head -> its group
    patterns = {tuple(np.flatnonzero(row).tolist()) for row in known}
    for pattern in sorted(patterns):
        joined = {groups[head] for head in pattern}
        groups = [min(joined) if group in joined else group for group in groups]
    own = np.array(groups, np.int64)[known.argmax(axis=1)]  # [N]
    return [np.flatnonzero(own == group) for group in sorted(set(groups)) if (own == group).any()]


def plan_epoch(
    groups: Sequence[IntArray], batch_rows: int, seed: int, epoch: int
) -> list[IntArray]:
    """The batches of one epoch, in order.

    Every batch has rows of every group, so that no head waits. A group's share grows with the square root of its
    size: a small one is seen more often, a large one is passed in more than an epoch. One group is simply shuffled.

    Source: Raffel et al. 2020, section 3.5.2, examples-proportional mixing with a temperature of 2.
    """
    draw = np.random.default_rng([seed, epoch])
    total = sum(len(group) for group in groups)
    count = max(1, round(total / batch_rows))
    roots = np.sqrt([len(group) for group in groups])
    shares = np.maximum(count, np.rint(total * roots / roots.sum())).astype(int)
    parts = [
        np.array_split(_draw(group, total if len(groups) == 1 else share, draw), count)
        for group, share in zip(groups, shares, strict=True)
    ]
    return [np.concatenate(batch) for batch in zip(*parts, strict=True)]


def _draw(group: IntArray, count: int, draw: np.random.Generator) -> IntArray:
    """Rows of a group in random order; all of them before any comes again."""
    rounds = -(-count // len(group))
    return np.concatenate([draw.permutation(group) for _ in range(rounds)])[:count]


def cut_runs(lengths: Sequence[int], budget_tokens: int) -> list[list[int]]:
    """Places of a batch's rows by run, longest first; rows x longest row stays in the budget, one row always fits."""
    runs: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        last = runs[-1] if runs else []
        if last and (len(last) + 1) * lengths[last[0]] <= budget_tokens:
            last.append(place)
        else:
            runs.append([place])
    return runs
