"""Reads files of mail as they are found: rows of JSON lines, `.eml`, mbox, gzipped or not.

Takes a path, gives `OutgoingRecord`s to the sender (ids stay, labels are never sent) and labelled rows
to the training of the demo's model. Knows nothing of Kafka's client.
"""

import base64
import binascii
import gzip
import mailbox
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from models.labels import TrainingRow
from stream.errors import FatalError
from stream.records import InboundEmail, Labels
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.world import to_wire
from stream.topics import INBOUND_EMAILS

_HEADER_LINE = re.compile(rb"[!-9;-~]+:[ \t\r\n]")
_CAPTION_LENGTH = 80
_GZIP_MAGIC = b"\x1f\x8b"


class RowError(FatalError):
    """A file, or one of its lines, is none of the shapes that are read."""


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """The union of all row shapes: an InboundEmail, a labelled text, raw bytes, a cleaning fixture.

    `raw` is base64 as in InboundEmail, or the text itself where `content_type` stands beside it.
    """

    id: str
    tenant: str = "default"
    subject: str | None = None
    body: str | None = None
    html: str | None = None
    raw: str | None = None
    raw_base64: str | None = None
    content_type: str | None = None
    source_path: str = ""
    received_at: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | list[str] | None = None
    customer_id: str | None = None
    thread_id: str | None = None
    language: str | None = None
    in_reply_to: str | None = None
    attributes: dict[str, str] = {}
    labels: Labels | None = None


class FoundMail(NamedTuple):
    """A mail of a file: its line or its number in the mailbox, from 1; itself, or what is wrong with it; its labels."""

    number: int
    mail: InboundEmail | RowError
    labels: Labels | None = None


def read_emails(path: Path, *, repeat: bool = False) -> Iterator[OutgoingRecord]:
    """The mails of a file in its order, for `inbound-emails`.

    Args:
        path: JSON lines in any of the row shapes, one `.eml`, or an mbox; each may be gzipped (mbox not).
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


def mails_of(path: Path) -> Iterator[FoundMail]:
    """The mails of a file in its order.

    Args:
        path: JSON lines in any of the row shapes, one `.eml`, or an mbox; each may be gzipped (mbox not).

    Yields:
        A mail, or what is wrong with the line; the others go on.

    Raises:
        RowError: the file cannot be read, or is none of these.
    """
    kind = _kind(path)
    if kind == "mbox":
        box = mailbox.mbox(path, create=False)
        try:
            for number, key in enumerate(box.keys()):  # iterating the box would parse each
                mail_id = f"{path.stem}-{number:05}"
                yield FoundMail(number + 1, InboundEmail(id=mail_id, raw=box.get_bytes(key)))
        finally:
            box.close()
    elif kind == "eml":
        with _opened(path) as stream:
            mail_id = path.name.removesuffix(".gz").removesuffix(".eml")
            yield FoundMail(1, InboundEmail(id=mail_id, raw=stream.read()))
    else:
        decoder = msgspec.json.Decoder(FileRow)
        for number, line in open_lines(path):
            try:
                row = decoder.decode(line)
                yield FoundMail(number, email_of(row), row.labels)
            except (msgspec.DecodeError, ValueError) as error:
                yield FoundMail(number, RowError(f"{path}:{number}: {error}"))


def email_of(row: FileRow) -> InboundEmail:
    """The mail of a row, in the one form that it has.

    Raises:
        ValueError: the row holds no mail, or one that cannot be read.
    """
    if row.raw_base64 is not None:
        return _raw_email(row, _bytes(row.raw_base64))
    if row.content_type is not None and row.raw is not None:
        return _fixture_email(row, row.raw)
    if row.raw is None and row.html is None and row.body is None and row.subject is None:
        raise ValueError("no mail in this row: give subject, body, html, raw or raw_base64")
    fields: dict[str, object] = msgspec.to_builtins(row)
    return msgspec.convert(fields, InboundEmail)


def _raw_email(row: FileRow, message: bytes) -> InboundEmail:
    if row.source_path.endswith((".html", ".htm")):  # bytes of a page, whose charset only it knows
        message = b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + message
    return InboundEmail(id=row.id, tenant=row.tenant, raw=message)


def _fixture_email(row: FileRow, text: str) -> InboundEmail:
    match row.content_type:
        case "text/html":
            return InboundEmail(id=row.id, tenant=row.tenant, html=text)
        case "message/rfc822":
            return _raw_email(row, text.encode("utf-8", "surrogateescape"))
        case _:
            return InboundEmail(id=row.id, tenant=row.tenant, body=text)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"raw_base64 is not base64: {error}") from None


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
        with _opened(path) as stream:
            start = stream.read(4096)
    except (OSError, EOFError) as error:
        raise RowError(f"{path}: cannot be read: {error}") from None
    if start.startswith(b"From "):
        return "mbox"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b""):
        return "rows"
    if path.name.removesuffix(".gz").endswith(".eml") or _HEADER_LINE.match(start):
        return "eml"
    raise RowError(f"{path}:1: neither JSON lines nor a mail (RFC 822, mbox); give one of these")


def open_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1."""
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                yield number, text


def _opened(path: Path) -> BinaryIO:
    stream = path.open("rb")
    if stream.peek(2)[:2] != _GZIP_MAGIC:
        return stream
    stream.close()
    return cast("BinaryIO", gzip.open(path, "rb"))
