"""Shortens embeddings, where nothing is lost by it: embeddings of training fragments in, a matrix or None out.

Short ones make the state of a call small and its step cheap: 64 numbers a side are 0.5 kB. Needs the extra `churn`.

Source: principal components (Pearson 1901); the mean is not taken away, for a constant says nothing about a call.
"""

from collections.abc import Callable

import numpy as np

from models.churn.calibration import calibrated_loss
from models.churn.candidates import Candidate, fit_estimator, make_estimator
from models.churn.fit import score
from models.churn.fit_rows import FitRows
from models.churn.report import ProjectionReport
from models.heads import Float32Array, Float64Array

SHORT = 64
_CHUNK_TEXTS = 1 << 14
# The rule: shortened embeddings are taken where the validation log loss rises by no more than one in a hundred.
MOST_LOSS = 1.01
_JUDGE = Candidate("logistic", {"inverse_penalty": 0.1})

# Gives learn and validation rows for a matrix; None: embeddings as they are.
RowsFor = Callable[[Float32Array | None], tuple[FitRows, FitRows]]


def principal_components(embeddings: Float32Array, counts: Float64Array) -> Float32Array:
    """The directions in which fragments differ most, float32 [H, 64].

    Args:
        embeddings: float32 [U, H], of different texts.
        counts: float64 [U], how often each was said in calls to learn from.
    """
    mean = counts @ embeddings / counts.sum()  # [U] @ [U, H] -> [H]
    together = np.zeros((len(mean), len(mean)))
    for begin in range(0, len(embeddings), _CHUNK_TEXTS):  # all at once would be gigabytes
        spread = embeddings[begin : begin + _CHUNK_TEXTS].astype(np.float64) - mean
        often = counts[begin : begin + _CHUNK_TEXTS, None]
        together += (spread * often).T @ spread  # [H, C] @ [C, H]
    _, directions = np.linalg.eigh(together)
    best: Float64Array = directions[:, ::-1][:, :SHORT]
    signs = np.sign(best[np.abs(best).argmax(axis=0), np.arange(best.shape[1])])
    return np.ascontiguousarray(best * signs, np.float32)  # a sign is free: fix it, for equal runs


def choose_projection(
    matrix: Float32Array, rows_for: RowsFor, seed: int, threads: int
) -> tuple[Float32Array | None, ProjectionReport]:
    """Judge the matrix by logistic regression, the candidate that needs directions most, and keep it where it holds."""
    losses: list[float] = []
    for one in (None, matrix):
        learn, validation = rows_for(one)
        estimator = make_estimator(_JUDGE, seed, threads)
        fit_estimator(_JUDGE, estimator, learn.vectors, learn.churned, learn.weights, threads)
        raw = score(estimator, validation.vectors)
        losses.append(calibrated_loss(raw, validation.churned, validation.weights))
    whole, short = losses
    holds = short <= MOST_LOSS * whole
    sizes = matrix.shape[1] if holds else matrix.shape[0]
    reason = (
        f"{matrix.shape[1]} of {matrix.shape[0]} numbers: validation log loss {short:.4f}, {whole:.4f} with all; "
        f"shortened where it is at most {MOST_LOSS:g} times that"
    )
    report = ProjectionReport(
        numbers=sizes, log_loss_whole=whole, log_loss_short=short, reason=reason
    )
    return (matrix if holds else None), report
