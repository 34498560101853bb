"""`switchboard clean` and `classify`: JSON lines on stdin, JSON lines on stdout, through the rooms of live records.

A line that cannot be processed is one JSON object on stderr (`line`, `error-stage`, `error-type`, `error-message`); its
neighbours go on, and the exit code is 1.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, BinaryIO

import orjson
import typer

from stream.cli.options import CLEANING, MODELS, with_settings
from stream.errors import PoisonRecordError
from stream.outputs import Inbound
from stream.records import Record, Source, decode_inbound_email, encode, utc
from stream.settings import Settings

WINDOW_LINES = 256


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("clean")(clean_lines)
    app.command("classify")(classify_lines)


@with_settings(*CLEANING)
def clean_lines(settings: Settings) -> None:
    """Clean e-mails: InboundEmail lines on stdin, CleanedEmail lines on stdout."""
    from stream.clean import clean  # noqa: PLC0415
    from stream.cli.wiring import read_options  # noqa: PLC0415

    options = read_options(settings).cleaning
    failed = 0
    for number, line in _lines(sys.stdin.buffer):
        try:
            email = decode_inbound_email(line)
            _write(clean(email, utc(email.received_at or datetime.now(UTC)), None, options))
        except PoisonRecordError as error:
            failed += 1
            _complain(number, error)
    sys.exit(1 if failed else 0)


@with_settings(*MODELS, *CLEANING)
def classify_lines(
    settings: Settings,
    model: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME/VERSION; several for several tenants.")
    ] = None,
) -> None:
    """Classify e-mails: InboundEmail lines on stdin, Classification lines on stdout, in the same order."""
    sys.exit(1 if asyncio.run(_classify(settings, model or [])) else 0)


async def _classify(settings: Settings, models: list[str]) -> int:
    """Returns how many lines failed."""
    from stream.classify import Item, classification  # noqa: PLC0415  # models take a second to import
    from stream.cli.wiring import load_models, warm_engine  # noqa: PLC0415
    from stream.metrics import Metrics  # noqa: PLC0415

    engine = warm_engine(load_models(settings, models), settings, Metrics())
    lines, failed = _lines(sys.stdin.buffer), 0
    while window := list(islice(lines, WINDOW_LINES)):
        now_ms = int(time.time() * 1000)
        items = [
            Item(Inbound(Source(topic="stdin", partition=0, offset=number), None, line, ()), now_ms)
            for number, line in window
        ]
        await engine.read(items)
        await engine.compute(items)
        for item in items:
            if item.error is not None:
                failed += 1
                _complain(item.inbound.source.offset, item.error)
            else:
                _write(classification(item, datetime.now(UTC)))
    engine.close()
    return failed


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1; one line at a time in memory."""
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield number, line.strip()


def _write(record: Record) -> None:
    sys.stdout.buffer.write(encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _complain(number: int, error: PoisonRecordError) -> None:
    facts = {
        "line": number,
        "error-stage": error.stage,
        "error-type": error.kind,
        "error-message": error.message,
    }
    sys.stderr.buffer.write(orjson.dumps(facts) + b"\n")
    sys.stderr.flush()
