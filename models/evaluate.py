"""Figures of one model on labelled rows: rows and the answers of serving in, metrics per head out.

For `models.train` (rows kept back), `switchboard evaluate` and benchmarks. Knows answers, not how they were learned;
what is computed from them is in `models.evaluation`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.bundle import Bundle
from models.encoder.embed import Advance, embed_texts
from models.evaluation.answers import AnswerRow, answer_rows_of
from models.evaluation.figures import HeadFigures, LabelFigures
from models.evaluation.head_figures import figures_of
from models.evaluation.measured import measure
from models.heads import Head, HeadAnswer
from models.labels import TrainingRow
from models.runtime import Encoder

__all__ = [
    "HeadFigures",
    "LabelFigures",
    "Measurement",
    "compare_answers",
    "evaluate_bundle",
    "measure_bundle",
    "measure_heads",
]


@dataclass(frozen=True)
class Measurement:
    """Heads on labelled rows.

    Args:
        figures: head -> figures, for heads that some row answers.
        answers: row by row, for comparing with another model.
        truncated: texts longer than the encoder reads.
    """

    figures: dict[str, HeadFigures]
    answers: list[AnswerRow]
    truncated: int = 0


def evaluate_bundle(
    bundle: Bundle, rows: Sequence[TrainingRow], threads: int, advance: Advance | None = None
) -> dict[str, HeadFigures]:
    """Answer rows with a bundle and compare: head name -> figures, for heads that some row answers."""
    return measure_bundle(bundle, rows, threads, advance).figures


def measure_bundle(
    bundle: Bundle,
    rows: Sequence[TrainingRow],
    threads: int,
    advance: Advance | None = None,
    encoder: Encoder | None = None,
) -> Measurement:
    """Answer rows with a bundle as a worker would, and measure its heads.

    Args:
        bundle: the model.
        rows: with their truth; a row without a tenant is mail of the bundle's own.
        threads: runs at once.
        advance: told texts done and texts in all.
        encoder: another graph of the bundle's encoder; None: the one that serves.

    Raises:
        ValueError: an embedding is not finite; the encoder is broken.
    """
    texts = [bundle.text(row.subject or "", row.body or "", row.attributes) for row in rows]
    embedded = embed_texts(encoder or bundle.encoder, texts, threads, advance)
    tenants = [row.tenant or bundle.tenant for row in rows]
    answers = bundle.predict(embedded.embeddings, texts, tenants)
    measured = measure_heads(rows, answers, bundle.heads)
    return Measurement(measured.figures, measured.answers, embedded.truncated)


def measure_heads(
    rows: Sequence[TrainingRow],
    answers: Sequence[Mapping[str, HeadAnswer]],
    heads: Sequence[Head],
    seed: int = 0,
) -> Measurement:
    """Measure fitted heads by the answers they gave, their thresholds and out-of-scope labels known."""
    outside = {
        head.spec.name: head.out_of_scope_label
        for head in heads
        if head.out_of_scope_label is not None
    }
    figures: dict[str, HeadFigures] = {}
    for head in heads:
        name, labels = head.spec.name, head.spec.labels
        measured = measure(rows, answers, name)
        if measured is not None:
            limits: list[float] = [] if head.thresholds is None else head.thresholds.tolist()
            thresholds = dict(zip(labels, limits, strict=False))  # a multi-class head has none
            figures[name] = figures_of(
                measured, frozenset(labels), thresholds, outside.get(name), seed
            )
    return Measurement(figures, answer_rows_of(rows, answers, outside))


def compare_answers(
    rows: Sequence[TrainingRow],
    answers: Sequence[Mapping[str, HeadAnswer]],
    known: Mapping[str, frozenset[str]],
) -> dict[str, HeadFigures]:
    """Figures for every head of `known` (head name -> its labels) that at least one row answers."""
    figures: dict[str, HeadFigures] = {}
    for name, labels in known.items():
        measured = measure(rows, answers, name)
        if measured is not None:
            figures[name] = figures_of(measured, labels)
    return figures
