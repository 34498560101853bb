"""Reads CSV text into records, with their lines, for `dataset`; knows the columns of a row, not what they mean.

What spreadsheets write is understood: commas, semicolons (Excel where the comma is the decimal sign) or tabs, and a
first line `sep=;`. A column that is not known is refused, for it may be a label under another name.
"""

import csv
import difflib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from models.rows.errors import DatasetError

PLAIN_COLUMNS = (
    "id",
    "subject",
    "body",
    "language",
    "tenant",
    "customer_id",
    "thread_id",
    "received_at",
    "received",
)
_LABEL, _ATTRIBUTE = "label:", "attribute:"
_DELIMITERS = (",", ";", "\t")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")
# What such columns are often called, English and German.
_OTHER_NAMES = {
    "text": "body",
    "message": "body",
    "mail": "body",
    "content": "body",
    "nachricht": "body",
    "inhalt": "body",
    "betreff": "subject",
    "title": "subject",
    "titel": "subject",
    "lang": "language",
    "sprache": "language",
    "customer": "customer_id",
    "kunde": "customer_id",
    "kundennummer": "customer_id",
    "thread": "thread_id",
    "conversation_id": "thread_id",
    "date": "received_at",
    "datum": "received_at",
    "created_at": "received_at",
}


def csv_records(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Line and fields of each row; a row without id is named by its line. Lists are split by `|`.

    Raises:
        DatasetError: the header or a row is not as it should be; the message names file, line and way out.
    """
    csv.field_size_limit(sys.maxsize)  # a mail may be longer than the default 128 KiB
    if not text.strip():
        return
    reader, skipped = _open(text)
    try:
        columns = [column.strip() for column in reader.fieldnames or []]
    except csv.Error as error:
        raise DatasetError(f"{path}:{skipped + 1}: {error}; write the header again") from error
    if not columns:
        return
    reader.fieldnames = columns
    _check_columns(f"{path}:{skipped + 1}", columns)
    # A head whose cells are split anywhere has lists everywhere, or one-label rows would look multi-class.
    cells = list(_rows(path, reader, skipped, text))
    lists = {
        name for _, row in cells for name in columns if name[:6] == _LABEL and "|" in row[name]
    }
    _check_filled(f"{path}:{skipped + 1}", columns, cells)
    for line, row in cells:
        yield line, _record(row, line, lists)


def _check_filled(where: str, columns: list[str], cells: list[tuple[int, dict[str, str]]]) -> None:
    """A head that is missing everywhere is a mistake, not a wish."""
    for column in columns:
        is_head = column.startswith(_LABEL)
        if cells and is_head and not any(row[column].strip() for _, row in cells):
            raise DatasetError(
                f"{where}: column {column!r} is empty in all {len(cells)} rows; fill it or delete the column"
            )


def _open(text: str) -> tuple["csv.DictReader[str]", int]:
    """A reader with the delimiter that the header speaks for, and how many lines come before the header."""
    blank = _BLANK_LINES.match(text)
    begin = blank.end() if blank else 0
    declared = _SEPARATOR_LINE.match(text, begin)
    skipped = text.count("\n", 0, declared.end() if declared else begin)
    if declared:
        return _reader(text[declared.end() :], declared.group(1)), skipped
    text = text[begin:]
    header = io.StringIO(text, newline="").readline()

    def known(delimiter: str) -> int:
        rows = csv.reader([header], delimiter=delimiter)
        return sum(_is_known(cell.strip()) for row in rows for cell in row)

    # the first of equals: a comma where nothing speaks for another
    return _reader(text, max(_DELIMITERS, key=known)), skipped


def _reader(text: str, delimiter: str) -> "csv.DictReader[str]":
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _is_known(column: str) -> bool:
    named = any(column.startswith(kind) and column != kind for kind in (_LABEL, _ATTRIBUTE))
    return named or column in PLAIN_COLUMNS


def _check_columns(where: str, columns: list[str]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DatasetError(
            f"{where}: columns {twice} stand there twice; keep one, or give each its own name"
        )
    unknown = [column for column in columns if not _is_known(column)]
    if unknown:
        known = ", ".join(PLAIN_COLUMNS)
        hints = "\n".join(f"  {column!r}: {_hint(column)}" for column in unknown)
        raise DatasetError(
            f"{where}: unknown columns; rename or delete them:\n{hints}\n"
            f"  (known are {known}, label:NAME for what is learned and attribute:NAME for facts about a mail)"
        )
    if not any(column.startswith(_LABEL) for column in columns):
        raise DatasetError(
            f"{where}: no column `label:<head>` among {columns}; "
            "name the column with the answers so, as label:topic"
        )
    if not {"subject", "body"} & set(columns):
        raise DatasetError(
            f"{where}: no column `body` or `subject` among {columns}; name the column with the text so"
        )


def _hint(column: str) -> str:
    """The nearest known form of a column's name."""
    if not column:
        return "a column without a name"
    plain = re.sub(r"[\s-]+", "_", column.lower())
    kind, colon, name = column.partition(":")
    if colon and name and kind.strip().lower() in {"label", "labels", "attribute", "attributes"}:
        return f"write {kind.strip().lower().removesuffix('s')}:{name.strip()}"
    near = difflib.get_close_matches(plain, PLAIN_COLUMNS, n=1, cutoff=0.8)
    meant = _OTHER_NAMES.get(plain) or (near[0] if near else None)
    return f"write {meant}" if meant else f"write label:{column} or attribute:{column}"


def _rows(
    path: Path, reader: "csv.DictReader[str]", skipped: int, text: str
) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        for row in reader:
            if None in row or None in row.values():
                line = reader.line_num + skipped
                mixed = _mixed(reader, text, line)
                way_out = "quote cells that hold the separator or line breaks"
                raise DatasetError(
                    f"{path}:{line}: the row has not as many cells as the header; {mixed or way_out}"
                )
            if any(value.strip() for value in row.values()):  # spreadsheets leave empty rows
                yield reader.line_num + skipped, row
    except csv.Error as error:
        line = reader.reader.line_num + skipped  # that of the other one is of the row before
        mixed = _mixed(reader, text, line)
        raise DatasetError(f"{path}:{line}: {error}; {mixed or 'write the CSV again'}") from error


def _mixed(reader: "csv.DictReader[str]", text: str, number: int) -> str:
    """What to do about a line that is whole with another delimiter than the header's; empty where none makes it so."""
    own = reader.reader.dialect.delimiter
    line = list(io.StringIO(text, newline=""))[number - 1]
    columns = len(reader.fieldnames or ())
    for other in _DELIMITERS:
        cells = [len(row) for row in csv.reader([line], delimiter=other)]
        if other != own and cells == [columns] != [1]:
            return f"it is separated by {other!r} and the header by {own!r}: write the whole file with one of them"
    return ""


def _record(row: dict[str, str], line: int, lists: set[str]) -> dict[str, object]:
    record: dict[str, object] = {name: row[name] for name in PLAIN_COLUMNS if row.get(name)}
    record.setdefault("id", str(line))
    record["attributes"] = {
        name.removeprefix(_ATTRIBUTE): value
        for name, value in row.items()
        if name.startswith(_ATTRIBUTE) and value
    }
    record["labels"] = {
        name.removeprefix(_LABEL): (
            [part.strip() for part in value.split("|") if part.strip()]
            if name in lists
            else value.strip()
        )
        for name, value in row.items()
        if name.startswith(_LABEL) and value.strip()
    }
    return record
