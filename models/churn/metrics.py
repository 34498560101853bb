"""Counts how well probabilities tell who leaves: probabilities, outcomes and weights in, figures out. NumPy alone.

Every figure takes many weightings of the same rows at once, so that a bootstrap is one pass (`evaluate`). Equal scores
enter together; tests hold the figures to scikit-learn's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.churn.calibration import BoolArray
from models.heads import Float32Array, Float64Array

CALIBRATION_BINS = 15


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows by falling score; weights [N] or [S, N] of S samples are of the rows in their own order.

    Args:
        order: places of the rows, int64 [N].
        churned: bool [N], in that order.
        scores: float64 [N], in that order.
        ends: last place of each run of equal scores, int64 [E].
    """

    order: npt.NDArray[np.int64]
    churned: BoolArray
    scores: Float64Array
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, scores: Float32Array | Float64Array, churned: BoolArray) -> "Ranking":
        """Sort the rows, N at least 1."""
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order].astype(np.float64)
        ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
        return cls(order, churned[order], ordered, ends)

    def roc_auc(self, weights: Float64Array) -> Float64Array:
        """Area under the ROC curve, float64 [S]; NaN where a sample has one class only."""
        hits, alarms = self._counts(weights)  # [S, E + 1]
        area = (np.diff(alarms) * (hits[:, 1:] + hits[:, :-1]) / 2).sum(axis=1)
        return _divided(area, hits[:, -1] * alarms[:, -1])

    def pr_auc(self, weights: Float64Array) -> Float64Array:
        """Average precision, float64 [S]: precision summed over the steps of recall."""
        hits, alarms = self._counts(weights)
        precision = hits[:, 1:] / np.maximum(hits[:, 1:] + alarms[:, 1:], 1e-300)
        return _divided((np.diff(hits) * precision).sum(axis=1), hits[:, -1])

    def recall_at(self, precision: float, weights: Float64Array) -> Float64Array:
        """The largest recall with at least this precision, float64 [S]; 0: no threshold has it."""
        hits, alarms = self._counts(weights)
        given = hits[:, 1:] + alarms[:, 1:]
        reached = (hits[:, 1:] >= precision * given - 1e-9) & (given > 0)
        return _divided(np.where(reached, hits[:, 1:], 0).max(axis=1), hits[:, -1])

    def _counts(self, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Weight of those who left, and who stayed, down to each threshold, float64 [S, E + 1], from none to all."""
        own = np.atleast_2d(weights)[:, self.order]  # [S, N]
        hits = np.cumsum(own * self.churned, axis=1)[:, self.ends]
        alarms = np.cumsum(own * ~self.churned, axis=1)[:, self.ends]
        nothing = np.zeros((len(own), 1))
        return np.hstack([nothing, hits]), np.hstack([nothing, alarms])


def threshold_figures(
    chances: Float64Array, churned: BoolArray, weights: Float64Array, threshold: float
) -> dict[str, Float64Array]:
    """`accuracy`, `f1`, `precision` and `recall` of "leaves" from a probability on, float64 [S] each; 0 for 0 / 0."""
    own = np.atleast_2d(weights)
    said = chances >= threshold
    hits = own @ (said & churned)
    given, true = own @ said, own @ churned
    return {
        "accuracy": own @ (said == churned) / own.sum(axis=1),
        "f1": 2 * hits / np.maximum(given + true, 1e-300),
        "precision": hits / np.maximum(given, 1e-300),
        "recall": hits / np.maximum(true, 1e-300),
    }


def brier(chances: Float64Array, churned: BoolArray, weights: Float64Array) -> Float64Array:
    """The weighted mean square of probability less outcome, float64 [S] (Brier 1950)."""
    own = np.atleast_2d(weights)
    return own @ (chances - churned) ** 2 / own.sum(axis=1)


def log_losses(chances: Float64Array, churned: BoolArray) -> Float64Array:
    """The log loss of each row, float64 [N]; a probability of 0 or 1 that is wrong costs 27.6."""
    kept = chances.clip(1e-12, 1 - 1e-12)
    return -np.where(churned, np.log(kept), np.log1p(-kept))


def reliability(
    chances: Float64Array, churned: BoolArray, weights: Float64Array
) -> list[tuple[float, float, float]]:
    """Weight, mean probability and share that left, of each of 15 bins of equal width that is not empty."""
    bins = np.minimum((chances * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    total = np.bincount(bins, weights, CALIBRATION_BINS)
    said = np.bincount(bins, weights * chances, CALIBRATION_BINS)
    left = np.bincount(bins, weights * churned, CALIBRATION_BINS)
    return [
        (float(total[at]), float(said[at] / total[at]), float(left[at] / total[at]))
        for at in np.flatnonzero(total).tolist()
    ]


def calibration_error(chances: Float64Array, churned: BoolArray, weights: Float64Array) -> float:
    """Expected calibration error over these bins (Naeini, Cooper and Hauskrecht 2015)."""
    bins = reliability(chances, churned, weights)
    return sum(weight * abs(said - left) for weight, said, left in bins) / float(weights.sum())


def best_f1_threshold(chances: Float64Array, churned: BoolArray, weights: Float64Array) -> float:
    """The probability from which on "leaves" has the best F1; half-way to the next lower one."""
    order = np.argsort(-chances, kind="stable")
    ordered, own, left = chances[order], weights[order], churned[order]
    ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    hits, given = np.cumsum(own * left)[ends], np.cumsum(own)[ends]
    best = int(np.argmax(2 * hits / (given + float((weights * churned).sum()))))
    lower = ordered[ends[best] + 1] if best + 1 < len(ends) else 0.0
    return float((ordered[ends[best]] + lower) / 2)


def _divided(above: Float64Array, below: Float64Array) -> Float64Array:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
