import pytest

from stream.clean.kinds import subject_prefix
from tests.unit.clean_strategies import cleaned, raw_of


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Subject: Card", "message"),
        ("Subject: Re: Card", "reply"),
        ("Subject: Card\nIn-Reply-To: <a@b>", "reply"),
        ("Subject: Card\nReferences: <a@b>", "reply"),
        ("Subject: Fwd: Card\nReferences: <a@b>", "message"),
        ("Subject: Card\nAuto-Submitted: auto-replied", "auto_reply"),
        ("Subject: Card\nAuto-Submitted: no", "message"),
        ("Subject: Card\nX-Autoreply: yes", "auto_reply"),
        ("Subject: Card\nPrecedence: auto_reply", "auto_reply"),
        ("Subject: Card\nX-Auto-Response-Suppress: All\nIn-Reply-To: <a@b>", "auto_reply"),
        ("Subject: Card\nX-Auto-Response-Suppress: All", "message"),
        ("Subject: Automatische Antwort: Card", "auto_reply"),
        ("Subject: Out of Office", "auto_reply"),
        ("Subject: Out of office: back on Monday", "auto_reply"),
        ("Subject: Out of office message cannot be set", "message"),
        ("Subject: Mail delivery failed when I write to you", "message"),
        ("Subject: Abwesenheit eintragen", "message"),
        ("Subject: Card\nList-Id: <x.example.com>", "bulk"),
        ("Subject: Card\nList-Unsubscribe: <mailto:x@example.com>", "bulk"),
        ("Subject: Card\nPrecedence: bulk", "bulk"),
        ("Subject: Card\nFrom: MAILER-DAEMON@example.com", "bounce"),
        ("Subject: Undelivered Mail Returned to Sender", "bounce"),
        ("Subject: x\nContent-Type: multipart/report; report-type=delivery-status", "bounce"),
        (
            "Subject: x\nContent-Type: multipart/report; report-type=disposition-notification",
            "auto_reply",
        ),
    ],
)
def test_the_kind_follows_from_the_headers(headers: str, kind: str) -> None:
    assert raw_of(f"{headers}\n\nSome words.\n".encode()).kind == kind


def test_the_kind_follows_from_the_records_fields() -> None:
    assert cleaned(subject="x", body="y", in_reply_to="<a@b>").kind == "reply"
    assert cleaned(subject="x", body="y", from_="MAILER-DAEMON@example.com").kind == "bounce"
    assert cleaned(subject="x", body="y").kind == "message"


@pytest.mark.parametrize(
    ("subject", "prefix"),
    [
        ("RE: x", "reply"),
        ("AW: x", "reply"),
        ("Antw.: x", "reply"),
        ("SV: x", "reply"),
        ("Odp: x", "reply"),
        ("Re[2]: x", "reply"),
        ("RE : x", "reply"),
        ("[Ticket 17] Re: x", "reply"),
        ("AW: WG: x", "reply"),
        ("WG: AW: x", "forward"),
        ("[Fwd: x]", "forward"),
        ("Fwd: x", "forward"),
        ("TR : x", "forward"),
        ("Reset: x", None),
        ("Where is my card: urgent", None),
        ("", None),
        ("[" * 5_000, None),
        ("[[Ticket]] " * 300, None),
    ],
)
def test_subject_prefixes_in_many_languages(subject: str, prefix: str | None) -> None:
    assert subject_prefix(subject) == prefix
