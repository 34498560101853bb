"""Figures about answers: true labels and given labels in, accuracy, F1, calibration and confusion out. Pure NumPy.

For `models.fitting.fit` (which chooses by them), `models.evaluate` and benchmarks; knows no model and no file.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

CALIBRATION_BINS = 15


def macro_f1(truth: Sequence[Collection[str]], given: Sequence[Collection[str]]) -> float:
    """The mean over labels of each label's F1; labels that occur on neither side do not count."""
    hits, said, right = label_counts(truth, given)
    labels = set(said) | set(right)
    return sum(2 * hits[x] / (said[x] + right[x]) for x in labels) / len(labels) if labels else 0.0


def micro_f1(
    truth: Sequence[Collection[str]], given: Sequence[Collection[str]]
) -> tuple[float, float, float]:
    """F1, precision and recall over all label decisions of all rows together."""
    hits, said, right = (sum(counts.values()) for counts in label_counts(truth, given))
    both = said + right
    return (
        2 * hits / both if both else 0.0,
        hits / said if said else 0.0,
        hits / right if right else 0.0,
    )


def confusion(truth: Sequence[str], given: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """The labels that occur, and how often each true one (row) was called each given one (column)."""
    labels = sorted({*truth, *given})
    places = {label: place for place, label in enumerate(labels)}
    matrix = [[0] * len(labels) for _ in labels]
    for wanted, got in zip(truth, given, strict=True):
        matrix[places[wanted]][places[got]] += 1
    return labels, matrix


def calibration_error(confidences: npt.ArrayLike, is_right: npt.ArrayLike) -> float:
    """Expected calibration error over 15 bins of equal width (Naeini et al. 2015)."""
    sure = np.asarray(confidences, np.float64)
    right = np.asarray(is_right, np.float64)
    if not len(sure):
        return 0.0
    bins = np.minimum((sure * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, right - sure, CALIBRATION_BINS)  # per bin: n * (accuracy - confidence)
    return float(np.abs(gaps).sum() / len(sure))


def label_counts(
    truth: Sequence[Collection[str]], given: Sequence[Collection[str]]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Per label the rows where it is given and true; given; true. A label that a row names twice counts once."""
    hits: Counter[str] = Counter()
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for wanted, got in zip(truth, given, strict=True):
        hits.update(set(wanted) & set(got))
        said.update(set(got))
        right.update(set(wanted))
    return hits, said, right
