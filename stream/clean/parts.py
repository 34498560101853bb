"""Takes an e-mail record in any of its forms and gives the front door its subject, its texts in order, its headers.

Decides which parts are the customer's words: the better one of alternatives, never an attachment, a forwarded mail
always. Knows nothing of quotes or signatures.
"""

import re
from dataclasses import dataclass, field

from stream.clean.charsets import decode_text
from stream.clean.fence import CleanOptions, Deadline
from stream.clean.mime import Headers, Part, part_bytes, part_text, read_parts
from stream.records import InboundEmail

_HTML_START = re.compile(
    r"\s*(?:<!doctype html|<\?xml[^<>]{0,200}>\s*<html|<html|<head|<body"
    r"|<(?:div|p|table|span|font|br|style|meta|center)\b[^<>]*>)",
    re.IGNORECASE,
)
_HTML_TAG = re.compile(
    r"</?(?:div|p|table|tr|td|span|body|html|ul|li|br|b|strong|a|h[1-4])\b", re.IGNORECASE
)
_META_CHARSET = re.compile(
    rb"<meta[^<>]{0,200}?charset=[\"']?([A-Za-z0-9_:-]{2,40})", re.IGNORECASE
)
_STUB_WORDS = (
    "html",
    "view this",
    "online version",
    "im browser",
    "in your browser",
    "multi-part",
    "mime format",
)
_STUB_CHARS = 400
_NO_PROSE = frozenset(
    ("calendar", "x-vcard", "vcard", "directory", "x-amp-html", "css", "rfc822-headers")
)
_MAX_DECODED_MESSAGES = 3


@dataclass(frozen=True)
class Segment:
    """One text of the mail."""

    text: str
    is_html: bool


@dataclass(frozen=True)
class ReadMail:
    """A mail as read: subject decoded, texts in order; `content_type` and headers are empty unless it came raw."""

    subject: str
    segments: tuple[Segment, ...]
    headers: Headers = field(default_factory=Headers)
    content_type: str = ""
    report_type: str = ""


def read_mail(email: InboundEmail, options: CleanOptions, deadline: Deadline) -> ReadMail:
    """Read whichever form the record has.

    Raises:
        PoisonRecordError: kind `mime-too-deep`.
    """
    if email.raw is not None:
        return _read_raw(email.raw, options, deadline)
    subject = email.subject or ""
    if email.html is not None:
        return ReadMail(subject, (Segment(email.html, is_html=True),))
    body = email.body or ""
    return ReadMail(subject, (Segment(body, is_html=looks_like_html(body)),))


def looks_like_html(text: str) -> bool:
    """Whether text that is declared plain is plainly HTML: it starts with a tag of a page and has more of them."""
    if not _HTML_START.match(text[:500]):
        return False
    return len(_HTML_TAG.findall(text[:5_000])) >= 2


def _read_raw(raw: bytes, options: CleanOptions, deadline: Deadline) -> ReadMail:
    root = read_parts(_with_line_ends(raw[: options.max_raw_bytes].lstrip(b"\r\n")))
    texts = _Reader(options, deadline).texts(root, is_root=True)
    if not texts:  # a text file shown in line is no attachment where there is nothing else
        texts = _Reader(options, deadline, reads_files=True).texts(root, is_root=True)
    return ReadMail(
        subject=root.headers.text("subject"),
        segments=tuple(texts),
        headers=root.headers,
        content_type=root.content_type,
        report_type=root.param("report-type").lower(),
    )


def _with_line_ends(data: bytes) -> bytes:
    return data if b"\n" in data else data.replace(b"\r", b"\n")


class _Reader:
    """Picks the texts of a tree of parts; recurses no deeper than the tree, which is fenced."""

    def __init__(
        self, options: CleanOptions, deadline: Deadline, *, reads_files: bool = False
    ) -> None:
        self._options = options
        self._deadline = deadline
        self._reads_files = reads_files
        self._chars_left = options.max_text_chars * 8
        self._decodes_left = _MAX_DECODED_MESSAGES

    def texts(self, part: Part, *, is_root: bool = False) -> list[Segment]:
        is_spent = self._chars_left <= 0 or self._deadline.is_over()
        if is_spent or (not is_root and self._is_attachment(part)):
            return []
        kind, _, detail = part.content_type.partition("/")
        if kind == "multipart" and part.children:
            return self._multipart(part, detail)
        if part.content_type == "message/rfc822":
            return self._message(part)
        # A multipart whose boundary never came is text.
        is_text = kind == "multipart" or (kind == "text" and detail not in _NO_PROSE)
        return self._leaf(part, is_html=detail == "html") if is_text else []

    def _message(self, part: Part) -> list[Segment]:
        """A message within the message: the customer forwarded it."""
        if part.children:
            return self.texts(part.children[0], is_root=True)
        if not self._decodes_left:
            return []
        self._decodes_left -= 1
        inner = read_parts(_with_line_ends(part_bytes(part, self._options)))
        return self.texts(inner, is_root=True)

    def _is_attachment(self, part: Part) -> bool:
        disposition = part.headers.get("content-disposition").lower().lstrip()
        if disposition.startswith("attachment"):
            return True
        return "filename" in disposition and not self._reads_files

    def _multipart(self, part: Part, detail: str) -> list[Segment]:
        children = part.children
        if detail == "alternative":
            return self._best(children)
        if detail in ("related", "report", "signed"):
            every = (self.texts(child) for child in children)
            return next((texts for texts in every if texts), list[Segment]())
        if detail == "encrypted":
            return []
        found: list[Segment] = []
        for child in children:
            if not (found and child.param("name")):
                found += self.texts(child)
        return found

    def _best(self, children: list[Part]) -> list[Segment]:
        """Plain text where it says something, else HTML, else whatever is there."""
        first: list[Segment] = []
        for child in children:
            texts = self.texts(child)
            if not texts:
                continue
            if any(text.is_html for text in texts) or not _is_stub(texts):
                return texts
            first = first or texts
        return first

    def _leaf(self, part: Part, *, is_html: bool) -> list[Segment]:
        if is_html and not part.param("charset"):
            data = part_bytes(part, self._options)
            declared = _META_CHARSET.search(data[:4_000])
            text = decode_text(data, declared.group(1).decode("ascii") if declared else None)
        else:
            text = part_text(part, self._options)
        self._chars_left -= len(text)
        if not text.strip():
            return []
        return [Segment(text, is_html or looks_like_html(text))]


def _is_stub(texts: list[Segment]) -> bool:
    """Whether plain text only says that the message is elsewhere."""
    text = "\n".join(segment.text for segment in texts).strip()
    if not any(char.isalnum() for char in text[:2_000]):
        return True
    lowered = text[: _STUB_CHARS + 1].casefold()
    return len(text) <= _STUB_CHARS and any(word in lowered for word in _STUB_WORDS)
