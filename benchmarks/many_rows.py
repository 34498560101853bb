"""How long 45,000 rows with 10 labels take from the file to the bundle, and how much memory.

    python -m benchmarks.many_rows [--recipes quick balanced] [--rows 45000] [--seed 0]

Rows are mails of two customers of the built-in world, who know ten topics together. Measured on 2,000 mails of another
seed, which choose nothing. Each training has a process of its own; prints JSON lines.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec

from benchmarks.machine import describe, emit
from benchmarks.trainings import in_own_process, say, train_here, write_rows
from models.labels import TrainingRow
from models.training.report import Recipe, TrainRequest
from stream.simulate.world import World

HEAD = "topic"
CUSTOMERS = frozenset({"telvia", "codewerk"})  # four topics shared, three of each their own
TEST_ROWS = 2000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training, from `train.jsonl` and `test.jsonl` of a folder."""

    folder: str
    recipe: str
    rows: int
    seed: int
    threads: int


def main() -> int:
    """One line per recipe."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):  # the process of one training
        emit("many_rows", **run_job(msgspec.json.decode(sys.argv[1], type=Job)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=["quick", "balanced"])
    parser.add_argument("--rows", type=int, default=45_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Written here: what makes the rows is no part of the memory that is measured.
        write_rows(Path(folder) / "train.jsonl", list(islice(topics(1), chosen.rows)))
        write_rows(Path(folder) / "test.jsonl", list(islice(topics(2), TEST_ROWS)))
        for recipe in chosen.recipes:
            job = Job(
                folder=folder,
                recipe=recipe,
                rows=chosen.rows,
                seed=chosen.seed,
                threads=chosen.threads,
            )
            (line,) = in_own_process("benchmarks.many_rows", msgspec.to_builtins(job))
            say("done", recipe=recipe, minutes=line["minutes"], peak_rss_mb=line["peak_rss_mb"])
            emit(**{**line, **describe()})
    return 0


def topics(seed: int) -> Iterator[TrainingRow]:
    """Mails of the two customers with their topic, without end."""
    for row in World(seed).history(sys.maxsize):
        if row.tenant in CUSTOMERS:
            # One label set for both: tenants' schemas are another matter.
            yield msgspec.structs.replace(row, tenant=None, labels={HEAD: row.labels[HEAD]})


def run_job(job: Job) -> dict[str, object]:
    """Train, and tell minutes, stages, memory and figures."""
    folder = Path(job.folder)
    request = TrainRequest(
        name=job.recipe,
        models_dir=folder / "models",
        data=[folder / "train.jsonl"],
        test=folder / "test.jsonl",
        threads=job.threads,
        seed=job.seed,
        recipe=cast("Recipe", job.recipe),
    )
    trained = train_here(request)
    (head,) = trained.report.heads
    return {
        "recipe": job.recipe,
        "rows": job.rows,
        "seed": job.seed,
        "threads": job.threads,
        "labels": head.labels,
        "file_mb": round(request.data[0].stat().st_size / 1e6, 1),
        "minutes": round(trained.seconds / 60, 2),
        "stages_s": {stage: round(value, 1) for stage, value in trained.report.seconds.items()},
        "peak_rss_mb": round(trained.peak_rss_mb),
        "figures": head.figures.main() if head.figures else None,
    }


if __name__ == "__main__":
    sys.exit(main())
