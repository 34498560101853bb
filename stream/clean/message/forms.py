"""Takes an e-mail record in any of its three forms and gives the front door its subject, its texts, its headers."""

from dataclasses import dataclass, field
from typing import Literal

from stream.clean.fence import CleanOptions, Deadline
from stream.clean.message.headers import Headers
from stream.clean.message.mime import Part, read_parts, with_line_ends
from stream.clean.message.parts import PartNote, PartReader, Segment, looks_like_html
from stream.records import InboundEmail


@dataclass(frozen=True)
class ReadMail:
    """A mail as read: subject decoded, texts in order; `content_type` and headers are empty unless it came raw."""

    subject: str
    segments: tuple[Segment, ...]
    headers: Headers = field(default_factory=Headers)
    content_type: str = ""
    report_type: str = ""
    attachments: tuple[str, ...] = ()
    protection: Literal["signed", "encrypted"] | None = None
    parts: tuple[PartNote, ...] = ()
    is_too_deep: bool = False
    calendar_method: str = ""
    left_out: int = 0


def read_mail(email: InboundEmail, options: CleanOptions, deadline: Deadline) -> ReadMail:
    """Read whichever form the record has; never raises."""
    if email.raw is not None:
        return _read_raw(email.raw, options, deadline)
    subject = email.subject or ""
    if email.html is not None:
        return ReadMail(subject, (Segment(email.html, is_html=True),))
    body = email.body or ""
    return ReadMail(subject, (Segment(body, is_html=looks_like_html(body)),))


def _read_raw(raw: bytes, options: CleanOptions, deadline: Deadline) -> ReadMail:
    root = read_parts(with_line_ends(raw[: options.max_raw_bytes].lstrip(b"\r\n")))
    reader = PartReader(options, deadline)
    texts = reader.texts(root, "1", is_root=True)
    if not texts:  # a text file shown in line is no attachment where there is nothing else
        again = PartReader(options, deadline, reads_files=True)
        texts = again.texts(root, "1", is_root=True)
        reader = again if texts else reader
    return ReadMail(
        subject=root.headers.text("subject"),
        segments=tuple(texts),
        headers=root.headers,
        content_type=root.content_type,
        report_type=root.param("report-type").lower(),
        attachments=tuple(
            note.name or note.content_type for note in reader.notes if note.fate == "attachment"
        ),
        protection=reader.protection,
        parts=tuple(reader.notes),
        is_too_deep=root.is_too_deep or reader.is_too_deep,
        left_out=reader.left_out + max(0, len(raw) - options.max_raw_bytes),
        calendar_method=_calendar_method(root, 3),
    )


def _calendar_method(part: Part, levels: int) -> str:
    """`reply`, `request`, … of the first calendar part (RFC 6047); empty where there is none."""
    if part.content_type == "text/calendar":
        return part.param("method").lower() or "publish"
    inner = (_calendar_method(child, levels - 1) for child in part.children[:8]) if levels else ()
    return next((method for method in inner if method), "")
