"""`switchboard clean`: mails of files or stdin through the rooms of live mail, as JSON lines or explained to a person.

A mail that cannot be processed is one JSON object on stderr (`file`, `line`, `error-stage`, `error-type`,
`error-message`); its neighbours go on, and the exit code is 1.
"""

import dataclasses
import io
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, NamedTuple, cast

import typer
from msgspec import Struct, ValidationError, json, to_builtins

from stream.cli.offline import complain, lines_of, write
from stream.cli.options import CLEANING, with_settings
from stream.errors import PoisonRecordError, SettingsError
from stream.records import CleanedEmail, InboundEmail, Labels, decode_inbound_email, utc
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.clean.fence import Removable

STDIN = Path("-")
_START_BYTES = 4_096


class Place(NamedTuple):
    """Where a mail was found, what it is or why it cannot be read, and the labels of its row."""

    path: Path
    number: int
    mail: InboundEmail | PoisonRecordError
    labels: Labels | None = None


class LabelledRow(Struct):
    """What a line may hold beside its mail."""

    labels: Labels | None = None


_labels = json.Decoder(LabelledRow)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("clean")(clean_mails)


@with_settings(*CLEANING)
def clean_mails(
    settings: Settings,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="JSON lines, .eml or mbox, gzipped or not. (default: stdin)"),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Do not take out: quote, signature, footer, boilerplate. Repeat it."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each mail with what was taken out, and why.")
    ] = False,
) -> None:
    """Clean e-mails: InboundEmail lines, .eml or mbox in, CleanedEmail lines on stdout.

    Labels of a row are written beside its cleaned mail, so that the output can be trained on.
    """
    from rich.console import Console  # noqa: PLC0415

    from stream.clean import PROBLEMS, clean_with_notes  # noqa: PLC0415
    from stream.cli.explain import show  # noqa: PLC0415
    from stream.cli.wiring import read_options  # noqa: PLC0415

    removable = _removable(keep or [])
    reading = read_options(settings)
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    for place in _mails(files or [STDIN]):
        error = mail = place.mail
        if isinstance(mail, InboundEmail):
            options = dataclasses.replace(reading.of(mail.tenant).cleaning, remove=removable)
            received_at = utc(mail.received_at or datetime.now(UTC))
            cleaned, notes = clean_with_notes(mail, received_at, None, options)
            if explain:
                show(console, cleaned, notes)
            elif notes.problem is None:
                write(cleaned if place.labels is None else _labelled(cleaned, place.labels))
            if notes.problem is None:
                continue
            error = PoisonRecordError("clean", notes.problem, PROBLEMS[notes.problem])
        assert isinstance(error, PoisonRecordError), "a mail is read or refused: this is a bug"
        failed += 1
        complain(place.number, error, None if place.path == STDIN else place.path)
    sys.exit(1 if failed else 0)


def _removable(keep: Iterable[str]) -> "frozenset[Removable]":
    """What is taken out when these are kept."""
    from stream.clean.fence import REMOVABLE  # noqa: PLC0415

    kept = {word.strip() for words in keep for word in words.split(",")}
    if unknown := kept - REMOVABLE:
        known = ", ".join(sorted(REMOVABLE))
        raise SettingsError(f"keep={', '.join(sorted(unknown))} is not known; use some of: {known}")
    return frozenset(reason for reason in REMOVABLE if reason not in kept)


def _labelled(cleaned: CleanedEmail, labels: Labels) -> dict[str, object]:
    """A cleaned mail as a row to train on."""
    fields: dict[str, object] = to_builtins(cleaned)
    return {**fields, "labels": labels}


def _mails(paths: Iterable[Path]) -> Iterator[Place]:
    """The mails of the files, or what is wrong with one."""
    for path in paths:
        yield from _of_stdin() if path == STDIN else _of_file(path, path)


def _of_file(path: Path, shown: Path) -> Iterator[Place]:
    from stream.simulate import RowError, mails_of  # noqa: PLC0415

    try:
        for number, mail, labels in mails_of(path, str(shown)):
            is_mail = isinstance(mail, InboundEmail)
            found = mail if is_mail else PoisonRecordError("validate", "wrong-shape", str(mail))
            yield Place(shown, number, found, labels)
    except RowError as error:
        yield Place(shown, 0, PoisonRecordError("decode", "bad-file", str(error)))


def _of_stdin() -> Iterator[Place]:
    """InboundEmail lines as they come; a message, a mailbox or anything gzipped, once all of it is there."""
    from stream.simulate import kind_of_start  # noqa: PLC0415

    stdin = io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer), _START_BYTES)
    start = stdin.peek(_START_BYTES)
    if kind_of_start(start) == "rows":
        yield from _of_lines(stdin)
        return
    with tempfile.NamedTemporaryFile(prefix="switchboard-stdin-") as whole:
        shutil.copyfileobj(stdin, whole)
        whole.flush()
        yield from _of_file(Path(whole.name), STDIN)


def _of_lines(stdin: BinaryIO) -> Iterator[Place]:
    for number, line in lines_of(stdin):
        try:
            email = decode_inbound_email(line)
            yield Place(STDIN, number, email, _labels.decode(line).labels)
        except PoisonRecordError as error:
            yield Place(STDIN, number, error)
        except ValidationError as error:
            yield Place(STDIN, number, PoisonRecordError("validate", "wrong-shape", str(error)))
