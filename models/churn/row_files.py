"""Reads files of rows, CSV or JSON lines, into what a form makes of each, for profiles, calls and outcomes.

Opens files as `models.rows` does: gzip, UTF-8, and what spreadsheets write (commas, semicolons, tabs, a line `sep=;`).
The first bad rows are all named at once. Knows no meaning of a column.
"""

import csv
import hashlib
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Generic, TextIO, TypeVar

import msgspec

from models.rows.dataset import DataFile
from models.rows.errors import DatasetError, did_you_mean
from models.rows.files import is_csv, read_bytes, read_text

SHOWN_FAULTS = 5
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")
_DELIMITERS = (",", ";", "\t")

Cells = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Form(Generic[T]):
    """How a row is made; both makers raise ValueError that says the value and the way out.

    Args:
        needed: of each group of columns a CSV file must have one.
        from_cells: of a CSV row: stripped cells by column, blank ones included.
        from_json: of a line.
        example: a line, for messages.
    """

    needed: tuple[tuple[str, ...], ...]
    from_cells: Callable[[Cells], T]
    from_json: Callable[[str], T]
    example: str


@dataclass(frozen=True)
class RowFile(Generic[T]):
    """The rows of one file in its order.

    Args:
        file: name, hash and rows, as a bundle remembers it.
        rows: the rows.
        places: `FILE:LINE` of each, for messages.
        notes: what was counted and does not hinder, in words without folders and ids.
    """

    file: DataFile
    rows: tuple[T, ...]
    places: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_row_file(path: Path, form: Form[T]) -> RowFile[T]:
    """Read one file; `-` is JSON lines on stdin.

    Raises:
        DatasetError: it cannot be read, has no rows, lacks a column or has bad rows.
    """
    content = read_bytes(path)
    text = read_text(path, content)
    rows: list[T] = []
    places: list[str] = []
    faults = Faults()
    if is_csv(path):
        for line, cells in csv_rows(path, io.StringIO(text, newline=""), form.needed):
            with faults.at(f"{path}:{line}"):
                rows.append(form.from_cells(whole_row(cells)))
                places.append(f"{path}:{line}")
    else:
        # str.splitlines would also cut at U+2028, which JSON strings may hold
        for line, record in enumerate(text.split("\n"), start=1):
            if record.strip():
                with faults.at(f"{path}:{line}"):
                    rows.append(_decoded(form, record))
                    places.append(f"{path}:{line}")
    faults.check()
    if not rows:
        what = "it has a header and nothing below it" if is_csv(path) and text else "it is empty"
        raise DatasetError(f"{path} has no rows: {what}; name a file that has some")
    file = DataFile(path.name, hashlib.sha256(content).hexdigest(), len(rows))
    return RowFile(file, tuple(rows), tuple(places))


class Faults:
    """Bad rows, collected until there are enough to show."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._place = ""

    def at(self, place: str) -> "Faults":
        """`with faults.at(place):` a ValueError inside is kept, and the next row follows."""
        self._place = place
        return self

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ValueError):
            return False
        self._lines.append(f"{self._place}: {error}")
        if len(self._lines) == SHOWN_FAULTS:
            self.check()
        return True

    def check(self) -> None:
        """End here if a row was bad.

        Raises:
            DatasetError: the first bad rows, a line each.
        """
        if self._lines:
            raise DatasetError("\n".join(self._lines))


def _decoded(form: Form[T], record: str) -> T:
    try:
        return form.from_json(record)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}; each line is an object as {form.example}") from error
    except msgspec.DecodeError as error:
        raise ValueError(
            f"{error}; write one JSON object in each line, as {form.example}"
        ) from error
    except RecursionError as error:
        raise ValueError(f"it is nested too deeply; write it as {form.example}") from error


def csv_rows(
    path: Path, lines: TextIO, needed: Sequence[tuple[str, ...]]
) -> Iterator[tuple[int, dict[str | None, str | None]]]:
    """Line and cells of each row that is not blank, read one by one.

    Args:
        path: for messages.
        lines: opened with `newline=""`.
        needed: of each group of columns one must be there.

    Raises:
        DatasetError: the header lacks a column or has one twice, or a row is no CSV.
    """
    csv.field_size_limit(sys.maxsize)  # a turn may be longer than the default 128 KiB
    header, skipped = lines.readline(), 0
    declared = _SEPARATOR_LINE.match(header)
    if declared:
        header, skipped = lines.readline(), 1
    delimiter = declared.group(1) if declared else max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or []]
        _check_header(f"{path}:{skipped + 1}", columns, needed)
        reader.fieldnames = columns
        for row in reader:
            cells: dict[str | None, str | None] = {**row}
            if None in cells or any((cell or "").strip() for cell in cells.values()):
                yield reader.line_num + skipped, cells
    except csv.Error as error:
        line = (
            reader.reader.line_num + skipped
        )  # of the bad row; `reader.line_num` is of the last good one
        raise DatasetError(f"{path}:{line}: {error}; write the CSV again") from error


def _check_header(where: str, columns: list[str], needed: Sequence[tuple[str, ...]]) -> None:
    if not columns:
        return
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DatasetError(
            f"{where}: columns {twice} stand there twice; keep one, or give each its own name"
        )
    for group in needed:
        if not set(group) & set(columns):
            raise DatasetError(
                f"{where}: no column {' or '.join(map(repr, group))}; {did_you_mean(group[0], columns)}"
            )


def whole_row(cells: dict[str | None, str | None]) -> Cells:
    """The stripped cells of a row by column.

    Raises:
        ValueError: it has more or fewer than the header.
    """
    if None in cells or None in cells.values():
        raise ValueError(
            "the row has not as many cells as the header; quote cells that hold the separator or line breaks"
        )
    return {name or "": (cell or "").strip() for name, cell in cells.items()}


def seconds_of(name: str, value: str) -> float:
    """A time in seconds since 1970, UTC; without a zone it is UTC.

    Raises:
        ValueError: it is no time.
    """
    try:
        moment = datetime.fromisoformat(value)
        found_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        datetime.fromtimestamp(found_s, UTC)  # a zone may carry it out of the years 1 to 9999
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{name}={value!r} is no time; write it like 2026-03-31 or 2026-03-31T08:15:00Z"
        ) from error
    return found_s


def seconds_of_ms(name: str, value_ms: int) -> float:
    """A time in seconds since 1970 from one in milliseconds.

    Raises:
        ValueError: it is beyond the years 1 to 9999, as microseconds are.
    """
    try:
        return datetime.fromtimestamp(value_ms / 1000, UTC).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"{name}={value_ms} is no time; write milliseconds since 1970, like 1774944900000"
        ) from error
