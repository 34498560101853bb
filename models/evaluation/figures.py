"""The figures of one head on rows it did not learn from: the struct that reports keep and pages show."""

import msgspec

from models.evaluation.resampling import Interval
from models.labels import HeadKind


class LabelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One label of one head.

    Args:
        rows: where it is true.
        given: times the head gave it.
        threshold: probability from which it is given, chosen on validation rows; multi-label only.
    """

    rows: int
    precision: float
    recall: float
    f1: float
    given: int = 0
    threshold: float | None = None


class Average(msgspec.Struct, frozen=True, kw_only=True):
    """Precision, recall and F1 over labels: macro, micro, or weighted by the rows of each label."""

    precision: float
    recall: float
    f1: float


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Answers whose confidence lies in [low, high): how many, how sure on average, and how many are right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


class CoveragePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Answering alone from a confidence on: the share of answers given, and the share of these that are right."""

    threshold: float
    coverage: float
    precision: float


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """What a head does not abstain from.

    Args:
        coverage: share of the rows.
        precision: share of what it says there that is right; multi-label: of the labels.
        right_rows: share of these rows whose whole answer is right, which is what a target of precision asks for.
    """

    coverage: float
    precision: float
    right_rows: float = 0.0


class TargetCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a target of precision costs, read off these rows; `threshold` above 1: it cannot be promised here."""

    target: float
    threshold: float
    coverage: float
    precision: float


class WorstLabel(msgspec.Struct, frozen=True, kw_only=True):
    """A label with a low F1 and ids of rows where it is missing or given in error."""

    label: str
    rows: int
    f1: float
    missed: tuple[str, ...]
    wrongly_given: tuple[str, ...]


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """A true label and the one given instead (multi-label: beside it), how often, and ids of such rows."""

    truth: str
    given: str
    rows: int
    ids: tuple[str, ...]


class SliceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one language or tenant."""

    rows: int
    accuracy: float
    macro_f1: float
    micro_f1: float
    abstained: int


class OutOfScope(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that belong to no class of the head.

    Args:
        rows: of them.
        recall: share of them that abstained.
        false_alarms: share of the other rows that abstained.
    """

    rows: int
    recall: float
    false_alarms: float


class HeadFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One head on rows it did not learn from. Out-of-scope rows are measured in `out_of_scope` and nowhere else.

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
        known_accuracy: accuracy on rows whose labels the model knows.
        known_macro_f1: mean over the labels that occur and that the model knows.
        unknown_labels: label that the model does not know -> its rows.
        averages: `macro`, `micro`, `weighted`.
        intervals: 95 % bootstrap intervals of `accuracy`, `macro_f1`, `micro_f1`.
        brier: mean squared difference of confidence and being right; multi-label: of the labels given.
        reliability: 15 bins; those without an answer are left out.
        coverage_curve: surest answers first. Multi-label: answers are single labels given.
        alone: what the head's own threshold gives; None: it answers nothing alone.
        targets: what some targets of precision would cost, read off these rows.
        worst_labels, confusions: most telling first.
        by_language, by_tenant: rows that say theirs.
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
    known_accuracy: float | None = None
    known_macro_f1: float | None = None
    unknown_labels: dict[str, int] = {}
    averages: dict[str, Average] = {}
    intervals: dict[str, Interval] = {}
    brier: float | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    coverage_curve: tuple[CoveragePoint, ...] = ()
    alone: Alone | None = None
    targets: tuple[TargetCost, ...] = ()
    worst_labels: tuple[WorstLabel, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    by_language: dict[str, SliceFigures] = {}
    by_tenant: dict[str, SliceFigures] = {}
    out_of_scope: OutOfScope | None = None

    def main(self) -> dict[str, float]:
        """The few figures that a table shows."""
        figures = {"rows": float(self.rows), "accuracy": self.accuracy, "macro_f1": self.macro_f1}
        if self.micro_f1 is not None:
            figures["micro_f1"] = self.micro_f1
        if self.calibration_error is not None:
            figures["calibration_error"] = self.calibration_error
        return figures
