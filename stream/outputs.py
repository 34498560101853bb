"""Results of one record in, the records to write out: classifications, cleaned e-mails, dead letters. Sends nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from aiokafka.codec import lz4_encode

from stream.errors import PoisonRecordError
from stream.records import Record, Source, encode, utc

Headers = Sequence[tuple[str, bytes]]
OUTPUT_ID = "output-id"
TRACEPARENT = "traceparent"
RECORD_OVERHEAD_BYTES = 1024  # header of a batch, lengths, frame of lz4: generous
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
MAX_TRACE_BYTES = 512  # W3C Trace Context, version 00: 55; later versions may append
_HEADER_COST_BYTES = 10  # two lengths on the wire, 5 bytes each at most


@dataclass(frozen=True)
class Output:
    """One record to write. `topic` carries the prefix; without `partition` the key says where it lies."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


def output_headers(source: Source, inbound: Headers) -> list[tuple[str, bytes]]:
    """`output-id`, equal for equal causes, and the trace that the input carried, unless it is no trace by its size."""
    traces = (value for name, value in inbound if name == TRACEPARENT)
    trace = next(traces, None) or b""  # a producer may also send null
    kept = [(TRACEPARENT, trace)] if 0 < len(trace) <= MAX_TRACE_BYTES else []
    return [(OUTPUT_ID, str(source).encode()), *kept]


def json_output(
    topic: str, key: str, record: Record, headers: Headers, max_message_bytes: int
) -> Output:
    """A record as JSON.

    Raises:
        PoisonRecordError: stage `output`: it is larger than the topic takes.
    """
    value = encode(record)
    output = Output(topic, key.encode(), value, headers)
    size = sum(map(len, _parts(output))) + _lengths_bytes(output)
    if size > max_message_bytes:
        raise PoisonRecordError(
            "output",
            "too-large",
            f"{type(record).__name__} of {size} bytes with key and headers exceeds "
            f"max.message.bytes={max_message_bytes} of {topic}; raise the topic's limit and replay",
        )
    return output


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
    left out, with `payload: too-large`, and so is a key that is too large even then; `dead-letters replay` reads the
    bytes at the source offset.
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
    whole = Output(topic, inbound.key, inbound.value, headers)
    if _fits_packed(whole, max_message_bytes):
        return whole
    told = [*headers, ("payload", b"too-large")]
    keyed = Output(topic, inbound.key, None, told)
    return keyed if _fits_packed(keyed, max_message_bytes) else Output(topic, None, None, told)


def _parts(output: Output) -> list[bytes]:
    names_and_values = [(name.encode(), value or b"") for name, value in output.headers]
    return [output.key or b"", output.value or b"", *chain.from_iterable(names_and_values)]


def _lengths_bytes(output: Output) -> int:
    return RECORD_OVERHEAD_BYTES + len(output.headers) * _HEADER_COST_BYTES


def _fits_packed(output: Output, limit_bytes: int) -> bool:
    """Whether a topic takes it as the producer packs it: with lz4, unless that makes it larger."""
    parts, room_bytes = _parts(output), limit_bytes - _lengths_bytes(output)
    return sum(map(len, parts)) <= room_bytes or len(lz4_encode(b"".join(parts))) <= room_bytes


def _original(headers: Headers) -> Iterable[tuple[str, bytes]]:
    """The input's own headers, while they fit in 16 KiB; ours of an earlier round are replaced."""
    left_bytes = MAX_ORIGINAL_HEADERS_BYTES
    for name, value in headers:
        if name in REASON_HEADERS:
            continue
        left_bytes -= len(name.encode()) + len(value or b"") + _HEADER_COST_BYTES
        if left_bytes >= 0:
            yield name, value
