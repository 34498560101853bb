"""Reads files of mail as they are found: rows of JSON lines, `.eml`, mbox, gzipped or not.

Takes a path, gives `OutgoingRecord`s to the sender (ids stay, labels are never sent) and labelled rows
to the training of the demo's model. Knows nothing of Kafka's client.
"""

import gzip
import mailbox
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from models.labels import TrainingRow
from stream.errors import FatalError
from stream.records import InboundEmail, Labels
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.rows import FileRow, email_of
from stream.simulate.world import to_wire
from stream.topics import INBOUND_EMAILS

_HEADER_LINE = re.compile(rb"[!-9;-~]+:[ \t\r\n]")
_CAPTION_LENGTH = 80
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
BROKEN_FILE = (OSError, EOFError, zlib.error)
"""What reading a file may raise, gzipped ones among them."""
_GZIP_MAGIC = b"\x1f\x8b"


class RowError(FatalError):
    """A file, or one of its lines, is none of the shapes that are read."""


class FoundMail(NamedTuple):
    """A mail of a file: its line or its number in the mailbox, from 1; itself, or what is wrong with it; its labels."""

    number: int
    mail: InboundEmail | RowError
    labels: Labels | None = None


def read_emails(path: Path, *, repeat: bool = False) -> Iterator[OutgoingRecord]:
    """The mails of a file in its order, for `inbound-emails`.

    Args:
        path: JSON lines in any of the row shapes, one `.eml`, or an mbox; each may be gzipped.
        repeat: start again at the end, with the same ids; a file without mails still ends.

    Raises:
        RowError: the file or a line is none of these; the message names file and line.
    """
    while True:
        empty = True
        for found in mails_of(path):
            if isinstance(found.mail, RowError):
                raise found.mail
            empty = False
            yield _outgoing(found.mail)
        if empty or not repeat:
            return


def labelled_rows(path: Path) -> Iterator[TrainingRow]:
    """The rows of a JSON-lines file that have labels; raw messages have none.

    Raises:
        RowError: a line is not a row; the message names file and line.
    """
    if _kind(path) != "rows":
        return
    decoder = msgspec.json.Decoder(TrainingRow)
    for number, line in open_lines(path):
        try:
            row = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise RowError(f"{path}:{number}: not a labelled row: {error}") from None
        if row.labels:
            yield row


def training_file_beside(path: Path) -> Path | None:
    """For `NAME.test.jsonl.gz`, the `NAME.train.jsonl.gz` in the same folder, where it exists."""
    beside = path.with_name(re.sub(r"\.(test|validation)\.", ".train.", path.name, count=1))
    return beside if beside != path and beside.is_file() else None


def mails_of(path: Path, name: str | None = None) -> Iterator[FoundMail]:
    """The mails of a file in its order.

    Args:
        path: JSON lines in any of the row shapes, one `.eml`, or an mbox; each may be gzipped.
        name: what to call the file in messages; None: its path.

    Yields:
        A mail, or what is wrong with the line; the others go on.

    Raises:
        RowError: the file cannot be read, or is none of these.
    """
    kind = _kind(path)
    try:
        if kind == "mbox":
            yield from _of_mailbox(path)
        elif kind == "eml":
            with open_file(path) as stream:
                yield FoundMail(1, InboundEmail(id=_stem(path), raw=stream.read()))
        else:
            yield from _of_rows(path, name or str(path))
    except BROKEN_FILE as error:
        raise RowError(f"{name or path}: cannot be read to its end: {error}") from None


def _of_rows(path: Path, name: str) -> Iterator[FoundMail]:
    decoder = msgspec.json.Decoder(FileRow)
    for number, line in open_lines(path):
        try:
            row = decoder.decode(line)
            yield FoundMail(number, email_of(row), row.labels)
        except (msgspec.DecodeError, ValueError) as error:
            yield FoundMail(number, RowError(f"{name}:{number}: {error}"))


def _of_mailbox(path: Path) -> Iterator[FoundMail]:
    """The messages of a mailbox, with the `>` taken off that keeps their lines from beginning one (mboxrd)."""
    with _plain_file(path) as plain:
        box = mailbox.mbox(plain, create=False)
        try:
            for number, key in enumerate(box.keys()):  # iterating the box would parse each
                message = _ESCAPED_FROM.sub(rb"\1", box.get_bytes(key))
                yield FoundMail(
                    number + 1, InboundEmail(id=f"{_stem(path)}-{number:05}", raw=message)
                )
        finally:
            box.close()


@contextmanager
def _plain_file(path: Path) -> Iterator[Path]:
    """The file itself, or a copy that is not gzipped: mailboxes are read by place."""
    with open_file(path) as stream:
        if not isinstance(stream, gzip.GzipFile):
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="switchboard-", suffix=".mbox") as plain:
            shutil.copyfileobj(stream, plain)
            plain.flush()
            yield Path(plain.name)


def _stem(path: Path) -> str:
    return re.sub(r"\.(?:eml|mbox)$", "", path.name.removesuffix(".gz")) or path.name


def _outgoing(email: InboundEmail) -> OutgoingRecord:
    caption = email.subject or email.body or email.id
    return OutgoingRecord(
        topic=INBOUND_EMAILS,
        key=(email.thread_id or email.customer_id or email.id).encode(),
        value=to_wire(email),
        caption=" ".join(caption[: 4 * _CAPTION_LENGTH].split())[:_CAPTION_LENGTH],
        record_id=email.id,
    )


def _kind(path: Path) -> str:
    """`rows`, `mbox` or `eml`, by the first bytes: names of mail files say little."""
    try:
        with open_file(path) as stream:
            start = stream.read(4096)
    except BROKEN_FILE as error:
        raise RowError(f"{path}: cannot be read: {error}") from None
    kind = kind_of_start(start)
    if path.name.removesuffix(".gz").endswith(".eml") and kind != "mbox":
        return "eml"
    if kind is None:
        raise RowError(
            f"{path}:1: neither JSON lines nor a mail (RFC 822, mbox); give one of these"
        )
    return kind


def kind_of_start(start: bytes) -> str | None:
    """`rows`, `mbox` or `eml` by the first bytes of a file; None for none of them."""
    if start.startswith(b"From "):
        return "mbox"
    bare = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if bare[:1] in (b"{", b""):
        return "rows"
    return "eml" if _HEADER_LINE.match(bare) else None


def open_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1."""
    with open_file(path) as stream:
        for number, line in enumerate(stream, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                yield number, text


def open_file(path: Path) -> BinaryIO:
    """The bytes of a file; those inside where it is gzipped, whatever its name."""
    stream = path.open("rb")
    if stream.peek(2)[:2] != _GZIP_MAGIC:
        return stream
    stream.close()
    return cast("BinaryIO", gzip.open(path, "rb"))
