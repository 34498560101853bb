"""Mails of any size that would make a careless cleaner slow, and ordinary ones of the same size, for `cleaning`.

Each maker takes a number of characters and gives a mail of about that size. Names say what is in it.
"""

import base64
from collections.abc import Callable

from stream.records import InboundEmail

Maker = Callable[[int], InboundEmail]

_WORDS = "We have ordered two of them last week and the second one does not start any more. "
_ATTRIBUTION = "On Mon, Nov 3, 2025 at 10:00 <a@b>"
_MULTIPART = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n"


def body(text: str) -> InboundEmail:
    """A plain mail."""
    return InboundEmail(id="x", subject="help", body=text)


def page(text: str) -> InboundEmail:
    """An HTML mail."""
    return InboundEmail(id="x", subject="help", html=text)


def raw(data: bytes) -> InboundEmail:
    """An RFC 822 mail."""
    return InboundEmail(id="x", raw=data)


def _text(unit: str) -> Maker:
    """The unit again and again."""
    return lambda size: body((unit * (size // len(unit) + 1))[:size])


def _html(unit: str, head: str = "", tail: str = "") -> Maker:
    return lambda size: page(head + unit * (size // len(unit)) + tail)


def _raw(unit: bytes, head: bytes = b"", tail: bytes = b"") -> Maker:
    return lambda size: raw(head + unit * (size // len(unit)) + tail)


def _deeper(size: int) -> InboundEmail:
    """Each line quoted one level deeper than the one above."""
    depth = int((2 * size) ** 0.5)
    return body("\n".join(">" * level + " x" for level in range(depth)))


def _attributes(size: int) -> InboundEmail:
    return page("<p " + " ".join(f"a{number}" for number in range(size // 8)) + ">x")


def _below_rules(size: int) -> InboundEmail:
    """Lines of dashes, a word, and as many lines of links to social media."""
    count = size // (2 * 61)
    return body(f"{'-' * 60}\n" * count + "word\n" + f"{'Facebook | Twitter':<60}\n" * count)


def _nested_parts(size: int) -> InboundEmail:
    part = "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    return raw("".join(part % (level, level) for level in range(size // 55)).encode())


def _history(size: int) -> InboundEmail:
    """A short answer above a long thread."""
    message = f"> {_WORDS}\n> {_WORDS}\n>\n> Kind regards\n> Bob\n"
    return body(
        f"Yes, please.\n\nThanks\nAnn\n\n{_ATTRIBUTION} wrote:\n" + message * (size // len(message))
    )


def _letter(size: int) -> InboundEmail:
    paragraph = f"{_WORDS * 4}\n\n"
    return body(paragraph * (size // len(paragraph)) + "Kind regards\nAnn Smith\n")


def _pretty(size: int) -> InboundEmail:
    paragraph = f'<p class="MsoNormal"><span lang="EN-US">{_WORDS}<o:p></o:p></span></p>\n'
    return page(f"<html><body>{paragraph * (size // len(paragraph))}</body></html>")


def _encoded(size: int) -> InboundEmail:
    """The ordinary page as base64 in a message."""
    data = base64.encodebytes((_pretty(size * 3 // 4).html or "").encode())
    return raw(b"Subject: x\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n" + data)


ORDINARY: dict[str, Maker] = {
    "a long letter": _letter,
    "a short answer above a long thread": _history,
    "an Outlook page": _pretty,
    "an Outlook page, RFC 822, base64": _encoded,
}

# Text that the libraries get too.
HOSTILE_TEXT: dict[str, Maker] = {
    "newlines": lambda size: body("a" + "\n" * size + "b"),
    "`On ` runs": _text("On "),
    "`On … <a@b> ` runs": _text(f"{_ATTRIBUTION} "),
    "`On … <a@b>:` lines": _text(f"{_ATTRIBUTION}:\n"),
    "`On` lines": _text("On\n"),
    "`Op heeft heeft …`": lambda size: body("Op " + "heeft " * (size // 6)),
    "a date, then ` <a@` runs": lambda size: body("2025/11/03 " + " <a@" * (size // 4)),
    "`>` runs": _text(">"),
    "`> ` runs": _text("> "),
    "`>` deeper each line": _deeper,
    "quoted lines": _text("> quoted line with some words in it\n"),
    "one line of words": _text("word "),
    "one line without spaces": _text("x"),
    "spaces": lambda size: body("a" + " " * size + "b"),
    "`Von:` lines": _text("Von: a\n"),
    "separators": _text("-----Original Message-----\n"),
    "signatures": _text("a\n-- \nb\n"),
    "closings": _text("LG\nBob\n\n"),
    "underscores": _text("_"),
}

HOSTILE: dict[str, Maker] = {
    **HOSTILE_TEXT,
    "zero width": lambda size: body("a" + "\u200b" * size + "b"),
    "forwards": _text("----- Forwarded message -----\n> > a\n"),
    "mojibake": _text("\u00c3\u00a9 "),
    "notices": _text("This e-mail is confidential\n\n"),
    "links below rules": _below_rules,
    "carriage returns": _text("a\r"),
    "HTML text": _html("word ", "<p>"),
    "nested div": _html("<div>", tail="x"),
    "nested b, i": _html("<b><i>", tail="x"),
    "nested div, closed": lambda size: page("<div>" * (size // 11) + "x" + "</div>" * (size // 11)),
    "nested blockquote": _html("<blockquote>x"),
    "nested table": _html("<table><tr><td>", tail="x"),
    "misnested": _html("<b><p>x</b><i>"),
    "`<`": _html("<"),
    "`</` in a style": _html("</", "<style>"),
    "unclosed comment": _html("<!-- a ", "<p>x</p>"),
    "one tag of attributes": _attributes,
    "one style attribute": lambda size: page(f'<p style="{"a:b;" * (size // 4)}">x</p>'),
    "options": _html("<option>", "<select>"),
    "list items": _html("<li>x"),
    "line breaks": _html("<br>", "x", "x"),
    "entities": _html("&amp;"),
    "hidden elements": _html('<i style="display:none">x</i>'),
    "leading style, then text": _html("a{b:c}", "<style>", "</style>hello"),
    "MIME, nested": _nested_parts,
    "MIME, attachment": _raw(
        b"QUJD" * 19 + b"\n",
        _MULTIPART
        + b"--b\n\nhello\n--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n",
        b"--b--\n",
    ),
    "MIME, boundary lines": _raw(b"--b\n", _MULTIPART),
    "MIME, boundaries that never come": _raw(
        b"--b\nContent-Type: multipart/mixed; boundary=nope\n\nwords\n" + b"word " * 100 + b"\n",
        _MULTIPART,
    ),
    "MIME, one header": _raw(b"=?utf-8?q?", b"Subject: ", b"\n\nhello"),
    "MIME, headers": _raw(b"X: y\n", tail=b"\nhello"),
    "MIME, quoted parameters": _raw(
        b'";', b"Subject: x\nContent-Type: text/plain; a=", b"\n\nhello"
    ),
    "MIME, encoded words": _raw(b"=?utf-8?b?w7w?= ", b"Subject: ", b"\n\nhello"),
    "MIME, quoted-printable": _raw(
        b"=C3=BC",
        b"Subject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n",
    ),
}
