"""Lays a confusion matrix out so that 3 and 151 labels can both be read: counts in, places of cells out, to the page.

The page draws it itself, because label names are users' text and are escaped there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_LABELS = 200
_NUMBERED_LABELS = 30  # above, a cell is too small for a number; it says it under the pointer
_CHARACTER_PX = 6.2
_LONGEST_NAME = 32


@dataclass(frozen=True)
class Cell:
    """One cell with at least one row; `share` of the true label's rows, in (0, 1]."""

    x: float
    y: float
    truth: str
    given: str
    rows: int
    share: float
    is_right: bool


@dataclass(frozen=True)
class Matrix:
    """A drawing in pixels: cells of `cell_px` from (`left`, `left`) on, names before and above them."""

    names: tuple[str, ...]
    shown_names: tuple[str, ...]
    cells: tuple[Cell, ...]
    cell_px: int
    left: int
    size_px: int
    has_numbers: bool
    left_out: int


def lay_out(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix | None:
    """Place the cells; of more than 200 labels those with the most wrong rows stay. None: there are no labels."""
    if not labels:
        return None
    places = _most_wrong(counts)
    names = tuple(labels[place] or "(none)" for place in places)
    shown = tuple(
        name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names
    )
    cell_px = 12 if len(places) > _NUMBERED_LABELS else 30 if len(places) > 10 else 48
    left = 16 + int(_CHARACTER_PX * max(map(len, shown)))
    cells = tuple(
        Cell(
            left + column * cell_px,
            left + row * cell_px,
            names[row],
            names[column],
            counts[wanted][got],
            counts[wanted][got] / sum(counts[wanted]),
            wanted == got,
        )
        for row, wanted in enumerate(places)
        for column, got in enumerate(places)
        if counts[wanted][got]
    )
    return Matrix(
        names,
        shown,
        cells,
        cell_px,
        left,
        left + cell_px * len(places) + 4,
        len(places) <= _NUMBERED_LABELS,
        len(labels) - len(places),
    )


def _most_wrong(counts: Sequence[Sequence[int]]) -> list[int]:
    wrong = [
        sum(row) + sum(other[place] for other in counts) - 2 * row[place]
        for place, row in enumerate(counts)
    ]
    most = sorted(range(len(counts)), key=lambda place: (-wrong[place], place))
    return sorted(most[:SHOWN_LABELS])
