"""`switchboard simulate` and `demo`: traffic from files or the built-in world, and the whole road in one command."""

import asyncio
import itertools
import sys
from collections.abc import Iterable
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
    read_calls,
    read_emails,
    read_profiles,
    send_open_loop,
)

DEFAULT_RATE_PER_S = 20.0


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(simulate)
    app.command()(demo)


Emails = Annotated[Path | None, typer.Option(help="Mails: rows (.jsonl, .jsonl.gz), .eml or mbox.")]
Calls = Annotated[Path | None, typer.Option(help="Calls: rows with fragments (.jsonl, .jsonl.gz).")]
Profiles = Annotated[Path | None, typer.Option(help="Customers: a CSV with a column customer_id.")]
Rate = Annotated[float, typer.Option(help="Records per second, by the clock.", min=0.01)]


@with_settings(*KAFKA)
def simulate(
    settings: Settings,
    emails: Emails = None,
    calls: Calls = None,
    profiles: Profiles = None,
    rate: Rate = DEFAULT_RATE_PER_S,
    count: Annotated[
        int | None, typer.Option(help="Stop after this many; unset: when the files end, or never.")
    ] = None,
) -> None:
    """Send traffic open-loop: arrivals follow the clock, so a stalled broker cannot hide its delay."""
    sources = [
        read(path)
        for read, path in ((read_profiles, profiles), (read_emails, emails), (read_calls, calls))
        if path
    ]
    records = itertools.chain(*sources) if sources else World().traffic()
    console = Console(stderr=True, highlight=False)
    summary = asyncio.run(_send(settings, records, rate, count, console))
    console.print(
        f"sent {summary.sent}  failed {summary.failed}  late {summary.late}  "
        f"worst delay {summary.worst_delay_s * 1000:.0f} ms  {summary.elapsed_s:.1f} s"
    )
    sys.exit(1 if summary.failed else 0)


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
