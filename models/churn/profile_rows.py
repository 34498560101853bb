"""Reads profiles of customers from CSV or JSON lines, for `dataset` and for files of calls that are scored.

A CSV has a column `customer_id`, maybe `tenant`; every other one is a feature. A JSON line is a CustomerProfile, or the
same without `features`. Knows no model; which features are numbers is the caller's to say.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import msgspec

from models.churn.features_file import NO_FEATURES
from models.churn.row_files import Cells, Faults, Form, RowFile, read_row_file

# A leading zero makes a number a code: a postal code stays text.
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)?([.,]\d+)?([eE][+-]?\d{1,3})?")
_FORM = (
    '{"customer_id": "T1", "tenant": "telvia", "features": {"tenure": 12, "contract": "One year"}}'
)

Value = float | str | None


@dataclass(frozen=True)
class Profile:
    """What is known of one customer; `tenant` None: the file does not say."""

    tenant: str | None
    customer_id: str
    features: dict[str, Value]


def read_profiles(path: Path, numerical: Collection[str] = ()) -> RowFile[Profile]:
    """Read one file.

    Args:
        path: of the file; `-` is JSON lines on stdin.
        numerical: columns of a CSV in which each cell that is a number is read as one. In others all cells must be
            numbers, or all stay text. Blank cells are null.

    Raises:
        DatasetError: as `read_row_file`; or two rows of one customer say different things.
    """
    read = read_row_file(path, Form((("customer_id",),), _from_cells, _from_json, _FORM))
    rows = (
        _with_numbers(read.rows, numerical)
        if path.name.removesuffix(".gz").endswith(".csv")
        else read.rows
    )
    first: dict[tuple[str | None, str], int] = {}
    faults, kept = Faults(), list[int]()
    for number, row in enumerate(rows):
        other = first.setdefault((row.tenant, row.customer_id), number)
        with faults.at(read.places[number]):
            if other == number:
                kept.append(number)
            elif rows[other].features != row.features:
                raise ValueError(
                    f"customer_id={row.customer_id!r} has another profile at {read.places[other]}; keep the one that "
                    "was known when the customer called"
                )
    faults.check()
    repeated = len(rows) - len(kept)
    return replace(
        read,
        rows=tuple(rows[number] for number in kept),
        places=tuple(read.places[number] for number in kept),
        notes=(f"{repeated} profiles stand there twice",) if repeated else (),
    )


def _from_cells(cells: Cells) -> Profile:
    features = {name: cell or None for name, cell in cells.items() if name not in NO_FEATURES}
    return _profile(cells.get("tenant"), cells["customer_id"], cast("dict[str, Value]", features))


def _from_json(line: str) -> Profile:
    record = msgspec.json.decode(line, type=dict[str, object])
    features = record.get("features")
    if not isinstance(features, dict):
        features = {name: value for name, value in record.items() if name not in NO_FEATURES}
    for name, value in cast("dict[str, object]", features).items():
        if isinstance(value, bool) or not isinstance(value, float | int | str | None):
            raise ValueError(  # noqa: TRY004  # a fault of the row, as all others
                f"feature {name!r} is a {type(value).__name__}; write a number, a string or null"
            )
    head = msgspec.convert(record, _Head)
    return _profile(head.tenant, head.customer_id, msgspec.convert(features, dict[str, Value]))


class _Head(msgspec.Struct, frozen=True):
    """Whose a profile is."""

    customer_id: str
    tenant: str | None = None


def _profile(tenant: str | None, customer_id: str, features: dict[str, Value]) -> Profile:
    if not customer_id:
        raise ValueError("the row has no customer_id; say whose profile it is, or delete the row")
    return Profile(tenant or None, customer_id, features)


def _with_numbers(rows: tuple[Profile, ...], numerical: Collection[str]) -> list[Profile]:
    """Cells as numbers, column by column."""
    made = [dict(row.features) for row in rows]
    for name in rows[0].features:
        read = [_number(one[name]) for one in made]
        is_number = all(
            number is not None or one[name] is None for number, one in zip(read, made, strict=True)
        )
        if is_number or name in numerical:
            for one, number in zip(made, read, strict=True):
                one[name] = one[name] if number is None else number
    return [replace(row, features=features) for row, features in zip(rows, made, strict=True)]


def _number(cell: Value) -> float | None:
    """The number that a cell says; a comma is the decimal sign of spreadsheets that split cells by semicolons."""
    if (
        not isinstance(cell, str)
        or not _NUMBER.fullmatch(cell)
        or not any(map(str.isdecimal, cell))
    ):
        return None
    return float(cell.replace(",", "."))
