"""Reads who left from CSV or JSON lines: the answers that a churn model learns from, for `dataset`.

A JSON line is a CaseOutcome (`kind` call) or `{"customer_id": "T1", "churned": true}`; a CSV has `call_id` or
`customer_id`, and `churned` or `churn` with yes or no. Knows neither calls nor profiles.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.churn.row_files import Cells, Faults, Form, RowFile, read_row_file, seconds_of
from models.rows.errors import DatasetError

_FORM = '{"kind": "call", "id": "c-1", "churned": true} or {"customer_id": "T1", "churned": true}'
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class Outcome:
    """Whether a customer left.

    Args:
        tenant: None where the file does not say.
        call_id: of which call; None: the outcome is the customer's.
        customer_id: whose; None: the call's.
        churned: left.
        closed_s: when it was known, seconds since 1970.
    """

    tenant: str | None
    call_id: str | None
    customer_id: str | None
    churned: bool
    closed_s: float | None = None


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of JSON, or a row of CSV."""

    id: str | None = None
    kind: str | None = None
    tenant: str | None = None
    call_id: str | None = None
    customer_id: str | None = None
    churned: bool | int | str | None = None
    churn: bool | int | str | None = None
    closed_at: str | None = None


def read_outcomes(path: Path) -> RowFile[Outcome]:
    """Read one file; outcomes of e-mails and those that do not say are counted and left out.

    Raises:
        DatasetError: as `read_row_file`; or two rows answer differently, or none says who left.
    """
    needed = (("call_id", "customer_id", "id"), ("churned", "churn"))
    read = read_row_file(path, Form(needed, _from_cells, _from_json, _FORM))
    first: dict[tuple[str | None, bool, str | None], int] = {}
    counts: Counter[str] = Counter()
    faults, kept = Faults(), list[tuple[str, Outcome]]()
    for place, found in zip(read.places, read.rows, strict=True):
        if isinstance(found, str):
            counts[found] += 1
            continue
        by_call = found.call_id is not None
        key = found.tenant, by_call, found.call_id if by_call else found.customer_id
        other = first.setdefault(key, len(kept))
        if other == len(kept):
            kept.append((place, found))
        elif kept[other][1].churned == found.churned:
            counts["outcomes stand there twice"] += 1
        else:
            with faults.at(place):
                raise ValueError(
                    f"{'call_id' if by_call else 'customer_id'}={key[2]!r} has another outcome at {kept[other][0]}; "
                    "keep the right one"
                )
    faults.check()
    if not kept:
        raise DatasetError(
            f"{path}: none of {len(read.rows)} rows says who left; fill churned with yes or no, as {_FORM}"
        )
    places, rows = zip(*kept, strict=True)
    notes = tuple(f"{count} {what}" for what, count in sorted(counts.items()))
    return RowFile(read.file, rows, places, notes)


def _from_cells(cells: Cells) -> Outcome | str:
    return _outcome(msgspec.convert({k: v for k, v in cells.items() if v}, _Line))


def _from_json(line: str) -> Outcome | str:
    return _outcome(msgspec.json.decode(line, type=_Line))


def _outcome(line: _Line) -> Outcome | str:
    """The outcome, or why there is none."""
    if line.kind == "email":
        return "outcomes of e-mails left out"
    said = line.churn if line.churned is None else line.churned
    if said is None:
        return "outcomes that do not say who left"
    churned = _WORDS.get(str(said).strip().lower())
    if churned is None:
        raise ValueError(
            f"churned={said!r} is neither yes nor no; write one of {', '.join(_WORDS)}"
        )
    call_id = line.call_id or line.id
    if not call_id and not line.customer_id:
        raise ValueError("the row has neither call_id nor customer_id; say whose outcome it is")
    closed_s = seconds_of("closed_at", line.closed_at) if line.closed_at else None
    return Outcome(
        line.tenant or None, call_id or None, line.customer_id or None, churned, closed_s
    )
