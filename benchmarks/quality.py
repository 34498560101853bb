"""Quality of recipe `quick` on the public data sets: trains on each, measures on its test part, compares known figures.

Reads the folder of `SWITCHBOARD_DATA_DIR` (default `../shared/data` beside the repository) and prints a table. Three
fits per head: the embedding alone, n-grams beside it, and what the recipe chooses without seeing the test part.

    python -m benchmarks.quality [--only banking77 …] [--threads 2]
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from models.dataset import answer_of, read_dataset
from models.embed import embed_texts
from models.encoder_store import prepare_encoder
from models.evaluate import HeadFigures, compare_answers
from models.fit import CANDIDATES, Candidate
from models.fit_heads import FitOptions, FittedHeads, fit_heads
from models.heads import Float32Array, answer_heads
from models.labels import DEFAULT_TEMPLATE, TrainingRow
from models.runtime import Encoder

MAX_LENGTH_TOKENS = 256
MIN_LABEL_ROWS = 10

# (word n-grams, frozen embedding), each accuracy and macro F1, scikit-learn with C = 10 on the same rows; multi-label:
# micro F1 at the better of the thresholds 0.5 and 0.3, over labels of at least 10 rows.
KNOWN: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "banking77.intent": ((0.904, 0.903), (0.925, 0.924)),
    "natcs.intent": ((0.916, 0.903), (0.951, 0.949)),
    "nlupp.domain": ((0.930, 0.918), (0.934, 0.925)),
    "nlupp.intents": ((0.796, 0.0), (0.823, 0.0)),
    "it_tickets.business_service": ((0.600, 0.255), (0.571, 0.283)),
    "it_tickets.category": ((0.837, 0.316), (0.851, 0.368)),
    "it_tickets.impact": ((0.986, 0.481), (0.965, 0.448)),
    "it_tickets.sub_category1": ((0.600, 0.299), (0.602, 0.276)),
    "it_tickets.sub_category2": ((0.601, 0.184), (0.566, 0.223)),
    "it_tickets.ticket_type": ((0.988, 0.966), (0.970, 0.907)),
    "it_tickets.urgency": ((0.947, 0.501), (0.934, 0.465)),
    "cfpb_complaints.company_response": ((0.839, 0.242), (0.832, 0.377)),
    "cfpb_complaints.issue": ((0.311, 0.072), (0.385, 0.171)),
    "cfpb_complaints.product": ((0.722, 0.339), (0.758, 0.546)),
    "cfpb_complaints.timely": ((0.974, 0.494), (0.974, 0.494)),
    "cfpb_complaints.consumer_tags": ((0.136, 0.0), (0.174, 0.0)),
    "tickets_german.priority": ((0.894, 0.842), (0.748, 0.717)),
    "tickets_german.queue": ((0.805, 0.738), (0.794, 0.745)),
    "tickets_multilang.priority": ((0.453, 0.416), (0.429, 0.383)),
    "tickets_multilang.queue": ((0.439, 0.326), (0.383, 0.273)),
    "tickets_multilang.type": ((0.732, 0.704), (0.694, 0.642)),
    "tickets_multilang.tags": ((0.645, 0.0), (0.599, 0.0)),
    "clinc150.domain": ((0.799, 0.807), (0.827, 0.841)),
    "clinc150.intent": ((0.785, 0.842), (0.853, 0.897)),
    "gnad_de.topic": ((0.715, 0.648), (0.561, 0.522)),
    "germeval2018_de.coarse": ((0.710, 0.625), (0.688, 0.573)),
    "germeval2018_de.fine": ((0.673, 0.328), (0.687, 0.301)),
}
DATA_SETS = tuple(dict.fromkeys(name.split(".")[0] for name in KNOWN))


@dataclass(frozen=True)
class Part:
    """Rows of one part with their texts and embeddings."""

    rows: list[TrainingRow]
    texts: list[str]
    embeddings: Float32Array


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=DATA_SETS, choices=DATA_SETS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SWITCHBOARD_DATA_DIR", default)) / "text"
    print(f"{platform.processor() or platform.machine()}, {chosen.threads} threads\n")
    print(
        "| head | embedding | with n-grams, C=10 | C=30 | quick (chosen unseen) | known: words | known: frozen | won |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        path = prepare_encoder(
            Path(scratch), "all-MiniLM-L6-v2", MAX_LENGTH_TOKENS, ("int8", "fp32")
        )
        encoder = Encoder(path, ["cpu"], chosen.threads)
        for name in chosen.only:
            _measure_one(folder, name, encoder, chosen.threads)


def _measure_one(folder: Path, name: str, encoder: Encoder, threads: int) -> None:
    began_s = time.monotonic()
    train, test = (
        _embed(folder / f"{name}.{part}.jsonl.gz", encoder, threads) for part in ("train", "test")
    )
    embedded_s = time.monotonic()
    fits = [_fit(train, [candidate], threads) for candidate in CANDIDATES]
    alone_s = time.monotonic()
    quick = _fit(train, CANDIDATES, threads)
    done_s = time.monotonic()
    figures = [_figures(fitted, test) for fitted in (*fits, quick)]
    for one in quick.heads:
        head = one.head.spec.name
        words, frozen = KNOWN[f"{name}.{head}"]
        ours = _pair(figures[-1][head])
        best = max(words[0], frozen[0]), max(words[1], frozen[1])
        won = " / ".join(
            "=" if abs(a - b) < 5e-4 else ("yes" if a > b else "no")
            for a, b in zip(ours, best, strict=True)
            if b
        )
        cells = [_show(_pair(figure[head])) for figure in figures]
        chose = f"{one.choice.features} C={one.choice.inverse_penalty:g}"
        print(
            f"| {name} · {head} | {' | '.join(cells)} ({chose}) | {_show(words)} | {_show(frozen)} | {won} |",
            flush=True,
        )
    print(
        f"<!-- {name}: embedding {embedded_s - began_s:.0f} s, choosing and fitting {done_s - alone_s:.0f} s -->"
    )


def _embed(path: Path, encoder: Encoder, threads: int) -> Part:
    rows = list(read_dataset([path]).rows)
    texts = [row.text(DEFAULT_TEMPLATE) for row in rows]
    return Part(rows, texts, embed_texts(encoder, texts, threads).embeddings)


def _fit(train: Part, candidates: Sequence[Candidate], threads: int) -> FittedHeads:
    options = FitOptions(len(train.rows), MIN_LABEL_ROWS, threads, tuple(candidates))
    return fit_heads(train.rows, train.embeddings, train.texts, options, lambda *_: None)


def _figures(fitted: FittedHeads, test: Part) -> dict[str, HeadFigures]:
    heads = [one.head for one in fitted.heads]
    answers = answer_heads(heads, fitted.vocabulary, test.embeddings, test.texts)
    known = {head.spec.name: frozenset(head.spec.labels) for head in heads}
    rows = [with_known_labels(row, known) for row in test.rows]
    return compare_answers(rows, answers, known)


def with_known_labels(row: TrainingRow, known: dict[str, frozenset[str]]) -> TrainingRow:
    """A row with the labels that the training rows hold often enough: known multi-label figures are over those only."""
    labels = {
        head: value if isinstance(value, str) else [x for x in value if x in known[head]]
        for head, value in row.labels.items()
        if head in known and answer_of(row, head) is not None
    }
    return msgspec.structs.replace(row, labels=labels)


def _pair(figures: HeadFigures) -> tuple[float, float]:
    if figures.micro_f1 is not None:
        return figures.micro_f1, 0.0
    return figures.accuracy, figures.macro_f1


def _show(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.3f} / {pair[1]:.3f}" if pair[1] else f"micro {pair[0]:.3f}"


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
