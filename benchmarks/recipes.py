"""Quality of the recipes on every head of the public data sets, against two baselines on the same rows.

    python -m benchmarks.recipes [--only banking77 …] [--recipes words frozen quick balanced best] [--seeds 0 1 2]
    python -m benchmarks.recipes --table

Each training has a process of its own and learns all heads of a data set at once. Each head gives one JSON line with
its figures and its answers row by row (labels, no texts), so that intervals and paired tests need no second run. What
is in the results file already is not run again. Test rows are measured on and choose nothing; tenants' label schemas,
which the baselines cannot have, are not used. Baselines draw nothing: they run once.
"""

import argparse
import hashlib
import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import orjson

from benchmarks.machine import describe
from benchmarks.recipe_results import BASELINES, RECIPES, HeadRun, read_runs
from benchmarks.recipe_table import table_lines
from benchmarks.trainings import (
    MIN_LABEL_ROWS,
    RESULTS,
    answers_of,
    in_own_process,
    known_labels,
    peak_rss_mb,
    read_part,
    say,
    train_here,
    with_known_labels,
    write_rows,
)
from models.evaluate import compare_answers
from models.heads import HeadAnswer
from models.labels import TrainingRow
from models.rows.dataset import answer_of
from models.training.report import Recipe, TrainRequest

DATA_SETS = (
    "banking77",
    "natcs",
    "nlupp",
    "it_tickets",
    "cfpb_complaints",
    "tickets_german",
    "tickets_multilang",
    "clinc150",
    "gnad_de",
    "germeval2018_de",
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training of one data set; `limit`: that many rows of each part only, to try the program out."""

    data: str
    recipe: str
    seed: int
    threads: int
    limit: int | None = None

    def key(self) -> tuple[str, str, int, int | None]:
        """What tells two trainings apart."""
        return self.data, self.recipe, self.seed, self.limit


def main() -> int:
    """Run what is missing, or print the table."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):  # the process of one training
        for run in run_job(msgspec.json.decode(sys.argv[1], type=Job)):
            sys.stdout.buffer.write(msgspec.json.encode(run) + b"\n")
        return 0
    chosen = _parse()
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    if chosen.table:
        runs = [run for run in read_runs(chosen.results) if run.limit == chosen.limit]
        print("\n".join(table_lines(runs)))
        return 0
    facts = {
        **describe(),
        "command": shlex.join(["python", "-m", "benchmarks.recipes", *sys.argv[1:]]),
    }
    failed = 0
    for job in missing(jobs(chosen), chosen.results):
        try:
            lines = in_own_process("benchmarks.recipes", msgspec.to_builtins(job))
        except RuntimeError as error:
            say("failed", why=error)
            failed += 1
            continue
        with chosen.results.open("ab") as out:  # all heads at once: half a job is never found there
            out.write(b"".join(orjson.dumps({**line, **facts}) + b"\n" for line in lines))
        for line in lines:
            say("done", head=line["head"], accuracy=line["accuracy"], macro_f1=line["macro_f1"])
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=DATA_SETS, choices=DATA_SETS)
    parser.add_argument("--recipes", nargs="*", default=RECIPES, choices=RECIPES)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="rows of each part, to try it out")
    parser.add_argument("--results", type=Path, default=RESULTS / "recipes.jsonl")
    parser.add_argument("--table", action="store_true", help="print the table of what was run")
    return parser.parse_args()


def jobs(chosen: argparse.Namespace) -> Iterator[Job]:
    """Cheap ones first, so that a table can be printed early."""
    for recipe in (one for one in RECIPES if one in chosen.recipes):
        for data in chosen.only:
            for seed in [0] if recipe in BASELINES else chosen.seeds:
                yield Job(
                    data=data, recipe=recipe, seed=seed, threads=chosen.threads, limit=chosen.limit
                )


def missing(wanted: Iterator[Job], results: Path) -> list[Job]:
    """The jobs that have no line yet."""
    there = {(run.data, run.recipe, run.seed, run.limit) for run in read_runs(results)}
    return [job for job in wanted if job.key() not in there]


def run_job(job: Job) -> list[HeadRun]:
    """Train, answer the test rows, and give the figures of each head."""
    train, test = (read_part(job.data, part, job.limit) for part in ("train", "test"))
    if job.recipe in BASELINES:
        return _run_baseline(job, train, test)
    with tempfile.TemporaryDirectory(dir=RESULTS if RESULTS.is_dir() else None) as folder:
        request = TrainRequest(
            name=job.data,
            models_dir=Path(folder) / "models",
            data=[write_rows(Path(folder) / "train.jsonl", train)],
            test=write_rows(Path(folder) / "test.jsonl", test),
            threads=job.threads,
            min_label_rows=MIN_LABEL_ROWS,
            seed=job.seed,
            recipe=cast("Recipe", job.recipe),
        )
        trained = train_here(request)
        answers = answers_of(trained.bundle, test, job.threads)
    return score(job, train, test, answers, (trained.seconds, trained.peak_rss_mb))


def _run_baseline(
    job: Job, train: Sequence[TrainingRow], test: Sequence[TrainingRow]
) -> list[HeadRun]:
    # scikit-learn is of the developers' environment: reading results must not need it
    from benchmarks.recipe_baselines import Baseline, baseline_answers  # noqa: PLC0415

    began_s = time.monotonic()
    answers = baseline_answers(cast("Baseline", job.recipe), train, test, job.threads)
    return score(job, train, test, answers, (time.monotonic() - began_s, peak_rss_mb()))


def score(
    job: Job,
    train: Sequence[TrainingRow],
    test: Sequence[TrainingRow],
    answers: Sequence[Mapping[str, HeadAnswer]],
    cost: tuple[float, float],
) -> list[HeadRun]:
    """One line for each head that was learned and that test rows answer; `cost` is seconds and peak memory in MB."""
    known = {head: labels for head, labels in known_labels(train).items() if head in answers[0]}
    rows = [with_known_labels(row, known) for row in test]
    runs: list[HeadRun] = []
    for head, figures in compare_answers(rows, answers, known).items():
        places = [place for place, row in enumerate(rows) if answer_of(row, head) is not None]
        is_one = figures.kind == "multiclass"
        truth = [answer_of(rows[place], head) or () for place in places]
        shown = [answers[place][head].labels[: 1 if is_one else None] for place in places]
        given = [tuple(label for label, _ in labels) for labels in shown]
        names = sorted({label for labels in (*truth, *given) for label in labels})
        number = {label: place for place, label in enumerate(names)}
        common = Counter(labels[0] for labels in truth).most_common(1) if is_one else []
        runs.append(
            HeadRun(
                data=job.data,
                head=head,
                kind=figures.kind,
                recipe=job.recipe,
                seed=job.seed,
                limit=job.limit,
                train_rows=sum(answer_of(row, head) is not None for row in train),
                classes=len(known[head]),
                majority=common[0][1] / len(truth) if common else None,
                accuracy=figures.accuracy,
                macro_f1=figures.macro_f1,
                micro_f1=figures.micro_f1,
                calibration_error=figures.calibration_error if is_one else None,
                seconds=round(cost[0], 1),
                peak_rss_mb=round(cost[1]),
                rows_key=hashlib.sha256("\n".join(rows[p].id for p in places).encode()).hexdigest()[
                    :16
                ],
                labels=names,
                truth=[sorted(number[label] for label in labels) for labels in truth],
                given=[sorted(number[label] for label in labels) for labels in given],
                confidence=[round(labels[0][1], 4) if labels else 0.0 for labels in shown],
            )
        )
    return runs


if __name__ == "__main__":
    sys.exit(main())
