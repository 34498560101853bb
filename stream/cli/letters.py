"""`switchboard dead-letters list|replay`: what could not be processed, and sending it again once that is mended."""

import asyncio
import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console

from stream.cli.options import KAFKA, with_settings
from stream.cli.say import speaker
from stream.kafka.clients import Log
from stream.settings import Settings

letters_app = typer.Typer(help="List dead letters, or send them again.", no_args_is_help=True)
_COLUMNS = (
    "error-stage",
    "error-type",
    "source-topic",
    "source-partition",
    "source-offset",
    "failed-at",
    "error-message",
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    letters_app.command("list")(list_letters)
    letters_app.command("replay")(replay)
    app.add_typer(letters_app, name="dead-letters")


@with_settings(*KAFKA)
def list_letters(
    settings: Settings,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show why each dead letter is one; never its text."""
    rows = asyncio.run(_rows(settings))
    console = Console(highlight=False, soft_wrap=True)
    for row in rows:
        line = (
            orjson.dumps(row).decode() if as_json else "  ".join(row[column] for column in _COLUMNS)
        )
        console.print(line, markup=False)
    if not rows:
        console.print("no dead letters", style="dim")
    sys.exit(0 if rows else 3)


async def _rows(settings: Settings) -> list[dict[str, str]]:
    from stream.kafka.letters import read_letters  # noqa: PLC0415

    return [
        {column: letter.header(column) for column in _COLUMNS}
        async for letter in read_letters(settings, _errors())
    ]


@with_settings("group_id", *KAFKA)
def replay(
    settings: Settings,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were replayed before.")
    ] = False,
) -> None:
    """Send dead letters to their source topics once more, each exactly once."""
    from stream.kafka.letters import replay_letters  # noqa: PLC0415

    sent = asyncio.run(replay_letters(settings, _errors(), again=again))
    Console(highlight=False).print(f"{sent} dead letters sent again")
    sys.exit(0 if sent else 3)


def _errors() -> Log:
    return speaker(Console(stderr=True))
