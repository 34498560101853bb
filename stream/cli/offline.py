"""`switchboard classify`: JSON lines on stdin, JSON lines on stdout, through the rooms of live records.

A line that cannot be processed is one JSON object on stderr (`line`, `error-stage`, `error-type`, `error-message`); its
neighbours go on, and the exit code is 1.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple

import orjson
import typer

from stream.cli.options import CLEANING, MODELS, with_settings
from stream.errors import FatalError, PoisonRecordError, SettingsError
from stream.outputs import Inbound
from stream.records import CallFragment, ModelKind, Record, Source, encode
from stream.settings import Settings

WINDOW_LINES = 256
STDIN = Path("-")
_OTHER_COMMAND: dict[ModelKind, str] = {
    "text": "labels mail: switchboard classify --model {name} < MAILS, or name a model of `train-churn`",
    "churn": "scores calls: switchboard score-calls --model {name} CALLS, or name a model of `train`",
}


class FoundFragment(NamedTuple):
    """A fragment of a file of calls, or what is wrong with a line; of which file, and of which line from 1."""

    path: Path
    number: int
    fragment: CallFragment | PoisonRecordError


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("classify")(classify_lines)


@with_settings(*MODELS, *CLEANING)
def classify_lines(
    settings: Settings,
    model: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME/VERSION; several for several tenants.")
    ] = None,
) -> None:
    """Classify e-mails: InboundEmail lines on stdin, Classification lines on stdout, in the same order."""
    must_be_of_kind(settings, model or [], "text")
    sys.exit(1 if asyncio.run(_classify(settings, model or [])) else 0)


def must_be_of_kind(settings: Settings, names: Sequence[str], kind: ModelKind) -> None:
    """Refuse models of the other kind, with the command that takes them.

    Raises:
        FatalError: a model is missing or damaged.
        SettingsError: one is of the other kind.
    """
    from models.bundle import BundleError, resolve  # noqa: PLC0415  # models take a second to import
    from models.manifest import read_manifest  # noqa: PLC0415

    for name in names:
        try:
            found = read_manifest(resolve(settings.models_path, name)).kind
        except BundleError as error:
            raise FatalError(str(error)) from error
        if found != kind:
            raise SettingsError(f"{name} {_OTHER_COMMAND[found].format(name=name)}")


async def _classify(settings: Settings, models: list[str]) -> int:
    """Returns how many lines failed."""
    from stream.classify import Item, classification  # noqa: PLC0415  # models take a second to import
    from stream.cli.wiring import start_engine  # noqa: PLC0415
    from stream.metrics import Metrics  # noqa: PLC0415

    engine = start_engine(settings, models, Metrics())
    lines, failed = lines_of(sys.stdin.buffer), 0
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
                complain(item.inbound.source.offset, item.error)
            else:
                write(classification(item, datetime.now(UTC)))
    engine.close()
    return failed


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1; one line at a time in memory."""
    for number, line in enumerate(stream, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if text:
            yield number, text


def write(record: Record | dict[str, object]) -> None:
    """One line on stdout, at once."""
    sys.stdout.buffer.write(encode(record) + b"\n")
    sys.stdout.buffer.flush()


def complain(number: int, error: PoisonRecordError, path: Path | None = None) -> None:
    """What is wrong with a line, or with the mail of that number in a file, on stderr."""
    facts = {
        **({"file": str(path)} if path else {}),
        "line": number,
        "error-stage": error.stage,
        "error-type": error.kind,
        "error-message": error.message,
    }
    sys.stderr.buffer.write(orjson.dumps(facts) + b"\n")
    sys.stderr.flush()
