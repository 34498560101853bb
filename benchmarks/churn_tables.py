"""Profiles alone on two public tables, on the split that they come with: ours against scikit-learn's pipeline.

    python -m benchmarks.churn_tables [--seeds 3] FOLDER

FOLDER holds `churn_mlc.{train,test}.csv` and `churn_ibm_telco.{train,test}.csv`. *Ours* is the walk of `train-churn`:
candidates chosen on a part of the training file, the best fitted on all of it, calibrated out of fold, run in ONNX.
*Reference* is what a person would write with scikit-learn: mean imputation with an indicator, one-hot that ignores the
unknown, a forest of 100 trees, or histogram boosting, at their defaults. Test rows choose nothing. Then both runtimes
on the same model: the largest difference, and the time of one row. Prints JSON lines.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import f1_score, recall_score, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from benchmarks.machine import describe, emit
from benchmarks.runs import say
from models.churn.dataset import ChurnData, ChurnFiles, read_churn_data
from models.churn.entry import ChurnEntry
from models.churn.export import export_graph
from models.churn.features_file import propose_features
from models.churn.fit import ChurnFit, score
from models.churn.fit_rows import CallRows
from models.churn.model import ChurnModel, calibrated
from models.churn.profile_rows import read_profiles
from models.churn.report import ProjectionReport
from models.churn.split import ChurnSplit, split_examples
from models.churn.spoken import nothing_spoken
from models.churn.trained import ChurnResult
from models.train_churn import MASKED_SHARE
from stream.cli.wiring import cores

TABLES = ("churn_mlc", "churn_ibm_telco")
ROWS_TIMED, TURNS = 200, 5


def main() -> None:
    """Every table, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    for table in TABLES:
        train, test = (args.folder / f"{table}.{part}.csv" for part in ("train", "test"))
        runs = [ours(train, test, seed) for seed in range(args.seeds)]
        for seed, one in enumerate(runs):
            emit("churn_tables", table=table, side="ours", seed=seed, **one, **describe())
        for name, one in references(train, test, args.seeds).items():
            emit("churn_tables", table=table, side=name, **one, **describe())


def read(train: Path, test: Path) -> tuple[ChurnData, int]:
    """Both files' examples, those of the training file first, and how many these are."""
    with tempfile.TemporaryDirectory() as folder:
        features = Path(folder) / "features.toml"
        profiles = [one.features for one in read_profiles(train).rows]
        features.write_text(propose_features(profiles, hears_calls=False), encoding="utf-8")
        first, second = (
            read_churn_data(ChurnFiles(features, outcomes=path, profiles=path))
            for path in (train, test)
        )
    examples = first.examples + second.examples
    return ChurnData(first.lists, examples, first.files, first.notes), len(first.examples)


def ours(train: Path, test: Path, seed: int) -> dict[str, object]:
    """The walk of `train-churn` with the test file as the calls kept back."""
    data, learned = read(train, test)
    parts = split_examples(data.examples[:learned], seed)
    learn = sorted(parts.learn + parts.test)  # the file's own test rows are the ones kept back
    kept = list(range(learned, len(data.examples)))
    split = ChurnSplit(learn, parts.validation, kept, parts.facts)
    known = [*split.learn, *split.validation]
    spoken = nothing_spoken(data.examples)
    rows = CallRows(data.lists, data.examples, spoken, None, known)
    count = max(1, round(MASKED_SHARE * len(learn)))
    masked = np.random.default_rng(seed).choice(learn, count, replace=False)
    learn_rows = rows.fit_rows(learn, np.sort(masked).tolist())
    validation = rows.fit_rows(split.validation)
    fitted = ChurnFit(learn_rows, validation, seed, cores(), lambda *_: None).run(0)
    result = ChurnResult(data, split, rows, fitted, None)
    found = result.measure(seed)
    projection = ProjectionReport(
        numbers=0, log_loss_whole=None, log_loss_short=None, reason="no call is heard"
    )
    report = result.report(found, projection, spoken)
    say("fitted", table=train.stem, seed=seed, chosen=report.candidate)
    return {
        "chosen": report.candidate,
        "figures": {name: round(value, 4) for name, value in found.figures.items()},
        "roc_auc_interval": [
            round(found.intervals["roc_auc"].low, 4),
            round(found.intervals["roc_auc"].high, 4),
        ],
        "kinds": {
            one.name: {"roc_auc": round(one.test_roc_auc, 4), "f1": round(one.test_f1, 4)}
            for one in report.candidates
        },
        "runtimes": {
            trial.candidate.name: runtimes(rows, trial.candidate, estimator, kept)
            for trial, estimator in fitted.kinds
        },
    }


def runtimes(
    rows: CallRows, candidate: Any, estimator: Any, kept: Sequence[int]
) -> dict[str, float]:
    """The same model in ONNX Runtime and in scikit-learn: how far apart, and how long one row takes."""
    vectors = rows.prefixes(kept).vectors
    entry = ChurnEntry(
        space=rows.space,
        candidate=candidate.name,
        settings={},
        slope=1.0,
        intercept=0.0,
        alarm_from=0.5,
        projection=None,
        figures={},
    )
    model = ChurnModel(entry, export_graph(candidate, estimator, vectors[:100]), None)
    said = model.probabilities(vectors)
    apart = float(np.abs(said - calibrated(score(estimator, vectors), 1.0, 0.0)).max())
    if candidate.name == "forest":
        estimator.set_params(n_jobs=1)  # for one row, threads only cost time
    some = [vectors[place : place + 1] for place in range(ROWS_TIMED)]
    onnx_us, sklearn_us, ratios = [], [], []
    for _ in range(TURNS):
        onnx_us.append(microseconds(model.probabilities, some))
        sklearn_us.append(microseconds(estimator.predict_proba, some))
        ratios.append(sklearn_us[-1] / onnx_us[-1])
    return {
        "largest_difference": apart,
        "onnx_us_a_row": round(statistics.median(onnx_us), 1),
        "sklearn_us_a_row": round(statistics.median(sklearn_us), 1),
        "sklearn_to_onnx": round(statistics.median(ratios), 1),
    }


def microseconds(run: Callable[[Any], object], rows: Sequence[Any]) -> float:
    """Of the clock, a row; each row in a run of its own."""
    began_s = time.perf_counter()
    for row in rows:
        run(row)
    return (time.perf_counter() - began_s) / len(rows) * 1e6


def references(train: Path, test: Path, seeds: int) -> dict[str, dict[str, object]]:
    """What scikit-learn makes of the same rows and columns, seed by seed; medians."""
    data, learned = read(train, test)
    numerical, categorical = data.lists.numerical, data.lists.categorical
    cells = np.array(
        [
            [one.features[name] for name in (*numerical, *categorical)]
            for one in data.examples
            if one.features is not None
        ],
        object,
    )
    churned = np.array([one.churned for one in data.examples])
    numbers = list(range(len(numerical)))
    words = list(range(len(numerical), len(numerical) + len(categorical)))
    found: dict[str, dict[str, object]] = {}
    for name in ("forest of 100 trees", "histogram boosting"):
        figures: list[tuple[float, float, float]] = []
        for seed in range(seeds):
            kind: Any = (
                RandomForestClassifier(100, random_state=seed)
                if name.startswith("forest")
                else HistGradientBoostingClassifier(random_state=seed)
            )
            columns = ColumnTransformer(
                [
                    ("numbers", SimpleImputer(strategy="mean", add_indicator=True), numbers),
                    ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
                ]
            )
            pipeline = Pipeline([("columns", columns), ("model", kind)])
            pipeline.fit(numbers_and_words(cells[:learned], numbers), churned[:learned])
            said = pipeline.predict_proba(numbers_and_words(cells[learned:], numbers))[:, 1]
            truth = churned[learned:]
            figures.append(
                (
                    float(roc_auc_score(truth, said)),
                    float(f1_score(truth, said >= 0.5)),
                    float(recall_score(truth, said >= 0.5)),
                )
            )
        auc, f1, recall = (round(statistics.median(one), 4) for one in zip(*figures, strict=True))
        found[name] = {"roc_auc": auc, "f1_at_half": f1, "recall_at_half": recall, "seeds": seeds}
    return found


def numbers_and_words(cells: Any, numbers: Sequence[int]) -> Any:
    """The same cells, unknown numbers as NaN and unknown words as a word."""
    own = cells.copy()
    for place in range(own.shape[1]):
        unknown: object = np.nan if place in numbers else "unknown"
        own[:, place] = [unknown if value is None else value for value in own[:, place]]
    return own


if __name__ == "__main__":
    sys.exit(main())
