"""Tries settings of a recipe, each judged on rows that it did not learn from; alone in knowing Optuna.

Gives the same trials for the same seed and figures, so that a killed search goes on by replaying its journal.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import optuna

from models.bundle_writer import sync
from models.fitting.candidates import Candidate, FeatureName
from models.training.report import TrialReport
from models.tuning.settings import TuneSettings

JOURNAL_NAME = "trials.json"
# The figure of a trial whose loss became no number: worse than any.
FAILED = -math.inf


def search_candidates(judge: Callable[[Candidate], float], count: int, seed: int) -> None:
    """Have `count` further ways to fit a head judged: what it reads, and how much it trusts the rows."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(count):
        trial = study.ask()
        reads_ngrams = trial.suggest_categorical("reads_ngrams", [False, True])
        features: FeatureName = "embedding+ngrams" if reads_ngrams else "embedding"
        penalty = trial.suggest_float("inverse_penalty", 0.3, 300.0, log=True)
        study.tell(trial, judge(Candidate(features, float(f"{penalty:.3g}"))))


def search_settings(
    own: TuneSettings,
    count: int,
    seed: int,
    judge: Callable[[int, TuneSettings], float],
    folder: Path,
) -> tuple[TuneSettings, tuple[TrialReport, ...]]:
    """The best of `count` settings, and all that were tried; the first is the recipe's own.

    Args:
        own: the recipe's settings.
        count: at least 1.
        seed: of the sampler.
        judge: number and settings of a trial -> its figure, more is better; `FAILED` where it has none.
        folder: holds the journal, which is read first.

    Source: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization" (TPE).
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(_named(own))
    known = {trial.number: trial for trial in _read(folder / JOURNAL_NAME)}
    trials: list[TrialReport] = []
    tried: list[TuneSettings] = []
    for number in range(count):
        trial = study.ask()
        settings = _propose(trial, own)
        named = _named(settings)
        before = known.get(number)
        if before is not None and before.settings != named:
            before = None  # the journal is of other trials
        score = judge(number, settings) if before is None else _figure(before)
        study.tell(trial, score)
        tried.append(settings)
        kept = None if score == FAILED else score
        trials.append(TrialReport(number=number, settings=named, score=kept))
        _write(folder, trials)
    return tried[best_trial(trials).number], tuple(trials)


def best_trial(trials: Sequence[TrialReport]) -> TrialReport:
    """The trial with the highest figure, the first of equals."""
    return max(trials, key=lambda trial: (_figure(trial), -trial.number))


def _figure(trial: TrialReport) -> float:
    return FAILED if trial.score is None else trial.score


def _propose(trial: Any, own: TuneSettings) -> TuneSettings:
    """The ranges hold every recipe's own settings; beyond them lay only worse trials on all-MiniLM-L6-v2."""
    return msgspec.structs.replace(
        own,
        learning_rate=trial.suggest_float("learning_rate", 2e-5, 1e-3, log=True),
        layers_share=trial.suggest_categorical("layers_share", [0.34, 0.5, 0.67, 1.0]),
        weight_decay=trial.suggest_float("weight_decay", 1e-3, 0.2, log=True),
        taught_share=trial.suggest_float("taught_share", 0.0, 0.8),
        dropout=trial.suggest_float("dropout", 0.0, 0.3),
        epochs=trial.suggest_int("epochs", 1, 10),
    )


def _named(settings: TuneSettings) -> dict[str, float]:
    names = (
        "learning_rate",
        "layers_share",
        "weight_decay",
        "taught_share",
        "dropout",
        "epochs",
    )
    return {name: getattr(settings, name) for name in names}


def _read(path: Path) -> list[TrialReport]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[TrialReport])
    except (FileNotFoundError, msgspec.DecodeError):
        return []  # the trials run again, and give the same


def _write(folder: Path, trials: list[TrialReport]) -> None:
    work = folder / f"{JOURNAL_NAME}.writing"
    work.write_bytes(msgspec.json.encode(trials))
    sync(work)
    work.replace(folder / JOURNAL_NAME)
