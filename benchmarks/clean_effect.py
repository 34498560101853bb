"""What cleaning is worth to the labels: accuracy on test mails as they are, wrapped as mail arrives, and cleaned again.

    python -m benchmarks.clean_effect [--data cfpb_complaints tickets_multilang] [--seeds 3] [--threads 2]

Recipe `quick`, trained once per data set on its untouched train file. Each test mail is read untouched (*original*),
and wrapped by `stream.simulate.wrapping` as plain text or as HTML, one half each per seed: farewell, signature, legal
footer, history about other matters, in the mail's own language. *Raw* is what a program without a cleaner would read:
the plain text as it is; of HTML the text without tags, styles and scripts. *Cleaned* went through `stream.clean`. The
share recovered is (cleaned - raw) / (original - raw); where wrapping costs less than `LEAST_COST` it has no meaning and
is not given. *Original, cleaned* is the untouched mail after cleaning: what cleaning itself costs or brings. Accuracy
of a multi-class head, micro F1 of a multi-label one. JSON lines; a table on stderr.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.machine import describe, emit
from benchmarks.tagless import without_tags
from benchmarks.trainings import with_known_labels
from models.encoder.embed import embed_texts
from models.encoder.store import prepare_encoder
from models.evaluate import HeadFigures, compare_answers
from models.fitting.fit_heads import FitOptions, FittedHeads, fit_heads
from models.heads import Float32Array, answer_heads
from models.labels import DEFAULT_TEMPLATE, TrainingRow
from models.rows.dataset import read_dataset
from models.runtime import Encoder
from stream.clean import CleanOptions, clean
from stream.records import InboundEmail
from stream.simulate.grammar import chance
from stream.simulate.wrapping import Wrapped, wrap

DATA_SETS = ("cfpb_complaints", "tickets_multilang")
MAX_LENGTH_TOKENS, MIN_LABEL_ROWS = 256, 10
LEAST_COST = 0.005
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENT = CleanOptions(time_budget_ms=60_000)

Forms = dict[str, list[TrainingRow]]


def cleaned_body(row: TrainingRow, wrapped: Wrapped | None) -> str:
    """The body that the worker would see of a row, wrapped or as it is."""
    text = row.body if wrapped is None else wrapped.text
    form = {"html": text} if wrapped is not None and wrapped.is_html else {"body": text}
    email = InboundEmail(id=row.id, subject=row.subject, **form)
    return clean(email, NOW, None, PATIENT).body


def wrap_rows(rows: Sequence[TrainingRow], seed: int) -> list[Wrapped]:
    """Every row's body wrapped; every second one as HTML, and the other way round with the next seed."""
    return [
        wrap(
            row.body,
            row.language or "en",
            chance("wrap", seed, row.id),
            as_html=(number + seed) % 2 == 0,
        )
        for number, row in enumerate(rows)
    ]


def with_body(row: TrainingRow, body: str) -> TrainingRow:
    """The row with another body; subject and labels stay."""
    return msgspec.structs.replace(row, body=body)


def say(text: str) -> None:
    """Progress goes to stderr; stdout is for figures."""
    print(text, file=sys.stderr, flush=True)


@dataclass
class Model:
    """Fitted heads of one data set, and its encoder; texts that were embedded once are remembered."""

    encoder: Encoder
    fitted: FittedHeads
    threads: int
    known: dict[str, Float32Array]

    def figures(self, rows: Sequence[TrainingRow]) -> dict[str, float]:
        """Accuracy, or micro F1, by head."""
        texts = [row.text(DEFAULT_TEMPLATE) for row in rows]
        new = list(dict.fromkeys(text for text in texts if text not in self.known))
        self.known.update(
            zip(new, embed_texts(self.encoder, new, self.threads).embeddings, strict=True)
        )
        heads = [one.head for one in self.fitted.heads]
        embeddings = np.stack([self.known[text] for text in texts])
        answers = answer_heads(heads, self.fitted.vocabulary, embeddings, texts)
        labels = {head.spec.name: frozenset(head.spec.labels) for head in heads}
        known = [with_known_labels(row, labels) for row in rows]
        found = compare_answers(known, answers, labels)
        return {head: _one_figure(figures) for head, figures in found.items()}


def _one_figure(figures: HeadFigures) -> float:
    return figures.accuracy if figures.micro_f1 is None else figures.micro_f1


def train(path: Path, encoder: Encoder, threads: int) -> Model:
    """Fit the heads of a train file as recipe `quick` does."""
    rows = list(read_dataset([path]).rows)
    texts = [row.text(DEFAULT_TEMPLATE) for row in rows]
    embeddings = embed_texts(encoder, texts, threads).embeddings
    options = FitOptions(len(rows), MIN_LABEL_ROWS, threads)
    fitted = fit_heads(rows, embeddings, texts, options, lambda *_: None)
    return Model(encoder, fitted, threads, {})


@dataclass(frozen=True)
class Turn:
    """Figures by head of one seed."""

    raw: dict[str, float]
    cleaned: dict[str, float]


def share(original: float, raw: float, cleaned: float) -> float | None:
    """What part of the loss came back; None where there was next to none."""
    cost = original - raw
    return None if cost < LEAST_COST else (cleaned - raw) / cost


def measure(
    name: str, rows: Sequence[TrainingRow], model: Model, seeds: int
) -> list[dict[str, object]]:
    """One line per head and one for the mean of the heads."""
    original = model.figures(rows)
    untouched = [cleaned_body(row, None) for row in rows]
    alone = model.figures(list(map(with_body, rows, untouched)))
    turns: list[Turn] = []
    same = Counter[str]()
    every = Counter[str]()
    expected = [body.split() for body in untouched]
    for seed in range(1, seeds + 1):
        mails = wrap_rows(rows, seed)
        plain = [without_tags(mail.text) if mail.is_html else mail.text for mail in mails]
        bodies = [cleaned_body(row, mail) for row, mail in zip(rows, mails, strict=True)]
        for mail, body, words in zip(mails, bodies, expected, strict=True):
            form = "html" if mail.is_html else "plain"
            every[form] += 1
            same[form] += body.split() == words
        turns.append(
            Turn(
                raw=model.figures(list(map(with_body, rows, plain))),
                cleaned=model.figures(list(map(with_body, rows, bodies))),
            )
        )
        say(f"{name}: seed {seed} done")
    whole = {f"same_words_{form}": round(same[form] / every[form], 4) for form in sorted(every)}
    facts = {"data": name, "rows": len(rows), "seeds": seeds, **whole}
    return [*_lines(original, alone, turns, facts)]


def _lines(
    original: dict[str, float],
    alone: dict[str, float],
    turns: Sequence[Turn],
    facts: dict[str, object],
) -> Iterator[dict[str, object]]:
    def line(head: str, of: Callable[[dict[str, float]], float]) -> dict[str, object]:
        raws, cleans = [of(turn.raw) for turn in turns], [of(turn.cleaned) for turn in turns]
        raw, cleaned = statistics.mean(raws), statistics.mean(cleans)
        recovered = share(of(original), raw, cleaned)
        return {
            "head": head,
            "original": round(of(original), 4),
            "original_cleaned": round(of(alone), 4),
            "raw": round(raw, 4),
            "cleaned": round(cleaned, 4),
            "recovered": None if recovered is None else round(recovered, 3),
            "raw_by_seed": [round(value, 4) for value in raws],
            "cleaned_by_seed": [round(value, 4) for value in cleans],
            **facts,
        }

    for head in original:
        yield line(head, lambda figures, head=head: figures[head])
    yield line("mean of heads", lambda figures: statistics.mean(figures.values()))


def show(lines: Sequence[dict[str, object]]) -> str:
    """A table as the ledger holds it."""
    rows = [
        "| data · head | original | raw | cleaned | recovered | original, cleaned |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines:
        recovered = line["recovered"]
        cell = (
            "wrapping costs nothing"
            if recovered is None
            else f"{100 * float(str(recovered)):.0f} %"
        )
        numbers = " | ".join(
            f"{float(str(line[form])):.3f}" for form in ("original", "raw", "cleaned")
        )
        rows.append(
            f"| {line['data']} · {line['head']} | {numbers} | {cell} | {line['original_cleaned']:.3f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Train, wrap, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="*", default=DATA_SETS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SWITCHBOARD_DATA_DIR", default)) / "text"
    lines: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        path = prepare_encoder(Path(scratch), "all-MiniLM-L6-v2", MAX_LENGTH_TOKENS, ("int8",))
        encoder = Encoder(path, ["cpu"], args.threads)
        for name in args.data:
            model = train(folder / f"{name}.train.jsonl.gz", encoder, args.threads)
            rows = list(read_dataset([folder / f"{name}.test.jsonl.gz"]).rows)
            say(f"{name}: {len(model.fitted.heads)} heads trained")
            lines += measure(name, rows, model, args.seeds)
    for line in lines:
        emit("clean_effect", **line, **describe())
    say(f"\n{show(lines)}")


if __name__ == "__main__":
    main()
