"""CLINC150: right answers to what is in scope, and how much of what belongs to no class is refused.

    python -m benchmarks.out_of_scope [--recipes quick balanced] [--seeds 0 1 2]

Two models per recipe and seed: one never saw a row out of scope and can only be unsure; the other learned from the 100
`oos` rows of the train part as its out-of-scope label. The threshold on confidence lets 5 % of the in-scope rows of the
validation part go wrong; the test part is only measured on. A process of its own per training; prints JSON lines.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.machine import describe, emit
from benchmarks.trainings import (
    answers_of,
    in_own_process,
    read_part,
    say,
    train_here,
    write_rows,
)
from models.fitting.abstention import false_alarm_threshold
from models.heads import HeadAnswer
from models.labels import TrainingRow
from models.training.report import Recipe, TrainRequest

HEAD = "intent"
OUTSIDE = "oos"
FALSE_ALARM_SHARE = 0.05


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training."""

    recipe: str
    seed: int
    learns_outside: bool
    threads: int
    limit: int | None = None


def main() -> int:
    """Run every combination."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):  # the process of one training
        emit("out_of_scope", **run_job(msgspec.json.decode(sys.argv[1], type=Job)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=["quick", "balanced"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="rows of each part, to try it out")
    chosen = parser.parse_args()
    for recipe in chosen.recipes:
        for seed in chosen.seeds:
            for learns in (False, True):
                job = Job(
                    recipe=recipe,
                    seed=seed,
                    learns_outside=learns,
                    threads=chosen.threads,
                    limit=chosen.limit,
                )
                (line,) = in_own_process("benchmarks.out_of_scope", msgspec.to_builtins(job))
                say("done", **{name: line[name] for name in ("in_scope_accuracy", "recall")})
                emit(**{**line, **describe()})
    return 0


def run_job(job: Job) -> dict[str, object]:
    """Train, choose the threshold on validation rows, measure on test rows."""
    train, validation, test = (
        [_only_intent(row) for row in read_part("clinc150", part, job.limit)]
        for part in ("train", "validation", "test")
    )
    if not job.learns_outside:
        train = [row for row in train if not is_outside(row)]
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            name="clinc150",
            models_dir=Path(folder) / "models",
            data=[write_rows(Path(folder) / "train.jsonl", train)],
            test=write_rows(Path(folder) / "test.jsonl", test),
            threads=job.threads,
            seed=job.seed,
            recipe=cast("Recipe", job.recipe),
            out_of_scope_label=OUTSIDE if job.learns_outside else None,
        )
        trained = train_here(request)
        seen = [
            (rows, answers_of(trained.bundle, rows, job.threads)) for rows in (validation, test)
        ]
    return {
        **msgspec.to_builtins(job),
        "train_rows": len(train),
        **measure(*seen[0], *seen[1]),
        "seconds": round(trained.seconds, 1),
        "peak_rss_mb": round(trained.peak_rss_mb),
    }


def measure(
    validation: Sequence[TrainingRow],
    validation_answers: Sequence[Mapping[str, HeadAnswer]],
    test: Sequence[TrainingRow],
    test_answers: Sequence[Mapping[str, HeadAnswer]],
) -> dict[str, object]:
    """The threshold from validation rows, and what it does to test rows.

    `in_scope_accuracy` is that of the likeliest class with no threshold; `recall` and `false_alarms` are the shares of
    test rows out of scope and in scope that the threshold refuses; `as_served_*` is what the bundle itself abstains
    from without it.
    """
    confidences, outside = _confidences(validation, validation_answers)
    threshold, _ = false_alarm_threshold(
        confidences[~outside], confidences[outside], FALSE_ALARM_SHARE
    )
    confidences, outside = _confidences(test, test_answers)
    refused = confidences < threshold
    abstained = np.array([answer[HEAD].abstained for answer in test_answers])
    right = np.array(
        [
            bool(answer[HEAD].labels) and answer[HEAD].labels[0][0] == row.labels[HEAD]
            for row, answer in zip(test, test_answers, strict=True)
        ]
    )
    return {
        "test_in_scope": int((~outside).sum()),
        "test_out_of_scope": int(outside.sum()),
        "in_scope_accuracy": _share(right[~outside]),
        "threshold": round(threshold, 4),
        "recall": _share(refused[outside]),
        "false_alarms": _share(refused[~outside]),
        "accuracy_of_answered": _share(right[~outside & ~refused]),
        "as_served_recall": _share(abstained[outside]),
        "as_served_false_alarms": _share(abstained[~outside]),
    }


def is_outside(row: TrainingRow) -> bool:
    """Whether the row belongs to no class."""
    return row.labels[HEAD] == OUTSIDE


def _only_intent(row: TrainingRow) -> TrainingRow:
    return msgspec.structs.replace(row, labels={HEAD: row.labels[HEAD]})


def _confidences(
    rows: Sequence[TrainingRow], answers: Sequence[Mapping[str, HeadAnswer]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Of the best in-scope label of each row, and whether the row is out of scope."""
    found = [answer[HEAD].labels[0][1] if answer[HEAD].labels else 0.0 for answer in answers]
    return np.array(found, np.float64), np.array([is_outside(row) for row in rows], np.bool_)


def _share(those: npt.NDArray[np.bool_]) -> float | None:
    return round(float(those.mean()), 4) if len(those) else None


if __name__ == "__main__":
    sys.exit(main())
