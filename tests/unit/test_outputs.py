import zlib
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import PoisonRecordError
from stream.outputs import (
    MAX_ERROR_MESSAGE_BYTES,
    MAX_ORIGINAL_HEADERS_BYTES,
    RECORD_OVERHEAD_BYTES,
    Inbound,
    dead_letter,
    json_output,
    output_headers,
)
from stream.records import ScoredLabel, Source

SOURCE = Source(topic="inbound-emails", partition=2, offset=41)
NOW = datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=1)))
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
    headers: list[tuple[str, bytes]] | None = None,
    message: str = "why",
    limit_bytes: int = LIMIT_BYTES,
):
    inbound = Inbound(SOURCE, b"key", value, headers or [])
    error = PoisonRecordError("decode", "bad-json", message)
    return dead_letter("dead-letters", inbound, error, NOW, limit_bytes)


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


def test_a_record_that_the_topic_cannot_take_is_poison_at_output_with_the_way_out() -> None:
    record = ScoredLabel(label="x" * 1000, confidence=0.5)
    size = len(msgspec.json.encode(record))
    json_output("answers", "k", record, [], size + RECORD_OVERHEAD_BYTES)
    with pytest.raises(PoisonRecordError, match=r"max\.message\.bytes=\d+ of answers") as caught:
        json_output("answers", "k", record, [], size + RECORD_OVERHEAD_BYTES - 1)
    assert (caught.value.stage, caught.value.kind) == ("output", "too-large")
    assert "xxx" not in caught.value.message


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
    assert left_out.value is None
    assert ("payload", b"too-large") in left_out.headers
    assert {name for name, _ in left_out.headers} >= REASONS


@pytest.mark.parametrize("size", range(60_000, 90_000, 3_000))
@pytest.mark.parametrize("share_of_noise", [0.0, 0.5, 0.8, 1.0])
def test_whatever_is_kept_fits_the_topic_with_all_its_headers(
    size: int, share_of_noise: float
) -> None:
    limit_bytes = 80_000
    noise = Random(0).randbytes(int(size * share_of_noise))
    headers = [(f"h{number}", b"x" * 1000) for number in range(30)]
    output = letter_of(noise + b"a" * (size - len(noise)), headers, "m" * 2000, limit_bytes)
    packed = zlib.compress(output.value or b"", 1)
    size_bytes = min(len(packed), len(output.value or b"")) + sum(
        len(name) + len(data) for name, data in output.headers
    )
    assert size_bytes <= limit_bytes


def test_the_moment_of_failure_is_told_in_utc() -> None:
    error = PoisonRecordError("decode", "bad-json", "why")
    inbound = Inbound(SOURCE, None, b"", ())
    output = dead_letter("letters", inbound, error, NOW.astimezone(UTC), LIMIT_BYTES)
    assert dict(output.headers)["failed-at"].endswith(b"Z")
