"""Fits one head: embeddings, n-grams and answers in, a calibrated `Head` and how it was chosen out, to `models.train`.

What a head reads (embedding alone, or n-grams too), its temperature and its thresholds are chosen on rows that the
weights did not see; test rows never come here. Knows no text, no encoder and no file. Needs the extra `heads`.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.fitting.abstention import NEVER_ALONE
from models.fitting.calibrate import (
    THRESHOLDS,
    find_abstention,
    find_temperature,
    find_thresholds,
)
from models.fitting.candidates import Candidate, Choice, HeadRows, HeadWishes, IntArray
from models.fitting.logistic import Features, fit_linear, linear_scores
from models.heads import Float32Array, Head, LinearWeights, probabilities
from models.labels import HeadKind, HeadSpec

# N-grams cost two bytes each per label, and a mail 0.04 ms (50 characters) to 0.2 ms (1,100): less gain is noise.
LEAST_GAIN = 0.003
# The score of a label that a row's tenant cannot get: no weight at any temperature, and finite, so that sums stay so.
OUTSIDE = np.float32(-1e6)


@dataclass(frozen=True)
class Tried:
    """A candidate's scores of the rows for choosing, and its first trial's weights."""

    candidate: Candidate
    scores: Float32Array
    weights: LinearWeights


def fit_head(
    rows: HeadRows,
    candidates: Sequence[Candidate],
    pool: Executor,
    wishes: HeadWishes = HeadWishes(),  # noqa: B008 - frozen
) -> tuple[Head, Choice]:
    """Choose among the candidates, calibrate, then fit the winner on all rows to learn from.

    Without trials (too few rows to keep some back) the simplest candidate is taken, uncalibrated: a head that is asked
    to know when it is right then never answers alone.
    """
    checked = _join([check for _, check in rows.trials])
    truth = rows.targets[checked]
    tried, figures = _try_all(rows, candidates, pool, wishes)
    best = _choose(figures)
    one = tried[best] if tried else None
    winner = one.candidate if one else candidates[0]
    start = _start_of(winner, wishes)
    weights = _fit(rows, winner, rows.learn, start or (one.weights if one else None))
    scores = one.scores if one else None
    head, temperature = _calibrate(rows.spec, weights, scores, truth, wishes)
    choice = Choice(
        features=winner.features,
        inverse_penalty=winner.inverse_penalty,
        temperature=temperature,
        chosen_on_rows=len(checked),
        scores={
            str(one.candidate): round(figure, 4) for one, figure in zip(tried, figures, strict=True)
        },
        warm_started=start is not None,
    )
    return head, choice


def _calibrate(
    spec: HeadSpec,
    weights: LinearWeights,
    scores: Float32Array | None,
    truth: Float32Array,
    wishes: HeadWishes,
) -> tuple[Head, float]:
    """The head with temperature and thresholds from scores of rows that the trial's weights did not see."""
    outside = wishes.out_of_scope_label if wishes.out_of_scope_label in spec.labels else None
    thresholds = np.full(len(spec.labels), 0.5) if spec.kind == "multilabel" else None
    if scores is None:
        is_asked = wishes.target_precision is not None or outside is not None
        below = NEVER_ALONE if is_asked else 0.0
        return Head(spec, _store(weights), 1.0, thresholds, below, outside), 1.0
    temperature = find_temperature(scores, truth, spec.kind)
    chances = probabilities(scores, temperature, spec.kind)
    if thresholds is not None:
        thresholds = find_thresholds(chances, truth)
    asked = (wishes.target_precision, outside)
    below = find_abstention(spec, chances, truth, thresholds, asked)
    return Head(spec, _store(weights), temperature, thresholds, below, outside), temperature


def _try_all(
    rows: HeadRows, candidates: Sequence[Candidate], pool: Executor, wishes: HeadWishes
) -> tuple[list[Tried], list[float]]:
    if not rows.trials:
        return [], []
    checked = _join([check for _, check in rows.trials])
    truth = rows.targets[checked]
    may = np.True_ if rows.allowed is None else rows.allowed[checked]
    tried: list[Tried] = []
    figures: list[float] = []

    def judge(candidate: Candidate) -> float:
        if candidate not in [one.candidate for one in tried]:
            one = try_candidate(candidate, rows, pool)
            tried.append(replace(one, scores=np.where(may, one.scores, OUTSIDE)))
            figures.append(_figure(tried[-1].scores, truth, rows.spec.kind))
        return figures[[one.candidate for one in tried].index(candidate)]

    for candidate in candidates:
        judge(candidate)
    if wishes.search is not None:
        wishes.search(judge)
    return tried, figures


def try_candidate(candidate: Candidate, rows: HeadRows, pool: Executor) -> Tried:
    """Scores of the rows for choosing, each by weights that did not see it."""

    def run(trial: tuple[IntArray, IntArray]) -> LinearWeights:
        return _fit(rows, candidate, trial[0], None)

    fitted = list(pool.map(run, rows.trials))
    scores = [
        linear_scores(weights, _read(rows.features, candidate).rows(check))
        for weights, (_, check) in zip(fitted, rows.trials, strict=True)
    ]
    return Tried(candidate, np.concatenate(scores), fitted[0])


def _start_of(winner: Candidate, wishes: HeadWishes) -> LinearWeights | None:
    """The part of the previous version's weights that the winner's last fit begins with; None: it begins without."""
    start = wishes.start
    if start is None:
        return None
    if winner.features == "embedding":
        return LinearWeights(start.dense, start.bias, None)
    return start if start.ngrams is not None else None


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


def _join(places: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *places])
