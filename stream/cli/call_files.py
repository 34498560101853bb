"""Opens files of calls and of profiles for `score-calls` and `simulate`: paths in; fragments, profiles, records out.

Calls are read line by line, however long the file is; profiles lie in memory, read as `train-churn` reads them.
"""

import codecs
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import cast

from models.churn.profile_rows import Profile, read_profiles
from models.churn.row_files import csv_rows, whole_row
from models.churn.vectors import Features, FeatureSpace
from models.rows.dataset import DatasetError
from stream.calls.call_lines import CallLines
from stream.cli.offline import STDIN, FoundFragment, lines_of
from stream.errors import FatalError, PoisonRecordError
from stream.records import CallFragment
from stream.simulate import OutgoingRecord, RowError, call_records, profile_record
from stream.simulate.files import BROKEN_FILE, open_file, open_lines
from stream.tenant_models import DEFAULT_TENANT

_NEEDED = (("call_id",), ("seq",), ("text",))
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_call_files(
    paths: Iterable[Path], tenant: str, *, ends: bool = False
) -> Iterator[FoundFragment]:
    """The fragments of all files in their order.

    Args:
        paths: `-` is JSON lines on stdin.
        tenant: whose calls these are where a file does not say.
        ends: whether a whole call is over, also where its line does not say so.

    Raises:
        FatalError: a file cannot be read, or a CSV lacks a column.
    """
    for path in paths:
        name = path.name.removesuffix(".gz")
        calls = CallLines("stdin" if path == STDIN else Path(name).stem, tenant, ends=ends)
        with _readable(path):
            yield from _of_csv(path, calls) if _is_csv(path) else _of_lines(path, calls)


def traffic_of_calls(path: Path) -> Iterator[list[OutgoingRecord]]:
    """The fragments of a file, line by line, to be sent; a whole call is ended by a `completed` event.

    Raises:
        RowError: a line is neither a call nor a fragment; the message names file and line.
        FatalError: the file cannot be read.
    """
    found = read_call_files([path], DEFAULT_TENANT, ends=True)
    for _, line in groupby(found, lambda one: one.number):
        yield call_records([_sound(one) for one in line])


def _sound(found: FoundFragment) -> CallFragment:
    if isinstance(found.fragment, PoisonRecordError):
        where = f"{found.path}:{found.number}"
        raise RowError(f"{where}: neither a call nor a fragment: {found.fragment}")
    return found.fragment


def traffic_of_profiles(path: Path) -> Iterator[OutgoingRecord]:
    """The customers of a file, to be sent; a cell of a CSV that is a number is sent as one.

    Raises:
        FatalError: the file cannot be read, or says two things about a customer.
    """
    with _readable(path):
        first = next(_csv_cells(path, ()), None) if _is_csv(path) else None
        columns = [] if first is None else [name for name in first[1] if name]
        rows = read_profiles(path, columns).rows
    for one in rows:
        yield profile_record(one.tenant or DEFAULT_TENANT, one.customer_id, one.features)


def _is_csv(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".csv")


def _of_lines(path: Path, calls: CallLines) -> Iterator[FoundFragment]:
    lines = lines_of(sys.stdin.buffer) if path == STDIN else open_lines(path)
    for place, (number, line) in enumerate(lines):
        if not place and b"\0" in line:
            raise FatalError(
                f"{path} is no text in UTF-8; save a spreadsheet as `CSV UTF-8`, and anything else as JSON lines"
            )
        try:
            for fragment in calls.of_line(line):
                yield FoundFragment(path, number, fragment)
        except PoisonRecordError as error:
            yield FoundFragment(path, number, error)


def _of_csv(path: Path, calls: CallLines) -> Iterator[FoundFragment]:
    for number, cells in _csv_cells(path, _NEEDED):
        try:
            for fragment in calls.of_cells(whole_row(cells)):
                yield FoundFragment(path, number, fragment)
        except ValueError as error:
            yield FoundFragment(path, number, PoisonRecordError("decode", "bad-row", str(error)))
        except PoisonRecordError as error:
            yield FoundFragment(path, number, error)


def _csv_cells(
    path: Path, needed: Sequence[tuple[str, ...]]
) -> Iterator[tuple[int, dict[str | None, str | None]]]:
    with open_file(path) as raw:
        is_utf_16 = cast("io.BufferedReader", raw).peek(2)[:2] in _UTF_16
        lines = io.TextIOWrapper(raw, "utf-16" if is_utf_16 else "utf-8-sig", newline="")
        yield from csv_rows(path, lines, needed)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise FatalError(
            f"{path} is not UTF-8 ({error.reason}); convert it (Excel: save as `CSV UTF-8`)"
        ) from error
    except BROKEN_FILE as error:
        raise FatalError(f"{path} cannot be read: {error}") from error
    except DatasetError as error:
        raise FatalError(str(error)) from error


class FileProfiles:
    """Profiles of a file; one that names no tenant is of whichever calls."""

    def __init__(self, rows: Iterable[Profile]) -> None:
        self._rows: defaultdict[str, dict[str | None, Features]] = defaultdict(dict)
        for row in rows:
            self._rows[row.customer_id][row.tenant] = row.features

    def get_many(self, customers: Sequence[tuple[str, str]]) -> list[Features | None]:
        """The features of each (tenant, customer_id) in their order; None: unknown."""
        found = [(tenant, self._rows.get(customer_id, {})) for tenant, customer_id in customers]
        return [own.get(tenant, own.get(None)) for tenant, own in found]


def file_profiles(path: Path | None, space: FeatureSpace) -> tuple[FileProfiles, list[str]]:
    """Profiles for a model, and notes about what it will miss.

    Raises:
        FatalError: the file cannot be read, or says two things about a customer.
    """
    names = (*space.numerical, *sorted(space.categorical))
    if path is None:
        note = "no profiles are named (--profiles FILE): the model knows no customer"
        return FileProfiles(()), [note] if names else []
    if not names:
        return FileProfiles(()), ["profiles are not read: the model hears words alone"]
    with _readable(path):
        read = read_profiles(path, space.numerical)
    missing = [name for name in names if all(row.features.get(name) is None for row in read.rows)]
    note = (
        f"no profile of {path.name} knows {', '.join(missing)}: the model takes the mean, or none"
    )
    wrong = Counter(name for row in read.rows for name in space.problems(row.features))
    kinds = [
        f"{name} is no {'word' if name in space.categorical else 'number'} in {count} profiles: there it is unknown"
        for name, count in sorted(wrong.items())
    ]
    return FileProfiles(read.rows), [*read.notes, *([note] if missing else []), *kinds]
