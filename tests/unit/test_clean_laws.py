import sys
from types import FrameType

import pytest
from hypothesis import assume, example, given, settings

from stream.clean import CleanOptions
from stream.clean.fence import tidy
from stream.clean.message.charsets import repair
from stream.clean.message.parts import looks_like_html
from stream.records import encode
from tests.unit.clean_strategies import bodies, cleaned, html_of, messages, pages, raw_of
from tests.unit.clean_strategies import body_of as plain

UNTIMED = settings(deadline=None)
SUBJECTS = ("Help", "Fwd: x", "Re: y")
OPTIONS = CleanOptions(time_budget_ms=60_000)
HISTORY = "\n\nOn Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:\n> Hello,\n> how are you?\n"


@UNTIMED
@given(bodies)
@example("\x8dÂ¡")
def test_cleaning_twice_is_cleaning_once(body: str) -> None:
    for subject in SUBJECTS:
        once = plain(body, subject)
        assume(not looks_like_html(body) and not looks_like_html(once))
        assert plain(once, subject) == once


@UNTIMED
@given(messages)
def test_no_bytes_raise(raw: bytes) -> None:
    mail = raw_of(raw)
    assert encode(mail)
    assert len(mail.body) <= OPTIONS.max_text_chars


@UNTIMED
@given(pages)
def test_no_html_raises_and_no_mark_of_ours_is_left(html: str) -> None:
    body = html_of(html)
    assert body.encode() is not None
    assert not set(body) & set(map(chr, (*range(9), *range(11, 32))))


@UNTIMED
@given(bodies)
def test_tidying_twice_is_tidying_once(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@UNTIMED
@given(bodies)
def test_cleaned_text_is_made_of_lines_of_the_mail(body: str) -> None:
    assume(not looks_like_html(body))
    unmarked = body.translate({1: None, 2: None, 3: None})
    text = tidy(unmarked)
    assume(repair(unmarked) == unmarked and repair(text) == text)
    known = {line.strip("> ").strip() for line in text.split("\n")}
    assert {line.strip("> ").strip() for line in plain(body).split("\n")} <= known | {""}


@pytest.mark.parametrize(
    "body", ["My card is lost.", "Hello,\n\nwhere is it?\n\nThanks!", "Ja.\n- a\n- b"]
)
def test_history_below_a_mail_does_not_change_its_words(body: str) -> None:
    assert plain(body + HISTORY) == plain(body) == body


HOSTILE = {
    "newlines": "a" + "\n" * 4_000 + "b",
    "on": "On " * 2_000,
    "attributions": "On Mon, Nov 3, 2025 at 10:00 <a@b> " * 300,
    "attribution lines": "On Mon, Nov 3, 2025 at 10:00 <a@b> wrote:\n" * 500,
    "headers": "Von: a\n" * 1_000,
    "quotes": "> some quoted words\n" * 1_000,
    "deepening quotes": "\n".join(">" * n + " x" for n in range(300)),
    "separators": "-----Original Message-----\n" * 500,
    "forwards": "----- Forwarded message -----\n> > a\n" * 400,
    "signatures": "a\n-- \nb\n" * 500,
    "closings": "LG\nBob\n\n" * 500,
    "spaces": " " * 5_000,
    "one long line": "word " * 10_000,
    "one line of quote marks": ">" * 20_000,
    "one line of spaced quote marks": "> " * 10_000,
    "carriage returns": "a\r" * 2_000,
    "lines of On": "On\n" * 1_000,
    "lines of From": "From: a\nSent: b\n" * 500,
    "answers between quotes": "> a\nb\n" * 500,
    "requests to write above": "reply above this line\n" * 500,
    "armour": "-----BEGIN PGP MESSAGE-----\na\n" * 500,
    "contact lines": "tel: +49 30 1234567\n" * 500,
    "notices": "This email is confidential and intended solely for Bob\n\n" * 300,
    "angles": "<" * 20_000,
    "addresses": "<a@" * 5_000 + ":",
}


def steps(body: str) -> int:
    """Calls that cleaning makes: work counted, not timed."""
    count = 0

    def count_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    plain("warm")
    sys.setprofile(count_call)
    try:
        plain(body)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_no_faster_than_the_mail(name: str) -> None:
    body = HOSTILE[name]
    assert steps(body + body) <= 2.5 * steps(body) + 2_000


def test_a_line_of_one_megabyte_is_read_within_its_limits() -> None:
    result = cleaned(subject="s", body="My card is lost.\n" + "word " * 200_000)
    assert result.body.startswith("My card is lost.\nword word")
    assert result.left_out > 800_000


def test_a_leading_style_does_not_push_the_words_out() -> None:
    page = "<style>" + "p { color: red }\n" * 30_000 + "</style><p>My card is lost.</p>"
    result = cleaned(subject="s", html=page)
    assert (result.body, result.left_out) == ("My card is lost.", 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_bounded_for_any_length(name: str) -> None:
    many = HOSTILE[name] * 200
    options = CleanOptions(time_budget_ms=60_000, max_text_chars=20_000, max_lines=500)
    result = cleaned(options, subject="s", body=many)
    assert len(result.body) <= 20_000
    assert result.body.count("\n") < 500
