"""Where a head fails, with ids of rows to look at: worst labels and the most frequent confusions."""

from collections import defaultdict
from collections.abc import Mapping

from models.evaluation.figures import Confusion, LabelFigures, WorstLabel
from models.evaluation.measured import Measured

SHOWN_LABELS = 10
SHOWN_CONFUSIONS = 20
SHOWN_IDS = 5


def worst_labels(
    measured: Measured, by_label: Mapping[str, LabelFigures]
) -> tuple[WorstLabel, ...]:
    """The labels with the lowest F1 among those that some row has wrong; of equal ones the more frequent first."""
    wrong = sorted(
        (label for label, figures in by_label.items() if figures.f1 < 1),
        key=lambda label: (by_label[label].f1, -by_label[label].rows, label),
    )[:SHOWN_LABELS]
    return tuple(
        WorstLabel(
            label=label,
            rows=by_label[label].rows,
            f1=by_label[label].f1,
            missed=_ids(measured, label, is_true=True),
            wrongly_given=_ids(measured, label, is_true=False),
        )
        for label in wrong
    )


def confusions(measured: Measured) -> tuple[Confusion, ...]:
    """The pairs (true label that was missed, label given in error) that occur most often in one row."""
    rows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row, truth, given in zip(measured.rows, measured.truth, measured.given, strict=True):
        missed, wrong = set(truth) - set(given), set(given) - set(truth)
        for wanted in missed:
            for got in wrong:
                rows[wanted, got].append(row.id)
    most = sorted(rows, key=lambda pair: (-len(rows[pair]), pair))[:SHOWN_CONFUSIONS]
    return tuple(
        Confusion(
            truth=wanted,
            given=got,
            rows=len(rows[wanted, got]),
            ids=tuple(sorted(rows[wanted, got])[:SHOWN_IDS]),
        )
        for wanted, got in most
    )


def _ids(measured: Measured, label: str, *, is_true: bool) -> tuple[str, ...]:
    """Rows where the label is true and was not given, or the other way round."""
    found = [
        row.id
        for row, truth, given in zip(measured.rows, measured.truth, measured.given, strict=True)
        if (label in truth) == is_true and (label in given) != is_true
    ]
    return tuple(sorted(found)[:SHOWN_IDS])
