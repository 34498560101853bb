"""Makes scores trustworthy: scores of rows that the weights did not see in, temperature, thresholds out, to `fit`.

Knows no features and no weights. Needs the extra `heads`.
"""

from typing import Any, cast

import numpy as np
from scipy import optimize

from models.fitting.abstention import choose_threshold, false_alarm_threshold
from models.heads import Float32Array, Float64Array, probabilities
from models.labels import HeadKind, HeadSpec

THRESHOLDS = np.arange(0.05, 0.951, 0.025)
# A label's own best threshold counts as much as the head's once it was seen so often.
THRESHOLD_PRIOR_ROWS = 20


def _log_loss(
    scores: Float32Array, truth: Float32Array, kind: HeadKind, temperature: float
) -> float:
    chances = probabilities(scores, temperature, kind).clip(1e-12, 1 - 1e-12)
    if kind == "multiclass":
        return -float(np.log((chances * truth).sum(axis=1)).mean())
    return -float((truth * np.log(chances) + (1 - truth) * np.log(1 - chances)).mean())


def find_temperature(scores: Float32Array, truth: Float32Array, kind: HeadKind) -> float:
    """The temperature with the least log loss (Guo et al. 2017).

    Args:
        scores: float32 [M, L].
        truth: float32 [M, L] of 0 and 1.
        kind: of the head.
    """

    def log_loss(log_temperature: float) -> float:
        return _log_loss(scores, truth, kind, float(np.exp(log_temperature)))

    found = cast("Any", optimize).minimize_scalar(
        log_loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded"
    )
    return float(np.exp(found.x))


def find_thresholds(chances: Float64Array, truth: Float32Array) -> Float64Array:
    """Per label the threshold of the best F1, drawn towards the head's own where the label is rare, float64 [L]."""
    said = chances[None] >= THRESHOLDS[:, None, None]  # [G, M, L]
    hits = (said * truth[None]).sum(axis=1)  # [G, L]
    positives = truth.sum(axis=0)  # [L]
    both = said.sum(axis=1) + positives  # [G, L]
    common = THRESHOLDS[(2 * hits.sum(axis=1) / np.maximum(both.sum(axis=1), 1)).argmax()]
    own = THRESHOLDS[(2 * hits / np.maximum(both, 1)).argmax(axis=0)]  # [L]
    share = positives / (positives + THRESHOLD_PRIOR_ROWS)
    return (share * own + (1 - share) * common).astype(np.float64)


def find_abstention(
    spec: HeadSpec,
    chances: Float64Array,
    truth: Float32Array,
    thresholds: Float64Array | None,
    wishes: tuple[float | None, str | None],
) -> float:
    """The confidence below which the head abstains: the larger of what its two wishes ask for, 0 without them.

    Args:
        spec: the head.
        chances: float64 [M, L], calibrated, of rows that the weights did not see.
        truth: float32 [M, L].
        thresholds: of a multi-label head.
        wishes: the precision to reach, and the out-of-scope label.
    """
    target, outside = wishes
    place = spec.labels.index(outside) if outside in spec.labels else None
    inside = [other for other in range(len(spec.labels)) if other != place]
    if thresholds is None:
        sure = chances[:, inside].max(axis=1)
        given = np.array(inside)[chances[:, inside].argmax(axis=1)]
        is_right = truth[np.arange(len(truth)), given] > 0
        is_given = np.ones(len(truth), np.bool_) if place is None else sure >= chances[:, place]
    else:
        said = chances >= thresholds
        sure = np.maximum(chances, 1 - chances)[:, inside].min(axis=1)
        is_right = (said[:, inside] == (truth[:, inside] > 0)).all(axis=1)
        is_given = np.ones(len(truth), np.bool_) if place is None else ~said[:, place]
    below = 0.0
    if target is not None:
        below = choose_threshold(sure[is_given], is_right[is_given], target).threshold
    if place is not None and thresholds is None:
        # What the head already calls out of scope is an alarm at any threshold.
        level = np.where(is_given, sure, 0.0)
        is_outside = truth[:, place] > 0
        below = max(below, false_alarm_threshold(level[~is_outside], level[is_outside])[0])
    return below
