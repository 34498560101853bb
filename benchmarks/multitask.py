"""One model with all heads against one model per head; and what an attribute in the text is worth.

    python -m benchmarks.multitask [--recipe balanced] [--seeds 0 1 2] [--only it_tickets tickets_german world]

`it_tickets`, `tickets_german`: quality on the test part, seconds and memory of training, size on disk, and texts per
second of serving, where separate models encode every text once each. `world`: mails of the built-in world, whose `desk`
follows from an attribute that the text does not hold; the same rows with and without the attributes in the text. Each
training has a process of its own; prints JSON lines.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from benchmarks.machine import describe, emit
from benchmarks.recipe_results import HeadRun, paired_difference
from benchmarks.recipes import Job as Scored
from benchmarks.recipes import score
from benchmarks.trainings import (
    MIN_LABEL_ROWS,
    answers_of,
    in_own_process,
    read_part,
    say,
    train_here,
    write_rows,
)
from models.labels import DEFAULT_TEMPLATE, TrainingRow, template_with
from models.training.report import Recipe, TrainRequest
from stream.simulate.tenants import ATTRIBUTES
from stream.simulate.world import World

DATA_SETS = ("it_tickets", "tickets_german")
WORLD = "world"
WORLD_ROWS = (6000, 2000)
SPEED_TEXTS = 512


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training; `heads`: of these only, None: of all."""

    data: str
    recipe: str
    seed: int
    threads: int
    heads: list[str] | None = None
    reads_attributes: bool = False
    limit: int | None = None


def main() -> int:
    """Run what was asked for."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):  # the process of one training
        emit("training", **run_job(msgspec.json.decode(sys.argv[1], type=Job)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="balanced")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=[*DATA_SETS, WORLD])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="rows of each part, to try it out")
    chosen = parser.parse_args()
    for data in chosen.only:
        for seed in chosen.seeds:
            job = Job(
                data=data,
                recipe=chosen.recipe,
                seed=seed,
                threads=chosen.threads,
                limit=chosen.limit,
            )
            (compare_attributes if data == WORLD else compare_heads)(job)
    return 0


def compare_heads(job: Job) -> None:
    """One model for all heads, then one for each."""
    joint = _train(job)
    alone = [_train(msgspec.structs.replace(job, heads=[run.head])) for run in _runs(joint)]
    texts_per_s = 1 / sum(1 / one["texts_per_s"] for one in alone)
    emit(
        "multitask",
        data=job.data,
        recipe=job.recipe,
        seed=job.seed,
        limit=job.limit,
        heads=compare(_runs(joint), [run for one in alone for run in _runs(one)]),
        together={
            name: joint[name] for name in ("seconds", "peak_rss_mb", "disk_mb", "texts_per_s")
        },
        separate={
            "seconds": round(sum(one["seconds"] for one in alone), 1),
            "peak_rss_mb": max(one["peak_rss_mb"] for one in alone),
            "disk_mb": round(sum(one["disk_mb"] for one in alone), 1),
            "texts_per_s": round(texts_per_s, 1),
        },
        **describe(),
    )


def compare_attributes(job: Job) -> None:
    """The same rows, with the attributes as a prefix of the text and without."""
    without = _train(job)
    within = _train(msgspec.structs.replace(job, reads_attributes=True))
    emit(
        "attributes",
        recipe=job.recipe,
        seed=job.seed,
        limit=job.limit,
        attributes=list(ATTRIBUTES),
        heads=compare(_runs(within), _runs(without)),
        **describe(),
    )


def compare(ours: Sequence[HeadRun], theirs: Sequence[HeadRun]) -> dict[str, dict[str, object]]:
    """Per head and figure: the first side, the second one, and the paired difference with its interval."""
    other = {run.head: run for run in theirs}
    return {
        run.head: {
            metric: {
                "first": round(run.figure(metric), 4),
                "second": round(other[run.head].figure(metric), 4),
                "difference": str(paired_difference([run], [other[run.head]], metric)),
            }
            for metric in run.metrics
        }
        for run in ours
        if run.head in other
    }


def run_job(job: Job) -> dict[str, object]:
    """Train on rows with the chosen heads; figures of each head, and what training and serving cost."""
    train, test = (only_heads(rows, job.heads) for rows in _parts(job))
    template = template_with(ATTRIBUTES) if job.reads_attributes else DEFAULT_TEMPLATE
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            name=job.data,
            models_dir=Path(folder) / "models",
            data=[write_rows(Path(folder) / "train.jsonl", train)],
            test=write_rows(Path(folder) / "test.jsonl", test),
            input_template=template,
            threads=job.threads,
            min_label_rows=MIN_LABEL_ROWS,
            seed=job.seed,
            recipe=cast("Recipe", job.recipe),
        )
        trained = train_here(request)
        files = [path for path in Path(trained.report.path).rglob("*") if path.is_file()]
        disk_mb = sum(path.stat().st_size for path in files) / 1e6
        timed = (test * (SPEED_TEXTS // len(test) + 1))[:SPEED_TEXTS]
        answers_of(trained.bundle, timed[:64], job.threads)  # warm
        began_s = time.monotonic()
        answers_of(trained.bundle, timed, job.threads)
        texts_per_s = len(timed) / (time.monotonic() - began_s)
        answers = answers_of(trained.bundle, test, job.threads)
    scored = Scored(data=job.data, recipe=job.recipe, seed=job.seed, threads=job.threads)
    cost = (trained.seconds, trained.peak_rss_mb)
    return {
        "runs": msgspec.to_builtins(score(scored, train, test, answers, cost)),
        "seconds": round(trained.seconds, 1),
        "peak_rss_mb": round(trained.peak_rss_mb),
        "disk_mb": round(disk_mb, 1),
        "texts_per_s": round(texts_per_s, 1),
    }


def only_heads(rows: Sequence[TrainingRow], heads: Sequence[str] | None) -> list[TrainingRow]:
    """Rows with the labels of these heads; a row that says nothing about them is left out."""
    if heads is None:
        return list(rows)
    kept = [{name: row.labels[name] for name in heads if name in row.labels} for row in rows]
    return [
        msgspec.structs.replace(row, labels=labels)
        for row, labels in zip(rows, kept, strict=True)
        if labels
    ]


def _parts(job: Job) -> tuple[list[TrainingRow], list[TrainingRow]]:
    if job.data != WORLD:
        return read_part(job.data, "train", job.limit), read_part(job.data, "test", job.limit)
    counts = [min(count, job.limit or count) for count in WORLD_ROWS]
    return _mails(1, counts[0]), _mails(2, counts[1])


def _mails(seed: int, count: int) -> list[TrainingRow]:
    """Mails of the world without their tenants: no label schema helps or hinders either side."""
    return [msgspec.structs.replace(row, tenant=None) for row in World(seed).history(count)]


def _train(job: Job) -> dict[str, Any]:
    (line,) = in_own_process("benchmarks.multitask", msgspec.to_builtins(job))
    say("done", seconds=line["seconds"])
    return line


def _runs(line: dict[str, Any]) -> list[HeadRun]:
    return msgspec.convert(line["runs"], list[HeadRun])


if __name__ == "__main__":
    sys.exit(main())
