import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import msgspec
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import PoisonRecordError
from stream.outputs import (
    MAX_ERROR_MESSAGE_BYTES,
    MAX_ORIGINAL_HEADERS_BYTES,
    MAX_TRACE_BYTES,
    Inbound,
    Output,
    dead_letter,
    json_output,
    output_headers,
)
from stream.records import ScoredLabel, Source

SOURCE = Source(topic="inbound-emails", partition=2, offset=41)
NOW = datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=1)))
SLACK_BYTES = 1_500  # what is counted for the lengths of 40 headers and of a batch, at most
LZ4 = 3  # the codec's number in a batch's attributes
LIMIT_BYTES = 17 * 1024 * 1024
REASONS = {
    "error-stage",
    "error-type",
    "error-message",
    "source-topic",
    "source-partition",
    "source-offset",
    "failed-at",
    "output-id",
}
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["id", "ü" * 40, "trace", "error-type"]),
        st.sampled_from([None, b"", b"x" * 100, b"y" * 5000]),
    ),
    max_size=12,
)


def letter_of(
    value: bytes | None = b"{}",
    headers: Sequence[tuple[str, bytes]] = (),
    message: str = "why",
    limit_bytes: int = LIMIT_BYTES,
    key: bytes | None = b"key",
) -> Output:
    inbound = Inbound(SOURCE, key, value, headers)
    error = PoisonRecordError("decode", "bad-json", message)
    return dead_letter("dead-letters", inbound, error, NOW, limit_bytes)


def batch_bytes(output: Output, codec: int = LZ4) -> int:
    """What the broker holds against `max.message.bytes`: the batch as our producer sends it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=1,
        producer_id=2**40,
        producer_epoch=30_000,
        base_sequence=2**30,
        batch_size=2**30,
    )
    builder.append(0, 1_800_000_000_000, output.key, output.value, list(output.headers))
    return len(builder.build())


def test_equal_causes_have_equal_output_ids_and_the_trace_goes_on() -> None:
    trace = ("traceparent", b"00-aa-bb-01")
    assert output_headers(SOURCE, [("other", b"x"), trace]) == [
        ("output-id", b"inbound-emails/2/41"),
        trace,
    ]


def test_a_record_becomes_json_under_its_key() -> None:
    record = ScoredLabel(label="a", confidence=0.5)
    output = json_output("answers", "käy", record, [("output-id", b"x")], 10_000)
    assert (output.topic, output.key, output.headers) == (
        "answers",
        "käy".encode(),
        [("output-id", b"x")],
    )
    assert msgspec.json.decode(output.value or b"", type=ScoredLabel) == record


@pytest.mark.parametrize(
    "trace", [b"x" * (MAX_TRACE_BYTES + 1), b"", None], ids=["too long", "empty", "null"]
)
def test_what_is_no_trace_does_not_go_on(trace: bytes) -> None:
    assert output_headers(SOURCE, [("traceparent", trace)]) == [
        ("output-id", b"inbound-emails/2/41")
    ]


def test_of_many_traces_one_goes_on() -> None:
    traces = [("traceparent", b"%d" % number) for number in range(10_000)]
    assert output_headers(SOURCE, traces)[1:] == traces[:1]


@given(st.integers(0, 6000), st.text("k🂡", min_size=1, max_size=256), st.integers(0, 40))
def test_an_answer_that_is_let_through_fits_its_topic(size: int, key: str, headers: int) -> None:
    limit_bytes = 4_000
    record = ScoredLabel(label=Random(size).randbytes(size // 2).hex(), confidence=0.5)
    names = [(f"header-{number}", b"x" * number) for number in range(headers)]
    whole = Output("answers", key.encode(), msgspec.json.encode(record), names)
    unpacked_bytes = batch_bytes(whole, codec=0)
    if unpacked_bytes <= limit_bytes - SLACK_BYTES:
        assert json_output("answers", key, record, names, limit_bytes) == whole
    elif unpacked_bytes > limit_bytes:
        with pytest.raises(
            PoisonRecordError, match=r"max\.message\.bytes=4000 of answers"
        ) as caught:
            json_output("answers", key, record, names, limit_bytes)
        assert (caught.value.stage, caught.value.kind) == ("output", "too-large")
        assert size < 20 or record.label[:9] not in caught.value.message


@given(st.binary() | st.none(), st.binary() | st.none())
def test_a_dead_letter_keeps_key_and_bytes_untouched(
    key: bytes | None, value: bytes | None
) -> None:
    error = PoisonRecordError("clean", "empty-mail", "no text")
    output = dead_letter("letters", Inbound(SOURCE, key, value, ()), error, NOW, LIMIT_BYTES)
    assert (output.topic, output.key, output.value) == ("letters", key, value)


def test_a_dead_letter_says_what_failed_where_and_when() -> None:
    assert dict(letter_of().headers) == {
        "error-stage": b"decode",
        "error-type": b"bad-json",
        "error-message": b"why",
        "source-topic": b"inbound-emails",
        "source-partition": b"2",
        "source-offset": b"41",
        "failed-at": b"2026-01-31T07:00:00Z",
        "output-id": b"inbound-emails/2/41",
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=100, max_size=700))
def test_an_error_message_is_cut_at_512_bytes_and_never_inside_a_character(message: str) -> None:
    kept = dict(letter_of(message=message).headers)["error-message"]
    whole = message.encode()
    assert len(kept) <= MAX_ERROR_MESSAGE_BYTES
    assert message.startswith(kept.decode())
    assert len(kept) == len(whole) or len(whole) > MAX_ERROR_MESSAGE_BYTES >= len(kept) > 508


@settings(max_examples=40)
@given(HEADERS)
def test_original_headers_are_kept_in_order_while_they_fit_in_16_kib(
    headers: list[tuple[str, bytes]],
) -> None:
    kept = [row for row in letter_of(headers=headers).headers if row[0] not in REASONS]
    size_bytes = sum(len(name.encode()) + len(value or b"") for name, value in kept)
    assert size_bytes <= MAX_ORIGINAL_HEADERS_BYTES
    users = [row for row in headers if row[0] not in REASONS]
    assert kept == users[: len(kept)]
    if sum(len(name.encode()) + len(value or b"") for name, value in users) <= 8 * 1024:
        assert kept == users


def test_names_of_headers_count_in_bytes() -> None:
    headers = [("ü" * 1000 + str(number), b"") for number in range(16)]
    kept = [row for row in letter_of(headers=headers).headers if row[0] not in REASONS]
    assert sum(len(name.encode()) for name, _ in kept) <= MAX_ORIGINAL_HEADERS_BYTES


def test_headers_of_an_earlier_round_are_replaced() -> None:
    headers = [("error-type", b"old"), ("output-id", b"old"), ("mine", b"1")]
    found = letter_of(headers=headers).headers
    assert [value for name, value in found if name in ("error-type", "output-id", "mine")] == [
        b"bad-json",
        b"inbound-emails/2/41",
        b"1",
    ]


def test_headers_of_the_producer_that_sound_like_ours_are_kept() -> None:
    headers = [("source-system", b"crm"), ("payload-version", b"2"), ("error-budget", b"1")]
    assert set(headers) <= set(letter_of(headers=headers).headers)


def test_bytes_that_fit_only_compressed_are_kept_and_others_are_left_to_their_source() -> None:
    limit_bytes = 100_000
    repeated, noise = b"a" * 200_000, Random(0).randbytes(200_000)
    assert letter_of(repeated, limit_bytes=limit_bytes).value == repeated
    left_out = letter_of(noise, limit_bytes=limit_bytes)
    assert (left_out.key, left_out.value) == (b"key", None)
    assert ("payload", b"too-large") in left_out.headers
    assert {name for name, _ in left_out.headers} >= REASONS


def test_a_key_that_is_too_large_even_alone_is_left_to_its_source_too() -> None:
    left_out = letter_of(b"[]", key=Random(0).randbytes(200_000), limit_bytes=100_000)
    assert (left_out.key, left_out.value) == (None, None)
    assert ("payload", b"too-large") in left_out.headers
    assert batch_bytes(left_out) <= 100_000


@pytest.mark.parametrize("size", range(60_000, 180_000, 9_000))
@pytest.mark.parametrize("share_of_noise", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("packs", [bytes, base64.b64encode], ids=["noise", "base64"])
def test_whatever_is_kept_fits_the_topic_as_the_producer_packs_it(
    size: int, share_of_noise: float, packs: type[bytes]
) -> None:
    limit_bytes = 80_000
    noise = packs(Random(0).randbytes(int(size * share_of_noise)))
    headers = [(f"h{number}", b"x" * 1000) for number in range(30)]
    output = letter_of(noise + b"a" * (size - len(noise)), headers, "m" * 2000, limit_bytes)
    assert batch_bytes(output) <= limit_bytes
    if output.value is None:
        whole = Output(output.topic, output.key, noise + b"a" * (size - len(noise)), output.headers)
        assert batch_bytes(whole) > limit_bytes - SLACK_BYTES, "nothing that fits is left out"


def test_the_moment_of_failure_is_told_in_utc() -> None:
    error = PoisonRecordError("decode", "bad-json", "why")
    inbound = Inbound(SOURCE, None, b"", ())
    output = dead_letter("letters", inbound, error, NOW.astimezone(UTC), LIMIT_BYTES)
    assert dict(output.headers)["failed-at"].endswith(b"Z")
