from datetime import UTC, datetime, timedelta, timezone

import pytest

from stream.clean import CleanOptions, clean, clean_with_notes
from stream.records import InboundEmail, Source
from tests.unit.clean_strategies import NOW, PATIENT, body_of, cleaned

REPLY = "It works now.\n\nOn Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:\n> Does it work?\n"


class Ticks:
    """A clock that moves one second each time it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_an_ordinary_mail_keeps_its_words() -> None:
    body = "Hello,\n\nmy card has not arrived yet.\nPlease help."
    result = cleaned(subject="  Card \n missing ", body=body)
    assert (result.subject, result.body, result.kind, result.language) == (
        "Card missing",
        body,
        "message",
        "en",
    )
    assert result.removed == dict.fromkeys(
        ("quote", "signature", "footer", "boilerplate", "markup"), 0
    )


def test_fields_of_the_record_are_carried_over() -> None:
    source = Source(topic="inbound-emails", partition=3, offset=7)
    email = InboundEmail(
        id="e1",
        tenant="acme",
        subject="s",
        body="b",
        customer_id="c1",
        thread_id="t1",
        language="xx",
        attributes={"bank": "A"},
    )
    result = clean(email, NOW, source, CleanOptions())
    assert (result.id, result.tenant, result.customer_id, result.thread_id) == (
        "e1",
        "acme",
        "c1",
        "t1",
    )
    assert (result.language, result.attributes, result.source) == ("xx", {"bank": "A"}, source)


def test_the_records_own_time_wins_and_is_utc() -> None:
    own = datetime(2025, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert cleaned(subject="s", received_at=own).received_at == datetime(2025, 5, 1, 10, tzinfo=UTC)
    assert cleaned(subject="s").received_at == NOW


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": " \n", "body": "\u200b \x00"},
        {"subject": "", "html": "<style>p{}</style><p style='display:none'>x</p>"},
        {"raw": b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nQUJD"},
        {"raw": b""},
    ],
)
def test_a_mail_without_anything_to_read_is_cleaned_and_said_to_be_empty(
    fields: dict[str, object],
) -> None:
    email = InboundEmail(id="1", **fields)  # pyright: ignore[reportArgumentType]
    result, notes = clean_with_notes(email, NOW, None, PATIENT)
    assert (result.subject, result.body, notes.problem) == ("", "", "empty-mail")


def test_removed_characters_are_counted_by_reason() -> None:
    result = cleaned(subject="Re: x", body=f"{REPLY}\n-- \nBob\n")
    assert result.body == "It works now."
    assert result.removed["quote"] > 60
    assert result.removed["signature"] > 4


def test_only_what_the_options_name_is_removed() -> None:
    keep_signature = CleanOptions(remove=frozenset({"quote"}))
    body = "Hello.\n\n-- \nBob\n"
    assert cleaned(keep_signature, subject="s", body=body).body == "Hello.\n\n--\nBob"
    keep_all = CleanOptions(remove=frozenset())
    assert "Does it work?" in cleaned(keep_all, subject="s", body=REPLY).body


def test_a_mail_that_is_only_a_signature_keeps_it_where_the_subject_is_empty() -> None:
    assert cleaned(body="Sent from my iPhone").body == "Sent from my iPhone"
    assert body_of("Sent from my iPhone", subject="Cancel my contract") == ""


def test_a_reply_of_only_history_has_no_body() -> None:
    result = cleaned(body="On Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:\n> Hi\n")
    assert (result.body, result.kind) == ("", "reply")


def test_a_body_that_is_plainly_html_is_read_as_html() -> None:
    assert (
        body_of("<html><body><p>My <b>card</b></p><p>is lost</p></body></html>")
        == "My card\n\nis lost"
    )
    assert body_of("a <b> c > d </p> and 3 < 4") == "a <b> c > d </p> and 3 < 4"


def test_invisible_characters_go_and_spaces_become_plain() -> None:
    assert body_of("a\x00b\u200bc\u00a0d\r\ne\x07\ud800") == "abc d\ne"


def test_mojibake_is_mended_only_where_it_shows() -> None:
    assert body_of("Grüße aus Köln".encode().decode("cp1252")) == "Grüße aus Köln"
    assert body_of("SÃO PAULO, NÃO") == "SÃO PAULO, NÃO"


def test_past_the_time_budget_the_text_is_taken_as_it_stands() -> None:
    hurried = CleanOptions(time_budget_ms=1, clock=Ticks())
    email = InboundEmail(id="1", subject="s", body=REPLY)
    result, notes = clean_with_notes(email, NOW, None, hurried)
    assert notes.is_over_time
    assert result.body == REPLY.strip()
    assert not clean_with_notes(email, NOW, None, CleanOptions())[1].is_over_time


def test_a_page_that_takes_too_long_is_read_without_its_tags() -> None:
    page = "<p>one</p>" * 3_000
    seconds = iter(range(1_000_000))
    options = CleanOptions(time_budget_ms=3_000, clock=lambda: next(seconds))
    email = InboundEmail(id="1", subject="s", html=page)
    result, notes = clean_with_notes(email, NOW, None, options)
    assert notes.is_over_time
    assert result.body.count("one") > 900


def test_past_the_time_budget_html_still_loses_its_tags() -> None:
    hurried = CleanOptions(time_budget_ms=1, clock=Ticks())
    email = InboundEmail(id="1", subject="s", html="<p>Hello <b>you</b></p>")
    result, notes = clean_with_notes(email, NOW, None, hurried)
    assert notes.is_over_time
    assert result.body.split() == ["Hello", "you"]


def test_text_beyond_the_limits_keeps_head_and_tail_and_is_counted() -> None:
    options = CleanOptions(max_text_chars=1_000, max_lines=50)
    email = InboundEmail(id="1", subject="s", body="first " + "word " * 5_000 + "last")
    result = clean(email, NOW, None, options)
    assert len(result.body) <= 1_000
    assert result.body.startswith("first")
    assert result.body.endswith("last")
    assert result.left_out > 24_000


def test_the_subject_is_bounded() -> None:
    assert len(cleaned(subject="x" * 50_000, body="y").subject) == 1_000


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Meine Karte ist noch nicht angekommen, bitte helfen Sie mir.", "de"),
        ("Ho perso la carta e non riesco a entrare nel conto.", "it"),
        ("Mijn kaart is gestolen en ik kan niet betalen.", "nl"),
        ("ok", None),
        ("12345 99", None),
    ],
)
def test_language_is_named_where_the_text_says_it(text: str, language: str | None) -> None:
    assert cleaned(body=text).language == language
