"""Takes texts and breaks from `markup` as it walks a page, and writes lines: quoted ones with `>`, marked ones marked.

Breaks wait until words follow, so that any number of them, in any order, is one line end or one empty line.
"""

import re

from stream.clean.hypertext.tags import decode

MARK_HISTORY = "\x01"
"""A line that is only this begins the history: everything below it is quoted."""
MARK_ATTRIBUTION = "\x02"
"""A line that starts so introduces a quoted block (`On … wrote:` in any language)."""
MARK_SIGNATURE = "\x03"
"""A line that starts so stands in the place where its mail program puts signatures."""

LINE, GAP = 1, 2
FRESH, JOINED = 1, 2
"""The next words are the first of a row of a table, or of a cell that continues the line."""

_MOST_QUOTED = 8
_MAX_JOINED_CHARS = 100
_PADDING = "\u200b\u200c\u200d\u2060\ufeff\u034f\xad\u180e\u2800\u115f "
_LONE_JOINER = re.compile("(?<!\\S)[\u200b\u200c\u200d\ufeff]+(?=\\s|$)")
_MAX_UNSEEN = 20
_MAX_UNSEEN_CHARS = 200
_SPACES = re.compile("[ \t\r\f\xa0]+")


class Lines:
    """The lines of a page that is being read. Its attributes are the state that elements change and restore.

    Attributes:
        quoted: how many quoted blocks are open. mark: what the next line begins with. reasons: why text is hidden, 0
            where it is seen. is_preformatted: line ends mean what they say.
        pending: the break before the next words. cell: whether they begin a cell.
        has_space: white space came since the last words.
        bullet: what the next words have before them, in a list.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.unseen: list[str] = []
        self.quoted = 0
        self.mark = ""
        self.reasons = 0
        self.is_preformatted = False
        self.pending = 0
        self.cell = 0
        self.bullet = ""
        self._words: list[str] = []
        self.has_space = False
        self._line_quoted = 0
        self._line_mark = ""
        self._row = -1  # the number of lines when the row began

    def text(self, raw: str) -> None:
        """Words as they come between two tags."""
        if "&" in raw:
            raw = decode(raw)
        if self.reasons:
            self._hide(raw)
            return
        if self.is_preformatted and "\n" in raw:
            self._preformatted(raw)
            return
        words = " ".join(raw.split())
        if not words or not (words.isascii() or words.strip(_PADDING)):
            self.has_space = True
            if self.pending and not self.cell and "\xa0" in raw:
                self.pending = GAP  # `<p>&nbsp;</p>`: an empty line
            return
        if self.pending or not self._words:
            self._begin_words()
        elif self.has_space or raw[0].isspace():
            self._words.append(" ")
        self._words.append(words)
        self.has_space = raw[-1].isspace()

    def line(self) -> None:
        """What follows stands on a line of its own."""
        if not self.pending:
            self.pending = LINE

    def gap(self) -> None:
        """What follows stands below an empty line; at the head of a cell or item, just there."""
        if not (self.cell or self.bullet):
            self.pending = GAP
        elif not self.pending:
            self.pending = LINE

    def break_line(self) -> None:
        """A `br`: the second one leaves an empty line."""
        self.pending = GAP if self.pending or not self._words else LINE

    def begin_row(self) -> None:
        """A row of a table begins."""
        if self._words:
            is_short = self._row == len(self.lines)
            self.end_line()
            self.pending = LINE if is_short else self.pending
        self._row = len(self.lines)
        self.cell = FRESH
        self.line()

    def begin_cell(self) -> None:
        """A cell begins: on the same line where the row is short lines so far, as in a table of data."""
        if self._words and self._row == len(self.lines):
            if sum(map(len, self._words)) <= _MAX_JOINED_CHARS:
                self.cell, self.pending = JOINED, LINE
                return
        elif self._row == len(self.lines):
            self.cell = FRESH
        self.line()

    def end_table(self) -> None:
        """A table ended: the row around it goes on below."""
        self._row = -1
        self.cell = 0
        self.pending = GAP

    def begin_block(self) -> None:
        """What begins here is no part of a table's row: a list, a table, typed text."""
        if self.cell == JOINED:
            self.cell = 0
        self.gap()

    def end_line(self) -> int:
        """End the line that is being written; how many lines there are then."""
        if self._words:
            line = "".join(self._words)
            if not line.isascii():
                line = _LONE_JOINER.sub("", line)
            self._words.clear()
            self.lines.append(f"{self._line_mark}{'> ' * self._line_quoted}{line}")
        self.has_space = False
        return len(self.lines)

    def words_of_line(self) -> str:
        """What the line that is being written holds so far."""
        return "" if self.pending else "".join(self._words)

    def place(self) -> tuple[int, int]:
        """Where words would be written next; it changes when some are."""
        return len(self.lines), len(self._words)

    def add_history(self, at: int | None = None) -> None:
        """Mark that everything below is history, here or at an earlier line; nothing within quotes or hidden text."""
        if self.quoted or (self.reasons and at is None):
            return
        self.lines.insert(self.end_line() if at is None else at, MARK_HISTORY)

    def add_lines(self, text: str) -> None:
        """Whole lines that need no further care."""
        self.end_line()
        prefix = "> " * min(self.quoted, _MOST_QUOTED)
        text = _SPACES.sub(" ", text)
        self.lines += [prefix + line for line in text.split("\n")] if prefix else text.split("\n")

    def note_unseen(self, start: int) -> str:
        """Join the hidden texts from a number on into one, and give it."""
        text = " ".join(self.unseen[start:])[:_MAX_UNSEEN_CHARS]
        del self.unseen[start:]
        if text and len(self.unseen) < _MAX_UNSEEN:
            self.unseen.append(text)
        return text

    def _hide(self, raw: str) -> None:
        words = " ".join(raw[: 2 * _MAX_UNSEEN_CHARS].split()).strip(_PADDING)
        if words and len(self.unseen) < 2 * _MAX_UNSEEN:
            self.unseen.append(words[:_MAX_UNSEEN_CHARS])

    def _begin_words(self) -> None:
        """Do the breaks that waited, and say what the line is."""
        if self.cell == JOINED and self._words:
            self._words.append("\t")
            self.cell = self.pending = 0
            return
        wants_gap = self.pending == GAP
        above = self._line_quoted
        self.end_line()
        self._line_quoted = min(self.quoted, _MOST_QUOTED)
        self._line_mark = self.mark
        if wants_gap and self.lines and self.lines[-1]:
            self.lines.append(">" * min(above, self._line_quoted))
        if self.cell == FRESH:
            self._row = len(self.lines)
        self.cell = self.pending = 0
        if self.bullet:
            self._words.append(self.bullet)
            self.bullet = ""

    def _preformatted(self, raw: str) -> None:
        """Text whose line ends and indents mean what they say."""
        first, *middle, last = raw.replace("\r", "").split("\n")
        self._typed(first)
        if middle:
            self.end_line()
            prefix = self.mark + "> " * min(self.quoted, _MOST_QUOTED)
            self.lines += [prefix + line for line in middle] if prefix else middle
            self.pending = 0
        else:
            self.break_line()
        self._typed(last)

    def _typed(self, piece: str) -> None:
        if not piece or piece.isspace():
            return
        if self.pending or not self._words:
            self._begin_words()
        self._words.append(piece)
        self.has_space = False
