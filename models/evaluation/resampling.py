"""Draws rows again and again to see how far figures move by chance: labels in, resampled accuracy and F1 out.

Rows with the same truth and the same answers are one pattern, and a resample of N rows is one draw from the multinomial
distribution over patterns: the same as drawing rows with replacement, without touching rows. NumPy alone.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13 (percentile interval).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

METRICS = ("accuracy", "macro_f1", "micro_f1")
RESAMPLES = 1_000
_AT_ONCE = 100  # resamples in memory: 45,000 patterns of a multi-label head are 36 MB
_TAILS = (2.5, 97.5)

Float64Array = npt.NDArray[np.float64]
Labels = Sequence[Collection[str]]


class Interval(msgspec.Struct, frozen=True):
    """Where a figure would lie in 95 of 100 samples of rows like these; labels with one row add no width."""

    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """Rows by pattern, for S models that answered the same rows.

    Args:
        counts: int64 [C], rows of each pattern.
        truth: float32 [C, L], 1 where the label is true.
        said: float32 [S, C, L], 1 where the model gave the label.
        is_right: float64 [S, C], 1 where the given labels are exactly the true ones.
    """

    counts: npt.NDArray[np.int64]
    truth: npt.NDArray[np.float32]
    said: npt.NDArray[np.float32]
    is_right: Float64Array


def sample_of(truth: Labels, given: Sequence[Labels], labels: Sequence[str]) -> Sample:
    """Count the patterns of rows.

    Args:
        truth: true labels of each row.
        given: for each of S models, the labels it gave to each row.
        labels: that F1 is computed over; others make a row wrong and count nowhere else.
    """
    patterns = Counter(
        tuple(tuple(sorted(set(row))) for row in rows) for rows in zip(truth, *given, strict=True)
    )
    ordered = sorted(patterns)  # the order of rows must not reach the random numbers
    places = {label: place for place, label in enumerate(labels)}
    sides = np.zeros((1 + len(given), len(ordered), len(labels)), np.float32)  # [1 + S, C, L]
    for row, pattern in enumerate(ordered):
        for side, shown in enumerate(pattern):
            sides[side, row, [places[label] for label in shown if label in places]] = 1
    is_right = [
        [float(pattern[side] == pattern[0]) for pattern in ordered]
        for side in range(1, 1 + len(given))
    ]
    counts = np.array([patterns[pattern] for pattern in ordered], np.int64)
    return Sample(counts, sides[0], sides[1:], np.array(is_right, np.float64))


def score(sample: Sample) -> Float64Array:
    """The figures of the rows themselves, float64 [S, 3]: `METRICS` by model."""
    counts = sample.counts[np.newaxis]
    return np.stack([figures_from(counts @ columns)[0][:, 0] for columns in columns_of(sample)])


def resample(sample: Sample, seed: int, resamples: int = RESAMPLES) -> Float64Array:
    """The figures of rows drawn again, float64 [S, 3, resamples]; every model meets the same draws.

    Macro F1 is always over the labels that occur in the rows themselves. A rare label that a draw misses keeps its own
    F1 there: leaving it out would let macro F1 jump up with each label that is drawn less often and is hard. So a label
    with one row adds no width, and intervals of macro F1 are too narrow where many labels have one to three rows.
    Whether one model beats another must not be read off them: `models.evaluation.permutation` answers that.
    """
    draw = np.random.default_rng(seed)
    total = int(sample.counts.sum())
    shares = sample.counts / total
    every = columns_of(sample)
    own = [figures_from(sample.counts[np.newaxis] @ columns)[1][0] for columns in every]
    parts: list[Float64Array] = []
    for done in range(0, resamples, _AT_ONCE):
        times = draw.multinomial(total, shares, min(_AT_ONCE, resamples - done))  # [R, C]
        weights = times.astype(np.float32)  # exact: counts stay below 2 ** 24
        parts.append(
            np.stack(
                [figures_from(weights @ one, f1)[0] for one, f1 in zip(every, own, strict=True)]
            )  # [R, C] @ [C, 2L + 2] -> [R, 2L + 2] -> [S, 3, R]
        )
    return np.concatenate(parts, axis=2)


def interval_of(values: Float64Array) -> Interval:
    """The middle 95 % of resampled figures [R]."""
    low, high = np.percentile(values, _TAILS)
    return Interval(float(low), float(high))


def columns_of(sample: Sample) -> list[npt.NDArray[np.float32]]:
    """What the figures are sums of, per model, float32 [C, 2L + 2]: hits, said and true, right rows, rows."""
    ones = np.ones((len(sample.counts), 1), np.float32)
    return [
        np.hstack([said * sample.truth, said + sample.truth, right[:, np.newaxis], ones]).astype(
            np.float32
        )
        for said, right in zip(sample.said, sample.is_right, strict=True)
    ]


def figures_from(
    sums: npt.NDArray[np.floating], own: Float64Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """Figures from sums over rows [R, 2L + 2] of `columns_of`.

    Args:
        sums: of R draws or arrangements.
        own: F1 by label of the rows themselves, float64 [L]; NaN where a label does not occur in them.

    Returns:
        `METRICS`, float64 [3, R], and F1 by label, float64 [R, L], as `own`.
    """
    labels = sums.shape[1] // 2 - 1
    exact = sums.astype(np.float64)
    hits, both = exact[:, :labels], exact[:, labels : 2 * labels]  # [R, L]
    missing = np.full_like(hits, np.nan) if own is None else np.broadcast_to(own, hits.shape)
    f1 = np.divide(2 * hits, both, out=missing.copy(), where=both > 0)
    occurs = ~np.isnan(f1)
    figures = [
        exact[:, -2] / exact[:, -1],
        np.where(occurs, f1, 0).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1),
        2 * hits.sum(axis=1) / np.maximum(both.sum(axis=1), 1),
    ]
    return np.stack(figures), f1
