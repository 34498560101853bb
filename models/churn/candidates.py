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

FOREST_TREES = 100
# A tree of a forest has at most so many leaves: its graph stays below 40 MB however many rows there are.
_MOST_LEAVES = 2_500


class Candidate(msgspec.Struct, frozen=True):
    """One kind of model with its settings."""

    name: CandidateName
    settings: dict[str, float]


def defaults(rows: int, columns: int) -> list[Candidate]:
    """The candidates as they are without a search; the forest of 100 trees, the reference, first."""
    forest: dict[str, float] = {
        "trees": FOREST_TREES,
        "rows_of_leaf": max(1, rows // _MOST_LEAVES),
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


def make_estimator(candidate: Candidate, seed: int, threads: int) -> Any:
    """An estimator not fitted yet; equal rows, settings and seed give an equal one, on any number of threads."""
    settings = candidate.settings
    # Any: the types that scikit-learn names are those of the defaults.
    forest: Any = RandomForestClassifier
    boosting: Any = HistGradientBoostingClassifier
    if candidate.name == "forest":
        return forest(
            n_estimators=int(settings["trees"]),
            min_samples_leaf=int(settings["rows_of_leaf"]),
            max_features=int(settings["columns_of_split"]),
            random_state=seed,
            n_jobs=threads,
        )
    if candidate.name == "boosting":
        return boosting(
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
