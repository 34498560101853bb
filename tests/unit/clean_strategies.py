"""Mails for the tests of cleaning: a maker of records, and Hypothesis strategies of hostile and of ordinary lines."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from stream.clean import CleanOptions, clean
from stream.clean.lines import listed
from stream.records import CleanedEmail, InboundEmail

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATIENT = CleanOptions(time_budget_ms=60_000)

LINES = listed(
    "|Hello there|My card is lost.|> quoted|> On Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:|>> deeper"
    "|On Mon, Nov 3, 2025 at 10:00 A B <a@b.com> wrote:|On Mon, Nov 3, 2025 at 10:00 A B <|a@b.com> wrote:"
    "|Am 03.11.2025 um 10:00 schrieb Bob:|-----Original Message-----|---------- Forwarded message ---------"
    "|Begin forwarded message:|> Begin forwarded message:|Von: Bob <a@b.de>|Gesendet: Montag, 3. November|An: x@y.de"
    "|Betreff: Hi|From: a@b.com|Date: Mon, 3 Nov 2025|Subject: x|> From: a@b.com|> Date: today 10:00|-- |--|Bob"
    "|Best regards,|Thanks,|Mit freundlichen Grüßen|Sent from my iPhone|Von meinem iPhone gesendet|____________|-----"
    "|Geschäftsführer: X, HRB 123, Amtsgericht Köln|This email is confidential and intended solely for Bob"
    "|CAUTION: This email originated from outside|tel: +49 30 1234567|- item|PS: call me|a   b|\tx|/John|👍|>|>:|:-)"
)
HTML_PIECES = listed(
    "<div>|</div>|<p|<p>|>|<blockquote type=cite>|</blockquote>|<style>|</style>|<!--|-->|<table>|<tr>|<td>|text"
    "| |\x01|\x03|&#1;|&#3;|<span style='display:none'>|</span>|<br>|<pre>|</pre>|<svg/>|<svg>|<b>|</i>|<li>|<![CDATA["
    "|<div class=gmail_attr>|<div id=divRplyFwdMsg>|<plaintext>|<frameset>|<template>|<select><option>|<textarea>"
    "|<math>"
)
MIME_PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: text/html; charset=utf-16\n",
    b"Content-Type: message/rfc822\n",
    b"Content-Type: multipart/alternative\n",
    b'Content-Type: multipart/digest; boundary="b"\n',
    b"Content-Type: text/plain; charset=utf-7\n",
    b"Content-Type: text/plain; charset=idna\n",
    b'Content-Type: text/plain; charset*="\n',
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"Content-Disposition: attachment; filename*=x''%ff\n",
    b"Content-Disposition: attachment; filename*=utf-7''%2B2AA-; filename*0=y\n",
    b"Content-Type: text/plain; charset*=utf-8''x; charset*0=y\n",
    b"Content-Type: multipart/mixed; boundary*=b; boundary*0=b\n",
    b"Subject: =?utf-8?b?w7w?= =?x?q?=ff?=\n",
    b"From: x\xff <mailer-daemon@x>\n",
    b"begin 666 a\n",
    b"#86)C\n",
    b" folded\n",
    b"\n",
    b"--b\n",
    b"--b--\n",
    b"aGVsbG8\n",
    b"=E4=\n",
    b"<p>\xff\n",
    b"\x00\r\n",
    b"+AGEAYg-\n",
]

bodies = st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=25).map("\n".join)
pages = st.text(max_size=200) | st.lists(st.sampled_from(HTML_PIECES), max_size=40).map("".join)
messages = st.binary(max_size=400) | st.lists(st.sampled_from(MIME_PIECES), max_size=30).map(
    b"".join
)


def cleaned(options: CleanOptions = PATIENT, **fields: object) -> CleanedEmail:
    """The cleaned form of a mail with these fields."""
    email = InboundEmail(id="1", **fields)  # pyright: ignore[reportArgumentType]
    return clean(email, NOW, None, options)


def body_of(body: str, subject: str = "Help") -> str:
    """The cleaned body of a plain mail."""
    return cleaned(subject=subject, body=body).body


def html_of(html: str, subject: str = "Help") -> str:
    """The cleaned body of an HTML mail."""
    return cleaned(subject=subject, html=html).body


def raw_of(raw: bytes) -> CleanedEmail:
    """A raw message, cleaned."""
    return cleaned(raw=raw)
