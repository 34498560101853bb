"""Writes `report.html` of a bundle: what training tells in, the page out. For `models.train`; needs extra `heads`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models.evaluation.page import Page, render_page

if TYPE_CHECKING:  # train_report needs the figures, so it comes after this house
    from models.rows.label_changes import HeadChange
    from models.training.report import HeadReport, TrainReport, TuningReport

SHOWN_NAMES = 20
_WORDS = {
    "embedding": "the numbers that the encoder makes of a text: what it means",
    "n-grams": "its words, pairs of words and pieces of four characters: how it is worded",
    "tried": "ways to fit the head, and how good each was on the rows for choosing: the mean of accuracy and macro F1, "
    "or micro F1 of several labels; n-grams are taken only where they gain",
    "penalty": "on large weights: the smaller, the closer a head follows the rows it learns from",
    "tuned": "the head's weights are those that were learned together with the encoder",
    "temperature": "scores are divided by it, so that nine in ten answers of confidence 0.9 are right",
}


def render_training_page(report: "TrainReport", trained_at: datetime | None = None) -> str:
    """The page of a bundle: summary, how it was made, figures on the rows kept back. It shows no text of a row.

    Args:
        report: of the training. A bundle gets its number when it is whole, the page in it included, so the title has
            none then: it says when the bundle was made, from how much, and after which version.
        trained_at: aware; None: now.
    """
    facts = {"Training": _training(report), "Seconds": _seconds(report.seconds)}
    facts |= {
        f"Resemblance of the {name} file": {
            "rows": f"{found.rows:,}",
            "compared with": f"rows of {found.known}",
            "equal to one of them": f"{found.equal:,}",
            "nearly equal to one": f"{found.near:,}",
            "of the thread or customer of one": f"{found.same_origin:,}",
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
    facts["Words"] = _WORDS
    return render_page(
        Page(
            title=_title(report, trained_at or datetime.now(UTC)),
            heads={head.name: head.figures for head in report.heads if head.figures is not None},
            facts=facts,
            warnings=_warnings(report),
            curves={} if report.tuning is None else _curves(report.tuning),
        )
    )


def _title(report: "TrainReport", trained_at: datetime) -> str:
    if report.version:
        return f"{report.name}/{report.version}"
    after = f" after {report.previous}" if report.previous else ""
    return f"{report.name}{after}, trained {trained_at:%Y-%m-%d %H:%M} UTC on {report.rows:,} rows"


def _training(report: "TrainReport") -> dict[str, str]:
    facts = {
        "recipe": report.recipe,
        "seed": str(report.seed),
        "rows learned from": f"{report.rows:,}",
        "rows kept back": f"{report.test_rows:,}",
        "texts longer than the encoder reads": f"{report.truncated_texts:,}",
    }
    facts |= _asked(report)
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


def _asked(report: "TrainReport") -> dict[str, str]:
    """What was asked for beside the recipe."""
    facts: dict[str, str] = {}
    if report.target_precision is not None:
        facts["heads answer alone where their precision reaches"] = (
            f"{100 * report.target_precision:g} %"
        )
    if report.out_of_scope_label is not None:
        facts["label of texts out of scope"] = report.out_of_scope_label
    if report.head_weights:
        facts["weights of heads while tuning"] = ", ".join(
            f"{head} {weight:g}" for head, weight in report.head_weights.items()
        )
    if report.tokens:
        facts["domain words in the tokenizer"] = f"{report.tokens:,}"
    return facts


def _seconds(seconds: Mapping[str, float]) -> dict[str, str]:
    stages = {stage: f"{taken_s:.1f}" for stage, taken_s in seconds.items()}
    return {**stages, "together": f"{sum(seconds.values()):.1f}"}


def _tuning(tuning: "TuningReport") -> dict[str, str]:
    facts = {
        "device": f"{tuning.device}, {tuning.arithmetic}",
        "rows": f"{tuning.rows:,}",
        "rows for choosing": f"{tuning.check_rows:,}",
        **{name.replace("_", " "): f"{value:g}" for name, value in tuning.settings.items()},
    }
    if tuning.trials:
        facts["settings tried"] = str(len(tuning.trials))
    return facts


def _head(head: "HeadReport") -> dict[str, str]:
    facts = {
        "kind": head.kind,
        "labels": str(head.labels),
        "rows": f"{head.rows:,}",
        "reads": head.reads,
        "temperature": f"{head.temperature:.3f}",
        "answers alone": _alone(head.abstain_below),
        "chosen on rows": f"{head.chosen_on_rows:,}",
        **{f"tried: {name}": f"{score:.4f}" for name, score in head.candidates.items()},
    }
    if head.out_of_scope_label is not None:
        facts["learned and never given"] = head.out_of_scope_label
    if head.rare_labels:
        facts["too rare to learn"] = _names(head.rare_labels)
    return facts


def _alone(abstain_below: float) -> str:
    if abstain_below > 1:
        return "never"
    return f"from a confidence of {abstain_below:.3f} on" if abstain_below > 0 else "always"


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
