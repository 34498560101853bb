"""Fits one head: embeddings, n-grams and answers in, a calibrated `Head` and how it was chosen out, to `models.train`.

What a head reads (embedding alone, or n-grams too), its temperature and its thresholds are chosen on rows that the
weights did not see; test rows never come here. Knows no text, no encoder and no file. Needs the extra `heads`.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import optimize

from models.heads import Float32Array, Float64Array, Head, LinearWeights, probabilities
from models.labels import HeadKind, HeadSpec
from models.logistic import Features, fit_linear, linear_scores

FeatureName = Literal["embedding", "embedding+ngrams"]
IntArray = npt.NDArray[np.int64]

# N-grams cost two bytes each per label, and a mail 0.04 ms (50 characters) to 0.2 ms (1,100): less gain is noise.
LEAST_GAIN = 0.003
THRESHOLDS = np.arange(0.05, 0.951, 0.025)
# A label's own best threshold counts as much as the head's once it was seen so often.
THRESHOLD_PRIOR_ROWS = 20


@dataclass(frozen=True)
class Candidate:
    """One way to fit a head: what it reads, and how much it trusts the rows (scikit-learn's C)."""

    features: FeatureName
    inverse_penalty: float


# Simplest first. C = 10 suits the embedding (facts of several data sets); n-grams bear more trust on long texts.
CANDIDATES = (
    Candidate("embedding", 10.0),
    Candidate("embedding+ngrams", 10.0),
    Candidate("embedding+ngrams", 30.0),
)


@dataclass(frozen=True)
class HeadRows:
    """The rows that answer one head.

    Args:
        spec: the head.
        features: of all rows, those for choosing included.
        targets: float32 [N, L] of 0 and 1.
        learn: places of the rows that the final weights are fitted on.
        trials: pairs of places: fit on the first, choose on the second.
    """

    spec: HeadSpec
    features: Features
    targets: Float32Array
    learn: IntArray
    trials: Sequence[tuple[IntArray, IntArray]]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """How a head was chosen: for the report. `scores` holds each candidate's figure on the rows for choosing.

    The figure is the mean of accuracy and macro F1 (multi-class) or micro F1 at its best threshold.
    """

    features: FeatureName
    inverse_penalty: float
    temperature: float
    chosen_on_rows: int
    scores: dict[str, float]


@dataclass(frozen=True)
class _Tried:
    candidate: Candidate
    scores: Float32Array
    weights: LinearWeights


def fit_head(
    rows: HeadRows, candidates: Sequence[Candidate], pool: Executor
) -> tuple[Head, Choice]:
    """Choose among the candidates, calibrate, then fit the winner on all rows to learn from.

    Without trials (too few rows to keep some back) the simplest candidate is taken, uncalibrated.
    """
    kind = rows.spec.kind
    checked = _join([check for _, check in rows.trials])
    truth = rows.targets[checked]
    tried = [_try(candidate, rows, pool) for candidate in candidates] if rows.trials else []
    figures = [_figure(one.scores, truth, kind) for one in tried]
    best = _choose(figures)
    winner = candidates[best]
    start = tried[best].weights if tried else None
    weights = _fit(rows, winner, rows.learn, start)
    temperature = _find_temperature(tried[best].scores, truth, kind) if tried else 1.0
    thresholds = None
    if kind == "multilabel":
        thresholds = np.full(len(rows.spec.labels), 0.5)
        if tried:
            thresholds = _find_thresholds(
                probabilities(tried[best].scores, temperature, kind), truth
            )
    choice = Choice(
        features=winner.features,
        inverse_penalty=winner.inverse_penalty,
        temperature=temperature,
        chosen_on_rows=len(checked),
        scores={
            f"{one.candidate.features} C={one.candidate.inverse_penalty:g}": round(figure, 4)
            for one, figure in zip(tried, figures, strict=True)
        },
    )
    return Head(rows.spec, _store(weights), temperature, thresholds), choice


def _try(candidate: Candidate, rows: HeadRows, pool: Executor) -> _Tried:
    """Scores of the rows for choosing, each by weights that did not see it."""

    def run(trial: tuple[IntArray, IntArray]) -> LinearWeights:
        return _fit(rows, candidate, trial[0], None)

    fitted = list(pool.map(run, rows.trials))
    scores = [
        linear_scores(weights, _read(rows.features, candidate).rows(check))
        for weights, (_, check) in zip(fitted, rows.trials, strict=True)
    ]
    return _Tried(candidate, np.concatenate(scores), fitted[0])


def _fit(
    rows: HeadRows, candidate: Candidate, places: IntArray, start: LinearWeights | None
) -> LinearWeights:
    return fit_linear(
        _read(rows.features, candidate).rows(places),
        rows.targets[places],
        "softmax" if rows.spec.kind == "multiclass" else "sigmoid",
        candidate.inverse_penalty,
        start,
    )


def _read(features: Features, candidate: Candidate) -> Features:
    return features if candidate.features == "embedding+ngrams" else Features(features.dense)


def _store(weights: LinearWeights) -> LinearWeights:
    """Round what is stored in half precision now, so that the figures are those of what is stored."""
    if weights.ngrams is None:
        return weights
    return LinearWeights(weights.dense, weights.bias, weights.ngrams.astype(np.float16))


def _choose(figures: Sequence[float]) -> int:
    """The place of the best; the first, simplest one when it is about as good."""
    if not figures:
        return 0
    best = int(np.argmax(figures))
    return best if figures[best] >= figures[0] + LEAST_GAIN else 0


def _figure(scores: Float32Array, truth: Float32Array, kind: HeadKind) -> float:
    if kind == "multilabel":
        chances = probabilities(scores, 1.0, kind)
        return max(_micro_f1(chances >= threshold, truth) for threshold in THRESHOLDS)
    given = np.eye(truth.shape[1], dtype=np.float32)[scores.argmax(axis=1)]  # [M] -> [M, L]
    hits = (given * truth).sum(axis=0)
    both = (given + truth).sum(axis=0)
    macro = float((2 * hits[both > 0] / both[both > 0]).mean())
    return (float(hits.sum()) / len(truth) + macro) / 2


def _micro_f1(said: npt.NDArray[np.bool_], truth: Float32Array) -> float:
    both = float(said.sum()) + float(truth.sum())
    return 2 * float((said * truth).sum()) / both if both else 0.0


def _find_temperature(scores: Float32Array, truth: Float32Array, kind: HeadKind) -> float:
    """The temperature with the least log loss on rows that the weights did not see (Guo et al. 2017)."""

    def log_loss(log_temperature: float) -> float:
        chances = probabilities(scores, float(np.exp(log_temperature)), kind).clip(1e-12, 1 - 1e-12)
        if kind == "multiclass":
            return -float(np.log((chances * truth).sum(axis=1)).mean())
        return -float((truth * np.log(chances) + (1 - truth) * np.log(1 - chances)).mean())

    found = cast("Any", optimize).minimize_scalar(
        log_loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded"
    )
    return float(np.exp(found.x))


def _find_thresholds(chances: Float64Array, truth: Float32Array) -> Float64Array:
    """Per label the threshold of the best F1, drawn towards the head's own where the label is rare."""
    said = chances[None] >= THRESHOLDS[:, None, None]  # [G, M, L]
    hits = (said * truth[None]).sum(axis=1)  # [G, L]
    positives = truth.sum(axis=0)  # [L]
    both = said.sum(axis=1) + positives  # [G, L]
    common = THRESHOLDS[(2 * hits.sum(axis=1) / np.maximum(both.sum(axis=1), 1)).argmax()]
    own = THRESHOLDS[(2 * hits / np.maximum(both, 1)).argmax(axis=0)]  # [L]
    share = positives / (positives + THRESHOLD_PRIOR_ROWS)
    return (share * own + (1 - share) * common).astype(np.float64)


def _join(places: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *places])
