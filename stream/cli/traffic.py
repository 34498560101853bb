"""`switchboard simulate` and `demo`: traffic from files or the built-in world, and the whole road in one command."""

import asyncio
import itertools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from stream.cli.options import KAFKA, with_settings
from stream.cli.say import speaker
from stream.errors import RetryableError
from stream.kafka.clients import plain_producer, start_when_ready
from stream.settings import Settings
from stream.simulate import (
    OutgoingRecord,
    SendSummary,
    World,
    live_calls,
    mixed,
    paced,
    read_emails,
    send_open_loop,
    write_history,
)

DEFAULT_RATE_PER_S = 20.0
WORLD_PACE = 10.0
CALL_SHARE = 0.3  # of the records of the built-in world
HISTORY_CALLS = 5000


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(simulate)
    app.command()(demo)


Emails = Annotated[Path | None, typer.Option(help="Mails: rows (.jsonl, .jsonl.gz), .eml or mbox.")]
Calls = Annotated[
    Path | None, typer.Option(help="Calls: JSON lines or CSV, as `score-calls` takes them.")
]
Profiles = Annotated[
    Path | None, typer.Option(help="Customers: JSON lines or CSV, as `score-calls` takes them.")
]
Pace = Annotated[
    float | None,
    typer.Option(
        help="Calls at this many times the speed of speech, beside each other; unset: files one record after "
        f"another, the built-in world at {WORLD_PACE:g}.",
        min=0.01,
    ),
]
Rate = Annotated[float, typer.Option(help="Records per second, by the clock.", min=0.01)]


@with_settings(*KAFKA)
def simulate(  # noqa: PLR0913, PLR0917  # a command's options
    settings: Settings,
    emails: Emails = None,
    calls: Calls = None,
    profiles: Profiles = None,
    rate: Rate = DEFAULT_RATE_PER_S,
    pace: Pace = None,
    count: Annotated[
        int | None, typer.Option(help="Stop after this many; unset: when the files end, or never.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="Send nothing; write past calls of the built-in world into this folder (`--count` of them, default "
            f"{HISTORY_CALLS}), with profiles, outcomes and the list of features, for `train-churn`. Synthetic."
        ),
    ] = None,
) -> None:
    """Send traffic open-loop: arrivals follow the clock, so a stalled broker cannot hide its delay.

    Without a file it is the built-in world's: e-mails, and calls with profiles and outcomes. All of it is invented.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if history is not None:
        files = write_history(history, count or HISTORY_CALLS)
        console.print(f"synthetic: {files.calls}  {files.profiles}  {files.outcomes}")
        console.print(f"features:  {files.features}")
        return
    groups = _groups(emails, calls, profiles)
    if pace is None and (emails or calls or profiles):
        records = itertools.chain.from_iterable(groups)
    else:
        records = paced(groups, rate, pace or WORLD_PACE)
    summary = asyncio.run(_send(settings, records, rate, count, console))
    console.print(
        f"sent {summary.sent}  failed {summary.failed}  late {summary.late}  "
        f"worst delay {summary.worst_delay_s * 1000:.0f} ms  {summary.elapsed_s:.1f} s"
    )
    sys.exit(1 if summary.failed else 0)


def _groups(
    emails: Path | None, calls: Path | None, profiles: Path | None
) -> Iterable[Sequence[OutgoingRecord]]:
    """What is sent, in groups that belong together: profiles before the calls that need them."""
    if not (emails or calls or profiles):
        return mixed(World().traffic(), live_calls(), CALL_SHARE)
    from stream.cli.call_files import traffic_of_calls, traffic_of_profiles  # noqa: PLC0415  # it imports models

    single = [
        read(path)
        for read, path in ((traffic_of_profiles, profiles), (read_emails, emails))
        if path
    ]
    alone = ([record] for record in itertools.chain(*single))
    return itertools.chain(alone, traffic_of_calls(calls) if calls else ())


async def _send(
    settings: Settings,
    records: Iterable[OutgoingRecord],
    rate: float,
    count: int | None,
    console: Console,
) -> SendSummary:
    producer = plain_producer(settings)

    async def deliver(record: OutgoingRecord) -> None:
        try:
            await producer.send_and_wait(
                settings.topic(record.topic), record.value, record.key, headers=list(record.headers)
            )
        except KafkaError as error:
            raise RetryableError(f"{record.topic}: {error}") from error

    await start_when_ready(producer, settings, speaker(console))
    try:
        return await send_open_loop(deliver, records, rate, count)
    finally:
        await producer.stop()


def demo(
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this long; unset: run until Ctrl-C.", min=1)
    ] = None,
    emails: Emails = None,
    rate: Rate = DEFAULT_RATE_PER_S,
) -> None:
    """Start Kafka, train a model, start a worker, send mail, and show labels as they come out."""
    from stream.cli.demo import run_demo  # noqa: PLC0415

    sys.exit(run_demo(Console(highlight=False), seconds, emails, rate))
