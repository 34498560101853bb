"""Reads calls from JSON lines or CSV: fragments of calls, or whole calls, each call's fragments once and in order.

What the live fold counts is counted here: a `seq` once, the first one that comes; `partial` segments not at all; events
and segments without words mark their `seq` as seen and say nothing. Knows no embeddings and no outcome.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.churn.row_files import (
    Cells,
    Faults,
    Form,
    RowFile,
    read_row_file,
    seconds_of,
    seconds_of_ms,
)

_FORM = '{"call_id": "c-1", "seq": 0, "speaker": "customer", "text": "…"}'


class Fragment(msgspec.Struct, frozen=True):
    """What one side said, white space made plain; without a speaker it counts as the customer's."""

    seq: int
    is_customer: bool
    text: str


@dataclass(frozen=True)
class Call:
    """One call.

    Args:
        tenant, customer_id: None where the file does not say; of several customers the one named first in the call.
        call_id: one within its tenant.
        fragments: by rising `seq`; none where nobody said anything.
        began_s: the earliest time that the file says of it, seconds since 1970.
    """

    tenant: str | None
    call_id: str
    customer_id: str | None
    fragments: tuple[Fragment, ...]
    began_s: float | None = None


class _Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment. `caller` and `user` are what some transcripts call the customer."""

    seq: Annotated[int, Meta(ge=0)]
    speaker: Literal["customer", "caller", "user", "agent"] | None = None
    text: str | None = None
    spoken_at: str | None = None
    event: Literal["started", "segment", "completed", "failed"] = "segment"
    partial: bool = False

    def __post_init__(self) -> None:
        if self.event == "segment" and self.text is None:
            raise ValueError(f"seq={self.seq} has no text; a segment says something")


class _WholeCall(msgspec.Struct, frozen=True, kw_only=True):
    """A line; `fragments` None: the line is one fragment itself."""

    call_id: Annotated[str, Meta(min_length=1)]
    tenant: str | None = None
    customer_id: str | None = None
    fragments: list[_Piece] | None = None
    start_time_ms: int | None = None


@dataclass(frozen=True)
class _Line:
    """What a line says, in whichever form."""

    call: _WholeCall
    pieces: Sequence[_Piece]


@dataclass
class _Growing:
    """A call while its lines are read; what says nothing has no fragment."""

    tenant: str | None
    place: str
    customers: dict[int, str] = field(default_factory=dict[int, str])  # by the seq that names them
    pieces: dict[int, Fragment | None] = field(default_factory=dict[int, Fragment | None])
    began_s: float | None = None


def read_calls(path: Path) -> RowFile[Call]:
    """Read one file, in the order in which its calls begin.

    Raises:
        DatasetError: as `read_row_file`; or a time is none.
    """
    form = Form((("call_id",), ("seq",), ("text",)), _from_cells, _from_json, _FORM)
    read = read_row_file(path, form)
    calls: dict[tuple[str | None, str], _Growing] = {}
    counts: Counter[str] = Counter()
    faults = Faults()
    for place, line in zip(read.places, read.rows, strict=True):
        with faults.at(place):
            key = line.call.tenant or None, line.call.call_id
            call = calls.setdefault(key, _Growing(key[0], place))
            if line.call.start_time_ms is not None:
                call.began_s = seconds_of_ms("start_time_ms", line.call.start_time_ms)
            for piece in line.pieces:
                _add(call, piece, line.call.customer_id, counts)
    faults.check()
    several = (len(set(call.customers.values())) > 1 for call in calls.values())
    counts["calls name several customers; the first one counts"] = sum(several)
    made = tuple(_finished(call_id, call) for (_, call_id), call in calls.items())
    counts["calls in which nobody said anything"] = sum(not call.fragments for call in made)
    places = tuple(call.place for call in calls.values())
    notes = tuple(f"{count} {what}" for what, count in sorted(counts.items()) if count)
    return RowFile(read.file, made, places, notes)


def _from_cells(cells: Cells) -> _Line:
    said = {name: cell for name, cell in cells.items() if cell or name == "text"}
    # not strict: a cell is text, also where it says a number or true
    piece = msgspec.convert(said, _Piece, strict=False)
    return _Line(msgspec.convert(said, _WholeCall), [piece])


def _from_json(line: str) -> _Line:
    call = _decode_call(line)
    return _Line(call, [_decode_piece(line)] if call.fragments is None else call.fragments)


_decode_call = msgspec.json.Decoder(_WholeCall).decode
_decode_piece = msgspec.json.Decoder(_Piece).decode


def _add(call: _Growing, piece: _Piece, customer_id: str | None, counts: Counter[str]) -> None:
    if piece.spoken_at:
        spoken_s = seconds_of("spoken_at", piece.spoken_at)
        call.began_s = spoken_s if call.began_s is None else min(call.began_s, spoken_s)
    if piece.partial:
        counts["partial segments left out"] += 1
        return
    said = " ".join((piece.text or "").split())
    fragment = Fragment(piece.seq, piece.speaker != "agent", said) if said else None
    if piece.seq not in call.pieces:
        call.pieces[piece.seq] = fragment
        if customer_id:
            call.customers[piece.seq] = customer_id
    elif call.pieces[piece.seq] == fragment:
        counts["fragments that stand there twice"] += 1
    else:
        counts["fragments with the seq of another one, left out"] += 1


def _finished(call_id: str, call: _Growing) -> Call:
    spoken = sorted((x for x in call.pieces.values() if x is not None), key=lambda x: x.seq)
    customer_id = call.customers[min(call.customers)] if call.customers else None
    return Call(call.tenant, call_id, customer_id, tuple(spoken), call.began_s)
