"""int8 against fp32 on Banking77, and whether a text's result depends on the texts beside it.

    python -m benchmarks.precisions [--recipes quick balanced best] [--seeds 0 1 2] [--texts 500]

One bundle per recipe and seed, answered by both of its graphs on the CPU. Batch-mates: each text alone, then in random
batches of many sizes; the largest difference of an embedding and of a confidence, and labels that changed. Each
training has a process of its own; prints JSON lines.
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec
import numpy as np

from benchmarks.machine import describe, emit
from benchmarks.trainings import in_own_process, read_part, say, spread, train_here, write_rows
from models.bundle import Bundle
from models.encoder.embed import embed_texts
from models.encoder.files import Precision
from models.heads import Float32Array
from models.runtime import Encoder
from models.training.report import Recipe, TrainRequest

DATA = "banking77"
HEAD = "intent"
PRECISIONS: tuple[Precision, ...] = ("int8", "fp32")
BATCH_SIZES = (2, 3, 8, 32)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One training; `texts`: for the question about batch-mates."""

    recipe: str
    seed: int
    texts: int
    threads: int
    limit: int | None = None


def main() -> int:
    """One line per recipe and seed."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):  # the process of one training
        emit("precisions", **run_job(msgspec.json.decode(sys.argv[1], type=Job)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=["quick", "balanced", "best"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="rows of each part, to try it out")
    chosen = parser.parse_args()
    for recipe in chosen.recipes:
        for seed in chosen.seeds:
            job = Job(
                recipe=recipe,
                seed=seed,
                texts=chosen.texts,
                threads=chosen.threads,
                limit=chosen.limit,
            )
            (line,) = in_own_process("benchmarks.precisions", msgspec.to_builtins(job))
            say("done", recipe=recipe, seed=seed, accuracy=line["accuracy"])
            emit(**{**line, **describe()})
    return 0


def run_job(job: Job) -> dict[str, object]:
    """Train with both graphs and answer the test rows with each."""
    train, test = (read_part(DATA, part, job.limit) for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            name=DATA,
            models_dir=Path(folder) / "models",
            data=[write_rows(Path(folder) / "train.jsonl", train)],
            test=write_rows(Path(folder) / "test.jsonl", test),
            precisions=PRECISIONS,
            threads=job.threads,
            seed=job.seed,
            recipe=cast("Recipe", job.recipe),
        )
        trained = train_here(request)
        encoders = {
            precision: Encoder(
                Path(trained.report.path) / "encoder", ["cpu"], job.threads, precision
            )
            for precision in PRECISIONS
        }
    texts = [trained.bundle.text(row.subject or "", row.body or "", {}) for row in test]
    truth = [row.labels[HEAD] for row in test]
    given = {
        precision: said(trained.bundle, embed_texts(encoder, texts, job.threads).embeddings, texts)
        for precision, encoder in encoders.items()
    }
    accuracy = {
        precision: float(
            np.mean([label == true for (label, _), true in zip(found, truth, strict=True)])
        )
        for precision, found in given.items()
    }
    few = [text for text in spread(texts, job.texts) if text]
    return {
        **msgspec.to_builtins(job),
        "test_rows": len(test),
        "accuracy": {precision: round(value, 4) for precision, value in accuracy.items()},
        "int8_minus_fp32_points": round(100 * (accuracy["int8"] - accuracy["fp32"]), 2),
        "same_label_share": round(
            float(
                np.mean([a[0] == b[0] for a, b in zip(given["int8"], given["fp32"], strict=True)])
            ),
            4,
        ),
        "batch_mates": {
            precision: depends_on_mates(trained.bundle, encoder, few)
            for precision, encoder in encoders.items()
        },
    }


def said(bundle: Bundle, embeddings: Float32Array, texts: Sequence[str]) -> list[tuple[str, float]]:
    """The best label and its confidence, by text."""
    return [answer[HEAD].labels[0] for answer in bundle.predict(embeddings, texts)]


def depends_on_mates(bundle: Bundle, encoder: Encoder, texts: Sequence[str]) -> dict[str, float]:
    """The largest differences between a text alone and the same text among others."""
    rows = [text.ids for text in encoder.tokenize(texts)]
    alone = np.concatenate([encoder.embed([row]) for row in rows])
    before = said(bundle, alone, texts)
    worst = {"embedding": 0.0, "confidence": 0.0, "other_labels": 0.0}
    for size in BATCH_SIZES:
        order = list(range(len(rows)))
        random.Random(size).shuffle(order)
        batched = np.empty_like(alone)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            batched[batch] = encoder.embed([rows[place] for place in batch])
        after = said(bundle, batched, texts)
        moved = [abs(a[1] - b[1]) for a, b in zip(before, after, strict=True)]
        worst["embedding"] = max(worst["embedding"], float(np.abs(batched - alone).max()))
        worst["confidence"] = max(worst["confidence"], *moved)
        worst["other_labels"] += sum(a[0] != b[0] for a, b in zip(before, after, strict=True))
    return worst


if __name__ == "__main__":
    sys.exit(main())
