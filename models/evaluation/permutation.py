"""Asks whether two models differ by more than chance: truth and both models' answers in, probabilities out.

A paired permutation test: if the models are equally good, it makes no difference which of them gave which of the two
answers to a row. So the answers are exchanged row by row, by the toss of a coin, again and again, and the difference
that was seen is ranked among those that come out. It holds for any figure and for labels of any number of rows, where a
bootstrap sees no spread at all (a label with one row). NumPy alone.

Source: Yeh, "More accurate tests for the statistical significance of result differences", COLING 2000, on precision,
    recall and F1; the count of the arrangement that was seen: Phipson and Smyth, "Permutation p-values should never be
    zero", Statistical Applications in Genetics and Molecular Biology 9 (2010).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.evaluation.resampling import (
    METRICS,
    Float64Array,
    Labels,
    columns_of,
    figures_from,
    sample_of,
)

# The least probability is 1 in 10,001: it passes 5 % by Holm among up to 500 questions, which are 250 heads.
PERMUTATIONS = 10_000
_AT_ONCE = 250  # arrangements in memory
_ROUNDING = 1e-9  # equal differences, added up in another order

_Answers = tuple[tuple[str, ...], ...]  # of K runs to one row
_Pattern = tuple[tuple[str, ...], _Answers, _Answers]


@dataclass(frozen=True)
class _Exchange:
    """Rows with different answers of the two models, by pattern: the truth and both answers, whoever gave which.

    Args:
        counts: int64 [C], rows of each pattern.
        from_one: int64 [C], of these, rows to which the first model gave the answer `one`.
        moved: float32 [K, C, 2L + 2], what a row adds to the first model's sums and takes from the second one's when
            the first one gave `one`; of K runs.
        first, second: float64 [K, 2L + 2], sums over all rows, with every `other` from the first model.
    """

    counts: npt.NDArray[np.int64]
    from_one: npt.NDArray[np.int64]
    moved: npt.NDArray[np.float32]
    first: Float64Array
    second: Float64Array


def permutation_p(
    truth: Labels,
    first: Sequence[Labels],
    second: Sequence[Labels],
    labels: Sequence[str],
    seed: int,
) -> Float64Array:
    """The two-sided probability of such a difference if the two models were equally good.

    Args:
        truth: true labels of each row.
        first: the answers of one model, by run. Of several runs the means are compared, and all runs of a row change
            sides together; where one model has fewer they are repeated.
        second: those of the other model.
        labels: that F1 is computed over.
        seed: of the coins. Neither the order of rows nor which model comes first reaches them.

    Returns:
        Per figure of `METRICS`, float64 [3]; 1 where the models do not differ.
    """
    found = _exchange(truth, first, second, labels)
    draw = np.random.default_rng(seed)
    seen = np.abs(_difference(found, found.from_one[np.newaxis])) - _ROUNDING  # [3, 1]
    as_far = np.ones(len(METRICS))  # the arrangement that was seen is one of them
    for done in range(0, PERMUTATIONS, _AT_ONCE):
        size = (min(_AT_ONCE, PERMUTATIONS - done), len(found.counts))
        tossed = _difference(found, draw.binomial(found.counts, 0.5, size))  # [3, R]
        as_far += (np.abs(tossed) >= seen).sum(axis=1)
    return as_far / (PERMUTATIONS + 1)


def _exchange(
    truth: Labels, first: Sequence[Labels], second: Sequence[Labels], labels: Sequence[str]
) -> _Exchange:
    runs = math.lcm(len(first), len(second))
    sides = [[_plain(side[run % len(side)]) for run in range(runs)] for side in (first, second)]
    rows: Counter[_Pattern] = Counter()
    from_one: Counter[_Pattern] = Counter()
    one_side, other_side = (zip(*side, strict=True) for side in sides)
    for wanted, got, other in zip(_plain(truth), one_side, other_side, strict=True):
        pattern = (wanted, min(got, other), max(got, other))
        rows[pattern] += 1
        from_one[pattern] += got == pattern[1]
    ordered = sorted(rows)  # the order of rows must not reach the random numbers
    answers = [[one[side][run] for one in ordered] for side in (1, 2) for run in range(runs)]
    sample = sample_of([one[0] for one in ordered], answers, labels)
    # `sample_of` counts patterns too: these are all different and already in its order.
    columns = np.stack(columns_of(sample))  # [2K, C, 2L + 2]
    counts = np.array([rows[one] for one in ordered], np.int64)
    differs = np.array([one[1] != one[2] for one in ordered], np.bool_)
    return _Exchange(
        counts[differs],
        np.array([from_one[one] for one in ordered], np.int64)[differs],
        (columns[:runs] - columns[runs:])[:, differs],
        np.tensordot(columns[runs:], counts, (1, 0)).astype(np.float64),
        np.tensordot(columns[:runs], counts, (1, 0)).astype(np.float64),
    )


def _plain(side: Labels) -> list[tuple[str, ...]]:
    return [tuple(sorted(set(row))) for row in side]


def _difference(found: _Exchange, from_one: npt.NDArray[np.int64]) -> Float64Array:
    """The second model's figures less the first one's, mean over the runs, for arrangements [R, C]: [3, R]."""
    tossed = from_one.astype(np.float32)  # exact, as the sums are: below 2 ** 24
    differences = [
        figures_from(second - moved)[0] - figures_from(first + moved)[0]
        for first, second, moved in zip(
            found.first, found.second, tossed @ found.moved, strict=True
        )
    ]
    return np.mean(differences, axis=0)
