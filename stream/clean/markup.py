"""HTML in, lines of text out, to the splitter: quoted blocks as `>` lines, quote headers of mail programs marked.

The one file that knows Lexbor. Hidden elements, styles and scripts are gone; breaks, paragraphs, lists and rows keep
their lines. What is quoted is only marked here: whether it goes is the splitter's decision, the same as for plain text.
Marks are put into the tree as text nodes and the text is taken out in one call, instead of a step of Python per node.
"""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from stream.clean.fence import CHECK_EVERY, Deadline
from stream.clean.tags import make_safe

MARK_HISTORY = "\x01"
"""A line that is only this begins the history: everything below it is quoted."""
MARK_ATTRIBUTION = "\x02"
"""A line that starts so introduces a quoted block (`On … wrote:` in any language)."""

_ATTRIBUTION_END = "\x10"
_QUOTE, _QUOTE_END = "\x03", "\x04"
_BLOCK, _BREAK, _PARAGRAPH, _CELL = "\x05", "\x06", "\x07", "\x08"
_HIDDEN, _HIDDEN_END = "\x0e", "\x0f"
_MARKS = re.compile("([\x01-\x08\x0e-\x10])")
_ANY_TAG = re.compile("<[^<>]*>")
_SPACES = re.compile("[ \t\n\r\f]+")

_DISPLAY_NONE = (
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "mso-hide:all",
)
_TOO_SMALL = (
    "max-height:0",
    "max-height: 0",
    "font-size:0;",
    "font-size:0px",
    "font-size: 0px",
    "opacity:0;",
)

# What is put around which elements, and the words one of which the page must hold for the selector to be tried at all.
_RULES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "head, style, script, title, template, iframe, object, svg, math, textarea, select",
        _HIDDEN,
        _HIDDEN_END,
        (),
    ),
    ("[hidden]", _HIDDEN, _HIDDEN_END, ("hidden",)),
    (
        ", ".join(f"[style*='{style}' i]" for style in _DISPLAY_NONE),
        _HIDDEN,
        _HIDDEN_END,
        ("hid", "none", "NONE"),
    ),
    (
        ", ".join(f"[style*='{style}' i]" for style in _TOO_SMALL),
        _HIDDEN,
        _HIDDEN_END,
        ("height", "font-size:", "opacity"),
    ),
    (
        ".gmail_attr, .moz-cite-prefix",
        MARK_ATTRIBUTION,
        _ATTRIBUTION_END,
        ("gmail_attr", "moz-cite-prefix"),
    ),
    (
        "#divRplyFwdMsg, #appendonsend, #stopSpelling, [id*='reference-message']",
        f"{_BLOCK}{MARK_HISTORY}{_BLOCK}",
        "",
        ("divRplyFwdMsg", "appendonsend", "stopSpelling", "reference-message"),
    ),
    (
        "[class*='yahoo_quoted'], #OLK_SRC_BODY_SECTION, .protonmail_quote, .tutanota_quote, .zmail_extra",
        _QUOTE,
        _QUOTE_END,
        ("yahoo_quoted", "OLK_SRC", "protonmail_quote", "tutanota_quote", "zmail_extra"),
    ),
    (
        "blockquote",
        f"{_PARAGRAPH}{_QUOTE}",
        f"{_QUOTE_END}{_PARAGRAPH}",
        ("blockquote", "BLOCKQUOTE"),
    ),
    ("p, h1, h2, h3, h4, h5, h6, ul, ol, table, dl", _PARAGRAPH, _PARAGRAPH, ()),
    (
        "div, tr, center, hr, section, article, header, footer, main, nav, aside, address, dt, dd, fieldset, figure",
        _BLOCK,
        _BLOCK,
        (),
    ),
    ("li", f"{_BLOCK}- ", _BLOCK, ("<li", "<LI")),
    ("td, th", "", _CELL, ("<td", "<TD", "<th", "<TH")),
    ("br", _BREAK, "", ("<br", "<BR")),
)


@dataclass(frozen=True)
class HtmlText:
    """The text of an HTML body. `left_out`: characters beyond the limits; `is_complete`: the time sufficed."""

    text: str
    is_malformed: bool
    left_out: int
    is_complete: bool


def html_to_text(html: str, max_chars: int, deadline: Deadline) -> HtmlText:
    """Turn HTML of any size and quality into lines of text; never raises."""
    safe = make_safe(html, max_chars)
    if deadline.is_over():
        return HtmlText(
            _ANY_TAG.sub(" ", safe.html), safe.is_malformed, safe.left_out, is_complete=False
        )
    parser = LexborHTMLParser(_MARKS.sub("", safe.html))
    _keep_preformatted(parser, safe.html)
    for selector, before, after, hints in _RULES:
        if hints and not any(hint in safe.html for hint in hints):
            continue
        for node in parser.css(selector):
            if before:
                node.insert_before(before)
            if after:
                node.insert_after(after)
    root = parser.root
    writer = _LineWriter()
    is_complete = writer.write(root.text() if root is not None else "", deadline)
    return HtmlText("\n".join(writer.lines), safe.is_malformed, safe.left_out, is_complete)


def _keep_preformatted(parser: LexborHTMLParser, html: str) -> None:
    """Line ends and runs of spaces within `pre` mean what they say."""
    if "<pre" not in html.lower():
        return
    for pre in parser.css("pre"):
        texts = [node for node in pre.traverse(include_text=True) if node.is_text_node]
        for node in texts:
            text = node.text_content or ""
            node.replace_with(
                text.replace("\n", _BREAK).replace("  ", "\xa0\xa0").replace("\t", "\xa0\xa0")
            )


class _LineWriter:
    """Turns text with marks into lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._words: list[str] = []
        self._quoted = 0
        self._hidden = 0
        self._attribution = 0

    def write(self, text: str, deadline: Deadline) -> bool:
        """Write all of it; whether the time sufficed."""
        for number, piece in enumerate(_MARKS.split(text)):
            if number % (4 * CHECK_EVERY) == 0 and deadline.is_over():
                self._end_line()
                return False
            if number % 2:
                self._mark(piece)
            elif not self._hidden and (self._words or not piece.isspace()) and piece:
                self._words.append(piece)
        self._end_line()
        return True

    def _mark(self, mark: str) -> None:
        if mark in (_HIDDEN, _HIDDEN_END):
            self._hidden = max(0, self._hidden + (1 if mark == _HIDDEN else -1))
        elif mark == _CELL:
            self._words.append(" ")
        elif mark in (_QUOTE, _QUOTE_END):
            self._end_line()
            self._quoted = max(0, self._quoted + (1 if mark == _QUOTE else -1))
        elif mark in (MARK_ATTRIBUTION, _ATTRIBUTION_END):
            self._end_line()
            self._attribution = max(0, self._attribution + (1 if mark == MARK_ATTRIBUTION else -1))
        elif mark == MARK_HISTORY:
            if not self._hidden:
                self.lines.append(MARK_HISTORY)
        elif not self._hidden:
            self._end_line(must_break=mark == _BREAK)
            if mark == _PARAGRAPH:
                self._gap()

    def _end_line(self, *, must_break: bool = False) -> None:
        """End the line that is being written; an empty one stays only where a break asks for it."""
        if not self._words:
            if must_break:
                self._gap()
            return
        line = _SPACES.sub(" ", "".join(self._words)).strip(" ")
        if line == "-" and not must_break:
            return  # the dash of a list item whose text comes in a block of its own
        self._words.clear()
        if not line:
            if must_break:
                self._gap()
            return
        mark = MARK_ATTRIBUTION if self._attribution else ""
        self.lines.append(f"{mark}{'> ' * self._quoted}{line}")

    def _gap(self) -> None:
        """One empty line, none at the head and never two."""
        if self._words or not self.lines or not self.lines[-1].strip("> "):
            return
        self.lines.append("> " * self._quoted)
