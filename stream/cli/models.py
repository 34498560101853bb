"""`switchboard models`: which bundles there are, which is live for whom, and a person's decisions about them."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stream.cli.aliases import move_alias
from stream.cli.evaluating import compare
from stream.cli.live_state import read_state, state_if_there
from stream.cli.options import KAFKA, TOPICS, with_settings
from stream.cli.say import speaker
from stream.deployments.decisions import (
    NothingToDoError,
    Signed,
    approved,
    rejected,
    rolled_back,
)
from stream.deployments.live import Live
from stream.deployments.publishing import Publication, publish
from stream.errors import FatalError, SettingsError
from stream.records import Deployment
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.cli.bundles import OnDisk

DECIDING = (*KAFKA, *TOPICS, "models_dir", "transaction_timeout_ms", "mlflow_tracking_uri")
models_app = typer.Typer(help="Look at models and decide which is live.", no_args_is_help=True)
Who = Annotated[str, typer.Option(help="Who decides.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    models_app.command("list")(list_models)
    models_app.command("show")(show_model)
    models_app.command("compare")(compare)
    models_app.command("approve")(approve)
    models_app.command("reject")(reject)
    models_app.command("rollback")(rollback)
    app.add_typer(models_app, name="models")


@with_settings(*KAFKA, "models_dir")
def list_models(settings: Settings) -> None:
    """Print every bundle on this machine, and what is live for whom; exit code 3 when there is nothing to print."""
    from stream.cli.bundle_view import list_lines  # noqa: PLC0415  # the models take a second to import

    console = _console()
    live, _, note = state_if_there(settings)
    lines = list_lines(settings.models_path, live.deployments())
    for line in lines:
        console.print(line, markup=False)
    if note:
        console.print(note, markup=False)
    if not lines:
        raise NothingToDoError(
            f"no models in {settings.models_path}; train one: switchboard train --name NAME --data FILE"
        )


@with_settings(*KAFKA, "models_dir")
def show_model(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="NAME or NAME/VERSION; NAME: the newest version.")],
) -> None:
    """Print what a bundle says about itself, what became of its labels, and the decisions about it."""
    from stream.cli.bundle_view import show_lines  # noqa: PLC0415
    from stream.cli.bundles import find  # noqa: PLC0415

    console = _console()
    found = find(settings.models_path, name)
    live, decisions, note = state_if_there(settings)
    for line in show_lines(found, _live_instead(live, found), decisions, is_known=not note):
        console.print(line, markup=False)
    if note:
        console.print(note, markup=False)


@with_settings(*DECIDING, "execution_providers", "encode_threads")
def approve(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="NAME/VERSION.")],
    by: Who,
    reason: Why,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Labelled rows to compare with the live model on, that neither learned from. "
            "(default: the rows kept back from both)"
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Even if it is worse, was rejected, or nobody can tell. Never a damaged bundle.",
        ),
    ] = False,
) -> None:
    """Make a bundle live for its tenant: workers load it beside the traffic and swap between two windows.

    A tenant has one live model for mail and one for calls; calls in progress stay with the one they began with.

    It must load and pass its golden run, and must not be significantly worse than the live one.
    """
    from stream.cli.approving import judge  # noqa: PLC0415
    from stream.cli.bundles import find  # noqa: PLC0415

    console, signed = _console(), _signed(by, reason)
    _refuse_plain(settings, name)
    found = find(settings.models_path, name)
    live, decisions = read_state(settings)
    own = found.bundled
    live.refuse_other_kind(own.tenant, own.name, own.kind)
    current = _live_instead(live, found)
    approved(found.bundled, current, signed, forced=False)  # refuses what is live before the work
    judgement = judge(settings, found, current, data, decisions.made)
    for line in judgement.lines:
        console.print(line, markup=False)
    if judgement.refusal and not force:
        raise FatalError(judgement.refusal)
    overruled = force and judgement.refusal is not None
    signed = _signed(by, reason)  # the comparison may have taken minutes
    _publish(settings, approved(found.bundled, current, signed, forced=overruled), console)
    move_alias(settings, found.manifest.name, found.manifest.version, "champion")


@with_settings(*DECIDING)
def reject(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="NAME/VERSION.")],
    by: Who,
    reason: Why,
) -> None:
    """Write down that a bundle shall not go live. Nothing else changes."""
    from stream.cli.bundles import find  # noqa: PLC0415

    signed = _signed(by, reason)
    _refuse_plain(settings, name)
    found = find(settings.models_path, name)
    live, _ = read_state(settings)
    current = _live_instead(live, found)
    _publish(settings, rejected(found.bundled, current, signed), _console())
    move_alias(settings, found.manifest.name, found.manifest.version, None)


@with_settings(*DECIDING)
def rollback(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="NAME of a live model.")],
    by: Who,
    reason: Why,
    tenant: Annotated[
        str | None, typer.Option(help="Whose, where several tenants have a model of this name.")
    ] = None,
) -> None:
    """Make the version before live again. A second rollback is refused: the way forward is an approval."""
    console, signed = _console(), _signed(by, reason)
    live, decisions = read_state(settings)
    current = _live_named(live, name, tenant)
    slot = (current.tenant, current.kind)
    own = [one for one in decisions.made if (one.tenant, one.kind) == slot]
    publication = rolled_back(current, own, signed)
    deployment = publication.deployment
    assert deployment is not None, "a rollback deploys: this is a bug"
    _warn_if_absent(settings, deployment, console)
    _publish(settings, publication, console)
    move_alias(settings, deployment.name, deployment.version, "champion")


def _live_instead(live: Live, found: "OnDisk") -> Deployment | None:
    """What is live of the same kind for the same tenant."""
    return live.by_tenant(found.bundled.kind).get(found.bundled.tenant)


def _live_named(live: Live, name: str, tenant: str | None) -> Deployment:
    if "/" in name:
        raise SettingsError(f"name={name} names a version; a rollback takes the NAME of a model")
    found = [one for one in live.deployments() if one.name == name and tenant in (None, one.tenant)]
    if not found:
        whose = "" if tenant is None else f" for tenant {tenant}"
        raise NothingToDoError(f"{name} is not live{whose}; see `switchboard models list`")
    if len(found) > 1:
        tenants = ", ".join(one.tenant for one in found)
        raise SettingsError(f"{name} is live for several tenants: {tenants}; name one: --tenant")
    return found[0]


def _refuse_plain(settings: Settings, name: str) -> None:
    """A decision is about one version: the newest of now may be another one than the person looked at."""
    from models.bundle import versions  # noqa: PLC0415

    if not name.partition("/")[2]:
        there = ", ".join(f"{name}/{one}" for one in versions(settings.models_path, name))
        raise SettingsError(
            f"{name!r} names no version; write one of: {there or 'none is there, see `models list`'}"
        )


def _signed(by: str, reason: str) -> Signed:
    return Signed(by, reason, datetime.now(UTC))


def _warn_if_absent(settings: Settings, deployment: Deployment, console: Console) -> None:
    """Workers may see another folder than this machine, so this refuses nothing: it is what keeps the old one going."""
    from stream.cli.bundles import find  # noqa: PLC0415

    whole = f"{deployment.name}/{deployment.version}"
    try:
        found: OnDisk | None = find(settings.models_path, whole)
    except FatalError:
        found = None
    if found is None or not found.bundled.is_of(deployment):
        console.print(
            f"warning: {whole} as it was approved is not in {settings.models_path}; workers that have it loaded or "
            "on disk go back to it, others keep what they have",
            markup=False,
        )


def _publish(settings: Settings, publication: Publication, console: Console) -> None:
    asyncio.run(publish(settings, publication, speaker(console)))
    decision, deployment = publication.decision, publication.deployment
    forced = ", forced" if decision.forced else ""
    console.print(
        f"{decision.decision}{forced}: {decision.name}/{decision.version} for tenant {decision.tenant}"
        + (", calls" if decision.kind == "churn" else ""),
        markup=False,
    )
    if deployment is not None:
        before = deployment.previous_version
        back = f"; back: switchboard models rollback {deployment.name}" if before else ""
        console.print(f"live now, workers swap as soon as they have loaded it{back}", markup=False)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
