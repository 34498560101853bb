"""Takes a tree of parts from `mime` and gives `forms` the texts that are the customer's words, in order.

The better one of alternatives, never an attachment, a forwarded mail always; says of each part what became of it.
Knows nothing of quotes or signatures.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from stream.clean.fence import CleanOptions, Deadline
from stream.clean.message.charsets import decode_text
from stream.clean.message.flowed import unflow
from stream.clean.message.mime import Part, part_bytes, part_text, read_parts, with_line_ends

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
_MAX_NOTES = 200
_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURES = (
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
)

Fate = Literal[
    "read",
    "attachment",
    "alternative",
    "extra",
    "signature",
    "encrypted",
    "not text",
    "empty",
    "beyond the limits",
]


@dataclass(frozen=True, slots=True)
class PartNote:
    """What became of one part of a raw mail.

    Args:
        where: its number among its siblings on each level, as IMAP counts them (`1.2`); the message itself is `1`.
        content_type: as declared.
        fate: whether it was read, and if not, why.
        name: its file name, empty where it has none.
    """

    where: str
    content_type: str
    fate: Fate
    name: str = ""


@dataclass(frozen=True)
class Segment:
    """One text of the mail."""

    text: str
    is_html: bool


def looks_like_html(text: str) -> bool:
    """Whether text that is declared plain is plainly HTML: it starts with a tag of a page and has more of them."""
    if not _HTML_START.match(text[:500]):
        return False
    return len(_HTML_TAG.findall(text[:5_000])) >= 2


class PartReader:
    """Picks the texts of a tree of parts; recurses no deeper than the tree, which is fenced."""

    def __init__(
        self, options: CleanOptions, deadline: Deadline, *, reads_files: bool = False
    ) -> None:
        self.notes: list[PartNote] = []
        self.protection: Literal["signed", "encrypted"] | None = None
        self.is_too_deep = False
        self.left_out = 0  # bytes that were not decoded
        self._has_text = False
        self._options = options
        self._deadline = deadline
        self._reads_files = reads_files
        self._chars_left = options.max_text_chars * 8
        self._decodes_left = _MAX_DECODED_MESSAGES

    def texts(self, part: Part, where: str, *, is_root: bool = False) -> list[Segment]:
        """The texts of a part and of those within it; `where` is its number, the root's is no attachment."""
        if self._chars_left <= 0 or (self._has_text and self._deadline.is_over()):
            self.left_out += part.end - part.start
            self._note(part, where, "beyond the limits")
            return []
        kind, _, detail = part.content_type.partition("/")
        if kind == "multipart" and part.children:
            return self._multipart(part, where, detail)
        if part.content_type == "message/rfc822":
            return self._message(part, where)
        if self._is_file(part) and not (is_root and kind == "text"):
            self._note(part, where, "attachment")
        elif kind == "multipart" or (kind == "text" and detail not in _NO_PROSE):
            # A multipart whose boundary never came is text.
            return self._leaf(part, where, is_html=detail == "html")
        elif part.content_type in _ENCRYPTED:
            is_signed = part.param("smime-type").lower() == "signed-data"
            self.protection = "signed" if is_signed else "encrypted"
            self._note(part, where, "not text" if is_signed else "encrypted")
        else:
            is_signature = part.content_type in _SIGNATURES
            self.protection = self.protection or ("signed" if is_signature else None)
            self._note(part, where, "signature" if is_signature else "not text")
        return []

    def _note(self, part: Part, where: str, fate: Fate) -> None:
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(PartNote(where, part.content_type, fate, part.file_name))

    def _message(self, part: Part, where: str) -> list[Segment]:
        """A message within the message: the customer forwarded it, in line or as an attachment."""
        if part.children:
            return self.texts(part.children[0], f"{where}.1", is_root=True)
        if not self._decodes_left:
            self.is_too_deep = True
            self._note(part, where, "beyond the limits")
            return []
        self._decodes_left -= 1
        inner = read_parts(with_line_ends(part_bytes(part, self._options)))
        self.is_too_deep = self.is_too_deep or inner.is_too_deep
        return self.texts(inner, f"{where}.1", is_root=True)

    def _is_file(self, part: Part) -> bool:
        """Whether a part is a file: attached, or shown in line under a name (pictures within HTML are neither)."""
        if part.content_type in _SIGNATURES or part.content_type in _ENCRYPTED:
            return False
        disposition = part.headers.get("content-disposition").lower().lstrip()
        if disposition.startswith("attachment"):
            return True
        is_named = "filename" in disposition or bool(part.param("name"))
        if part.content_type.startswith("text/"):
            return "filename" in disposition and not self._reads_files
        return is_named and "content-id" not in part.headers

    def _multipart(self, part: Part, where: str, detail: str) -> list[Segment]:
        places = [(child, f"{where}.{n}") for n, child in enumerate(part.children, start=1)]
        if detail == "alternative":
            return self._best(places)
        if detail == "signed":
            self.protection = self.protection or "signed"
        if detail == "encrypted":
            self.protection = "encrypted"
            self._note(part, where, "encrypted")
            return []
        found: list[Segment] = []
        is_first_only = detail in ("related", "report", "signed")
        for child, place in places:
            is_text = child.content_type.startswith("text/")
            if found and is_text and child.file_name:
                self._note(child, place, "attachment")
            elif found and is_first_only and (is_text or child.children):
                self._note(child, place, "extra")
            else:
                found += self.texts(child, place)
        return found

    def _best(self, places: list[tuple[Part, str]]) -> list[Segment]:
        """Plain text where it says something, else HTML, else whatever is there."""
        best: list[Segment] = []
        notes = range(0)  # those of the best one
        for number, (child, place) in enumerate(places):
            start = len(self.notes)
            texts = self.texts(child, place)
            is_good = any(text.is_html for text in texts) or not _is_stub(texts)
            if texts and (is_good or not best):
                self._set_aside(notes)
                best, notes = texts, range(start, len(self.notes))
            else:
                self._set_aside(range(start, len(self.notes)))
            if texts and is_good:
                for other, other_place in places[number + 1 :]:
                    self._note(other, other_place, "alternative")
                break
        return best

    def _set_aside(self, notes: range) -> None:
        """Note of parts that were read that another was better."""
        for number in notes:
            if self.notes[number].fate == "read":
                self.notes[number] = replace(self.notes[number], fate="alternative")

    def _leaf(self, part: Part, where: str, *, is_html: bool) -> list[Segment]:
        if is_html and not part.param("charset"):
            data = part_bytes(part, self._options)
            declared = _META_CHARSET.search(data[:4_000])
            text = decode_text(data, declared.group(1).decode("ascii") if declared else None)
        else:
            text = part_text(part, self._options)
        self._chars_left -= len(text)
        self.left_out += max(0, part.end - part.start - self._options.max_part_bytes)
        if not text.strip():
            self._note(part, where, "empty")
            return []
        self._has_text = True
        self._note(part, where, "read")
        if part.param("format").lower() == "flowed" and not is_html:
            text = unflow(text, is_joined=part.param("delsp").lower() == "yes")
        return [Segment(text, is_html or looks_like_html(text))]


def _is_stub(texts: list[Segment]) -> bool:
    """Whether plain text only says that the message is elsewhere."""
    text = "\n".join(segment.text for segment in texts).strip()
    if not any(char.isalnum() for char in text[:2_000]):
        return True
    lowered = text[: _STUB_CHARS + 1].casefold()
    return len(text) <= _STUB_CHARS and any(word in lowered for word in _STUB_WORDS)
