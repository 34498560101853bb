"""Writes `report.html` of a bundle: what training tells in, the page out. For `models.train`; needs extra `heads`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from models.evaluation.page import Page, render_page

if TYPE_CHECKING:  # train_report needs the figures, so it comes after this house
    from models.rows.label_changes import HeadChange
    from models.training.report import HeadReport, TrainReport, TuningReport

SHOWN_NAMES = 20


def render_training_page(report: "TrainReport") -> str:
    """The page of a bundle: summary, how it was made, figures on the rows kept back. It shows no text of a row."""
    facts = {"Training": _training(report), "Seconds": _seconds(report.seconds)}
    facts |= {
        f"Resemblance of the {name} file": {
            "rows": f"{found.rows:,}",
            "equal to a row learned from": f"{found.equal:,}",
            "nearly equal to one": f"{found.near:,}",
        }
        for name, found in report.overlap.items()
    }
    if report.tuning is not None:
        facts["Tuned encoder"] = _tuning(report.tuning)
    facts |= {f"Head {head.name}": _head(head) for head in report.heads}
    facts |= {
        f"Labels of {name} since {report.previous}": _change(change)
        for name, change in report.changes.items()
        if not change.is_empty
    }
    return render_page(
        Page(
            title=f"{report.name}/{report.version}" if report.version else report.name,
            heads={head.name: head.figures for head in report.heads if head.figures is not None},
            facts=facts,
            warnings=_warnings(report),
            curves={} if report.tuning is None else _curves(report.tuning),
        )
    )


def _training(report: "TrainReport") -> dict[str, str]:
    facts = {
        "recipe": report.recipe,
        "rows learned from": f"{report.rows:,}",
        "rows kept back": f"{report.test_rows:,}",
        "texts longer than the encoder reads": f"{report.truncated_texts:,}",
    }
    if report.split is not None:
        facts["how they were chosen"] = report.split.sentence()
    if report.provider:
        facts["embedded on"] = f"{report.provider}, {report.precision}"
    if report.other_tenants_rows:
        facts["rows of other tenants, left out"] = f"{report.other_tenants_rows:,}"
    if report.previous:
        facts["previous version"] = report.previous
    if report.warm_started:
        facts["heads that began at its weights"] = _names(report.warm_started)
    return facts


def _seconds(seconds: Mapping[str, float]) -> dict[str, str]:
    stages = {stage: f"{taken_s:.1f}" for stage, taken_s in seconds.items()}
    return {**stages, "together": f"{sum(seconds.values()):.1f}"}


def _tuning(tuning: "TuningReport") -> dict[str, str]:
    facts = {
        "device": f"{tuning.device}, {tuning.arithmetic}",
        "rows": f"{tuning.rows:,}",
        "rows for choosing": f"{tuning.check_rows:,}",
        **{name: f"{value:g}" for name, value in tuning.settings.items()},
    }
    if tuning.trials:
        facts["settings tried"] = str(len(tuning.trials))
    return facts


def _head(head: "HeadReport") -> dict[str, str]:
    facts = {
        "kind": head.kind,
        "labels": str(head.labels),
        "rows": f"{head.rows:,}",
        "reads": head.features,
        "temperature": f"{head.temperature:.3f}",
        "chosen on rows": f"{head.chosen_on_rows:,}",
        **{f"candidate {name}": f"{score:.4f}" for name, score in head.candidates.items()},
    }
    if head.rare_labels:
        facts["too rare to learn"] = _names(head.rare_labels)
    return facts


def _change(change: "HeadChange") -> dict[str, str]:
    facts = {"unchanged": str(change.unchanged)}
    if change.added:
        facts["added"] = _names(change.added)
    if change.removed:
        facts["removed"] = _names(change.removed)
    facts |= {f"renamed: {old}": new for old, new in change.renamed.items()}
    facts |= {f"merged into {new}": _names(old) for new, old in change.merged.items()}
    return facts


def _curves(tuning: "TuningReport") -> dict[str, list[float]]:
    curves = {"loss while learning": [epoch.loss for epoch in tuning.epochs]}
    first = tuning.epochs[0].heads if tuning.epochs else {}
    for head, figures in first.items():
        for name in figures:
            curves[f"{head}: {name} on rows kept back from tuning"] = [
                epoch.heads[head][name] for epoch in tuning.epochs
            ]
    return curves if tuning.epochs else {}


def _warnings(report: "TrainReport") -> list[str]:
    warnings = [f"{head} was not trained: {why}" for head, why in report.refused_heads.items()]
    if report.refused_rows:
        total = sum(report.refused_rows.values())
        warnings.append(f"{total} rows were left out: their tenants did not consent to training")
    warnings += [
        f"{head.name} has no row kept back: it was not measured"
        for head in report.heads
        if head.figures is None
    ]
    notes = () if report.tuning is None else report.tuning.notes
    return [*warnings, *report.warnings, *notes]


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
