"""`switchboard verify`: proves exactly-once on the user's own cluster, or names the records that break it."""

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.console import Console

from stream.cli.options import KAFKA, with_settings
from stream.cli.say import speaker
from stream.errors import SettingsError
from stream.settings import Settings
from stream.tenants_toml import load_tenants

if TYPE_CHECKING:
    from stream.verify import Verdict

# Kafka looks for timed-out transactions every 10 s by default, and writes the markers then.
SETTLE_MARGIN_S = 15.0
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
    "open_transactions": "a transaction does not end. Is --settle longer than the producers' transaction timeout? "
    "`kafka-transactions.sh find-hanging` names its producer",
    "overdue": "not committed in time. Is a worker of this group running? Look at its log and its lag",
}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(verify)


@with_settings("group_id", "tenants_file", *KAFKA)
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare inputs with outputs: lost, duplicated, out of order, foreign, damaged; other traffic may go on."""
    from stream.verify import VerifyOptions  # noqa: PLC0415
    from stream.verify import verify as prove  # noqa: PLC0415

    options = VerifyOptions(
        since=_moment(since),
        wait_s=wait,
        settle_s=settings.transaction_timeout_ms / 1000 + SETTLE_MARGIN_S
        if settle is None
        else settle,
    )
    log, tenants = speaker(Console(stderr=True)), load_tenants(settings)
    verdict = asyncio.run(prove(settings, options, log, tenants))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"holds": verdict.holds, **vars(verdict)}) + b"\n")
    else:
        _show(verdict, Console(highlight=False, soft_wrap=True))
    if not verdict.holds:
        sys.exit(1)
    sys.exit(0 if verdict.inputs else 3)


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
    for name in ("inputs", "answers", "letters", "texts", "waiting", "undecided", "unjudged"):
        console.print(f"{name:<18}{getattr(verdict, name):>12}", markup=False)
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
