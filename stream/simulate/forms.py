"""Gives a letter the form in which mail arrives: plain, HTML, RFC 822 with attachments, reply, automatic.

Takes `Letter`s, gives `InboundEmail`s to `world`; knows nothing of Kafka. `mime` builds the RFC 822 ones, `wrapping`
the replies.
"""

import html
import random
from dataclasses import dataclass

from stream.records import InboundEmail
from stream.simulate.letters import Letter
from stream.simulate.mime import Envelope, alternative, automatic, bounce, newsletter
from stream.simulate.pen import Pen
from stream.simulate.wrapping import wrap

_STYLE = """<style type="text/css">
<!-- p.MsoNormal, li.MsoNormal { margin: 0cm; font-size: 11.0pt; font-family: "Calibri", sans-serif; }
@media only screen and (max-width: 600px) { .main { width: 100% !important; } } -->
</style>"""


@dataclass(frozen=True)
class Mail:
    """A mail as it is sent, and the subject that a person would see in an inbox."""

    email: InboundEmail
    caption: str


@dataclass(frozen=True)
class Desk:
    """Where mails are written: the letter, the mail's id, the writer's pen and the source of chance."""

    letter: Letter
    mail_id: str
    rng: random.Random

    @property
    def pen(self) -> Pen:
        """A pen in the letter's language, for signatures, footers and quotes."""
        return Pen(self.rng, self.letter.tenant, self.letter.language)

    def mail(self, caption: str, **form: str | bytes) -> Mail:
        """The record around a form: ids, tenant, attributes; the language is known half the time."""
        email = InboundEmail(
            id=self.mail_id,
            tenant=self.letter.tenant.name,
            customer_id=self.letter.customer_id,
            language=self.letter.language if self.rng.random() < 0.5 else None,
            attributes=dict(self.letter.attributes),
            **form,  # type: ignore[arg-type]  # only names of text fields are passed, all in this file
        )
        return Mail(email, caption)

    def envelope(self, subject: str) -> Envelope:
        """The headers of an RFC 822 message from this writer."""
        letter = self.letter
        return Envelope(
            sender=letter.sender,
            tenant=letter.tenant.name,
            subject=subject,
            message_id=self.mail_id,
        )


def words(letter: Letter) -> str:
    """What counts in a mail: greeting and sentences, in one paragraph each."""
    return "\n\n".join(part for part in (letter.greeting, " ".join(letter.sentences)) if part)


def plain(desk: Desk) -> Mail:
    """Subject and body, often signed, sometimes with a legal footer or a phone's."""
    body = f"{words(desk.letter)}\n\n{_signed(desk)}".strip()
    return desk.mail(desk.letter.subject, subject=desk.letter.subject, body=body)


def hypertext(desk: Desk) -> Mail:
    """Subject and HTML: an office mail, a web mail, or a contact form as a table; some malformed."""
    return desk.mail(
        desk.letter.subject, subject=desk.letter.subject, html=_markup(desk, _signed(desk))
    )


def mime(desk: Desk) -> Mail:
    """RFC 822 bytes: text and HTML as alternatives, and an attachment."""
    end = _signed(desk)
    text = f"{words(desk.letter)}\n\n{end}".strip()
    return desk.mail(
        desk.letter.subject,
        raw=alternative(desk.envelope(desk.letter.subject), text, _markup(desk, end), desk.rng),
    )


def reply(desk: Desk) -> Mail:
    """An answer with the quoted history below (replies are recognised and not classified)."""
    letter, rng = desk.letter, desk.rng
    subject = f"{'AW' if letter.language == 'de' else 'Re'}: {letter.subject}"
    wrapped = wrap(
        words(letter),
        letter.language,
        rng,
        as_html=rng.random() < 0.3,
        writer=letter.sender,
        brand=letter.tenant.company,
    )
    return desk.mail(
        subject,
        subject=subject,
        in_reply_to=f"<{rng.randint(1, 10**9)}@{letter.tenant.name}.example>",
        thread_id=f"T{rng.randint(1, 10**6)}",
        **{"html" if wrapped.is_html else "body": wrapped.text},
    )


def machine(desk: Desk) -> Mail:
    """What no person wrote: an out-of-office answer, a newsletter or a bounce."""
    pen, rng = desk.pen, desk.rng
    draw = rng.random()
    if draw < 0.5:
        subject = "Abwesenheitsnotiz" if desk.letter.language == "de" else "Out of office"
        return desk.mail(subject, raw=automatic(desk.envelope(subject), pen.phrase("auto_reply")))
    if draw < 0.85:
        text = pen.phrase("newsletter")
        subject = text.split(".")[0]
        return desk.mail(subject, raw=newsletter(desk.envelope(subject), text))
    subject = "Undelivered Mail Returned to Sender"
    return desk.mail(subject, raw=bounce(desk.envelope(subject)))


def _signed(desk: Desk) -> str:
    """The end of a mail: nothing, a farewell, a signature, a phone's line, a legal footer."""
    letter, pen, rng = desk.letter, desk.pen, desk.rng
    draw = rng.random()
    if draw < 0.15:
        return ""
    farewell = f"{letter.farewell}\n{letter.sender}"
    if draw < 0.5:
        return farewell
    if draw < 0.65:
        return f"{farewell}\n\n{pen.phrase('mobile_footer')}"
    card = f"-- \n{letter.sender}\n{pen.phrase('street')}, {pen.phrase('city')}\nTel. {rng.randint(10**8, 10**9)}"
    return (
        f"{farewell}\n\n{card}"
        if draw < 0.8
        else f"{farewell}\n\n{card}\n\n{pen.phrase('legal_footer')}"
    )


def _markup(desk: Desk, ending: str) -> str:
    letter, draw = desk.letter, desk.rng.random()
    paragraphs = [html.escape(part) for part in words(letter).split("\n\n")]
    end = html.escape(ending).replace("\n", "<br>")
    if draw < 0.4:
        body = "".join(
            f'<p class="MsoNormal"><span>{part}<o:p></o:p></span></p>' for part in paragraphs
        )
        return f"<html><head>{_STYLE}</head><body>{body}<p>{end}</p></body></html>"
    if draw < 0.65:
        body = "".join(f"<div>{part}</div><div><br></div>" for part in paragraphs)
        return f'<div dir="ltr">{body}<div class="gmail_signature">{end}</div></div>'
    if draw < 0.85:
        cells = {
            "Name": letter.sender,
            "Customer": letter.customer_id,
            "Message": "<br>".join(paragraphs),
        }
        rows = "".join(
            f"<tr><td><b>{name}</b></td><td>{value}</td></tr>" for name, value in cells.items()
        )
        return f'{_STYLE}<table border="0" cellpadding="4">{rows}</table>'
    return f"<html><body><p><b>{'<p>'.join(paragraphs)}<div><i>{end}</body>"  # nothing is closed
