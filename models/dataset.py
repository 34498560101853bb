"""Reads labelled rows from files or stdin into `TrainingRow`s, for `models.train` and `switchboard evaluate`.

Knows JSON lines and CSV, plain or gzipped; knows no split, no model and no Kafka. A head that a row does not name is
unknown there, never negative.
"""

import csv
import gzip
import hashlib
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.labels import HeadSpec, TrainingRow

STDIN = Path("-")
SHOWN_FAULTS = 5
_SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
_PLAIN_COLUMNS = ("id", "subject", "body", "language", "tenant", "customer_id", "thread_id")


class DatasetError(ValueError):
    """Rows that cannot be trained on; the message names file, line, value and way out."""


@dataclass(frozen=True)
class DataFile:
    """One source as a bundle remembers it: the name without its folder, the hash of its bytes, its rows."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Dataset:
    """All rows in file order, and where they came from."""

    rows: tuple[TrainingRow, ...]
    files: tuple[DataFile, ...]


def read_dataset(paths: Sequence[Path]) -> Dataset:
    """Read files one after the other; `-` is JSON lines on stdin.

    Raises:
        DatasetError: a file cannot be read, is of an unknown kind, has no rows, or has bad rows; the first
            bad ones are all named at once.
    """
    rows: list[TrainingRow] = []
    files: list[DataFile] = []
    for path in paths:
        content = _read_bytes(path)
        found = _parse(path, content)
        if not found:
            raise DatasetError(f"{path} has no rows; name a file that has some")
        rows.extend(found)
        files.append(DataFile(path.name, hashlib.sha256(content).hexdigest(), len(found)))
    return Dataset(tuple(rows), tuple(files))


def find_heads(rows: Iterable[TrainingRow]) -> dict[str, HeadSpec | str]:
    """The heads of some rows, by name: the spec, or a sentence that says why there is nothing to learn.

    A head is multi-label if any row answers with a list. Labels are sorted, so equal rows give equal heads.
    """
    labels: dict[str, set[str]] = {}
    multilabel: set[str] = set()
    for row in rows:
        for name, value in row.labels.items():
            known = labels.setdefault(name, set())
            if isinstance(value, list):
                multilabel.add(name)
                known.update(value)
            else:
                known.add(value)
    heads: dict[str, HeadSpec | str] = {}
    for name in sorted(labels):
        kind = "multilabel" if name in multilabel else "multiclass"
        try:
            heads[name] = HeadSpec(name, kind, tuple(sorted(labels[name])))
        except ValueError as error:
            heads[name] = str(error)
    return heads


def answer_of(row: TrainingRow, head: str) -> tuple[str, ...] | None:
    """What a row says about a head, as a tuple for both kinds; None: it does not say."""
    value = row.labels.get(head)
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


def _read_bytes(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    if path.suffix == ".parquet":
        raise DatasetError(
            f"{path}: Parquet is read with the extra `store`: "
            "pip install 'switchboard-classifier[store]', or write the rows as .jsonl.gz"
        )
    if not path.name.endswith(_SUFFIXES):
        raise DatasetError(f"{path}: unknown kind of file; use one of {', '.join(_SUFFIXES)}, or -")
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{path} cannot be read ({reason}); name a file that exists") from error


def _parse(path: Path, content: bytes) -> list[TrainingRow]:
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise DatasetError(f"{path} is no whole gzip file ({error}); copy it again") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}:{line}: not UTF-8; convert the file to UTF-8") from error
    is_csv = path.name.removesuffix(".gz").endswith(".csv")
    records = _csv_records(path, text) if is_csv else _json_records(text)
    rows: list[TrainingRow] = []
    faults: list[str] = []
    for line, record in records:
        try:
            rows.append(_check(record))
        except ValueError as error:
            faults.append(f"{path}:{line}: {error}")
            if len(faults) == SHOWN_FAULTS:
                break
    if faults:
        raise DatasetError("\n".join(faults))
    return rows


def _json_records(text: str) -> Iterator[tuple[int, str]]:
    # str.splitlines would also cut at U+2028, which JSON strings may hold
    for line, record in enumerate(text.split("\n"), start=1):
        if record.strip():
            yield line, record


def _csv_records(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    csv.field_size_limit(sys.maxsize)  # a mail may be longer than the default 128 KiB
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = reader.fieldnames or []
    if not any(column.startswith("label:") for column in columns):
        raise DatasetError(
            f"{path}:1: no column `label:<head>` among {list(columns)}; rename the label columns"
        )
    # A head whose cells are split anywhere has lists everywhere, or one-label rows would look multi-class.
    cells = list(_csv_rows(path, reader))
    lists = {
        name for _, row in cells for name in columns if name[:6] == "label:" and "|" in row[name]
    }
    for line, row in cells:
        yield line, _csv_record(row, line, lists)


def _csv_rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    try:
        for row in reader:
            if None in row or None in row.values():
                raise DatasetError(
                    f"{path}:{reader.line_num}: the row has not as many cells as the header; "
                    "quote cells that hold commas or line breaks"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(f"{path}:{reader.line_num}: {error}; write the CSV again") from error


def _csv_record(row: dict[str, str], line: int, lists: set[str]) -> dict[str, object]:
    record: dict[str, object] = {name: row[name] for name in _PLAIN_COLUMNS if row.get(name)}
    record.setdefault("id", str(line))
    record["attributes"] = {
        name.removeprefix("attribute:"): value
        for name, value in row.items()
        if name.startswith("attribute:") and value
    }
    record["labels"] = {
        name.removeprefix("label:"): (
            [part.strip() for part in value.split("|") if part.strip()] if name in lists else value
        )
        for name, value in row.items()
        if name.startswith("label:") and value
    }
    return record


def _check(record: str | dict[str, object]) -> TrainingRow:
    """One row.

    Raises:
        ValueError: it is not a row; says the value and the way out.
    """
    if isinstance(record, str):
        row = msgspec.json.decode(record, type=TrainingRow)
    else:
        row = msgspec.convert(record, TrainingRow)
    if not (row.subject or "").strip() and not (row.body or "").strip():
        raise ValueError(f"row id={row.id!r} has neither subject nor body; leave it out")
    for name, value in row.labels.items():
        labels = [value] if isinstance(value, str) else value
        if not name or not all(labels):
            raise ValueError(
                f"row id={row.id!r} has an empty label in head {name!r}; "
                "leave the head out where it is unknown, write [] where no label applies"
            )
    return row
