import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.asyncapi import RECORDS, file_stem
from stream.errors import PoisonRecordError
from stream.records import (
    SCHEMA_VERSION,
    CallFragment,
    CaseOutcome,
    Classification,
    CleanedEmail,
    CustomerProfile,
    HeadResult,
    InboundEmail,
    Record,
    Source,
    decode,
    decode_inbound_email,
    encode,
    from_kafka_ms,
    utc,
)
from tests.unit.record_strategies import records

GOLDEN = Path(__file__).parents[1] / "golden"
BY_STEM = {file_stem(record): record for record in RECORDS}
MARK = "Herr Mustermann wohnt hier"
# Fields with defaults that came after the first golden file of this version: an old record reads without them.
ADDED = {"decision": {"kind": "text"}, "deployment": {"kind": "text"}}


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


def record_type_of(path: Path) -> type[Record]:
    return BY_STEM[path.name.split(".")[0]]


def error_of(
    value: bytes | None, record_type: type[Record] = InboundEmail
) -> PoisonRecordError | None:
    try:
        if record_type is InboundEmail:
            decode_inbound_email(value)
        else:
            decode(value, record_type)
    except PoisonRecordError as error:
        return error
    return None


def poison(value: bytes | None, record_type: type[Record] = InboundEmail) -> PoisonRecordError:
    error = error_of(value, record_type)
    assert error is not None, "the record was accepted"
    return error


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_records_decode_and_encode_to_the_same_json(path: Path) -> None:
    record = decode(path.read_bytes(), record_type_of(path))
    again = encode(record)
    assert decode(again, type(record)) == record
    added = ADDED.get(path.name.split(".")[0], {})
    assert json.loads(again) == {**added, **json.loads(path.read_text("utf-8"))}


def test_every_record_has_a_golden_file_of_this_version_and_none_is_forgotten() -> None:
    versions = {(path.name.split(".")[0], path.name.split(".")[-2]) for path in golden_files()}
    assert {(stem, f"v{SCHEMA_VERSION}") for stem in BY_STEM} <= versions
    assert {stem for stem, _ in versions} == set(BY_STEM)


@pytest.mark.parametrize("record_type", RECORDS)
@given(data=st.data())
def test_decoding_an_encoded_record_gives_the_record(
    record_type: type[Record], data: st.DataObject
) -> None:
    record = data.draw(records(record_type))
    assert decode(encode(record), record_type) == record


@pytest.mark.parametrize("record_type", RECORDS)
def test_records_are_frozen_and_ignore_unknown_fields(record_type: type[Record]) -> None:
    path = GOLDEN / f"{file_stem(record_type)}.v1.json"
    fields = json.loads(path.read_text("utf-8"))
    record = decode(json.dumps({**fields, "of_tomorrow": {"a": [1]}}).encode(), record_type)
    assert json.loads(encode(record)) == {**ADDED.get(file_stem(record_type), {}), **fields}
    with pytest.raises(AttributeError):
        record.tenant = "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize("record_type", RECORDS)
def test_each_required_field_is_missed_by_name(record_type: type[Record]) -> None:
    fields = json.loads((GOLDEN / f"{file_stem(record_type)}.v1.json").read_text("utf-8"))
    required = [
        field.encode_name for field in msgspec.structs.fields(record_type) if field.required
    ]
    assert required
    for name in required:
        rest = {key: value for key, value in fields.items() if key != name}
        error = poison(json.dumps(rest).encode(), record_type)
        assert (error.stage, error.kind) == ("validate", "wrong-shape")
        assert f"`{name}`" in error.message


@pytest.mark.parametrize(
    ("value", "stage", "kind"),
    [
        (None, "decode", "null-value"),
        (b"", "decode", "bad-json"),
        (b"not json", "decode", "bad-json"),
        (b'{"id": "1", "body": "cut', "decode", "bad-json"),
        (b'{"id": "1", "body": "x"} trailing', "decode", "bad-json"),
        (b'{"id": "1", "body": "\\ud800"}', "decode", "bad-json"),
        (b'{"id": "1", "body": "gr\xfc\xdfe"}', "decode", "bad-utf8"),
        ('{"id": "1", "body": "x"}'.encode("utf-16"), "decode", "bad-json"),
        (b'{"id": "1", "x": ' + b"[" * 200_000, "decode", "bad-json"),
        (b"[]", "validate", "wrong-shape"),
        (b"null", "validate", "wrong-shape"),
        (b'"text"', "validate", "wrong-shape"),
        (b'{"body": "x"}', "validate", "wrong-shape"),
        (b'{"id": null, "body": "x"}', "validate", "wrong-shape"),
        (b'{"id": "", "body": "x"}', "validate", "wrong-shape"),
        (b'{"id": 7, "body": "x"}', "validate", "wrong-shape"),
        (b'{"id": "1", "body": ["x"]}', "validate", "wrong-shape"),
        (b'{"id": "1", "body": "x", "tenant": ""}', "validate", "wrong-shape"),
        (b'{"id": "1", "body": "x", "attributes": {"a": 1}}', "validate", "wrong-shape"),
        (b'{"id": "1", "body": "x", "received_at": "today"}', "validate", "wrong-shape"),
        (
            b'{"id": "1", "body": "x", "received_at": "2026-01-01T00:00:00"}',
            "validate",
            "wrong-shape",
        ),
        (b'{"id": "1", "raw": "%%%"}', "validate", "wrong-shape"),
        (b'{"id": "1"}', "validate", "empty-mail"),
        (b'{"id": "1", "subject": ""}', "validate", "empty-mail"),
        (b'{"id": "1", "body": "x", "html": "<p>"}', "validate", "several-forms"),
        (b'{"id": "1", "body": "x", "raw": "eA=="}', "validate", "several-forms"),
        (b'{"id": "1", "subject": "x", "raw": "eA=="}', "validate", "several-forms"),
        (b'{"id": "%s", "body": "x"}' % (b"i" * 257), "validate", "wrong-shape"),
    ],
)
def test_bad_input_gives_the_stated_error(value: bytes | None, stage: str, kind: str) -> None:
    error = poison(value)
    assert (error.stage, error.kind) == (stage, kind)
    assert error.message


@pytest.mark.parametrize(
    "value",
    [
        b'{"id": "1", "body": "x"}',
        b'{"id": "1", "subject": "only this"}',
        b'{"id": "1", "subject": null, "html": "<p>"}',
        b'{"id": "1", "raw": "eA=="}',
        b'{"id": "1", "body": "", "html": null}',
        b'{"id": "%s", "body": "x"}' % (b"i" * 256),
        b' \n{"id": "1", "body": "x", "from": "a", "to": ["b"]}\n',
    ],
)
def test_each_form_of_a_mail_is_accepted(value: bytes) -> None:
    assert decode_inbound_email(value).tenant == "default"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_poison(value: bytes) -> None:
    error = error_of(value)
    assert error is None or error.stage in ("decode", "validate")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(MARK), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("record_type", RECORDS)
@given(data=st.data())
def test_error_messages_never_quote_the_record(
    record_type: type[Record], data: st.DataObject
) -> None:
    fields = json.loads((GOLDEN / f"{file_stem(record_type)}.v1.json").read_text("utf-8"))
    wrong = data.draw(st.sampled_from(sorted(fields)))
    fields[wrong] = data.draw(json_values)
    error = error_of(json.dumps(fields).encode(), record_type)
    assert error is None or MARK not in str(error)


@pytest.mark.parametrize("name", ["event", "speaker"])
def test_a_word_outside_its_list_is_not_quoted(name: str) -> None:
    value = json.dumps({"call_id": "c", "seq": 0, "text": "t", name: MARK}).encode()
    error = poison(value, CallFragment)
    assert MARK not in error.message
    assert f"`$.{name}`" in error.message


def test_broken_bytes_are_not_quoted() -> None:
    for value in (MARK.encode() + b"\xff", b'{"id": "%s' % MARK.encode(), MARK.encode("utf-16")):
        assert MARK not in poison(value).message


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_utc_cannot_hold_is_poison(text: str) -> None:
    value = json.dumps({"id": "1", "body": "x", "received_at": text}).encode()
    error = poison(value)
    assert (error.stage, error.kind) == ("validate", "wrong-shape")


def test_outputs_carry_the_schema_version_and_times_end_in_z() -> None:
    berlin = timezone(timedelta(hours=1))
    moment = datetime(2026, 3, 2, 9, 30, tzinfo=berlin)
    for stem in ("classification", "cleaned-email", "churn-score", "decision", "deployment"):
        fields = json.loads((GOLDEN / f"{stem}.v1.json").read_text("utf-8"))
        del fields["schema_version"]
        record = decode(json.dumps(fields).encode(), BY_STEM[stem])
        assert json.loads(encode(record))["schema_version"] == SCHEMA_VERSION
    assert encode(utc(moment)) == b'"2026-03-02T08:30:00Z"'
    assert encode(from_kafka_ms(1_772_440_200_125)) == b'"2026-03-02T08:30:00.125000Z"'
    assert from_kafka_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_defaults_are_those_of_the_contract() -> None:
    email = decode(b'{"id": "1"}', InboundEmail)
    assert (email.tenant, email.received_at, email.attributes) == ("default", None, {})
    fragment = decode(b'{"call_id": "c", "seq": 0, "text": "t"}', CallFragment)
    assert (fragment.event, fragment.partial, fragment.tenant) == ("segment", False, "default")
    outcome = decode(b'{"id": "1"}', CaseOutcome)
    assert (outcome.kind, outcome.labels, outcome.churned) == ("email", {}, None)
    assert decode(b'{"customer_id": "1"}', CustomerProfile).features == {}


def test_heads_of_both_kinds_leave_out_what_the_other_kind_says() -> None:
    multi_label = HeadResult(abstained=False, labels=[])
    assert json.loads(encode(multi_label)) == {"abstained": False, "labels": []}
    abstained = HeadResult(abstained=True, label=None, confidence=0.4, alternatives=[])
    assert json.loads(encode(abstained))["label"] is None
    assert "labels" not in json.loads(encode(abstained))


@pytest.mark.parametrize("probability", [-0.01, 1.01])
def test_a_confidence_outside_zero_and_one_is_refused(probability: float) -> None:
    fields = json.loads((GOLDEN / "classification.v1.json").read_text("utf-8"))
    fields["heads"]["topic"]["confidence"] = probability
    assert poison(json.dumps(fields).encode(), Classification).kind == "wrong-shape"


def test_the_output_id_is_topic_partition_offset() -> None:
    assert str(Source(topic="inbound-emails", partition=2, offset=41)) == "inbound-emails/2/41"
    cleaned = decode((GOLDEN / "cleaned-email.v1.json").read_bytes(), CleanedEmail)
    assert str(cleaned.source) == "inbound-emails/3/1234"
