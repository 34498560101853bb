"""Writes `report.html` of a churn bundle: its report in, one page that needs nothing else out; no text is in it.

Needs the extra `heads`.
"""

from dataclasses import dataclass

from markupsafe import Markup

from models.churn.report import ChurnReport
from models.evaluation.page import open_template
from models.evaluation.plots import draw_line, draw_reliability

_NAMES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "accuracy": "accuracy",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "accuracy_at_half": "accuracy from 50 % on",
    "f1_at_half": "F1 from 50 % on",
    "precision_at_half": "precision from 50 % on",
    "recall_at_half": "recall from 50 % on",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "ECE",
}


@dataclass(frozen=True)
class _Page:
    title: str
    report: ChurnReport
    facts: dict[str, dict[str, str]]
    figure_names: dict[str, str]
    reliability: Markup
    early: Markup | None


def render_churn_page(report: ChurnReport) -> str:
    """The page as HTML, UTF-8 once encoded."""
    figures = report.figures
    early = None
    if figures.early:
        names = ["end" if one.fragments is None else str(one.fragments) for one in figures.early]
        aucs = [one.roc_auc for one in figures.early]
        early = Markup(draw_line("fragments heard", "ROC AUC", names, aucs))  # noqa: S704  # numbers and our own words
    names = _NAMES | {
        name: f"recall at precision {name.rpartition('_')[2]}"
        for name in figures.figures
        if name.startswith("recall_at_precision")
    }
    page = _Page(
        title=f"{report.name}: churn, {report.candidate}",
        report=report,
        facts=_facts(report),
        figure_names={name: names[name] for name in figures.figures},
        reliability=Markup(draw_reliability(figures.reliability)),  # noqa: S704
        early=early,
    )
    return open_template("churn.html").render(page=page)


def _facts(report: ChurnReport) -> dict[str, dict[str, str]]:
    seconds = {stage: f"{taken_s:.1f}" for stage, taken_s in report.seconds.items()}
    return {
        "Rows": {
            "calls to learn from": f"{report.learn_calls:,}",
            "to choose by": f"{report.validation_calls:,}",
            "kept back": f"{report.test_calls:,}",
            "beginnings of calls fitted on": f"{report.rows:,}",
            "fragments": f"{report.fragments:,}",
            "different texts": f"{report.texts:,}",
            "texts longer than the encoder reads": f"{report.truncated_texts:,}",
            "how they were divided": report.split,
            "seed": str(report.seed),
        },
        "Features": {
            **{name: f"{count:,}" for name, count in report.features.items()},
            "numbers of an embedding": f"{report.projection.numbers}: {report.projection.reason}",
        },
        "Calibration": {
            "slope on the logit": f"{report.slope:.3f}",
            "intercept": f"{report.intercept:.3f}",
            "alarm from a probability of": f"{report.figures.alarm_from:.3f}",
        },
        "Seconds": seconds,
    }
