"""Reads call transcripts and customer profiles from files and gives them as records of their topics.

Takes JSON lines of whole calls (`fragments` in order) or of single fragments, and CSV tables of customers;
gives `OutgoingRecord`s to the sender. Knows nothing of Kafka's client or of scoring.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from stream.records import CallFragment, CustomerProfile, encode
from stream.simulate.files import RowError, open_lines
from stream.simulate.outgoing import OutgoingRecord
from stream.topics import CALL_TRANSCRIPTS, CUSTOMER_PROFILES

_NOT_FEATURES = ("customer_id", "tenant", "churn")  # `churn` is the answer, not a feature


class _Piece(msgspec.Struct, frozen=True):
    seq: int
    text: str
    speaker: str | None = None
    offset_ms: int | None = None


class _Call(msgspec.Struct, frozen=True):
    call_id: str
    fragments: list[_Piece]
    tenant: str = "default"
    customer_id: str | None = None


def read_calls(path: Path) -> Iterator[OutgoingRecord]:
    """The fragments of a file's calls, each call ended by a `completed` event.

    Lines that are CallFragments already are sent as they are.

    Raises:
        RowError: a line is neither a call nor a fragment; the message names file and line.
    """
    for number, line in open_lines(path):
        try:
            yield from _records(line)
        except msgspec.DecodeError as error:
            raise RowError(f"{path}:{number}: neither a call nor a fragment: {error}") from None


def _records(line: bytes) -> Iterator[OutgoingRecord]:
    if "fragments" not in msgspec.json.decode(line, type=dict[str, msgspec.Raw]):
        fragment = msgspec.json.decode(line, type=CallFragment)
        yield _outgoing(fragment, line.strip())
        return
    call = msgspec.json.decode(line, type=_Call)
    for piece in call.fragments:
        fragment = CallFragment(
            call_id=call.call_id,
            seq=piece.seq,
            tenant=call.tenant,
            customer_id=call.customer_id,
            speaker=_speaker(piece.speaker),
            text=piece.text,
            offset_ms=piece.offset_ms,
        )
        yield _outgoing(fragment, encode(fragment))
    last = max((piece.seq for piece in call.fragments), default=-1)
    end = CallFragment(
        call_id=call.call_id,
        seq=last + 1,
        tenant=call.tenant,
        customer_id=call.customer_id,
        event="completed",
    )
    yield _outgoing(end, encode(end))


def _speaker(name: str | None) -> Literal["customer", "agent"] | None:
    if name is None:
        return None
    return "agent" if name == "agent" else "customer"  # sources also say `caller` and `user`


def _outgoing(fragment: CallFragment, value: bytes) -> OutgoingRecord:
    return OutgoingRecord(
        topic=CALL_TRANSCRIPTS,
        key=fragment.call_id.encode(),
        value=value,
        record_id=f"{fragment.call_id}/{fragment.seq}",
    )


def read_profiles(path: Path) -> Iterator[OutgoingRecord]:
    """The customers of a CSV table (header in the first line; may be gzipped).

    `customer_id` is required, `tenant` may be there; every other column but `churn` is a feature:
    numbers where they read as numbers, null where the cell is empty.

    Raises:
        RowError: there is no `customer_id`; the message names file and line.
    """
    for number, cells in enumerate(csv.DictReader(_text_lines(path)), start=2):
        customer_id, tenant = cells.get("customer_id"), cells.get("tenant") or "default"
        if not customer_id:
            raise RowError(f"{path}:{number}: no customer_id; the table needs this column, filled")
        profile = CustomerProfile(
            customer_id=customer_id,
            tenant=tenant,
            features={
                name: _feature(cell) for name, cell in cells.items() if name not in _NOT_FEATURES
            },
        )
        yield OutgoingRecord(
            topic=CUSTOMER_PROFILES,
            key=f"{tenant}/{customer_id}".encode(),
            value=encode(profile),
            record_id=customer_id,
        )


def _text_lines(path: Path) -> Iterator[str]:
    for number, line in open_lines(path):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise RowError(f"{path}:{number}: not UTF-8 ({error.reason}); convert it") from None


def _feature(cell: str | None) -> float | str | None:
    if cell is None or not cell.strip():
        return None
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell  # JSON has no nan; the name `Inf` is a word
