import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.heads import HeadAnswer
from stream.classify import (
    NO_LABEL,
    NO_MODEL,
    OTHER_LANGUAGE,
    UNKNOWN_TENANT,
    Item,
    classification,
    give_up,
    head_result,
    read_email,
)
from stream.clean import CleanOptions
from stream.clean.boilerplate import Boilerplate
from stream.dedication import Dedication
from stream.errors import PoisonRecordError
from stream.outputs import Inbound
from stream.read_options import ReadOptions
from stream.records import HeadResult, ModelRef, ScoredLabel, Source, decode, encode
from stream.tenants import EVERY_HEAD, Period, Tenants, TenantSettings
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


# -- what differs by tenant ----------------------------------------------------------------------

HELP_DESK = "Sent through the Acme help desk"


def with_tenants(tenants: Tenants) -> ReadOptions:
    return ReadOptions(CleanOptions(), OPTIONS.skip_kinds, tenants)


def acme_only(**settings: Any) -> ReadOptions:
    return with_tenants(Tenants({"acme": TenantSettings(**settings)}))


def body_of(item: Item) -> str:
    assert item.cleaned is not None
    return item.cleaned.body


def test_boilerplate_of_one_tenant_goes_and_stays_in_mail_of_another() -> None:
    options = acme_only(boilerplate=Boilerplate.of([HELP_DESK]))
    body = f"{HELP_DESK}\n\nMy card is lost"
    assert body_of(read(item_of(tenant="acme", body=body), options=options)) == "My card is lost"
    for other in ("globex", "default"):
        assert body_of(read(item_of(tenant=other, body=body), options=options)) == body


def test_the_options_of_a_tenant_are_made_once_not_for_each_mail() -> None:
    options = acme_only(boilerplate=Boilerplate.of([HELP_DESK]))
    assert options.of("acme") is options.of("acme")
    assert options.of("acme").cleaning is options.of("acme").cleaning
    assert options.of("one") is options.of("another")


def test_kinds_to_skip_are_the_tenants_own_where_it_says_them() -> None:
    reply = {"in_reply_to": "<1@example.org>"}
    options = acme_only(skip_kinds=frozenset({"bulk"}))
    assert read(item_of(tenant="acme", **reply), options=options).waits_for_model
    assert read(item_of(tenant="globex", **reply), options=options).skipped == "reply"


@pytest.mark.parametrize(
    ("languages", "stated", "reads"),
    [
        ({"en", "de"}, "de", True),
        ({"en", "de"}, "de-CH", True),
        ({"en", "de"}, "DE", True),
        ({"no"}, "nb", True),
        ({"en", "de"}, "fr", False),
        (set(), "fr", True),
    ],
)
def test_mail_in_a_language_that_is_not_listed_abstains_without_a_model(
    languages: set[str], stated: str, reads: bool
) -> None:
    options = acme_only(languages=frozenset(languages))
    item = read(item_of(tenant="acme", language=stated), options=options)
    assert item.waits_for_model == reads
    result = classification(item, NOW)
    if not reads:
        assert (result.status, result.reason) == ("abstained", OTHER_LANGUAGE)
        assert (result.heads, result.model) == ({}, None)
    assert read(item_of(tenant="globex", language=stated), options=options).waits_for_model


def test_mail_whose_language_cannot_be_told_is_classified() -> None:
    options = acme_only(languages=frozenset({"de"}))
    item = read(item_of(tenant="acme", subject="", body="42 17"), options=options)
    assert item.cleaned is not None
    assert item.cleaned.language is None
    assert item.waits_for_model


def test_mail_that_is_skipped_is_skipped_in_any_language() -> None:
    options = acme_only(languages=frozenset({"de"}))
    reply = item_of(tenant="acme", language="fr", in_reply_to="<1@example.org>")
    assert classification(read(reply, options=options), NOW).status == "skipped"


def test_mail_of_an_unknown_tenant_abstains_where_the_file_says_so() -> None:
    options = with_tenants(Tenants({"acme": TenantSettings()}, abstains_on_unknown=True))
    assert read(item_of(tenant="acme"), options=options).waits_for_model
    for stranger in ({"tenant": "acne"}, {}, {"tenant": "acne", "in_reply_to": "<1@a.org>"}):
        item = read(item_of(**stranger), options=options)
        assert not item.waits_for_model
        result = classification(item, NOW)
        assert (result.status, result.reason) == ("abstained", UNKNOWN_TENANT)
        assert body_of(item) == "My card is lost", "its words are kept all the same"


def answered_for(tenant: str, options: ReadOptions, answers: Mapping[str, HeadAnswer]) -> Any:
    item = read(item_of(tenant=tenant), options=options)
    item.answers = answers
    return classification(item, NOW)


def test_a_tenants_threshold_makes_its_answers_abstain_and_nobody_elses() -> None:
    options = acme_only(abstain_below={EVERY_HEAD: 0.95})
    result = answered_for("acme", options, {"queue": SURE})
    assert (result.status, result.reason) == ("abstained", "below threshold")
    assert result.heads["queue"] == head_result(
        HeadAnswer("multiclass", SURE.labels, abstained=True)
    ), "as a bundle's own threshold does it"
    assert answered_for("globex", options, {"queue": SURE}).heads["queue"] == head_result(SURE)


def test_the_stricter_of_the_bundles_and_the_tenants_threshold_wins() -> None:
    options = acme_only(abstain_below={EVERY_HEAD: 0.1})
    heads = answered_for("acme", options, {"queue": SURE, "topic": UNSURE}).heads
    assert not heads["queue"].abstained
    assert heads["topic"].abstained, "the bundle said so"


def test_a_threshold_is_reached_by_what_is_equal_to_it() -> None:
    assert not head_result(SURE, 0.9).abstained
    assert head_result(SURE, 0.9001).abstained


def test_a_threshold_may_be_for_one_head_and_another_for_the_rest() -> None:
    answers = {"queue": SURE, "topic": SURE}
    one = answered_for("acme", acme_only(abstain_below={"queue": 0.95}), answers)
    assert (one.heads["queue"].abstained, one.heads["topic"].abstained) == (True, False)
    assert one.status == "classified"
    rest = acme_only(abstain_below={"queue": 0.5, EVERY_HEAD: 0.95})
    heads = answered_for("acme", rest, answers).heads
    assert (heads["queue"].abstained, heads["topic"].abstained) == (False, True)


def test_labels_of_a_multilabel_head_below_the_threshold_are_left_out() -> None:
    answer = HeadAnswer("multilabel", (("a", 0.9), ("b", 0.6)), False)
    options = acme_only(abstain_below={EVERY_HEAD: 0.7})
    found = answered_for("acme", options, {"tags": answer})
    assert [scored.label for scored in found.heads["tags"].labels] == ["a"]
    assert found.status == "classified"


def test_a_model_abstains_on_languages_it_never_saw_unless_the_tenant_says_its_own() -> None:
    bundle = FakeBundle(FakeEncoder())
    bundle.languages = ("en", "nb")
    for language, reads in (("en", True), ("no", True), (None, True), ("fr", False)):
        item = read(item_of(language=language, body="Karte 123"), bundle)
        assert item.waits_for_model is reads, language
    answer = classification(read(item_of(language="fr"), bundle), NOW)
    assert (answer.status, answer.reason) == ("abstained", "language not supported")
    assert answer.model == ModelRef(name="default", version="1"), (
        "it is the model that does not know"
    )
    own = acme_only(languages=frozenset({"fr"}))
    assert read(item_of(tenant="acme", language="fr"), bundle, own).waits_for_model


# -- dedicated workers ---------------------------------------------------------------------------

ACME = Dedication("acme", frozenset({"acme"}))
PERIODS = st.none() | st.builds(Period, st.integers(0, 50), st.none() | st.integers(51, 100))


@given(PERIODS, st.integers(-10, 120), st.sampled_from(["acme", "globex"]))
def test_every_record_is_answered_by_the_general_workers_or_the_dedicated_ones_never_by_both(
    period: Period | None, appended_ms: int, tenant: str
) -> None:
    tenants = Tenants({"acme": TenantSettings(dedicated=period or Period(0))})
    general = ReadOptions(CleanOptions(), frozenset(), tenants)
    dedicated = ReadOptions(CleanOptions(), frozenset(), tenants, only=ACME)
    assert general.takes(tenant, appended_ms) != dedicated.takes(tenant, appended_ms)
    assert not (tenant == "globex" and dedicated.takes(tenant, appended_ms))


def test_a_dedicated_worker_that_is_alone_answers_all_mail_of_its_tenants_and_nothing_else() -> (
    None
):
    alone = Dedication("acme", frozenset({"acme"}), is_alone=True)
    options = ReadOptions(CleanOptions(), frozenset(), only=alone)
    assert read(item_of(tenant="acme"), options=options).waits_for_model
    passed = read(item_of(tenant="globex"), options=options)
    assert (passed.passed_over, passed.waits_for_model, passed.cleaned) == (True, False, None)
    unreadable = read(item_with(b"no mail"), options=options)
    assert (unreadable.passed_over, unreadable.error) == (True, None)
    assert read(item_with(b"no mail")).error is not None, "the others answer it"


@pytest.mark.parametrize(
    ("value", "is_the_dedicated_ones"),
    [
        (b'{"id": "1", "tenant": "acme", "body": "x"}', True),
        (b'{"id": "1", "tenant": "globex", "body": "x"}', False),
        (b"no mail", False),
    ],
)
def test_the_letter_of_a_record_that_ended_workers_is_written_by_exactly_one_kind(
    value: bytes, is_the_dedicated_ones: bool
) -> None:
    tenants = Tenants({"acme": TenantSettings(dedicated=Period(0))})
    for only in (None, ACME):
        item = item_with(value)
        item.error = PoisonRecordError("worker", "worker-killed", "it ended the worker twice")
        give_up(item, ReadOptions(CleanOptions(), frozenset(), tenants, only))
        assert item.passed_over is (is_the_dedicated_ones != (only is not None))
        assert item.error.kind == "worker-killed"
        assert item.cleaned is None


def test_a_tenant_that_no_label_is_allowed_for_is_told_so() -> None:
    bundle = FakeBundle(FakeEncoder())
    answer = classification(read(item_of(), bundle), NOW)
    assert (answer.status, answer.reason) == ("abstained", NO_LABEL)
    assert answer.model == ModelRef(name="default", version="1")
