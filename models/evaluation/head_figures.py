"""Computes the figures of one head from its answers and the truth, for `models.evaluate`. Knows no model."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from models.evaluation.calibration import BoolArray, coverage_curve, reliability, target_costs
from models.evaluation.figures import (
    Alone,
    Average,
    HeadFigures,
    LabelFigures,
    OutOfScope,
    SliceFigures,
)
from models.evaluation.measured import Measured
from models.evaluation.metrics import calibration_error, confusion, label_counts, macro_f1, micro_f1
from models.evaluation.mistakes import confusions, worst_labels
from models.evaluation.resampling import METRICS, Interval, interval_of, resample, sample_of
from models.labels import TrainingRow

NO_THRESHOLDS: Mapping[str, float] = {}


def figures_of(
    measured: Measured,
    known: frozenset[str],
    thresholds: Mapping[str, float] = NO_THRESHOLDS,
    out_of_scope_label: str | None = None,
    seed: int = 0,
) -> HeadFigures:
    """All figures of one head.

    Args:
        measured: at least one row.
        known: the labels of the head.
        thresholds: label -> probability from which it is given; multi-label.
        out_of_scope_label: of rows that belong to no class.
        seed: of the bootstrap.
    """
    outside, inside = _divide(measured, out_of_scope_label)
    is_one = measured.kind == "multiclass"
    f1, precision, recall = micro_f1(inside.truth, inside.given)
    right = inside.is_right()
    sure, is_hit, places = inside.decisions()
    by_label = _by_label(inside, thresholds)
    labels, matrix = _confusion(inside)
    is_known = np.array([known.issuperset(wanted) for wanted in inside.truth], np.bool_)
    return HeadFigures(
        kind=measured.kind,
        rows=len(inside),
        unknown_label_rows=int((~is_known).sum()),
        accuracy=_mean(right),
        macro_f1=macro_f1(inside.truth, inside.given),
        micro_f1=None if is_one else f1,
        precision=None if is_one else precision,
        recall=None if is_one else recall,
        calibration_error=calibration_error(sure, is_hit) if is_one else None,
        abstained=sum(inside.abstained),
        by_label=by_label,
        confusion_labels=labels,
        confusion=matrix,
        known_accuracy=_mean(right[is_known]) if is_known.any() else None,
        known_macro_f1=_known_macro_f1(by_label, known),
        unknown_labels=_unknown(inside, known),
        averages=_averages(by_label, Average(precision=precision, recall=recall, f1=f1)),
        intervals=_intervals(inside, list(by_label), seed),
        brier=float(((sure - is_hit) ** 2).mean()) if len(sure) else None,
        reliability=reliability(sure, is_hit),
        coverage_curve=coverage_curve(sure, is_hit),
        alone=_alone(inside, is_hit, places),
        targets=target_costs(sure, is_hit),
        worst_labels=worst_labels(inside, by_label),
        confusions=confusions(inside),
        by_language=_slices(inside, lambda row: row.language),
        by_tenant=_slices(inside, lambda row: row.tenant),
        out_of_scope=_out_of_scope(outside, inside),
    )


def _divide(measured: Measured, outside: str | None) -> tuple[Measured, Measured]:
    """Rows out of scope, and the others."""
    is_outside = [outside is not None and outside in truth for truth in measured.truth]
    places = range(len(measured))
    return (
        measured.at([place for place in places if is_outside[place]]),
        measured.at([place for place in places if not is_outside[place]]),
    )


def _confusion(measured: Measured) -> tuple[list[str], list[list[int]]]:
    if measured.kind == "multilabel":
        return [], []
    return confusion([one[0] for one in measured.truth], [one[0] for one in measured.given])


def _mean(values: BoolArray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _by_label(measured: Measured, thresholds: Mapping[str, float]) -> dict[str, LabelFigures]:
    hits, said, right = label_counts(measured.truth, measured.given)
    return {
        label: LabelFigures(
            rows=right[label],
            precision=hits[label] / said[label] if said[label] else 0.0,
            recall=hits[label] / right[label] if right[label] else 0.0,
            f1=2 * hits[label] / (said[label] + right[label]),
            given=said[label],
            threshold=thresholds.get(label),
        )
        for label in sorted(said.keys() | right.keys())
    }


def _averages(by_label: Mapping[str, LabelFigures], micro: Average) -> dict[str, Average]:
    rows = sum(label.rows for label in by_label.values())
    return {
        "macro": _average(by_label, lambda _: 1 / len(by_label)),
        "micro": micro,
        "weighted": _average(by_label, lambda label: label.rows / rows if rows else 0.0),
    }


def _average(
    by_label: Mapping[str, LabelFigures], weight: Callable[[LabelFigures], float]
) -> Average:
    labels = by_label.values()
    return Average(
        precision=sum(weight(label) * label.precision for label in labels),
        recall=sum(weight(label) * label.recall for label in labels),
        f1=sum(weight(label) * label.f1 for label in labels),
    )


def _known_macro_f1(by_label: Mapping[str, LabelFigures], known: frozenset[str]) -> float | None:
    scores = [figures.f1 for label, figures in by_label.items() if label in known]
    return sum(scores) / len(scores) if scores else None


def _intervals(measured: Measured, labels: list[str], seed: int) -> dict[str, Interval]:
    if not len(measured):
        return {}
    drawn = resample(sample_of(measured.truth, [measured.given], labels), seed)
    return {metric: interval_of(drawn[0, place]) for place, metric in enumerate(METRICS)}


def _unknown(measured: Measured, known: frozenset[str]) -> dict[str, int]:
    counts = Counter(label for truth in measured.truth for label in truth if label not in known)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _alone(measured: Measured, is_hit: BoolArray, places: list[int]) -> Alone | None:
    """What the head answers alone: coverage over rows, precision over what it says there."""
    if not len(measured):
        return None
    alone = [
        hit for hit, place in zip(is_hit, places, strict=True) if not measured.abstained[place]
    ]
    answered = ~np.array(measured.abstained, np.bool_)
    if not answered.any():
        return None
    return Alone(
        coverage=_mean(answered),
        precision=sum(map(bool, alone)) / len(alone) if alone else 1.0,
        right_rows=_mean(measured.is_right()[answered]),
    )


def _slices(
    measured: Measured, name_of: Callable[[TrainingRow], str | None]
) -> dict[str, SliceFigures]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(measured.rows):
        name = name_of(row)
        if name:
            places[name].append(place)
    slices: dict[str, SliceFigures] = {}
    for name in sorted(places, key=lambda name: (-len(places[name]), name)):
        part = measured.at(places[name])
        slices[name] = SliceFigures(
            rows=len(part),
            accuracy=_mean(part.is_right()),
            macro_f1=macro_f1(part.truth, part.given),
            micro_f1=micro_f1(part.truth, part.given)[0],
            abstained=sum(part.abstained),
        )
    return slices


def _out_of_scope(outside: Measured, inside: Measured) -> OutOfScope | None:
    if not len(outside):
        return None
    return OutOfScope(
        rows=len(outside),
        recall=sum(outside.abstained) / len(outside),
        false_alarms=sum(inside.abstained) / len(inside) if len(inside) else 0.0,
    )
