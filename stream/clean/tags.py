"""Takes HTML as a mail brings it and gives `markup` an equivalent that is safe to parse, and whether it was malformed.

The parser (Lexbor) is fast on pages but quadratic on nesting, on attributes and on options: measured 0.7 s for 20,000
nested divs, 1.9 s for one tag with 30,000 attributes, 4.4 s for 50,000 options. One linear pass takes those away:
nesting and attributes are bounded, styles, scripts and comments dropped, tags without meaning for text left out.
"""

import re
from dataclasses import dataclass

from stream.clean.lines import listed

_TAG = re.compile(r"<(!--|[!?]|/?[a-zA-Z][a-zA-Z0-9:_-]*)([^<>]*)(>?)")
_RAW_END = {
    name: re.compile(rf"</{name}\b[^<>]*>?", re.IGNORECASE)
    for name in listed("style|script|title|textarea|xmp|iframe|noembed|noframes|svg|math")
}
_VOID = frozenset(listed("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"))
_MAY_STAY_OPEN = frozenset(
    listed("html|head|body|p|li|dt|dd|tr|td|th|thead|tbody|tfoot|colgroup|option")
)
_INLINE = frozenset(
    listed(
        "a|abbr|acronym|b|big|code|em|font|i|kbd|label|mark|nobr|q|s|small|strike|strong"
        "|sub|sup|tt|u"
    )
)
_DROPPED = frozenset(
    listed(
        "select|option|optgroup|plaintext|frameset|frame|template|button|form|noscript|meta"
        "|link|base"
    )
)
_MAX_DEPTH = 200
_MAX_TAGS = 20_000
_MAX_ATTRIBUTE_CHARS = 1_000
_MAX_READ_CHARS = 4_000_000
# Small pages go to the parser as they are: the worst of them (1,000 nested divs) takes it 1.2 ms.
_SMALL_CHARS = 32_768
_SMALL_TAGS = 1_000
_LONG_TAG = re.compile(r"<[a-zA-Z][^>]{2000}")
_NAMES = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])(?![^<>]*/>)")
_ANY_NUMBER = _VOID | _MAY_STAY_OPEN
_HIDING = re.compile(r"hid|none|display|gmail_attr|moz-cite", re.IGNORECASE)


@dataclass(frozen=True)
class SafeHtml:
    """Balanced HTML. `left_out` counts characters that were beyond the limits."""

    html: str
    is_malformed: bool
    left_out: int


class _Writer:
    """Writes balanced tags: every opening tag that is written is closed, in order."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.stack: list[
            tuple[str, str]
        ] = []  # the name as read, the name as written ("" for none)
        self._open_names: dict[str, int] = {}
        self.too_deep = 0
        self.is_malformed = False

    def open(self, name: str, attributes: str) -> None:
        if attributes.endswith("/") and ":" in name:
            return  # `<o:p/>`: empty and closed
        written = name
        if name in _INLINE:
            written = "span" if attributes and _HIDING.search(attributes) else ""
        elif ":" in name or name in _DROPPED:
            written = ""
        if len(self.stack) >= _MAX_DEPTH:
            self.too_deep += name not in _MAY_STAY_OPEN
            return
        if len(attributes) > _MAX_ATTRIBUTE_CHARS:
            attributes = ""
        if written:
            self.pieces.append(f"<{written}{attributes}>")
        if name not in _MAY_STAY_OPEN:
            self.stack.append((name, written))
            self._open_names[name] = self._open_names.get(name, 0) + 1

    def close(self, name: str) -> None:
        if name in _MAY_STAY_OPEN:
            if name not in _DROPPED:
                self.pieces.append(f"</{name}>")
            return
        if self.too_deep:
            self.too_deep -= 1
            return
        if self.stack and self.stack[-1][0] == name:
            self._pop()
            return
        self.is_malformed = True
        if self._open_names.get(name):
            while self._pop() != name:
                pass

    def _pop(self) -> str:
        name, written = self.stack.pop()
        self._open_names[name] -= 1
        if written:
            self.pieces.append(f"</{written}>")
        return name

    def finish(self) -> str:
        if self.stack:
            self.is_malformed = True
        while self.stack:
            self._pop()
        return "".join(self.pieces)


def make_safe(html: str, max_chars: int) -> SafeHtml:
    """Make HTML safe to parse, in one pass.

    Args:
        html: HTML of any size and quality.
        max_chars: how much to let through; styles, scripts and comments do not count.
    """
    if len(html) <= _SMALL_CHARS and html.count("<") <= _SMALL_TAGS and not _LONG_TAG.search(html):
        return SafeHtml(html, _is_unbalanced(html), 0)
    left_out = max(0, len(html) - _MAX_READ_CHARS)
    html = html[:_MAX_READ_CHARS]
    writer = _Writer()
    at = written = tags = 0
    while written < max_chars and tags < _MAX_TAGS:
        end = at + max_chars - written
        found = _TAG.search(html, at, end)
        if found is not None and found.end() == end:
            found = _TAG.match(html, found.start())  # the window ended within the tag
        text = html[at : found.start() if found else end]
        writer.pieces.append(text.replace("<", "&lt;") if "<" in text else text)
        written += len(text)
        if found is None:
            at = min(len(html), end)
            break
        tags += 1
        at = _after_tag(html, found, writer)
        written += (
            min(at - found.start(), _MAX_ATTRIBUTE_CHARS) if found.group(1)[0] not in "!?" else 0
        )
    return SafeHtml(writer.finish(), writer.is_malformed, left_out + max(0, len(html) - at))


def _is_unbalanced(html: str) -> bool:
    """Whether a tag that must be closed is not, or one is closed that was not opened."""
    opened: dict[str, int] = {}
    for slash, name in _NAMES.findall(html):
        opened[name] = opened.get(name, 0) + (-1 if slash else 1)
    return any(count and name.lower() not in _ANY_NUMBER for name, count in opened.items())


def _after_tag(html: str, found: re.Match[str], writer: _Writer) -> int:
    """Write one tag; the place where reading goes on."""
    name, attributes, end = found.groups()
    if name == "!--":
        close = html.find("-->", found.start() + 2)
        writer.is_malformed |= close < 0
        return close + 3 if close >= 0 else len(html)
    if name[0] in "!?":
        return found.end()
    name = name.lower()
    if not end:
        writer.is_malformed = True
        if not attributes.strip() or name.lstrip("/") not in _KNOWN:
            writer.pieces.append("&lt;" + html[found.start() + 1 : found.end()])
        return found.end()
    if name[0] == "/":
        writer.close(name[1:])
    elif name in _RAW_END:
        if attributes.endswith("/") and name in ("svg", "math"):
            return found.end()
        close = _RAW_END[name].search(html, found.end())
        writer.is_malformed |= close is None
        return close.end() if close else len(html)
    elif name in _VOID:
        if name not in _DROPPED:
            writer.pieces.append(
                f"<{name}>" if len(attributes) > _MAX_ATTRIBUTE_CHARS else found.group()
            )
    else:
        writer.open(name, attributes)
    return found.end()


_KNOWN = (
    _VOID
    | _MAY_STAY_OPEN
    | _INLINE
    | _DROPPED
    | frozenset(listed("div|span|table|blockquote|ul|ol|pre"))
)
