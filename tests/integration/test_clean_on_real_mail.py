import base64
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from stream.clean import CleanOptions
from stream.clean.fence import Removable
from stream.errors import PoisonRecordError
from stream.records import CleanedEmail
from tests.unit.clean_strategies import cleaned

MODES: dict[str, frozenset[Removable]] = {
    "quotes": frozenset({"quote"}),
    "signature": frozenset({"signature", "footer"}),
    "quotes+signature": frozenset({"quote", "signature", "footer"}),
}
FORMS = {"text/plain": "body", "text/html": "html", "message/rfc822": "raw"}
# A little below what was reached, so that a change of taste passes and a loss does not.
FLOORS = {
    "alfonsrv/mail-parser-reply": 1,
    "closeio/quotequail": 6,
    "crisp-oss/email-reply-parser": 27,
    "discourse/email_reply_trimmer": 38,
    "github/email_reply_parser": 4,
    "mailgun/talon": 48,
    "willdurand/EmailReplyParser": 2,
    "zapier/email-reply-parser": 2,
}
# Messages without any text that a person would see: an image alone, empty parts, no body.
WITHOUT_WORDS = 6


def rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def clean_row(row: dict[str, Any]) -> CleanedEmail | None:
    options = CleanOptions(time_budget_ms=60_000, remove=MODES[row["removes"]])
    raw = row["raw"].encode() if row["content_type"] == "message/rfc822" else row["raw"]
    try:
        return cleaned(options, **{FORMS[row["content_type"]]: raw})
    except PoisonRecordError:
        return None


def expected_text(row: dict[str, Any]) -> str | None:
    if row.get("expected_reply_html") is None:
        return row["expected_reply"]
    root = LexborHTMLParser(row["expected_reply_html"]).root
    return root.text() if root is not None else ""


def is_right(body: str, expected: str, match: str) -> bool:
    if match == "ignore_whitespace":
        return re.sub(r"\s", "", body) == re.sub(r"\s", "", expected)
    return body.strip() == expected.strip()


def test_replies_are_found_in_the_fixtures_of_other_parsers(shared_data: Path) -> None:
    right: Counter[str] = Counter()
    for row in rows(shared_data, "cleaning/reply_fixtures.shared.jsonl.gz"):
        expected = expected_text(row)
        mail = clean_row(row)
        if expected is not None:
            body = mail.body if mail else ""
            right[row["source"]] += is_right(body, expected, row["match"])
    assert {
        source: right[source] for source, floor in FLOORS.items() if right[source] < floor
    } == {}


def test_what_must_stay_stays_and_what_must_go_goes(shared_data: Path) -> None:
    wrong: list[tuple[str, str]] = []
    for row in rows(shared_data, "cleaning/reply_fixtures.shared.jsonl.gz"):
        mail = clean_row(row)
        body = mail.body if mail else ""
        wrong += [(row["id"], text) for text in row.get("must_contain") or [] if text not in body]
        wrong += [(row["id"], text) for text in row.get("must_not_contain") or [] if text in body]
    assert wrong == []


def test_every_raw_message_is_cleaned_or_holds_no_words(shared_data: Path) -> None:
    empty: list[str] = []
    for row in rows(shared_data, "rfc822/messages.shared.jsonl.gz"):
        try:
            mail = cleaned(raw=base64.b64decode(row["raw_base64"]))
        except PoisonRecordError as error:
            assert error.kind == "empty-mail"  # noqa: PT017  # both ends are right, this one is counted
            empty.append(row["id"])
        else:
            assert (mail.subject + mail.body).encode()
    assert len(empty) <= WITHOUT_WORDS


def test_every_html_sample_is_cleaned(shared_data: Path) -> None:
    for row in rows(shared_data, "cleaning/html_samples.shared.jsonl.gz"):
        html = base64.b64decode(row["raw_base64"])
        raw = b"Subject: sample\nContent-Type: text/html\n\n" + html
        mail = cleaned(raw=raw)
        seen = LexborHTMLParser(html.decode("utf-8", "replace")).body
        has_text = seen is not None and bool(re.search(r"\w", seen.text()))
        assert bool(mail.body) or not has_text


@pytest.mark.parametrize("name", ["banking77.test", "cfpb_complaints.test", "gnad_de.test"])
def test_texts_without_history_or_signature_keep_their_words(shared_data: Path, name: str) -> None:
    changed = total = 0
    for row in rows(shared_data, f"text/{name}.jsonl.gz"):
        total += 1
        kept = cleaned(subject=row["subject"] or "x", body=row["body"]).body
        changed += kept.split() != row["body"].split()
    assert changed <= total // 100
