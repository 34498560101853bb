"""Tries settings of the candidates, each judged on validation rows; knows Optuna, no rows.

Source: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization" (TPE). Needs the extra `train`.
"""

from collections.abc import Callable
from typing import Any

import optuna

from models.churn.candidates import FOREST_TREES, Candidate, least_rows_of_leaf

_KINDS = ("forest", "boosting", "logistic")


def search_candidates(
    judge: Callable[[Candidate], float], count: int, seed: int, shape: tuple[int, ...]
) -> None:
    """Have `count` candidates judged, less is better; equal judgements and seed propose equal settings.

    Args:
        judge: the judgement of one candidate.
        count: how many.
        seed: of what is proposed.
        shape: rows and columns to learn from.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, judge(_propose(trial, *shape)))


def _propose(trial: Any, rows: int, columns: int) -> Candidate:
    kind = trial.suggest_categorical("kind", _KINDS)
    if kind == "forest":
        root, least = max(1, int(columns**0.5)), least_rows_of_leaf(rows)
        return Candidate(
            "forest",
            {
                "trees": FOREST_TREES,
                "rows_of_leaf": trial.suggest_int(
                    "forest.rows_of_leaf", least, max(100, 4 * least), log=True
                ),
                "columns_of_split": trial.suggest_int(
                    "forest.columns_of_split", max(1, root // 3), min(columns, 5 * root), log=True
                ),
            },
        )
    if kind == "boosting":
        return Candidate(
            "boosting",
            {
                "rounds": trial.suggest_int("boosting.rounds", 30, 400, log=True),
                "learning_rate": trial.suggest_float("boosting.learning_rate", 0.02, 0.3, log=True),
                "leaves": trial.suggest_int("boosting.leaves", 4, 63, log=True),
                "rows_of_leaf": trial.suggest_int("boosting.rows_of_leaf", 5, 100, log=True),
                "penalty": trial.suggest_float("boosting.penalty", 1e-3, 30.0, log=True),
            },
        )
    penalty = trial.suggest_float("logistic.inverse_penalty", 1e-3, 30.0, log=True)
    return Candidate("logistic", {"inverse_penalty": penalty})
