"""The headers of a message or part: read from bytes line by line, and asked by name. Knows no parts."""

import re
from email.errors import HeaderParseError
from email.header import decode_header

from stream.clean.message.charsets import decode_text

MAX_HEADER_CHARS = 2_000  # the standard library reads parameters in quadratic time
_MAX_HEADER_LINES = 2_000
_LINE = re.compile(rb"([^\n]*)(?:\n|\Z)")
_HEADER = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[ \t]*([^\n]*)")


class Headers:
    """The headers of one part by lower-case name, folded lines joined, encoded words still encoded."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def add(self, name: str, value: str) -> None:
        """Append one header."""
        self._values.setdefault(name.lower(), []).append(value[:MAX_HEADER_CHARS])

    def get(self, name: str) -> str:
        """The first value of a header; empty where there is none."""
        return self._values.get(name, [""])[0]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """The first value with its encoded words (RFC 2047) decoded."""
        return decode_words(self.get(name))


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047) with whatever charset they claim; never fails."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else decode_text(piece, charset)
        for piece, charset in pieces
    )


def read_headers(data: bytes, start: int) -> tuple[Headers, int]:
    """Headers from `start` on, and where the body begins. A line that is no header begins the body."""
    headers = Headers()
    name, value = "", ""
    at = start
    for number in range(_MAX_HEADER_LINES):
        found = _LINE.match(data, at)
        line = (found.group(1) if found else b"").rstrip(b"\r")
        if found is None or not line or line.startswith(b"--"):
            at = found.end() if found and not line else at
            break
        header = _HEADER.match(line)
        if line[:1] in b" \t" and (name or number):
            value += " " + _header_text(line[:MAX_HEADER_CHARS]).strip()
            value = value[:MAX_HEADER_CHARS]
        elif header:
            if name:
                headers.add(name, value)
            name = header.group(1).decode("ascii")
            value = _header_text(header.group(2)[:MAX_HEADER_CHARS]).rstrip()
        elif not (number == 0 and line.startswith((b"From ", b">From "))):
            break
        at = found.end()
    if name:
        headers.add(name, value)
    return headers, at


def _header_text(value: bytes) -> str:
    return value.decode("ascii") if value.isascii() else decode_text(value, None)
