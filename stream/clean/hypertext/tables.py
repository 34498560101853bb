"""What lists and tables of an HTML page do to its lines: items with their numbers, rows on lines, cells apart by tabs.

Tables that only lay a page out have long cells or cells of several lines; those do not share a line.
"""

import re

from stream.clean.hypertext.blocks import Blocks
from stream.clean.hypertext.page import LINE

_MOST_INDENTED = 6
_NUMBER = re.compile(r"""\b(?:start|value)\s*=\s*["']?(\d{1,6})""", re.IGNORECASE)
_ROWS = ("tr", "tbody", "thead", "tfoot")


class Tables(Blocks):
    """A page that is being read, with its lists and tables."""

    def list_of_items(self, name: str, attributes: str) -> None:
        """`ul`, `ol`: within another list without empty lines around."""
        found = _NUMBER.search(attributes) if attributes else None
        first = int(found[1]) if found else 1
        if self.lists:
            self.block(name, attributes)
        else:
            self.begin_apart()
            if attributes and self.hints:
                self.enter(name, attributes)
        self.lists.append([self.depth, first if name == "ol" else -1, 0])

    def end_list(self, name: str, attributes: str) -> None:
        """The end of a list."""
        self.end_block(name, attributes)
        self.bullet = ""
        if not self.lists:
            self.gap()

    def item(self, name: str, attributes: str) -> None:
        """`li`: ends the one before it."""
        self.end_item(name, attributes)
        self.bullet = "- "
        if self.lists:
            entry = self.lists[-1]
            if entry[2]:
                self.pending = LINE  # also below an item that ends with a paragraph
            entry[2] = 1
            if entry[1] >= 0:
                found = _NUMBER.search(attributes) if attributes else None
                number = int(found[1]) if found else entry[1]
                self.bullet, entry[1] = f"{number}. ", number + 1
            self.bullet = "  " * min(len(self.lists) - 1, _MOST_INDENTED) + self.bullet
        if attributes and self.hints:
            self.enter("li", attributes)

    def end_item(self, name: str, attributes: str) -> None:
        """The end of an item."""
        at = self.nearest("li") if self.frames else None
        if at is not None and self.frames[at].depth == self.depth:
            self.leave(at)
        self.line()
        self.bullet = ""

    def table(self, name: str, attributes: str) -> None:
        """`table`: what is open around it cannot be closed within."""
        self.begin_apart()
        if attributes and self.hints:
            self.enter(name, attributes)
        self.tables.append((self.floor, len(self.lists)))
        self.floor = self.depth

    def end_of_table(self, name: str, attributes: str) -> None:
        """The end of a table, and of all that is open in its last cell."""
        if not self.tables:
            return
        self._end_cells(())
        self.depth = self.floor - 1
        self.floor, _ = self.tables.pop()
        self.end_deeper()
        self.end_table()

    def row(self, name: str, attributes: str) -> None:
        """`tr` and the groups of rows."""
        self._end_cells(() if name != "tr" else _ROWS[1:])
        self.begin_row()
        if attributes and self.hints and self.tables:
            self.enter(name, attributes)

    def end_row(self, name: str, attributes: str) -> None:
        """The end of a row or of a group of them."""
        self._end_cells(() if name != "/tr" else _ROWS[1:])
        self.line()

    def table_cell(self, name: str, attributes: str) -> None:
        """`td`, `th`."""
        self._end_cells(_ROWS)
        self.begin_cell()
        if attributes and self.hints and self.tables:
            self.enter(name, attributes)

    def end_cell(self, name: str, attributes: str) -> None:
        """The end of a cell: what was left open in it ends."""
        self._end_cells(_ROWS)

    def _end_cells(self, kept: tuple[str, ...]) -> None:
        """End what is open in a cell of the innermost table, but for the frames of rows that hold it."""
        if not self.tables:
            return
        if self.frames:
            tables = len(self.tables)
            while (
                self.frames
                and self.frames[-1].tables >= tables
                and self.frames[-1].name not in kept
            ):
                self.leave(len(self.frames) - 1)
        self.depth = self.floor
        if self.lists:
            del self.lists[self.tables[-1][1] :]
