"""The kinds of model that may foretell churn: a name and settings in, a scikit-learn estimator out, for `fit`.

Needs the extra `churn`.
"""

import os
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

# Before scikit-learn: OpenMP threads that spin while they wait made boosting a hundred times slower on busy cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from models.churn.entry import CandidateName
from models.heads import Float32Array

# Any: the types that scikit-learn names are those of the defaults.
_boosting: Any = HistGradientBoostingClassifier

FOREST_TREES = 100
# A tree of a forest has at most so many leaves: its graph stays below 40 MB however many rows there are.
_MOST_LEAVES = 2_500


class Candidate(msgspec.Struct, frozen=True):
    """One kind of model with its settings."""

    name: CandidateName
    settings: dict[str, float]


class _Boosting(_boosting):
    """Boosting whose bins are quantiles of rows, not of weights; its trees are weighted as ever.

    scikit-learn 1.9 sorts a column anew for each of its 254 weighted quantiles: 6 of the 7 s that a fit on 1,200 rows
    of 149 columns took, and 0.9 s a column of 150,000 rows against 0.02 s.
    """

    def _bin_data(self, X: Any, sample_weight: Any, is_training_data: bool) -> Any:  # noqa: N803  # its name
        above: Any = super()
        return above._bin_data(X, None, is_training_data)  # noqa: SLF001  # nothing public tells how it bins


def defaults(rows: int, columns: int) -> list[Candidate]:
    """The candidates as they are without a search; the forest of 100 trees, the reference, first."""
    forest: dict[str, float] = {
        "trees": FOREST_TREES,
        "rows_of_leaf": least_rows_of_leaf(rows),
        "columns_of_split": max(1, int(columns**0.5)),
    }
    boosting = {
        "rounds": 100,
        "learning_rate": 0.1,
        "leaves": 31,
        "rows_of_leaf": 20,
        "penalty": 0.0,
    }
    return [
        Candidate("forest", forest),
        Candidate("boosting", boosting),
        Candidate("logistic", {"inverse_penalty": 1.0}),
    ]


def least_rows_of_leaf(rows: int) -> int:
    """How many rows a leaf of a forest needs at least, so that its graph can be written and shipped."""
    return max(1, rows // _MOST_LEAVES)


def make_estimator(candidate: Candidate, seed: int, threads: int) -> Any:
    """An estimator not fitted yet; equal rows, settings and seed give an equal one, on any number of threads."""
    settings = candidate.settings
    forest: Any = RandomForestClassifier
    if candidate.name == "forest":
        return forest(
            n_estimators=int(settings["trees"]),
            min_samples_leaf=int(settings["rows_of_leaf"]),
            max_features=int(settings["columns_of_split"]),
            random_state=seed,
            n_jobs=threads,
        )
    if candidate.name == "boosting":
        return _Boosting(
            max_iter=int(settings["rounds"]),
            learning_rate=settings["learning_rate"],
            max_leaf_nodes=int(settings["leaves"]),
            min_samples_leaf=int(settings["rows_of_leaf"]),
            l2_regularization=settings["penalty"],
            early_stopping=False,  # its own validation rows would share customers with those it learns from
            random_state=seed,
        )
    # Cut to the range that was learned from: one absurd number must not outvote everything else, nor overflow.
    logistic = LogisticRegression(C=settings["inverse_penalty"], max_iter=1_000)
    return Pipeline(
        [("cut", MinMaxScaler(clip=True)), ("scale", StandardScaler()), ("logistic", logistic)]
    )


def fit_estimator(
    candidate: Candidate,
    estimator: Any,
    vectors: Float32Array,
    churned: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
    threads: int,
) -> None:
    """Fit on float32 [R, F], bool [R] and float64 [R]: what a graph reads is float32, so trees must split on it."""
    name = "logistic__sample_weight" if candidate.name == "logistic" else "sample_weight"
    with threadpool_limits(threads):
        estimator.fit(vectors, churned, **{name: weights})
    if candidate.name == "forest":
        estimator.set_params(
            n_jobs=1
        )  # threads add trees up in any order: equal scores would differ in their last bit
