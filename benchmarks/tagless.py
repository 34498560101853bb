"""A page's text the simple way, as a program without a cleaner reads it; the standard library only."""

from html.parser import HTMLParser

_SILENT = frozenset({"style", "script", "head", "title"})
_BREAKING = frozenset(
    {"p", "div", "br", "blockquote", "tr", "li", "hr", "h1", "h2", "h3", "ul", "ol", "table"}
)


class _Words(HTMLParser):
    """The text of a page the simple way: no tags, styles or scripts, a line per block."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKING:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def without_tags(page: str) -> str:
    """What a program without a cleaner reads of a page."""
    words = _Words()
    words.feed(page)
    words.close()
    return "".join(words.pieces).strip()
