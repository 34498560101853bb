"""Opens files of calls and of profiles for `score-calls`: paths in, fragments one by one and profiles out.

Calls are read line by line, however long the file is; profiles lie in memory, read as `train-churn` reads them.
"""

import codecs
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from models.churn.profile_rows import Profile, read_profiles
from models.churn.row_files import csv_rows, whole_row
from models.churn.vectors import Features, FeatureSpace
from models.rows.dataset import DatasetError
from stream.calls.call_lines import CallLines
from stream.cli.offline import STDIN, FoundFragment, lines_of
from stream.errors import FatalError, PoisonRecordError
from stream.simulate.files import BROKEN_FILE, open_lines

_NEEDED = (("call_id",), ("seq",), ("text",))
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_call_files(paths: Iterable[Path], tenant: str) -> Iterator[FoundFragment]:
    """The fragments of all files in their order.

    Args:
        paths: `-` is JSON lines on stdin.
        tenant: whose calls these are where a file does not say.

    Raises:
        FatalError: a file cannot be read, or a CSV lacks a column.
    """
    for path in paths:
        name = path.name.removesuffix(".gz")
        calls = CallLines("stdin" if path == STDIN else Path(name).stem, tenant)
        with _readable(path):
            yield from _of_csv(path, calls) if name.endswith(".csv") else _of_lines(path, calls)


def _of_lines(path: Path, calls: CallLines) -> Iterator[FoundFragment]:
    for number, line in lines_of(sys.stdin.buffer) if path == STDIN else open_lines(path):
        try:
            for fragment in calls.of_line(line):
                yield FoundFragment(path, number, fragment)
        except PoisonRecordError as error:
            yield FoundFragment(path, number, error)


def _of_csv(path: Path, calls: CallLines) -> Iterator[FoundFragment]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
        is_utf_16 = cast("io.BufferedReader", raw).peek(2)[:2] in _UTF_16
        lines = io.TextIOWrapper(raw, "utf-16" if is_utf_16 else "utf-8-sig", newline="")
        for number, cells in csv_rows(path, lines, _NEEDED):
            try:
                for fragment in calls.of_cells(whole_row(cells)):
                    yield FoundFragment(path, number, fragment)
            except ValueError as error:
                yield FoundFragment(
                    path, number, PoisonRecordError("decode", "bad-row", str(error))
                )
            except PoisonRecordError as error:
                yield FoundFragment(path, number, error)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise FatalError(f"{path} is not UTF-8 ({error.reason}); convert it") from error
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
    try:
        read = read_profiles(path, space.numerical)
    except DatasetError as error:
        raise FatalError(str(error)) from error
    missing = [name for name in names if all(row.features.get(name) is None for row in read.rows)]
    note = (
        f"no profile of {path.name} knows {', '.join(missing)}: the model takes the mean, or none"
    )
    return FileProfiles(read.rows), [*read.notes, *([note] if missing else [])]
