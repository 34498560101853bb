"""Figures of one model on labelled rows: rows and the answers of serving in, metrics per head out.

For `models.train` (rows kept back), `switchboard evaluate` and benchmarks. Knows answers, not how they were learned.
"""

from collections.abc import Mapping, Sequence

import msgspec

from models.bundle import Bundle
from models.dataset import answer_of
from models.embed import Advance, embed_texts
from models.heads import HeadAnswer
from models.labels import HeadKind, TrainingRow
from models.metrics import calibration_error, confusion, macro_f1, micro_f1


class LabelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One label of one head."""

    rows: int
    precision: float
    recall: float
    f1: float


class HeadFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One head on rows it did not learn from.

    Args:
        kind: of the head.
        rows: that say something about this head.
        unknown_label_rows: rows with a label that the model does not know; they count as wrong.
        accuracy: multi-class: right labels; multi-label: rows whose whole set is right.
        macro_f1: mean over labels that occur.
        micro_f1, precision, recall: over all label decisions; multi-label only.
        calibration_error: of the first label's confidence; multi-class only.
        abstained: rows below the head's threshold; they count as answered.
        by_label: each label that occurs.
        confusion_labels, confusion: rows are truth, columns answers; multi-class only.
    """

    kind: HeadKind
    rows: int
    unknown_label_rows: int
    accuracy: float
    macro_f1: float
    micro_f1: float | None
    precision: float | None
    recall: float | None
    calibration_error: float | None
    abstained: int
    by_label: dict[str, LabelFigures]
    confusion_labels: list[str]
    confusion: list[list[int]]

    def main(self) -> dict[str, float]:
        """The few figures that a table shows."""
        figures = {"rows": float(self.rows), "accuracy": self.accuracy, "macro_f1": self.macro_f1}
        if self.micro_f1 is not None:
            figures["micro_f1"] = self.micro_f1
        if self.calibration_error is not None:
            figures["calibration_error"] = self.calibration_error
        return figures


def evaluate_bundle(
    bundle: Bundle, rows: Sequence[TrainingRow], threads: int, advance: Advance | None = None
) -> dict[str, HeadFigures]:
    """Answer rows with a bundle and compare: head name -> figures, for heads that some row answers."""
    texts = [bundle.text(row.subject or "", row.body or "", row.attributes) for row in rows]
    embedded = embed_texts(bundle.encoder, texts, threads, advance)
    answers = bundle.predict(embedded.embeddings, texts)
    known = {head.spec.name: frozenset(head.spec.labels) for head in bundle.heads}
    return compare_answers(rows, answers, known)


def compare_answers(
    rows: Sequence[TrainingRow],
    answers: Sequence[Mapping[str, HeadAnswer]],
    known: Mapping[str, frozenset[str]],
) -> dict[str, HeadFigures]:
    """Figures for every head of `known` (head name -> its labels) that at least one row answers."""
    figures: dict[str, HeadFigures] = {}
    for name, labels in known.items():
        truth: list[tuple[str, ...]] = []
        given: list[HeadAnswer] = []
        for row, answer in zip(rows, answers, strict=True):
            wanted = answer_of(row, name)
            if wanted is not None:
                truth.append(wanted)
                given.append(answer[name])
        if truth:
            figures[name] = _figures(truth, given, labels)
    return figures


def _figures(
    truth: list[tuple[str, ...]], answers: list[HeadAnswer], known: frozenset[str]
) -> HeadFigures:
    kind = answers[0].kind
    is_one = kind == "multiclass"
    given = [
        tuple(label for label, _ in (answer.labels[:1] if is_one else answer.labels))
        for answer in answers
    ]
    is_right = [set(wanted) == set(got) for wanted, got in zip(truth, given, strict=True)]
    f1, precision, recall = micro_f1(truth, given)
    labels, matrix = confusion(_first(truth), _first(given)) if is_one else ([], [])
    return HeadFigures(
        kind=kind,
        rows=len(truth),
        unknown_label_rows=sum(not known.issuperset(wanted) for wanted in truth),
        accuracy=sum(is_right) / len(is_right),
        macro_f1=macro_f1(truth, given),
        micro_f1=None if is_one else f1,
        precision=None if is_one else precision,
        recall=None if is_one else recall,
        calibration_error=(
            calibration_error([answer.labels[0][1] for answer in answers], is_right)
            if is_one
            else None
        ),
        abstained=sum(answer.abstained for answer in answers),
        by_label=_by_label(truth, given),
        confusion_labels=labels,
        confusion=matrix,
    )


def _first(labels: Sequence[tuple[str, ...]]) -> list[str]:
    """A multi-class head may meet rows with a list: the first of it, or nothing, is compared."""
    return [each[0] if each else "" for each in labels]


def _by_label(
    truth: Sequence[tuple[str, ...]], given: Sequence[tuple[str, ...]]
) -> dict[str, LabelFigures]:
    figures: dict[str, LabelFigures] = {}
    for label in sorted({label for row in (*truth, *given) for label in row}):
        wanted = [(label,) if label in row else () for row in truth]
        got = [(label,) if label in row else () for row in given]
        f1, precision, recall = micro_f1(wanted, got)
        figures[label] = LabelFigures(
            rows=sum(map(len, wanted)), precision=precision, recall=recall, f1=f1
        )
    return figures
