"""What a person sees of an evaluation and of a comparison: tables on a terminal. For `stream.cli.evaluating`."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from models.evaluation.comparison import Change, Comparison, HeadComparison
    from models.evaluation.figures import HeadFigures
    from models.evaluation.resampling import Interval
    from models.evaluation.run import EvaluationReport

SHOWN_CONFUSIONS = 3
SHOWN_LABELS = 5


def report_table(report: "EvaluationReport", console: Console) -> None:
    """One line per head with intervals, then each head's most frequent confusions."""
    console.print(
        f"{report.name}/{report.version} on {report.rows} rows, {report.precision} on {report.provider}, "
        f"{report.seconds:.0f} s; in brackets: 95 % intervals",
        markup=False,
        soft_wrap=True,
    )
    # A multi-class head's micro F1 is its accuracy.
    micro = ["micro F1"] * any(one.kind == "multilabel" for one in report.heads.values())
    table = _table("head", "rows", "accuracy", "macro F1", *micro, "ECE", "alone", "precision")
    for name, figures in report.heads.items():
        table.add_row(escape(name), *_cells(figures, has_micro=bool(micro)))
    console.print(table)
    for name, figures in report.heads.items():
        for line in _head_lines(figures):
            console.print(f"{name}: {line}", markup=False, soft_wrap=True)
    for what, names in (
        ("no row says the truth of", report.heads_without_rows),
        ("the model does not have", report.heads_not_known),
    ):
        if names:
            console.print(f"{what}: {', '.join(names)}", markup=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(
            column,
            justify="right" if place else "left",
            overflow="fold",
            no_wrap=column == "verdict",
        )
    return table


def _cells(figures: "HeadFigures", *, has_micro: bool) -> list[str]:
    intervals = figures.intervals
    micro = _with_interval(figures.averages["micro"].f1, intervals.get("micro_f1"))
    alone = figures.alone
    return [
        str(figures.rows),
        _with_interval(figures.accuracy, intervals.get("accuracy")),
        _with_interval(figures.macro_f1, intervals.get("macro_f1")),
        *([micro] if has_micro else []),
        "–" if figures.calibration_error is None else f"{figures.calibration_error:.3f}",
        "0.0 %" if alone is None else f"{100 * alone.coverage:.1f} %",
        "–" if alone is None else f"{100 * alone.precision:.1f} %",
    ]


def _with_interval(value: float, interval: "Interval | None") -> str:
    return f"{value:.3f}" + (f"\n[{interval.low:.3f} {interval.high:.3f}]" if interval else "")


def _head_lines(figures: "HeadFigures") -> list[str]:
    lines: list[str] = []
    if figures.unknown_label_rows:
        lines.append(
            f"{figures.unknown_label_rows} rows have labels that the model does not know and count as wrong; "
            f"accuracy on the others {figures.known_accuracy or 0.0:.3f}, "
            f"macro F1 over the known labels {figures.known_macro_f1 or 0.0:.3f}"
        )
    if figures.out_of_scope is not None:
        outside = figures.out_of_scope
        lines.append(
            f"out of scope: {100 * outside.recall:.1f} % of {outside.rows} rows recognised, "
            f"{100 * outside.false_alarms:.1f} % false alarms"
        )
    lines += [
        f"{one.rows} × {one.truth or '(none)'} taken for {one.given or '(none)'}, e.g. {', '.join(one.ids[:2])}"
        for one in figures.confusions[:SHOWN_CONFUSIONS]
    ]
    return lines


def comparison_table(comparison: "Comparison", console: Console) -> None:
    """One line per head, the reasons, and the labels that changed most."""
    console.print(
        f"{comparison.after} in place of {comparison.before}, on {comparison.rows} rows that both answered "
        f"(left out: {comparison.rows_only_before} and {comparison.rows_only_after}); "
        "in brackets: 95 % intervals of the difference, to which labels with one row add no width: the verdict is the "
        "tests'",
        markup=False,
        soft_wrap=True,
    )
    metrics = {"accuracy": "accuracy", "macro_f1": "macro F1"}
    if any(head.kind == "multilabel" for head in comparison.heads):
        metrics["micro_f1"] = "micro F1"
    table = _table("head", "verdict", "rows", *metrics.values())
    for head in comparison.heads:
        changes = [head.changes.get(metric) for metric in metrics]
        table.add_row(escape(head.name), head.verdict, str(head.rows), *map(_change, changes))
    console.print(table)
    for head in comparison.heads:
        for line in _label_lines(head):
            console.print(f"{head.name}: {line}", markup=False, soft_wrap=True)
    for reason in comparison.reasons:
        console.print(reason, markup=False, soft_wrap=True)
    verdict = (
        "significantly worse" if comparison.is_significantly_worse else "not shown to be worse"
    )
    console.print(f"{comparison.after} is {verdict}", markup=False, soft_wrap=True)


def _change(change: "Change | None") -> str:
    if change is None:
        return "–"
    return (
        f"{change.before:.3f} → {change.after:.3f}\n"
        f"{change.difference:+.3f} [{change.low:+.3f} {change.high:+.3f}]"
    )


def _label_lines(head: "HeadComparison") -> list[str]:
    lines: list[str] = []
    if head.relabelled_rows:
        some = ", ".join(head.relabelled[:2])
        lines.append(f"{head.relabelled_rows} rows whose label changed are left out, e.g. {some}")
    if head.apart_rows:
        lines.append(
            f"{head.apart_rows} rows with a label that only one of the two knows are left out"
        )
    lost = [one for one in head.labels if one.f1_after < one.f1_before][:SHOWN_LABELS]
    won = [one for one in reversed(head.labels) if one.f1_after > one.f1_before][:SHOWN_LABELS]
    lines += [
        f"{word}: {one.label} F1 {one.f1_before:.3f} → {one.f1_after:.3f} on {one.rows} rows"
        + (f", e.g. {', '.join(ids[:2])}" if ids else "")
        for word, labels in (("lost", lost), ("won", won))
        for one in labels
        for ids in [one.became_wrong if word == "lost" else one.became_right]
    ]
    for word, labels in (("new", head.new_labels), ("no longer known", head.removed_labels)):
        if labels:
            shown = ", ".join(f"{label} ({rows} rows)" for label, rows in labels.items())
            lines.append(f"labels {word}: {shown}")
    return lines
