"""Reads call transcripts and customer profiles from files and gives them as records of their topics.

Takes JSON lines of whole calls (`fragments` in order, or `messages` as a transcription service wrote them) or of single
fragments, and customers as CSV tables or JSON lines; gives `OutgoingRecord`s to the sender. Knows nothing of Kafka's
client or of scoring.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from stream.calls.call_lines import CallLines
from stream.errors import PoisonRecordError
from stream.records import CallFragment, CustomerProfile, encode
from stream.simulate.files import RowError, open_lines
from stream.simulate.outgoing import OutgoingRecord
from stream.topics import CALL_TRANSCRIPTS, CUSTOMER_PROFILES

_NOT_FEATURES = ("customer_id", "tenant", "churn")  # `churn` is the answer, not a feature


def read_calls(path: Path) -> Iterator[list[OutgoingRecord]]:
    """The fragments of a file's calls, call by call, each ended by a `completed` event.

    Lines that are CallFragments already are sent as they are, each for itself.

    Raises:
        RowError: a line is neither a call nor a fragment; the message names file and line.
    """
    for number, line in open_lines(path):
        try:
            yield list(_records(line))
        except (msgspec.DecodeError, PoisonRecordError) as error:
            raise RowError(f"{path}:{number}: neither a call nor a fragment: {error}") from None


def _records(line: bytes) -> Iterator[OutgoingRecord]:
    fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    if "messages" not in fields and "fragments" not in fields:
        fragment = msgspec.json.decode(line, type=CallFragment)
        yield _outgoing(fragment, line.strip())
        return
    after_s = 0.0
    # in the order given, which is that of sending: one that was spoken earlier comes late
    for fragment in _with_end(CallLines("", "default").of_line(line)):
        after_s = max(after_s, (fragment.offset_ms or 0) / 1000)
        yield replace(_outgoing(fragment, encode(fragment)), after_s=after_s)


def _with_end(fragments: list[CallFragment]) -> list[CallFragment]:
    """A whole call is over, also where its line does not say so."""
    if not fragments or any(one.event in ("completed", "failed") for one in fragments):
        return fragments
    first, last = fragments[0], max(one.seq for one in fragments)
    end = CallFragment(
        call_id=first.call_id,
        seq=last + 1,
        tenant=first.tenant,
        customer_id=first.customer_id,
        event="completed",
    )
    return [*fragments, end]


def _outgoing(fragment: CallFragment, value: bytes) -> OutgoingRecord:
    return OutgoingRecord(
        topic=CALL_TRANSCRIPTS,
        key=fragment.call_id.encode(),
        value=value,
        caption=fragment.text,
        record_id=f"{fragment.call_id}/{fragment.seq}",
    )


def read_profiles(path: Path) -> Iterator[OutgoingRecord]:
    """The customers of a CSV table (header in the first line) or of JSON lines; may be gzipped.

    Of a table `customer_id` is required, `tenant` may be there; every other column but `churn` is a feature:
    numbers where they read as numbers, null where the cell is empty. JSON lines are CustomerProfiles.

    Raises:
        RowError: there is no `customer_id`, or a line is no profile; the message names file and line.
    """
    _, first = next(open_lines(path), (0, b""))
    for profile in _of_lines(path) if first.lstrip().startswith(b"{") else _of_table(path):
        yield OutgoingRecord(
            topic=CUSTOMER_PROFILES,
            key=f"{profile.tenant}/{profile.customer_id}".encode(),
            value=encode(profile),
            record_id=profile.customer_id,
        )


def _of_lines(path: Path) -> Iterator[CustomerProfile]:
    for number, line in open_lines(path):
        try:
            yield msgspec.json.decode(line, type=CustomerProfile)
        except msgspec.DecodeError as error:
            raise RowError(f"{path}:{number}: not a profile: {error}") from None


def _of_table(path: Path) -> Iterator[CustomerProfile]:
    for number, cells in enumerate(csv.DictReader(_text_lines(path)), start=2):
        customer_id, tenant = cells.get("customer_id"), cells.get("tenant") or "default"
        if not customer_id:
            raise RowError(f"{path}:{number}: no customer_id; the table needs this column, filled")
        yield CustomerProfile(
            customer_id=customer_id,
            tenant=tenant,
            features={
                name: _feature(cell) for name, cell in cells.items() if name not in _NOT_FEATURES
            },
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
