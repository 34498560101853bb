"""`switchboard train-churn`: profiles, calls and outcomes in, an immutable churn bundle and a short report out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stream.cli.following import follow
from stream.cli.options import with_settings
from stream.cli.train_view import PAGE, shown
from stream.settings import Settings

if TYPE_CHECKING:
    from models.churn.report import ChurnReport, ChurnRequest
    from models.tracking.tracker import Tracker


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("train-churn")(train_churn)


@with_settings(
    "models_dir",
    "execution_providers",
    "encode_threads",
    "tenants_file",
    "notify",
    "mlflow_tracking_uri",
)
def train_churn(  # noqa: PLR0913, PLR0917  # a command's options
    settings: Settings,
    name: Annotated[str, typer.Option(help="The model's name.")],
    features: Annotated[
        Path,
        typer.Option(help="What to look at: TOML with the lists numerical, categorical, textual."),
    ],
    outcomes: Annotated[
        Path, typer.Option(help="Who left: CSV or JSON lines with call_id or customer_id.")
    ],
    profiles: Annotated[
        Path | None,
        typer.Option(help="Profiles of customers: CSV or JSON lines. (default: words alone)"),
    ] = None,
    calls: Annotated[
        Path | None,
        typer.Option(
            help="Calls, as fragments or whole, JSON lines or CSV. (default: profiles alone)"
        ),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose model it is.")] = "default",
    base_model: Annotated[
        str | None, typer.Option(help="Encoder: a Hugging Face id or a folder.")
    ] = None,
    search: Annotated[
        int,
        typer.Option(
            help="Settings of the candidates to try on validation rows; 0: as they are.", min=0
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that draws.")] = 0,
) -> None:
    """Train a model of who leaves, from profiles, calls or both, and write it as the next version of its name.

    Outcomes of tenants that do not consent to training (SWITCHBOARD_TENANTS_FILE) are left out.
    """
    from models.churn.dataset import ChurnFiles  # noqa: PLC0415  # the models take a second to import
    from models.churn.report import ChurnRequest  # noqa: PLC0415
    from models.encoder.base_model import DEFAULT_BASE_MODEL  # noqa: PLC0415
    from stream.cli.wiring import cores  # noqa: PLC0415
    from stream.tenants_toml import load_tenants  # noqa: PLC0415

    request = ChurnRequest(
        name=name,
        models_dir=settings.models_path,
        files=ChurnFiles(
            features=features,
            outcomes=outcomes,
            profiles=profiles,
            calls=calls,
            tenant=tenant,
            consents=load_tenants(settings).consents,
        ),
        base_model=base_model or DEFAULT_BASE_MODEL,
        providers=[word.strip() for word in settings.execution_providers.split(",")],
        threads=settings.encode_threads or cores(),
        search=search,
        seed=seed,
    )
    console = Console(highlight=False, soft_wrap=True)
    report = follow(
        settings,
        name,
        "churn",
        lambda tracker: train_calls(request, console, tracker),
        lambda report: {"churn": report.figures.main()},
    )
    for line in report_lines(report):
        console.print(line, markup=False)
    sys.exit(0)


def train_calls(
    request: "ChurnRequest", console: Console, tracker: "Tracker | None" = None
) -> "ChurnReport":
    """Train a model of calls, shown as `shown` does, whose errors it raises."""
    from models.tracking.tracker import NO_TRACKER  # noqa: PLC0415
    from models.train_churn import train_churn as train  # noqa: PLC0415

    return shown(
        console,
        lambda progress, warn: train(request, progress, warn, tracker or NO_TRACKER),
    )


def report_lines(report: "ChurnReport") -> list[str]:
    """The short report: what was made, and how right it is on calls that it did not learn from."""
    figures, total_s = report.figures.figures, sum(report.seconds.values())
    auc = report.figures.intervals["roc_auc"]
    lines = [
        f"{report.name}/{report.version}  {report.candidate} on "
        f"{report.learn_calls + report.validation_calls} outcomes, "
        f"{report.test_calls} kept back, {total_s:.0f} s, {report.features['columns']} columns, "
        f"{report.fragments} fragments, {report.precision} on {report.provider}",
        f"  ROC AUC {figures['roc_auc']:.3f} ({auc.low:.3f} to {auc.high:.3f})  PR AUC {figures['pr_auc']:.3f}  "
        f"Brier {figures['brier']:.3f}  ECE {figures['calibration_error']:.3f}",
        f"  from {report.figures.alarm_from:.3f} on: accuracy {figures['accuracy']:.3f}  F1 {figures['f1']:.3f}  "
        f"precision {figures['precision']:.3f}  recall {figures['recall']:.3f}",
    ]
    if report.figures.early:
        early = "  ".join(
            f"{'end' if one.fragments is None else one.fragments}: {one.roc_auc:.3f}"
            for one in report.figures.early
        )
        lines.append(f"  ROC AUC by fragments heard  {early}")
    lines += [
        f"  candidate {one.name:<9} log loss {one.validation_log_loss:.4f} to choose by; kept back: ROC AUC "
        f"{one.test_roc_auc:.3f}, F1 {one.test_f1:.3f}"
        for one in report.candidates
    ]
    lines.append(f"  embeddings: {report.projection.reason}")
    return [*lines, f"written to {report.path}", f"look at  {report.path}/{PAGE}"]
