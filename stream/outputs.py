"""Results of one record in, the records to write out: classifications, cleaned e-mails, dead letters. Sends nothing."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stream.errors import PoisonRecordError
from stream.records import Record, Source, encode, utc

Headers = Sequence[tuple[str, bytes]]
OUTPUT_ID = "output-id"
TRACEPARENT = "traceparent"
RECORD_OVERHEAD_BYTES = (
    1024  # batch header, varints and our headers; counted once per record, which is generous
)
MAX_ERROR_MESSAGE_BYTES = 512
MAX_ORIGINAL_HEADERS_BYTES = 16 * 1024
REASON_HEADERS = frozenset(
    {
        "error-stage",
        "error-type",
        "error-message",
        "source-topic",
        "source-partition",
        "source-offset",
        "failed-at",
        "payload",
        OUTPUT_ID,
    }
)
_HEADER_COST_BYTES = 2  # lengths on the wire, so that empty headers cost something too


@dataclass(frozen=True)
class Output:
    """One record to write. `topic` carries the prefix; the partition follows from the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def output_headers(source: Source, inbound: Headers) -> list[tuple[str, bytes]]:
    """`output-id`, equal for equal causes, and the trace that the input carried."""
    trace = [(name, value) for name, value in inbound if name == TRACEPARENT]
    return [(OUTPUT_ID, str(source).encode()), *trace]


def json_output(
    topic: str, key: str, record: Record, headers: Headers, max_message_bytes: int
) -> Output:
    """A record as JSON.

    Raises:
        PoisonRecordError: stage `output`: it is larger than the topic takes.
    """
    value = encode(record)
    if len(value) + RECORD_OVERHEAD_BYTES > max_message_bytes:
        raise PoisonRecordError(
            "output",
            "too-large",
            f"{type(record).__name__} of {len(value)} bytes exceeds max.message.bytes={max_message_bytes} of {topic}; "
            "raise the topic's limit and replay",
        )
    return Output(topic, key.encode(), value, headers)


@dataclass(frozen=True)
class Inbound:
    """What of an input record a dead letter keeps."""

    source: Source
    key: bytes | None
    value: bytes | None
    headers: Headers


def dead_letter(
    topic: str,
    inbound: Inbound,
    error: PoisonRecordError,
    failed_at: datetime,
    max_message_bytes: int,
) -> Output:
    """The original bytes, untouched, with the reason in headers.

    Bytes that the topic cannot take even compressed (a record may enter compressed and be larger afterwards) are
    left out, with `payload: too-large`; `dead-letters replay` then reads them at the source offset.
    """
    source = inbound.source
    message = error.message.encode()[:MAX_ERROR_MESSAGE_BYTES].decode(errors="ignore")
    facts: Mapping[str, str] = {
        "error-stage": error.stage,
        "error-type": error.kind,
        "error-message": message,
        "source-topic": source.topic,
        "source-partition": str(source.partition),
        "source-offset": str(source.offset),
        "failed-at": utc(failed_at).isoformat().replace("+00:00", "Z"),
        OUTPUT_ID: str(source),
    }
    headers = [(name, value.encode()) for name, value in facts.items()]
    headers.extend(_original(inbound.headers))
    value = inbound.value
    if value is not None and not _fits(value, max_message_bytes - MAX_ORIGINAL_HEADERS_BYTES):
        return Output(topic, inbound.key, None, [*headers, ("payload", b"too-large")])
    return Output(topic, inbound.key, value, headers)


def _fits(value: bytes, limit_bytes: int) -> bool:
    room_bytes = limit_bytes - RECORD_OVERHEAD_BYTES
    # zlib at its fastest stands in for lz4, which packs a little less: hence the tenth
    return len(value) <= room_bytes or len(zlib.compress(value, 1)) * 1.1 <= room_bytes


def _original(headers: Headers) -> Iterable[tuple[str, bytes]]:
    """The input's own headers, while they fit in 16 KiB; ours of an earlier round are replaced."""
    left_bytes = MAX_ORIGINAL_HEADERS_BYTES
    for name, value in headers:
        if name in REASON_HEADERS:
            continue
        left_bytes -= len(name.encode()) + len(value or b"") + _HEADER_COST_BYTES
        if left_bytes >= 0:
            yield name, value
