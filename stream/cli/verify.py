"""`switchboard verify`: proves exactly-once on the user's own cluster, or names the records that break it."""

import asyncio
import sys
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.console import Console

from stream.cli.options import KAFKA, with_settings
from stream.cli.say import speaker
from stream.errors import FatalError, SettingsError
from stream.kafka.clients import Log
from stream.settings import Settings
from stream.tenants_toml import load_tenants

if TYPE_CHECKING:
    from models.bundle import Bundle
    from stream.verify import Verdict
    from stream.verify.recount import Bundles

# Kafka looks for timed-out transactions every 10 s by default, and writes the markers then.
SETTLE_MARGIN_S = 15.0
STATES = ("states", "states_unheard", "states_unjudged")
WAY_OUT = {
    "lost": "committed without an output. Did the group begin later than these records (--since TIME)? Else keep the "
    "topics and report it; sending the record again gives it an answer",
    "duplicated": "more than one output. Does something else write to these topics, or run with another group? "
    "Consumers can drop repeats by the header output-id",
    "out_of_order": "an output behind one of a later record. Does something else write to these topics? Or does the "
    "tenants file no longer say what was left to dedicated workers?",
    "foreign": "outputs of no input. Does something else write to these topics, or was an input topic made anew?",
    "ahead": "outputs at or after the committed offset. Is --group-id the workers' group? Kafka forgets the offsets of "
    "a group that was idle for long, and a reset of offsets repeats what was answered",
    "damaged": "outputs that contradict their input. Compare both records before consumers use the output",
    "without_text": "classifications and cleaned e-mails do not match. Does something else write to these topics?",
    "wrong_states": "stored calls that are not what their fragments say. Are --churn-silent-s and --churn-ended-keep-s "
    "the workers'? Does something else write to churn-state? Else keep the topics and report it; a tombstone in its "
    "partition lets a call begin anew",
    "open_transactions": "a transaction does not end. Is --settle longer than the producers' transaction timeout? "
    "`kafka-transactions.sh find-hanging` names its producer",
    "overdue": "not committed in time. Is a worker of this group running? Look at its log and its lag",
}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(verify)


@with_settings(
    "group_id",
    "tenants_file",
    "churn_silent_s",
    "churn_ended_keep_s",
    "models_dir",
    "execution_providers",
    *KAFKA,
)
def verify(
    settings: Settings,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Judge inputs from this RFC 3339 time on. (default: all that retention has left)",
        ),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Wait so long until what lies in the inputs now is committed. (default: do not wait)",
        ),
    ] = None,
    settle: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="How long a transaction may stay open. (default: transaction_timeout_ms and 15 s)",
        ),
    ] = None,
    words: Annotated[
        bool,
        typer.Option(
            "--words",
            help="Embed the words of calls again, with the bundles in --models-dir, and compare their sums too.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare inputs with outputs and calls with their states: lost, duplicated, wrong; other traffic may go on."""
    from stream.verify import VerifyOptions, no_bundle  # noqa: PLC0415
    from stream.verify import verify as prove  # noqa: PLC0415

    log = speaker(Console(stderr=True))
    options = VerifyOptions(
        since=_moment(since),
        wait_s=wait,
        settle_s=settle or settings.transaction_timeout_ms / 1000 + SETTLE_MARGIN_S,
        bundles=_bundles(settings, log) if words else no_bundle,
    )
    tenants = load_tenants(settings)
    verdict = asyncio.run(prove(settings, options, log, tenants))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"holds": verdict.holds, **vars(verdict)}) + b"\n")
    else:
        _show(verdict, Console(highlight=False, soft_wrap=True))
    if not verdict.holds:
        sys.exit(1)
    sys.exit(0 if verdict.inputs else 3)


def _bundles(settings: Settings, log: Log) -> "Bundles":
    """The bundles that states name, as far as they are at hand, each asked for once."""
    from stream.cli.wiring import Loader  # noqa: PLC0415

    loader = Loader(settings)

    @cache
    def named(name: str, version: str) -> "Bundle | None":
        try:
            return loader.load(f"{name}/{version}")
        except FatalError as error:
            log("bundle_not_at_hand", model=f"{name}/{version}", error=str(error))
            return None

    return named


def _moment(text: str | None) -> datetime | None:
    """A time with its zone.

    Raises:
        SettingsError: it is none.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--since {text!r} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise SettingsError(f"--since {text!r} has no zone; write 2026-01-31T08:00:00Z")
    return moment


def _show(verdict: "Verdict", console: Console) -> None:
    """Counts, then each kind of fault; what was found with its first names and the way out."""
    for name in (
        "inputs",
        "answers",
        "letters",
        "texts",
        "waiting",
        "undecided",
        "unjudged",
        *STATES,
    ):
        console.print(f"{name.replace('_', ' '):<18}{getattr(verdict, name):>12}", markup=False)
    if verdict.judged_since is not None:
        console.print(f"inputs were judged from {verdict.judged_since.isoformat()} on")
    for name, found in verdict.faults().items():
        console.print(f"{name.replace('_', ' '):<18}{found.count:>12}", markup=False)
        for record in found.names:
            console.print(f"    {record}", markup=False)
        if found.count > len(found.names):
            console.print(f"    … and {found.count - len(found.names)} more")
        if found.count:
            console.print(f"    {WAY_OUT[name]}", markup=False)
    console.print("exactly once" if verdict.holds else "NOT exactly once")
