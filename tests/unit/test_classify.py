import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from models.heads import HeadAnswer
from stream.classify import NO_MODEL, Item, ReadOptions, classification, head_result, read_email
from stream.clean import CleanOptions
from stream.outputs import Inbound
from stream.records import HeadResult, ModelRef, ScoredLabel, Source, decode, encode
from tests.walking import FakeBundle, FakeEncoder

SOURCE = Source(topic="inbound-emails", partition=1, offset=7)
APPENDED_MS = 1_767_225_600_000
NOW = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
OPTIONS = ReadOptions(CleanOptions(), frozenset({"reply", "auto_reply", "bounce", "bulk"}))
BUNDLE = FakeBundle(FakeEncoder())
SURE = HeadAnswer("multiclass", (("card", 0.9), ("loan", 0.1)), False)
UNSURE = HeadAnswer("multiclass", (("card", 0.3), ("loan", 0.2)), True)
MARK = "Mustermann"


def item_with(value: bytes | None) -> Item:
    return Item(Inbound(SOURCE, b"key", value, ()), APPENDED_MS)


def item_of(**fields: Any) -> Item:
    return item_with(
        orjson.dumps({"id": "1", "subject": "card", "body": "My card is lost", **fields})
    )


def read(item: Item, bundle: Any = BUNDLE, options: ReadOptions = OPTIONS) -> Item:
    read_email(item, options, lambda _: bundle)
    return item


def answered(answers: Mapping[str, HeadAnswer]) -> Item:
    item = read(item_of())
    item.answers = answers
    return item


def test_a_mail_is_cleaned_and_gets_its_tenants_model_and_text() -> None:
    asked: list[str] = []

    def bundle_for(tenant: str) -> Any:
        asked.append(tenant)
        return BUNDLE

    item = item_of(tenant="acme")
    read_email(item, OPTIONS, bundle_for)
    assert asked == ["acme"]
    assert item.cleaned is not None
    assert item.cleaned.source == SOURCE
    assert item.text == f"{item.cleaned.subject} {item.cleaned.body}"
    assert item.waits_for_model


def test_without_received_at_the_time_of_the_kafka_record_counts() -> None:
    cleaned = read(item_of()).cleaned
    assert cleaned is not None
    assert cleaned.received_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_received_at_is_told_in_utc() -> None:
    cleaned = read(item_of(received_at="2026-02-03T04:05:06+01:00")).cleaned
    assert cleaned is not None
    assert cleaned.received_at == datetime(2026, 2, 3, 3, 5, 6, tzinfo=UTC)
    assert cleaned.received_at.utcoffset() is not None
    assert b"2026-02-03T03:05:06Z" in encode(cleaned)


@pytest.mark.parametrize(
    ("value", "stage", "kind"),
    [
        (None, "decode", "null-value"),
        (b"", "decode", "bad-json"),
        (b'{"id": "1", "body": "\xff' + MARK.encode() + b'"}', "decode", "bad-utf8"),
        (b'{"id": "1", "body": "' + MARK.encode(), "decode", "bad-json"),
        (orjson.dumps({"body": MARK}), "validate", "wrong-shape"),
        (orjson.dumps({"id": 1, "body": MARK}), "validate", "wrong-shape"),
        (orjson.dumps({"id": "1", "body": {MARK: MARK}}), "validate", "wrong-shape"),
        (orjson.dumps({"id": "1", "attributes": {MARK: 1}, "body": ""}), "validate", "wrong-shape"),
        (orjson.dumps({"id": "1", "body": MARK, "html": MARK}), "validate", "several-forms"),
        (orjson.dumps({"id": "1"}), "validate", "empty-mail"),
        (orjson.dumps({"id": "1", "raw": MARK + "!"}), "validate", "wrong-shape"),
        (orjson.dumps({"id": "1", "body": " \n\t "}), "clean", None),
    ],
)
def test_what_cannot_be_read_gets_its_error_and_no_word_of_the_mail_is_in_it(
    value: bytes | None, stage: str, kind: str | None
) -> None:
    item = read(item_with(value))
    assert item.error is not None
    assert item.error.stage == stage
    assert kind in (None, item.error.kind)
    assert MARK not in item.error.message
    assert not item.waits_for_model


def test_replies_are_skipped_with_their_kind_and_never_reach_a_model() -> None:
    item = read(item_of(in_reply_to="<1@example.org>"))
    assert item.skipped == "reply"
    assert not item.waits_for_model
    result = classification(item, NOW)
    assert (result.status, result.reason, result.heads) == ("skipped", "reply", {})
    assert result.model is None


def test_what_is_skipped_is_a_setting() -> None:
    everything = ReadOptions(CleanOptions(), frozenset())
    assert read(item_of(in_reply_to="<1@example.org>"), options=everything).waits_for_model


def test_a_tenant_without_a_model_gets_an_abstention_that_says_so() -> None:
    item = read(item_of(), bundle=None)
    assert not item.waits_for_model
    result = classification(item, NOW)
    assert (result.status, result.reason, result.model) == ("abstained", NO_MODEL, None)


def test_one_sure_head_is_enough_to_be_classified() -> None:
    result = classification(answered({"queue": SURE, "topic": UNSURE}), NOW)
    assert (result.status, result.reason) == ("classified", None)
    assert result.model == ModelRef(name=BUNDLE.name, version="1")
    assert result.source == SOURCE
    assert result.classified_at == NOW


def test_when_every_head_abstains_the_mail_is_abstained_with_a_reason() -> None:
    result = classification(answered({"queue": UNSURE}), NOW)
    assert (result.status, result.reason) == ("abstained", "below threshold")
    assert result.heads["queue"].label is None


def test_the_answer_names_the_best_label_and_keeps_the_others_as_alternatives() -> None:
    found = head_result(SURE)
    assert (found.label, found.confidence, found.abstained) == ("card", 0.9, False)
    assert found.alternatives == [ScoredLabel(label="loan", confidence=0.1)]


def test_a_head_that_abstains_keeps_its_best_label_as_an_alternative() -> None:
    found = head_result(UNSURE)
    assert (found.label, found.confidence) == (None, 0.3)
    assert [scored.label for scored in found.alternatives or ()] == ["card", "loan"]


@pytest.mark.parametrize("labels", [(), (("a", 0.7), ("b", 0.6))])
def test_no_label_of_a_multilabel_head_is_an_answer_not_an_abstention(
    labels: tuple[tuple[str, float], ...],
) -> None:
    answer = HeadAnswer("multilabel", labels, False)
    result = classification(answered({"tags": answer}), NOW)
    assert result.status == "classified"
    on_the_wire = orjson.loads(encode(result.heads["tags"]))
    assert on_the_wire == {
        "abstained": False,
        "labels": [{"label": label, "confidence": confidence} for label, confidence in labels],
    }


@pytest.mark.parametrize("answer", [SURE, UNSURE, HeadAnswer("multilabel", (("a", 1.0),), False)])
def test_each_answer_decodes_as_consumers_will_decode_it(answer: HeadAnswer) -> None:
    found = head_result(answer)
    assert encode(decode(encode(found), HeadResult)) == encode(found)


def test_a_text_that_was_cut_is_marked() -> None:
    item = answered({"queue": SURE})
    item.truncated = True
    assert classification(item, NOW).truncated


def test_a_raw_mail_is_read_like_the_others() -> None:
    raw = b"Subject: card\r\nContent-Type: text/plain\r\n\r\nMy card is lost\r\n"
    item = read(item_with(orjson.dumps({"id": "1", "raw": base64.b64encode(raw).decode()})))
    assert item.error is None
    assert item.text == "card My card is lost"
