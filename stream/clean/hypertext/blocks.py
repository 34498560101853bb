"""What an HTML element does to the lines of a page: blocks, paragraphs, quotes, links. Lists and tables: `tables`.

Takes the names and attributes of tags, one after the other.
"""

import re
from collections.abc import Iterable

from stream.clean.hypertext.elements import Effect
from stream.clean.hypertext.frames import Frames
from stream.clean.hypertext.page import LINE
from stream.clean.lines import is_emoji

_LABELS = 3
_TIGHT = re.compile(
    r"Mso|margin:\s*0[a-z]{0,2}\s*[;\"']|margin-bottom:\s*\.?0[\d.]{0,6}[a-z]{0,2}\s*[;\"']"
)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]{1,200})"|'([^']{1,200})')""", re.IGNORECASE)
_INDENT = re.compile(r"margin:\s*0(?:px)? 0(?:px)? 0(?:px)? 40px|webkit-indent-blockquote")


class Blocks(Frames):
    """A page that is being read; each method is what one kind of tag does."""

    def __init__(self, attributes: Iterable[str]) -> None:
        super().__init__(attributes)
        self._is_tight = False
        self._link: tuple[int, int] | None = None
        self._alt = ""
        self.labels = 0  # of the header block that may have begun

    def ignore(self, name: str, attributes: str) -> None:
        """`html`, `head`, `body` and what says nothing of the text."""

    def inline(self, name: str, attributes: str) -> None:
        """`span`, `font` and all names that are not known."""
        if attributes and self.hints and self.enter(name, attributes):
            return
        if self.frames:
            at = self.nearest(name)
            if at is not None:
                self.frames[at].inner += 1

    def end_inline(self, name: str, attributes: str) -> None:
        """The end of one of these."""
        at = self.nearest(name[1:]) if self.frames else None
        if at is not None:
            if self.frames[at].inner:
                self.frames[at].inner -= 1
            else:
                self.leave(at)

    def end_bold(self, name: str, attributes: str) -> None:
        """`<b>From:</b>`: three such lines below the line that Outlook draws are a header block in any language."""
        if self.header_at >= 0 and self.words_of_line().endswith((":", "：")):
            self.labels += 1
            if self.labels == _LABELS:
                if len(self.lines) < self.header_at + 3 * _LABELS:
                    self.add_history(self.header_at)
                self.header_at = -1
        self.end_inline(name, attributes)

    def block(self, name: str, attributes: str) -> None:
        """`div` and what else stands on lines of its own."""
        if self.frames:
            self._end_open_paragraph()
        if not self.pending:
            self.pending = LINE
        self.depth += 1
        if attributes and self.hints:
            self.enter(name, attributes)

    def end_block(self, name: str, attributes: str) -> None:
        """The end of a block; a stray one within a cell closes nothing around the table."""
        if not self.pending:
            self.pending = LINE
        if self.depth > self.floor:
            self.depth -= 1
            if self.frames:
                self.end_deeper()
            while self.lists and self.lists[-1][0] > self.depth:
                self.lists.pop()

    def heading(self, name: str, attributes: str) -> None:
        """A block with empty lines around."""
        self.block(name, attributes)
        self.gap()

    def end_heading(self, name: str, attributes: str) -> None:
        """The end of one."""
        self.end_block(name, attributes)
        self.gap()

    def paragraph(self, name: str, attributes: str) -> None:
        """`p` ends the one before; those of Word have no room around them."""
        if self.frames:
            self._end_open_paragraph()
        self._is_tight = (
            bool(attributes)
            and ("margin" in attributes or "Mso" in attributes)
            and _TIGHT.search(attributes) is not None
        )
        if self._is_tight:
            self.line()
        else:
            self.gap()
        if attributes and self.hints:
            self.enter(name, attributes)

    def end_paragraph(self, name: str, attributes: str) -> None:
        """The end of a paragraph."""
        if self.frames:
            self._end_open_paragraph()
        if self._is_tight:
            self.line()
        else:
            self.gap()

    def quotation(self, name: str, attributes: str) -> None:
        """`blockquote`: history, but for one that the author indented or quoted by hand."""
        self.begin_apart()
        around = next((frame for frame in reversed(self.frames) if frame.role == "container"), None)
        if around is not None and not self.quoted and not around.has_quote:
            around.has_quote = True
            self.mark_attribution(around.start)
        if not self.quoted:
            is_indent = _INDENT.search(attributes) is not None and "none" in attributes
            by_hand = "gmail_quote" in attributes and "cite" not in attributes and around is None
            if is_indent or by_hand:
                return
        effect = self.effect(name, attributes)
        self.push(name, Effect("quote", effect.shown, effect.hidden, effect.is_preformatted))

    def preformatted(self, name: str, attributes: str) -> None:
        """`pre`."""
        self.begin_apart()
        effect = self.effect(name, attributes)
        self.push(name, Effect(effect.role, effect.shown, effect.hidden, is_preformatted=True))

    def line_break(self, name: str, attributes: str) -> None:
        """`br`."""
        self.break_line()

    def rule(self, name: str, attributes: str) -> None:
        """`hr`: the line itself is no text."""
        self.line()
        if attributes and self.hints and self.effect(name, attributes).role == "history":
            self.add_history()

    def link(self, name: str, attributes: str) -> None:
        """`a`."""
        self._link, self._alt = self.place(), ""
        self.inline(name, attributes)

    def end_link(self, name: str, attributes: str) -> None:
        """The end of a link: the words of its picture, where it has no others."""
        if self._alt and self._link == self.place():
            self.text(self._alt)
        self._link = None
        self.end_inline(name, attributes)

    def picture(self, name: str, attributes: str) -> None:
        """`img`: an emoji is text, and so are the words of a picture that is all a link shows."""
        found = _ALT.search(attributes) if "alt" in attributes or "ALT" in attributes else None
        if found is not None:
            alt = found[1] or found[2]
            if len(alt) <= 8 and is_emoji(alt) and not alt.isascii():
                self.text(alt)
            elif self._link is not None and not self._alt:
                self._alt = alt

    def begin_apart(self) -> None:
        """A block that is no part of a paragraph or of a table's row."""
        if self.frames:
            self._end_open_paragraph()
        self.begin_block()
        self.depth += 1

    def _end_open_paragraph(self) -> None:
        at = self.nearest("p")
        if at is not None and self.frames[at].depth == self.depth:
            self.leave(at)
