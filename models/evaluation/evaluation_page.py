"""Writes the page of an evaluation: report and manifest in, HTML out, to `switchboard evaluate --html`.

Needs the extra `heads`.
"""

from models.evaluation.page import Page, render_page
from models.evaluation.run import Evaluated, EvaluationReport
from models.manifest import Manifest

SHOWN_CHARACTERS = 300  # of an example's text: enough to see what it is about


def render_evaluation_page(
    evaluated: Evaluated, manifest: Manifest, *, shows_texts: bool = False
) -> str:
    """The page as HTML.

    Args:
        evaluated: what was measured.
        manifest: of the bundle.
        shows_texts: put the texts of examples on the page: personal data.
    """
    report = evaluated.report
    return render_page(
        Page(
            title=f"{report.name}/{report.version} on {', '.join(file.name for file in report.data)}",
            heads=report.heads,
            facts={"Rows": _rows(report), "Model": _model(report, manifest)},
            warnings=report.warnings,
            texts=_texts(evaluated) if shows_texts else {},
        )
    )


def _rows(report: EvaluationReport) -> dict[str, str]:
    facts = {"measured": f"{report.rows:,}"}
    if report.tenant is not None:
        facts["of tenant"] = report.tenant
    if report.other_tenants_rows:
        facts["of other tenants, left out"] = f"{report.other_tenants_rows:,}"
    if report.kept_back_rows is not None:
        facts["known to be kept back from training"] = f"{report.kept_back_rows:,}"
    facts["longer than the encoder reads"] = f"{report.truncated_texts:,}"
    facts |= {f"file {file.name}": f"sha256 {file.sha256[:16]}…" for file in report.data}
    if report.heads_without_rows:
        facts["heads that no row answers"] = ", ".join(report.heads_without_rows)
    if report.heads_not_known:
        facts["heads that the model does not have"] = ", ".join(report.heads_not_known)
    return facts


def _model(report: EvaluationReport, manifest: Manifest) -> dict[str, str]:
    return {
        "made": manifest.created_at,
        "recipe": manifest.training.recipe,
        "rows learned from": f"{manifest.training.rows:,}",
        "encoder": manifest.encoder.base_model,
        "measured on": f"{report.provider}, {report.precision}, {report.seconds:.1f} s",
    }


def _texts(evaluated: Evaluated) -> dict[str, str]:
    parts = {row.id: (row.subject or "", row.body or "") for row in evaluated.rows}
    whole = {row: "\n".join(part for part in both if part) for row, both in parts.items()}
    return {
        row: text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
        for row, text in whole.items()
    }
