"""An e-mail record in, its cleaned text out: the words that count, the kind of mail, what was removed. Pure, no I/O.

The front door of cleaning; live records, `switchboard clean` and training all come through it. The rooms behind it, in
the order a mail walks through them:

- `message`: which texts of the record are the mail's, from bytes, parts, headers and charsets
- `fence`: limits; `hypertext`: HTML to lines
- `stripping`: walks through the next ones until nothing changes
- `boilerplate`: what the tenant's own systems write
- `history`: what was written before
- `ends`: what stands above the words and below them
- `kinds`, `language`: what the mail is

`lines` is shared by all.

Any input ends in a cleaned mail within bounded time: every room is linear in what the fence lets through, and past the
time budget the text is taken as it stands.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from stream.clean.fence import CleanOptions, Deadline, cut_text, one_line, tidy
from stream.clean.hypertext.markup import (
    MARK_ATTRIBUTION,
    MARK_HISTORY,
    MARK_SIGNATURE,
    html_to_text,
)
from stream.clean.kinds.decide import kind_of
from stream.clean.kinds.signs import Signs, subject_prefix
from stream.clean.language import language_of
from stream.clean.lines import Cut, Letter, has_words
from stream.clean.message.armor import ARMOR, open_armor
from stream.clean.message.charsets import repair
from stream.clean.message.forms import ReadMail, read_mail
from stream.clean.message.mime import MAX_DEPTH
from stream.clean.message.parts import PartNote
from stream.clean.stripping import strip
from stream.records import CleanedEmail, InboundEmail, Source, utc

__all__ = ["PROBLEMS", "CleanNotes", "CleanOptions", "Problem", "clean", "clean_with_notes"]

Problem = Literal["empty-mail", "mime-too-deep"]
PROBLEMS: dict[Problem, str] = {
    "empty-mail": "the mail has no words in subject and body; send text, or drop such mails before",
    "mime-too-deep": f"more than {MAX_DEPTH} MIME parts are nested; send the inner text alone",
}
"""What to tell whoever sent it, and the way out."""

_MAX_SUBJECT_CHARS = 1_000
_MAX_REPAIRS = 12
_SIGN_CHARS = 800
_MAX_HIDDEN_CHARS = 200
_MARKS = (MARK_HISTORY, MARK_ATTRIBUTION, MARK_SIGNATURE)


@dataclass(frozen=True)
class CleanNotes:
    """What a caller may want to count, show or refuse beside the result.

    Args:
        is_over_time: the time budget was spent; the body is fenced text without further cleaning.
        problem: `empty-mail` (nothing that a person could read), `mime-too-deep` (parts further in were not read).
        text: the text as a person sees it, before anything was taken out.
        cuts: what was taken out, in the order of the rooms.
        parts: the parts of a raw mail and what became of each.
    """

    is_over_time: bool
    problem: Problem | None
    text: str
    cuts: tuple[Cut, ...]
    parts: tuple[PartNote, ...]


@dataclass
class _Text:
    """The text of a mail on its way."""

    subject: str
    sender: str
    letter: Letter
    markup: int = 0
    left_out: int = 0
    is_malformed: bool = False
    is_over_time: bool = False
    has_history: bool = False
    hidden: list[Cut] = field(default_factory=list[Cut])


def clean(
    email: InboundEmail, received_at: datetime, source: Source | None, options: CleanOptions
) -> CleanedEmail:
    """Clean one e-mail; never raises.

    Args:
        email: the record, in exactly one of its three forms.
        received_at: used where the record does not say it; aware.
        source: where the record came from, None outside Kafka.
        options: limits, time budget, what to remove.

    Returns:
        The cleaned mail. `body` is empty where its author wrote nothing but a subject, only quoted, or encrypted it.
    """
    return clean_with_notes(email, received_at, source, options)[0]


def clean_with_notes(
    email: InboundEmail, received_at: datetime, source: Source | None, options: CleanOptions
) -> tuple[CleanedEmail, CleanNotes]:
    """Clean one e-mail as `clean` does, and say what was done to it."""
    deadline = Deadline(options)
    mail = read_mail(email, options, deadline)
    subject = one_line(repair(mail.subject), _MAX_SUBJECT_CHARS)
    text = _Text(subject, email.from_ or mail.headers.text("from"), Letter([], []))
    _read_texts(text, mail, options, deadline)
    shown = _without_marks("\n".join(text.letter.lines))
    protection = (open_armor(text.letter) if ARMOR in shown else None) or mail.protection
    _strip(text, options, deadline)
    body = _without_marks("\n".join(text.letter.lines))
    cleaned = CleanedEmail(
        id=email.id,
        tenant=email.tenant,
        customer_id=email.customer_id,
        thread_id=email.thread_id,
        kind=kind_of(_signs(email, mail, text, body, shown)),
        subject=subject,
        body=body,
        language=email.language or language_of(subject, body),
        attributes=email.attributes,
        malformed_html=text.is_malformed,
        removed=_removed(text),
        received_at=utc(email.received_at or received_at),
        source=source,
        attachments=list(mail.attachments),
        protection=protection,
        left_out=text.left_out,
    )
    is_empty = not (has_words(subject) or shown.strip() or mail.attachments or protection)
    problem: Problem | None = "empty-mail" if is_empty else None
    problem = "mime-too-deep" if mail.is_too_deep else problem
    cuts = (*text.hidden, *text.letter.cuts)
    return cleaned, CleanNotes(text.is_over_time, problem, shown, cuts, mail.parts)


def _signs(email: InboundEmail, mail: ReadMail, text: _Text, body: str, shown: str) -> Signs:
    """What the kind of the mail is told by."""
    return Signs(
        subject=text.subject,
        sender=text.sender,
        has_in_reply_to=bool(email.in_reply_to),
        has_history=text.has_history,
        headers=mail.headers,
        content_type=mail.content_type,
        report_type=mail.report_type,
        body_head=body[:_SIGN_CHARS],
        body_tail=shown[-_SIGN_CHARS:],  # with its unsubscribe line, which is cut as a footer
        calendar_method=mail.calendar_method,
        has_attachments=bool(mail.attachments),
    )


def _read_texts(text: _Text, mail: ReadMail, options: CleanOptions, deadline: Deadline) -> None:
    """Make one letter of all texts of a mail, within the limits."""
    pieces: list[str] = []
    for segment in mail.segments:
        if not segment.is_html:
            piece, left_out = cut_text(_without_marks(segment.text), options)
        else:
            page = html_to_text(segment.text, options.max_html_chars, deadline)
            text.is_malformed = text.is_malformed or page.is_malformed
            text.is_over_time = text.is_over_time or not page.is_complete
            text.markup += max(0, len(segment.text) - page.left_out - len(page.text))
            text.hidden += [
                Cut("markup", "hidden text", (), (one_line(hidden, _MAX_HIDDEN_CHARS),))
                for hidden in page.hidden
            ]
            piece, left_out = cut_text(page.text, options)
            left_out += page.left_out
        text.left_out += left_out
        pieces.append(piece)
    joined, left_out = cut_text("\n\n".join(pieces), options)
    text.left_out += left_out + mail.left_out
    text.letter = Letter.of(_mend(joined))


def _removed(text: _Text) -> dict[str, int]:
    """Characters by reason."""
    removed = {"quote": 0, "signature": 0, "footer": 0, "boilerplate": 0, "markup": text.markup}
    for cut in text.letter.cuts:
        removed[cut.reason] += cut.chars
    return removed


def _mend(text: str) -> str:
    """Repair and tidy until neither finds more to do: controls are part of mojibake, and mojibake may hide controls."""
    text = tidy(repair(text))
    for _ in range(_MAX_REPAIRS):
        repaired = repair(text)
        if repaired == text:
            break
        text = tidy(repaired)
    return text


def _strip(text: _Text, options: CleanOptions, deadline: Deadline) -> None:
    """Leave the words that count."""
    before = text.letter.copy()
    is_forward = subject_prefix(text.subject) == "forward"
    found = strip(text.letter, options, deadline, is_forward=is_forward, sender=text.sender)
    text.has_history, text.is_over_time = found.has_history, text.is_over_time or found.is_over_time
    letter = text.letter
    if found.has_history or any(map(has_words, letter.lines)):
        return
    if not has_words(text.subject) or any(cut.reason == "signature" for cut in letter.cuts):
        text.letter = before  # a mail that is only a signature says more than nothing


def _without_marks(text: str) -> str:
    for mark in _MARKS:
        text = text.replace(mark, "")
    return text
