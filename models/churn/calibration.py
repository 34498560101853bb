"""Makes raw scores trustworthy: raw probabilities of rows that the weights did not see in, slope and intercept out.

Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines", with the targets of his equation 14, by
Newton's method (Lin, Lin and Weng 2007). NumPy alone.
"""

import numpy as np
import numpy.typing as npt

from models.churn.model import calibrated, logit
from models.heads import Float32Array, Float64Array

BoolArray = npt.NDArray[np.bool_]
_STEPS = 100
_TINY = 1e-12


def fit_platt(
    raw: Float32Array | Float64Array, churned: BoolArray, weights: Float64Array
) -> tuple[float, float]:
    """Slope and intercept on the logit, with the least weighted log loss.

    Args:
        raw: [N], probabilities as the model gives them.
        churned: bool [N], of both kinds.
        weights: float64 [N], above 0; the rows of one call together weigh 1.

    Returns:
        A slope of 0 where larger scores do not mean more churn: the model then answers the share of all.
    """
    positives, total = float(weights[churned].sum()), float(weights.sum())
    high = (positives + 1) / (positives + 2)
    low = 1 / (total - positives + 2)
    targets = np.where(churned, high, low)
    inputs = np.stack([logit(raw), np.ones(len(raw))])  # [2, N]
    share = float((weights * targets).sum() / total)
    found = np.array([0.0, np.log(share / (1 - share))])
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-(found @ inputs)))
        slope = inputs @ (weights * (chances - targets))
        curvature = (inputs * (weights * chances * (1 - chances))) @ inputs.T  # [2, N] @ [N, 2]
        step: Float64Array = np.linalg.solve(curvature + _TINY * np.eye(2), slope).astype(
            np.float64
        )
        found = _descend(found, step, inputs, targets, weights)
        if float(np.abs(step).max()) < 1e-9:
            break
    if not found[0] > 0:
        return 0.0, float(np.log(share / (1 - share)))
    return float(found[0]), float(found[1])


def log_loss_of(chances: Float64Array, churned: BoolArray, weights: Float64Array) -> float:
    """The weighted mean log loss of probabilities [N]."""
    kept = chances.clip(_TINY, 1 - _TINY)
    losses = -np.where(churned, np.log(kept), np.log(1 - kept))
    return float((weights * losses).sum() / weights.sum())


def calibrated_loss(
    raw: Float32Array | Float64Array, churned: BoolArray, weights: Float64Array
) -> float:
    """The log loss that is left once two numbers are fitted: how a model would serve."""
    return log_loss_of(calibrated(raw, *fit_platt(raw, churned, weights)), churned, weights)


def _descend(
    found: Float64Array,
    step: Float64Array,
    inputs: Float64Array,
    targets: Float64Array,
    weights: Float64Array,
) -> Float64Array:
    """Newton's step, halved until it is none upwards: far from the end it may overshoot."""

    def loss(at: Float64Array) -> float:
        scores = at @ inputs
        return float((weights * (np.logaddexp(0, scores) - targets * scores)).sum())

    before, share = loss(found), 1.0
    while share > 1e-6 and loss(found - share * step) > before:
        share /= 2
    return found - share * step
