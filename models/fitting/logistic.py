"""Fits linear heads: features and targets in, weights that minimise the regularised log loss out, for `fit`.

Dense embeddings and sparse n-grams stay apart, so that the dense part runs at BLAS speed, and all labels of a
multi-label head are fitted together; the optimum is scikit-learn's (tests/unit/test_logistic.py compares). Knows no
text, no label names and no file. Training only: needs SciPy, of the extra `heads`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from models.heads import LinearWeights

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Loss = Literal["softmax", "sigmoid"]

# SciPy stops when no entry of the mean loss's gradient exceeds this. banking77, embedding alone: accuracy 0.915 at
# 1e-3, 0.924 at 3e-4 and at 1e-4; with n-grams 0.936 at 1e-3 and 3e-4.
GRADIENT_TOLERANCE = 3e-4
MAX_STEPS = 150
# Each correction pair is two vectors of all weights: with n-grams a step's time is their memory traffic.
CORRECTION_PAIRS = 6


@dataclass(frozen=True)
class Features:
    """The same rows twice: embeddings float32 [N, H] and, where they are used, n-grams as CSR [N, V]."""

    dense: Float32Array
    ngrams: Any | None = field(default=None)

    def rows(self, places: npt.NDArray[np.int64]) -> "Features":
        """The features of some rows, in the order of `places`."""
        return Features(self.dense[places], None if self.ngrams is None else self.ngrams[places])


def fit_linear(
    features: Features,
    targets: Float32Array,
    loss: Loss,
    inverse_penalty: float,
    start: LinearWeights | None = None,
) -> LinearWeights:
    """Minimise `C * sum of losses + 0.5 * |W|^2` by L-BFGS; the bias is free.

    Args:
        features: N rows.
        targets: [N, L] of 0 and 1; with `softmax` exactly one 1 in each row.
        loss: `softmax` for one label of many, `sigmoid` for each label by itself.
        inverse_penalty: scikit-learn's C: larger trusts the rows more.
        start: weights of a fit on nearly the same rows, to begin near the end.
    """
    labels, width = targets.shape[1], features.dense.shape[1]
    sparse_width = 0 if features.ngrams is None else features.ngrams.shape[1]
    begin = _pack(start) if start is not None else _begin(targets, width, sparse_width)
    found = cast("Any", optimize).minimize(
        _objective(features, targets, loss, inverse_penalty),
        begin,
        method="L-BFGS-B",
        jac=True,
        options={
            "maxiter": MAX_STEPS,
            "gtol": GRADIENT_TOLERANCE,
            "ftol": 1e-12,
            "maxcor": CORRECTION_PAIRS,
        },
    )
    return _unpack(found.x, labels, width, sparse_width)


def _objective(
    features: Features, targets: Float32Array, loss: Loss, inverse_penalty: float
) -> Callable[[Float64Array], tuple[float, Float64Array]]:
    """The mean loss with its penalty, and its gradient, of all weights in one float64 vector."""
    rows, labels = targets.shape
    width = features.dense.shape[1]
    sparse_width = 0 if features.ngrams is None else features.ngrams.shape[1]
    transposed = None if features.ngrams is None else sparse.csr_matrix(features.ngrams.T)
    penalty = 1.0 / (inverse_penalty * rows)
    biases = slice(labels * width, labels * (width + 1))
    compute = _SOFTMAX_OR_SIGMOID[loss]

    def value_and_gradient(flat: Float64Array) -> tuple[float, Float64Array]:
        weights = _unpack(flat, labels, width, sparse_width)
        total, slope = compute(linear_scores(weights, features), targets)  # slope: [N, L]
        slope /= rows
        parts = [slope.T @ features.dense, slope.sum(axis=0)]  # [L, N] @ [N, H] -> [L, H]
        if transposed is not None:
            parts.append(transposed @ slope)  # [V, N] @ [N, L] -> [V, L]
        gradient = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
        decay = penalty * flat
        decay[biases] = 0.0
        return total / rows + 0.5 * float(decay @ flat), gradient + decay

    return value_and_gradient


def linear_scores(weights: LinearWeights, features: Features) -> Float32Array:
    """Uncalibrated scores of many rows at once, float32 [N, L]."""
    scores = features.dense @ weights.dense.T + weights.bias  # [N, H] @ [H, L] -> [N, L]
    if weights.ngrams is not None and features.ngrams is not None:
        scores += features.ngrams @ weights.ngrams.astype(np.float32)  # [N, V] @ [V, L] -> [N, L]
    return scores


def _begin(targets: Float32Array, width: int, sparse_width: int) -> Float64Array:
    """Zero weights, and the labels' shares as bias: the best answer that reads no text."""
    share = np.clip(targets.mean(axis=0), 1e-6, 1 - 1e-6)
    labels = targets.shape[1]
    flat = np.zeros(labels * (width + 1 + sparse_width))
    flat[labels * width : labels * (width + 1)] = np.log(share / (1 - share))
    return flat


def _pack(weights: LinearWeights) -> Float64Array:
    parts = [weights.dense, weights.bias]
    if weights.ngrams is not None:
        parts.append(weights.ngrams)
    return np.concatenate([part.ravel() for part in parts]).astype(np.float64)


def _unpack(flat: Float64Array, labels: int, width: int, sparse_width: int) -> LinearWeights:
    values = flat.astype(np.float32)
    end = labels * width
    return LinearWeights(
        dense=values[:end].reshape(labels, width),
        bias=values[end : end + labels],
        ngrams=values[end + labels :].reshape(sparse_width, labels) if sparse_width else None,
    )


def _softmax_loss(scores: Float32Array, targets: Float32Array) -> tuple[float, Float32Array]:
    scores = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    sums = exponentials.sum(axis=1, keepdims=True)
    picked = (scores * targets).sum(axis=1)
    total = float((np.log(sums[:, 0]) - picked).sum(dtype=np.float64))
    return total, exponentials / sums - targets


def _sigmoid_loss(scores: Float32Array, targets: Float32Array) -> tuple[float, Float32Array]:
    # log(1 + e^z) - y z, written so that no exponential overflows
    small = np.exp(-np.abs(scores))
    total = float(
        (np.maximum(scores, 0) - scores * targets + np.log1p(small)).sum(dtype=np.float64)
    )
    probabilities = np.where(scores >= 0, 1 / (1 + small), small / (1 + small))
    return total, (probabilities - targets).astype(np.float32)


_SOFTMAX_OR_SIGMOID: dict[
    Loss, Callable[[Float32Array, Float32Array], tuple[float, Float32Array]]
] = {"softmax": _softmax_loss, "sigmoid": _sigmoid_loss}
