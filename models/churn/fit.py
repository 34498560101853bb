"""Chooses, fits and calibrates a churn model: vectors with outcomes in, the best candidate out, for `train_churn`.

Candidates learn from the learn rows and are judged on the validation rows, by the log loss that is left after
calibration, every call weighing 1. The best is then fitted on both, and calibrated on rows out of fold: each row is
scored by weights that did not see its customer. Knows no texts, no test rows and no files. Needs the extra `churn`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.churn.calibration import calibrated_loss, fit_platt
from models.churn.candidates import Candidate, defaults, fit_estimator, make_estimator
from models.churn.entry import CANDIDATES, CandidateName
from models.churn.fit_rows import FitRows
from models.churn.metrics import Ranking, best_f1_threshold
from models.churn.model import calibrated
from models.churn.prefixes import IntArray
from models.heads import Float32Array, Float64Array

FOLDS = 3
_TIE = 1e-9  # of two losses
Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Trial:
    """One candidate that was judged on validation rows: log loss after calibration, less is better, and ROC AUC."""

    candidate: Candidate
    log_loss: float
    roc_auc: float


@dataclass(frozen=True, eq=False)
class FittedChurn:
    """The model that was chosen.

    Args:
        candidate: what it is.
        estimator: fitted on learn and validation rows.
        slope, intercept: its calibration.
        alarm_from: probability of the best F1, out of fold.
        trials: all that were judged, in order; without a search the candidates as they are.
        rows: it was fitted on.
        kinds: every kind at its best, fitted on the same rows, to compare; the reference first.
    """

    candidate: Candidate
    estimator: Any
    slope: float
    intercept: float
    alarm_from: float
    rows: int
    trials: tuple[Trial, ...]
    kinds: tuple[tuple[Trial, Any], ...]


class ChurnFit:
    """One fit; equal rows and seed give an equal model.

    Args:
        learn, validation: the rows.
        seed: of forests, folds and the search.
        threads: cores to use; they change nothing but the time.
        advance: told fits done and fits in all.
    """

    def __init__(
        self, learn: FitRows, validation: FitRows, seed: int, threads: int, advance: Advance
    ) -> None:
        self._learn, self._validation = learn, validation
        self._seed, self._threads, self._advance = seed, threads, advance
        self._trials: list[Trial] = []
        self._done = self._total = 0

    def run(self, search: int = 0, names: Collection[CandidateName] = CANDIDATES) -> FittedChurn:
        """Judge the candidates of these names, and `search` further settings of all; fit and calibrate the best.

        Needs Optuna (extra `train`) for a search.
        """
        rows, columns = self._learn.vectors.shape
        own = [one for one in defaults(rows, columns) if one.name in names]
        self._total = 2 * len(own) + search + FOLDS
        for candidate in own:
            self._judge(candidate)
        if search:
            from models.churn.search import search_candidates  # noqa: PLC0415  # an extra of its own

            search_candidates(self._judge, search, self._seed, (rows, columns))
        both = self._learn.and_(self._validation)
        best = [
            _best([trial for trial in self._trials if trial.candidate.name == one.name])
            for one in own
        ]
        chosen = _best(best).candidate
        fitted = {one.candidate.name: self._fit(one.candidate, both) for one in best}
        raw = self._out_of_fold(chosen, both)
        slope, intercept = fit_platt(raw, both.churned, both.weights)
        chances = calibrated(raw, slope, intercept)
        return FittedChurn(
            chosen,
            fitted[chosen.name],
            slope,
            intercept,
            best_f1_threshold(chances, both.churned, both.weights),
            len(both.vectors),
            tuple(self._trials),
            tuple((one, fitted[one.candidate.name]) for one in best),
        )

    def _judge(self, candidate: Candidate) -> float:
        kept = self._validation
        raw = score(self._fit(candidate, self._learn), kept.vectors)
        loss = calibrated_loss(raw, kept.churned, kept.weights)
        auc = float(Ranking.of(raw, kept.churned).roc_auc(kept.weights)[0])
        self._trials.append(Trial(candidate, loss, auc))
        return loss

    def _fit(self, candidate: Candidate, rows: FitRows) -> Any:
        estimator = make_estimator(candidate, self._seed, self._threads)
        fit_estimator(candidate, estimator, rows.vectors, rows.churned, rows.weights, self._threads)
        self._done += 1
        self._advance(self._done, self._total)
        return estimator

    def _out_of_fold(self, candidate: Candidate, rows: FitRows) -> Float64Array:
        """Each row's raw score, by weights that did not see its customer, float64 [R]."""
        raw = np.zeros(len(rows.vectors))
        folds = fold_customers(rows, self._seed)
        for fold in range(FOLDS):
            inside = np.flatnonzero(folds != fold)
            outside = np.flatnonzero(folds == fold)
            fitted = self._fit(candidate, rows.at(inside))
            raw[outside] = score(fitted, rows.vectors[outside])
        return raw


def _best(trials: list[Trial]) -> Trial:
    """The first of those with the least loss, but for rounding."""
    least = min(one.log_loss for one in trials)
    return next(one for one in trials if one.log_loss <= least + _TIE)


def fold_customers(rows: FitRows, seed: int) -> IntArray:
    """The fold of each row, int64 [R]: a customer is in one fold, and both answers are spread over all."""
    customers, place = np.unique(rows.customers, return_inverse=True)
    left = np.bincount(place, rows.churned) > 0
    always = np.bincount(place, ~rows.churned) == 0
    order = np.random.default_rng(seed).permutation(len(customers))
    # Those who both left and stayed in the middle: where they alone have one answer, no fold has all of it.
    order = order[np.argsort((left + (left & always).astype(np.int64))[order], kind="stable")]
    fold = np.zeros(len(customers), np.int64)
    fold[order] = np.arange(len(customers)) % FOLDS
    return fold[place]


def score(estimator: Any, vectors: Float32Array) -> Float64Array:
    """Raw probabilities, float64 [R]."""
    return np.asarray(estimator.predict_proba(vectors)[:, 1], np.float64)
