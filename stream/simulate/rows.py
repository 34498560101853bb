"""The shapes that a line of a file of mail may have, and the mail in it. Knows no file."""

import base64
import binascii

import msgspec

from stream.records import InboundEmail, Labels


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
    fields: dict[str, object] = msgspec.to_builtins(row)
    bare = dict.fromkeys(("subject", "body", "html", "raw"))
    email = msgspec.convert({**fields, **bare}, InboundEmail)
    return msgspec.structs.replace(email, raw=message)


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
