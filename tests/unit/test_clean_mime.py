import base64
import quopri

import pytest

from stream.clean import CleanOptions, clean_with_notes
from stream.clean.message.charsets import decode_text
from stream.clean.message.flowed import unflow
from stream.clean.message.mime import MAX_DEPTH
from stream.records import InboundEmail
from tests.unit.clean_strategies import NOW, PATIENT, raw_of

TEXT = "Die Karte für Jürgen kostet 5 €."


def nested(depth: int) -> bytes:
    levels = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return b"Subject: deep\n" + b"".join(levels) + b"\nthe inner words\n"


def alternative(plain: str, html: str, kind: str = "alternative") -> bytes:
    return (
        f"Subject: x\nContent-Type: multipart/{kind}; boundary=b\n\npreamble\n--b\n\n{plain}\n--b\n"
        f"Content-Type: text/html\n\n{html}\n--b--\nepilogue\n"
    ).encode()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_plain_message_with_any_line_ends(line_end: bytes) -> None:
    mail = raw_of(b"From x\nSubject: Hi\n there\n\nLine one\nLine two\n".replace(b"\n", line_end))
    assert (mail.subject, mail.body) == ("Hi there", "Line one\nLine two")


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ("utf-8", TEXT.encode()),
        ("iso-8859-1", TEXT.encode("cp1252")),
        ("windows-1252", TEXT.encode("cp1252")),
        ("us-ascii", TEXT.encode()),
        ("iso-8859-1", TEXT.encode()),
        ("x-unknown", TEXT.encode("cp1252")),
        ("utf-8", TEXT.encode("cp1252")),
        ("utf-16", TEXT.encode("utf-16")),
        ("idna", TEXT.encode()),
        ("", TEXT.encode()),
    ],
)
def test_text_is_read_whatever_charset_is_declared(declared: str, data: bytes) -> None:
    headers = f"Subject: x\nContent-Type: text/plain; charset={declared}\n"
    encoded = headers + "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(data).decode()
    assert raw_of(encoded.encode()).body == TEXT


def test_utf8_declared_as_latin1_is_read_as_utf8() -> None:
    assert decode_text(TEXT.encode(), "iso-8859-1") == TEXT


def test_a_part_cut_within_a_character_stays_utf8() -> None:
    data = ("Äpfel und Birnen für Jürgen " * 20 + "ü").encode()[:-1]
    assert decode_text(data, "utf-8").startswith("Äpfel und Birnen für Jürgen")


def test_a_charset_that_nobody_names_is_detected() -> None:
    text = "Добрый день, моя карта не работает, помогите мне пожалуйста. " * 8
    assert decode_text(text.encode("koi8-r"), "koi8-r") == text
    assert "карта" in decode_text(text.encode("cp1251"), None)


def test_quoted_printable_is_undone() -> None:
    data = b"Content-Transfer-Encoding: quoted-printable\nSubject: x\n\n"
    assert raw_of(data + quopri.encodestring(TEXT.encode())).body == TEXT


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"=?utf-8?b?S8O8bmRpZ3VuZw==?=", "Kündigung"),
        (b"=?iso-8859-1?q?K=FCndigung?=\n =?iso-8859-1?q?_jetzt?=", "Kündigung jetzt"),
        (b"=?iso-8859-1*de?q?K=FCndigung?=", "Kündigung"),
        ("Kündigung".encode(), "Kündigung"),
        ("Kündigung".encode("latin-1"), "Kündigung"),
        (b"=?x-none?q?abc?=", "abc"),
        (b"=?utf-8?b?S?= broken", "=?utf-8?b?S?= broken"),
    ],
)
def test_subjects_are_decoded(subject: bytes, expected: str) -> None:
    assert raw_of(b"Subject: " + subject + b"\n\nbody\n").subject == expected


def test_of_alternatives_the_plain_one_is_read() -> None:
    assert raw_of(alternative("the plain words", "<p>the html words</p>")).body == "the plain words"


@pytest.mark.parametrize(
    "stub", ["", " \n \n", "---", "This message contains HTML.", "View this email in your browser"]
)
def test_a_plain_alternative_that_says_nothing_gives_way_to_html(stub: str) -> None:
    assert raw_of(alternative(stub, "<p>the html words</p>")).body == "the html words"


def test_texts_of_a_mixed_message_follow_each_other() -> None:
    assert raw_of(alternative("one", "<p>two</p>", "mixed")).body.split() == ["one", "two"]


def test_attachments_are_never_read() -> None:
    raw = (
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nthe words\n--b\n"
        b"Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nsecret\n--b\n"
        b"Content-Type: text/csv; name=b.csv\n\nsecret\n--b\n"
        b"Content-Type: text/plain\nContent-Disposition: inline; filename=c.log\n\nsecret\n--b\n"
        b"Content-Type: application/pdf\n\nsecret\n--b--\n"
    )
    assert raw_of(raw).body == "the words"


@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_message_forwarded_as_attachment_is_read(is_encoded: bool) -> None:
    inner = b"Subject: old\nContent-Type: text/plain\n\nthe customer's words\n"
    encoding = b"Content-Transfer-Encoding: base64\n" if is_encoded else b""
    raw = (
        b"Subject: Fwd: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nFYI\n--b\n"
        b"Content-Type: message/rfc822\n"
        + encoding
        + b"\n"
        + (base64.b64encode(inner) if is_encoded else inner)
        + b"\n--b--\n"
    )
    mail = raw_of(raw)
    assert mail.body == "FYI\n\nthe customer's words"
    assert mail.kind == "message"


def test_html_nested_in_related_in_alternative_is_read() -> None:
    raw = (
        b"Subject: x\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\n\n--a\n"
        b"Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>words</p>\n--r\n"
        b"Content-Type: image/png\n\nPNG\n--r--\n--a--\n"
    )
    assert raw_of(raw).body == "words"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\nContent-Type: multipart/mixed; boundary=other\n\n--b\n\nwords\n--b--\n",
        b"Subject: x\nContent-Type: multipart/mixed\n\n--b\nContent-Type: text/plain\n\nwords\n--b--\n",
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nwords",
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\nwords\n",
        b"Subject: x\nContent-Type: nonsense\n\nwords\n",
        b"Subject: x\nwords\n",
    ],
)
def test_a_broken_message_still_gives_its_words(raw: bytes) -> None:
    assert raw_of(raw).body == "words"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (nested(1_000), "mime-too-deep"),
        (b"Content-Type: message/rfc822\n\n" * 1_000, "mime-too-deep"),
        (nested(MAX_DEPTH - 1), None),
    ],
)
def test_parts_nested_too_deep_are_said_to_be_so(raw: bytes, problem: str | None) -> None:
    email = InboundEmail(id="1", raw=raw)
    assert clean_with_notes(email, NOW, None, PATIENT)[1].problem == problem


def test_bytes_behind_a_large_attachment_cost_nothing_to_the_words_before() -> None:
    attachment = b"QUJD" * 19 + b"\n"
    raw = (
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbefore\n--b\n"
        b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + attachment * 20_000
        + b"--b\n\nafter\n--b--\n"
    )
    assert raw_of(raw).body.split() == ["before", "after"]


def mixed(*parts: bytes) -> bytes:
    body = b"".join(b"--b\n" + part + b"\n" for part in parts)
    return b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + body + b"--b--\n"


WORDS = b"Content-Type: text/plain\n\nthe words\n"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (
            b"Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf",
            "a.pdf",
        ),
        (
            b"Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.txt",
            "ü.txt",
        ),
        (b"Content-Type: application/zip; name==?utf-8?q?=C3=BC=2Ezip?=", "ü.zip"),
        (b"Content-Type: application/pdf\nContent-Disposition: attachment", "application/pdf"),
        (b"Content-Type: text/csv\nContent-Disposition: inline; filename=t.csv", "t.csv"),
        (b"Content-Type: a/b\nContent-Disposition: attachment; filename=../../etc/x", "x"),
        (
            b"Content-Type: a/b\nContent-Disposition: attachment; filename=a\x1b[31m\x07.pdf",
            "a[31m.pdf",
        ),
        (
            b"Content-Type: a/b\nContent-Disposition: attachment; filename*=utf-7''%2B2AA-.pdf",
            ".pdf",
        ),
        (b"Content-Type: a/b\nContent-Disposition: attachment; filename*=x; filename*0=y", "a/b"),
        (b"Content-Type: x/\x1b[31my\nContent-Disposition: attachment", "text/plain"),
    ],
)
def test_attachments_are_named_and_not_read(headers: bytes, name: str) -> None:
    mail = raw_of(mixed(WORDS, headers + b"\n\nsecret\n"))
    assert (mail.body, mail.attachments) == ("the words", [name])


def test_a_mail_of_only_an_attachment_names_it_and_is_not_empty() -> None:
    raw = b"Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\nxx\n"
    cleaned, notes = clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, PATIENT)
    assert (cleaned.body, cleaned.attachments, notes.problem) == ("", ["a.pdf"], None)


def test_a_message_that_was_attached_is_a_forward_and_is_read() -> None:
    attached = (
        b"Content-Type: message/rfc822; name=x.eml\nContent-Disposition: attachment; filename=x.eml\n\n"
        b"Subject: inner\n\nthe inner words\n"
    )
    assert raw_of(mixed(WORDS, attached)).body.split() == ["the", "words", "the", "inner", "words"]


@pytest.mark.parametrize(
    ("raw", "protection", "body"),
    [
        (
            b"Content-Type: multipart/signed; boundary=b\n\n--b\n"
            + WORDS
            + b"--b\nContent-Type: application/pgp-signature\n\nxx\n--b--\n",
            "signed",
            "the words",
        ),
        (
            b"Content-Type: multipart/encrypted; boundary=b\n\n--b\n"
            b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b--\n",
            "encrypted",
            "",
        ),
        (
            b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMI\n",
            "encrypted",
            "",
        ),
        (mixed(WORDS, b"Content-Type: application/pkcs7-signature\n\nMI\n"), "signed", "the words"),
        (mixed(WORDS), None, "the words"),
    ],
)
def test_signed_and_encrypted_mail_is_said_to_be_so(
    raw: bytes, protection: str | None, body: str
) -> None:
    cleaned, notes = clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, PATIENT)
    assert (cleaned.protection, cleaned.body, notes.problem) == (protection, body, None)


@pytest.mark.parametrize(
    "parameters",
    [b"charset*=utf-8''x; charset*0=y", b"boundary*=a; boundary*1=b", b"format*=; format*0="],
)
def test_parameters_that_nobody_can_read_are_none(parameters: bytes) -> None:
    assert (
        raw_of(b"Subject: x\nContent-Type: text/plain; " + parameters + b"\n\nhello").body
        == "hello"
    )


def test_a_plain_part_that_only_points_elsewhere_is_said_not_to_be_read() -> None:
    raw = alternative("Please view this mail in html.", "<p>the words</p>")
    notes = clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, PATIENT)[1]
    assert [part.fate for part in notes.parts] == ["alternative", "read"]


def test_messages_encoded_within_messages_are_too_deep_as_well() -> None:
    raw = nested(80)
    for _ in range(2):
        inner = base64.encodebytes(raw)
        raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner
    assert clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, PATIENT)[1].problem == (
        "mime-too-deep"
    )


def test_parts_that_were_not_decoded_are_counted_and_named() -> None:
    options = CleanOptions(time_budget_ms=60_000, max_text_chars=100, max_part_bytes=1_000)
    raw = mixed(WORDS, *[b"\n" + b"word " * 300] * 5)
    cleaned, notes = clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, options)
    assert notes.parts[-1].fate == "beyond the limits"
    assert cleaned.left_out > 7_000


def test_a_mail_whose_time_is_spent_still_gives_its_first_text() -> None:
    options = CleanOptions(time_budget_ms=0.0, clock=iter(range(10**6)).__next__)
    cleaned, notes = clean_with_notes(
        InboundEmail(id="1", raw=mixed(WORDS, WORDS)), NOW, None, options
    )
    assert (cleaned.body, notes.problem, notes.is_over_time) == ("the words", None, True)


def test_each_part_is_said_to_be_read_or_why_not() -> None:
    raw = mixed(
        b"Content-Type: multipart/alternative; boundary=c\n\n--c\n"
        + WORDS
        + b"--c\nContent-Type: text/html\n\n<p>the words</p>\n--c--\n",
        b"Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\nx\n",
    )
    notes = clean_with_notes(InboundEmail(id="1", raw=raw), NOW, None, PATIENT)[1]
    assert [(part.where, part.fate) for part in notes.parts] == [
        ("1.1.1", "read"),
        ("1.1.2", "alternative"),
        ("1.2", "attachment"),
    ]


@pytest.mark.parametrize(
    ("text", "is_joined", "expected"),
    [
        ("My card \nis lost.\nHelp.", False, "My card is lost.\nHelp."),
        ("カー \nド", True, "カード"),
        ("> one \n> two\nthree", False, "> one two\nthree"),
        ("> one \nmine", False, "> one \nmine"),
        ("text \n-- \nJane", False, "text \n-- \nJane"),
        (" >not quoted", False, ">not quoted"),
        ("", False, ""),
    ],
)
def test_flowed_text_is_joined_as_it_was_written(text: str, is_joined: bool, expected: str) -> None:
    assert unflow(text, is_joined=is_joined) == expected


def test_a_flowed_part_loses_its_soft_line_breaks() -> None:
    raw = (
        b"Subject: x\nContent-Type: text/plain; format=flowed\n\nMy card \nis lost.\n\n-- \nJane\n"
    )
    assert raw_of(raw).body == "My card is lost."
