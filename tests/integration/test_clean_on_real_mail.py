"""Cleaning on other people's mail: the public fixtures of nine reply parsers, 152 raw messages, 8 pages."""

import base64
import email
from collections import Counter
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from benchmarks.clean_fixtures import Row, expected_text, is_right, our_body, rows
from benchmarks.tagless import without_tags
from tests.unit.clean_strategies import cleaned

# What the best of three libraries gets right by source, white space aside: mail-parser-reply 1.36, email-reply-parser
# 0.5.12 and quotequail 0.5.4, each in the way that suits a source best (`python -m benchmarks.clean_fixtures`).
BEST_PEER = {
    "alfonsrv/mail-parser-reply": 1,
    "closeio/quotequail": 6,
    "crisp-oss/email-reply-parser": 17,
    "discourse/email_reply_trimmer": 23,
    "github/email_reply_parser": 3,
    "mailgun/talon": 38,
    "willdurand/EmailReplyParser": 0,
    "zapier/email-reply-parser": 2,
}
TO_BE_ABOVE = (
    "crisp-oss/email-reply-parser",
    "discourse/email_reply_trimmer",
    "mailgun/talon",
    "willdurand/EmailReplyParser",
)
# A little below what was reached, so that a change of taste passes and a loss does not.
FLOORS = {
    "closeio/quotequail": 6,
    "crisp-oss/email-reply-parser": 27,
    "discourse/email_reply_trimmer": 38,
    "github/email_reply_parser": 4,
    "mailgun/talon": 48,
    "willdurand/EmailReplyParser": 2,
}
LEAST_SHARE = 0.85
# Messages without a body though the judge below finds letters, and why no person sees them.
NOT_SEEN = {
    "msg-shared-082": "letters stand behind the last boundary alone: an epilogue (RFC 2046, section 5.1.1)",
    "msg-shared-102": "message/partial, number 2 of 3: the middle of an encoded picture",
    "msg-shared-103": "message/partial, number 3 of 3: the end of it",
    "msg-shared-105": "message/partial, number 2 of 2: the second half of encoded sound",
}


@pytest.fixture(scope="module")
def fixtures(shared_data: Path) -> list[Row]:
    return list(rows(shared_data))


@pytest.fixture(scope="module")
def right(fixtures: list[Row]) -> Counter[str]:
    stated = [row for row in fixtures if expected_text(row) is not None]
    return Counter(row["source"] for row in stated if is_right(our_body(row), row))


def test_most_replies_are_found_in_the_fixtures_of_other_parsers(
    fixtures: list[Row], right: Counter[str]
) -> None:
    stated = sum(expected_text(row) is not None for row in fixtures)
    assert right.total() >= LEAST_SHARE * stated


def test_no_library_finds_more_replies_on_the_mails_of_any_parser(right: Counter[str]) -> None:
    assert {name: right[name] for name, best in BEST_PEER.items() if right[name] < best} == {}
    assert {name: right[name] for name in TO_BE_ABOVE if right[name] <= BEST_PEER[name]} == {}


def test_no_source_falls_back(right: Counter[str]) -> None:
    assert {name: right[name] for name, floor in FLOORS.items() if right[name] < floor} == {}


def test_what_must_stay_stays_and_what_must_go_goes(fixtures: list[Row]) -> None:
    wrong: list[tuple[str, str]] = []
    for row in fixtures:
        body = our_body(row)
        wrong += [(row["id"], text) for text in row.get("must_contain") or [] if text not in body]
        wrong += [(row["id"], text) for text in row.get("must_not_contain") or [] if text in body]
    assert wrong == []


def test_every_raw_message_gives_text_where_a_person_sees_some(shared_data: Path) -> None:
    empty: list[str] = []
    messages = 0
    for row in rows(shared_data, "rfc822/messages.shared.jsonl.gz"):
        messages += 1
        raw = base64.b64decode(row["raw_base64"])
        mail = cleaned(raw=raw)
        assert (mail.subject + mail.body).encode() is not None
        if not mail.body and shows_words(email.message_from_bytes(raw)):
            empty.append(row["id"])
    assert messages == 152
    assert sorted(empty) == sorted(NOT_SEEN)


def test_every_html_sample_gives_text_where_a_person_sees_some(shared_data: Path) -> None:
    pages = 0
    for row in rows(shared_data, "cleaning/html_samples.shared.jsonl.gz"):
        pages += 1
        page = base64.b64decode(row["raw_base64"])
        mail = cleaned(raw=b"Subject: sample\nContent-Type: text/html\n\n" + page)
        assert mail.body or not has_letters(without_tags(page.decode("utf-8", "replace"))), row[
            "id"
        ]
    assert pages == 8


@pytest.mark.parametrize("name", ["banking77.test", "cfpb_complaints.test", "gnad_de.test"])
def test_texts_without_history_or_signature_keep_their_words(shared_data: Path, name: str) -> None:
    changed = total = 0
    for row in rows(shared_data, f"text/{name}.jsonl.gz"):
        total += 1
        kept = cleaned(subject=row["subject"] or "x", body=row["body"]).body
        changed += kept.split() != row["body"].split()
    assert changed <= total // 100


def shows_words(message: Message) -> bool:
    """Whether a person would see words, judged with the standard library alone."""
    return any(has_letters(text) for text in shown_texts(message))


def shown_texts(message: Message) -> Iterator[str]:
    """The texts of a message that a mail program shows: text parts that are no attachments."""
    for part in message.walk():
        kind = part.get_content_type()
        is_attached = part.get_content_disposition() == "attachment" or part.get_filename()
        if kind not in ("text/plain", "text/html") or is_attached or part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            text = payload.decode("latin-1")
            yield without_tags(text) if kind == "text/html" else text


def has_letters(text: str) -> bool:
    """Whether there is a letter of any script."""
    return any(map(str.isalpha, text))
