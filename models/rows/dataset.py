"""Reads labelled rows from files or stdin into `TrainingRow`s, for `models.train` and `switchboard evaluate`.

Knows the forms of a row (CSV: `csv_rows`), no split, no model and no Kafka. A head that a row does not name is
unknown there, never negative.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.labels import HeadSpec, TrainingRow
from models.rows.checks import check_ids, check_labels
from models.rows.csv_rows import csv_records
from models.rows.errors import DatasetError
from models.rows.files import is_csv, read_bytes, read_text
from models.schemas import EVERYONE, UNNAMED

__all__ = [
    "DataFile",
    "Dataset",
    "DatasetError",
    "answer_of",
    "find_heads",
    "languages_of",
    "read_dataset",
    "schemas_of",
]

SHOWN_FAULTS = 5
_PRIMARY = re.compile("[-_]")
_FORM = '{"id": "1", "body": "…", "labels": {"topic": "…"}}'


@dataclass(frozen=True)
class DataFile:
    """One source as a bundle remembers it: the name without its folder, the hash of its bytes, its rows."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Dataset:
    """All rows in file order, and where they came from.

    Args:
        rows: the rows.
        files: of which files, in order.
        places: `file:line` of each row, for messages.
        id_warnings, label_warnings: what looks wrong and does not hinder, in words; no text of a mail is in them.
    """

    rows: tuple[TrainingRow, ...]
    files: tuple[DataFile, ...]
    places: tuple[str, ...] = ()
    id_warnings: tuple[str, ...] = ()
    label_warnings: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings."""
        return self.id_warnings + self.label_warnings


class _FileRow(TrainingRow, frozen=True, kw_only=True):
    """A row as files write it."""

    received: str | None = None  # another name of `received_at`


def read_dataset(paths: Sequence[Path]) -> Dataset:
    """Read files one after the other; `-` is JSON lines on stdin.

    Raises:
        DatasetError: a file cannot be read, is of an unknown kind, has no rows, or has bad rows; the first
            bad ones are all named at once. Or rows of one id contradict each other.
    """
    rows: list[TrainingRow] = []
    files: list[DataFile] = []
    places: list[str] = []
    named: list[str] = []
    for path in paths:
        content = read_bytes(path)
        found = _parse(path, content)
        if not found:
            raise DatasetError(_why_none(path, read_text(path, content)))
        files.append(DataFile(path.name, hashlib.sha256(content).hexdigest(), len(found)))
        for line, row in found:
            rows.append(row)
            places.append(f"{path}:{line}")
            named.append("" if is_csv(path) and row.id == str(line) else places[-1])
    ids = tuple(check_ids(rows, named))
    return Dataset(tuple(rows), tuple(files), tuple(places), ids, tuple(check_labels(rows, places)))


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


def _why_none(path: Path, text: str) -> str:
    if not text:
        return f"{path} has no rows: it is empty; name a file that has some"
    if not text.strip():
        lines = text.count("\n") + (not text.endswith("\n"))
        form = "a header and below it a line per mail" if is_csv(path) else f"each row as {_FORM}"
        return f"{path}:1: no rows, all {lines} lines are blank; write {form}, or name another file"
    return f"{path}:1: no rows: a header and nothing below it; write a line per mail"


def _parse(path: Path, content: bytes) -> list[tuple[int, TrainingRow]]:
    """The rows with their lines."""
    text = read_text(path, content)
    rows: list[tuple[int, TrainingRow]] = []
    faults: list[str] = []
    for line, record in csv_records(path, text) if is_csv(path) else _json_records(text):
        try:
            rows.append((line, _check(record)))
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


def _check(record: str | dict[str, object]) -> TrainingRow:
    """One row.

    Raises:
        ValueError: it is not a row; says the value and the way out.
    """
    try:
        if isinstance(record, str):
            raw = msgspec.json.decode(record, type=_FileRow)
        else:
            raw = msgspec.convert(record, _FileRow)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}; each row is an object as {_FORM}") from error
    except msgspec.DecodeError as error:
        raise ValueError(f"{error}; write one JSON object in each line, as {_FORM}") from error
    row = msgspec.convert(raw, TrainingRow, from_attributes=True)
    if row.received_at is None and raw.received:
        row = msgspec.structs.replace(row, received_at=raw.received)
    row.received_s()
    if not (row.subject or "").strip() and not (row.body or "").strip():
        raise ValueError(f"row id={row.id!r} has neither subject nor body; leave it out")
    for name, value in row.labels.items():
        labels = [value] if isinstance(value, str) else value
        if not name.strip() or not all(label.strip() for label in labels):
            raise ValueError(
                f"row id={row.id!r} has an empty label in head {name!r}; "
                "leave the head out where it is unknown, write [] where no label applies"
            )
    return row


def schemas_of(rows: Sequence[TrainingRow]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Tenant -> head -> the labels that its mail may get, sorted, as `Manifest.schemas` keeps them.

    A label is everyone's when rows without a tenant (or of `default`) use it, or rows of two tenants do. A tenant may
    get its own labels and everyone's; a tenant that is not named (`EVERYONE`) only everyone's. Every head is named for
    all; an empty tuple: the head is not for that tenant. Empty when rows name no tenant, or all of them one.
    """
    used: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    owners = [EVERYONE if (row.tenant or "") in UNNAMED else row.tenant or "" for row in rows]
    for owner, row in zip(owners, rows, strict=True):
        for head, value in row.labels.items():
            used[head][owner].update([value] if isinstance(value, str) else value)
    if len(tenants := sorted(set(owners))) < 2:
        return {}
    schemas: dict[str, dict[str, tuple[str, ...]]] = {tenant: {} for tenant in {EVERYONE, *tenants}}
    for head, own in sorted(used.items()):
        users = Counter(label for labels in own.values() for label in labels)
        shared = {label for label, count in users.items() if count > 1 or label in own[EVERYONE]}
        for tenant, labels in schemas.items():
            labels[head] = tuple(sorted(shared | own.get(tenant, set())))
    return dict(sorted(schemas.items()))


def languages_of(rows: Sequence[TrainingRow]) -> tuple[str, ...]:
    """The languages of at least one in a hundred of the rows that say one, ISO 639-1 in lower case, sorted.

    Empty, which is every language, when fewer than half of the rows say one, or a language among them is none of
    ISO 639-1 (`German`, `deu`): mail could not be compared with it.
    """
    said = Counter(
        code for row in rows if (code := _PRIMARY.split((row.language or "").strip().lower())[0])
    )
    if 2 * said.total() < len(rows):
        return ()
    common = sorted(code for code, count in said.items() if 100 * count >= said.total())
    return tuple(common) if all(len(code) == 2 for code in common) else ()
