from datetime import UTC, datetime

import orjson
import pytest

from stream.classify import Item, read_email
from stream.clean import CleanOptions
from stream.errors import PoisonRecordError
from stream.kafka.admin import TopicState
from stream.outputs import Inbound
from stream.read_options import ReadOptions
from stream.records import Classification, CleanedEmail, Source, decode
from stream.results import Results
from tests.walking import FakeBundle, FakeEncoder

NAMES = ("classifications", "cleaned-emails", "dead-letters")
BUNDLE = FakeBundle(FakeEncoder())
TRACE = ("traceparent", b"00-aa-bb-01")
OUTPUT_ID = ("output-id", b"inbound-emails/0/3")


def results(**limits_bytes: int) -> Results:
    return Results(
        {
            name: TopicState(f"eu.{name}", 4, limits_bytes.get(name.replace("-", "_"), 1_000_000))
            for name in NAMES
        }
    )


def item_of(body: str = "My card is lost", value: bytes | None = None) -> Item:
    value = value or orjson.dumps({"id": "1", "subject": "card", "body": body})
    source = Source(topic="inbound-emails", partition=0, offset=3)
    item = Item(Inbound(source, b"key", value, [TRACE, ("mine", b"1")]), 1_767_225_600_000)
    read_email(item, ReadOptions(CleanOptions(), frozenset()), lambda _: BUNDLE)
    if item.waits_for_model:
        [item.answers] = BUNDLE.predict([[3]], [item.text])
    return item


def test_an_answered_mail_is_one_classification_and_one_cleaned_text() -> None:
    answer, text = results().outputs_of(item_of())
    assert (answer.topic, text.topic) == ("eu.classifications", "eu.cleaned-emails")
    assert answer.key == text.key == b"1"
    assert list(answer.headers) == list(text.headers) == [OUTPUT_ID, TRACE]
    found = decode(answer.value, Classification)
    assert found.heads["default"].label == "odd"
    assert abs((found.classified_at - datetime.now(UTC)).total_seconds()) < 5
    assert decode(text.value, CleanedEmail).body == "My card is lost"


def test_what_failed_is_one_dead_letter_with_the_original_bytes() -> None:
    [letter] = results().outputs_of(item_of(value=b"{broken"))
    assert (letter.topic, letter.key, letter.value) == ("eu.dead-letters", b"key", b"{broken")
    assert dict(letter.headers)["error-type"] == b"bad-json"
    assert ("mine", b"1") in letter.headers


@pytest.mark.parametrize("small", ["classifications", "cleaned_emails"])
def test_an_output_that_its_topic_cannot_take_makes_the_mail_a_dead_letter_as_a_whole(
    small: str,
) -> None:
    item = item_of("words " * 200)
    [letter] = results(**{small: 1100}).outputs_of(item)
    assert letter.topic == "eu.dead-letters"
    assert letter.value == item.inbound.value
    assert dict(letter.headers)["error-stage"] == b"output"
    assert item.error is not None
    assert item.error.kind == "too-large"


def test_an_error_found_later_wins_over_a_cleaned_text() -> None:
    item = item_of()
    item.error = PoisonRecordError("infer", "model-failed", "the device refused it")
    [letter] = results().outputs_of(item)
    assert dict(letter.headers)["error-stage"] == b"infer"


def test_a_record_given_up_unread_is_a_dead_letter_too() -> None:
    source = Source(topic="inbound-emails", partition=0, offset=3)
    item = Item(Inbound(source, None, None, ()), 0)
    item.error = PoisonRecordError("worker", "worker-killed", "it ended the worker twice")
    [letter] = results().outputs_of(item)
    assert (letter.key, letter.value) == (None, None)
