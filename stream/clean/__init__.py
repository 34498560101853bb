"""An e-mail record in, its cleaned text out: the words that count, the kind of mail, what was removed. Pure, no I/O.

The front door of cleaning; live records, `switchboard clean` and training all come through it. The rooms behind it, in
the order a mail walks through them: `forms` (with `parts`, `mime`, `charsets`, `flowed`), `fence`, `markup` (with
`tags`), `armor`, `boilerplate`, `history` (with `attribution`), `signatures` (with `footers`), `kinds`, `language`;
`words`, `phrases` and `lines` are shared by several.

Any input ends in a cleaned mail within bounded time: every room is linear in what the fence lets through, and past the
time budget the text is taken as it stands.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from stream.clean.armor import ARMOR, open_armor
from stream.clean.charsets import repair
from stream.clean.fence import CleanOptions, Deadline, OverTimeError, cut_text, one_line, tidy
from stream.clean.footers import strip_banner
from stream.clean.forms import ReadMail, read_mail
from stream.clean.history import split_history
from stream.clean.kinds import Signs, kind_of, subject_prefix
from stream.clean.language import language_of
from stream.clean.lines import Cut, Letter, has_words
from stream.clean.markup import MARK_ATTRIBUTION, MARK_HISTORY, html_to_text
from stream.clean.mime import MAX_DEPTH
from stream.clean.parts import PartNote
from stream.clean.signatures import strip_letter
from stream.records import CleanedEmail, InboundEmail, Source, utc

__all__ = ["PROBLEMS", "CleanNotes", "CleanOptions", "Problem", "clean", "clean_with_notes"]

Problem = Literal["empty-mail", "mime-too-deep"]
PROBLEMS: dict[Problem, str] = {
    "empty-mail": "the mail has no words in subject and body; send text, or drop such mails before",
    "mime-too-deep": f"more than {MAX_DEPTH} MIME parts are nested; send the inner text alone",
}
"""What to tell whoever sent it, and the way out."""

_MAX_SUBJECT_CHARS = 1_000
_MAX_ROUNDS = 12
_SIGN_CHARS = 800


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
    text = _plain_text(mail, options, deadline)
    shown = "\n".join(text.letter.lines)
    protection = (open_armor(text.letter) if ARMOR in shown else None) or mail.protection
    _strip(text, subject, options, deadline)
    body = _without_marks("\n".join(text.letter.lines))
    cleaned = CleanedEmail(
        id=email.id,
        tenant=email.tenant,
        customer_id=email.customer_id,
        thread_id=email.thread_id,
        kind=kind_of(_signs(email, mail, text, subject, body, shown)),
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
    problem: Problem | None = None
    if mail.is_too_deep:
        problem = "mime-too-deep"
    elif not (has_words(subject) or shown.strip() or mail.attachments or protection):
        problem = "empty-mail"
    cuts = (*text.hidden, *text.letter.cuts)
    return cleaned, CleanNotes(text.is_over_time, problem, shown, cuts, mail.parts)


def _signs(
    email: InboundEmail, mail: ReadMail, text: _Text, subject: str, body: str, shown: str
) -> Signs:
    """What the kind of the mail is told by."""
    return Signs(
        subject=subject,
        sender=email.from_ or mail.headers.text("from"),
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


def _plain_text(mail: ReadMail, options: CleanOptions, deadline: Deadline) -> _Text:
    """All texts of a mail as one plain text within the limits."""
    result = _Text(Letter([], []))
    pieces: list[str] = []
    for segment in mail.segments:
        if not segment.is_html:
            text, left_out = cut_text(_without_marks(segment.text), options)
        else:
            page = html_to_text(segment.text, options.max_html_chars, deadline)
            result.is_malformed = result.is_malformed or page.is_malformed
            result.is_over_time = result.is_over_time or not page.is_complete
            result.markup += max(0, len(segment.text) - page.left_out - len(page.text))
            text, left_out = cut_text(page.text, options)
            left_out += page.left_out
        result.left_out += left_out
        pieces.append(text)
    joined, left_out = cut_text("\n\n".join(pieces), options)
    result.left_out += left_out
    result.letter = Letter.of(_mend(joined))
    return result


def _removed(text: _Text) -> dict[str, int]:
    """Characters by reason."""
    removed = {"quote": 0, "signature": 0, "footer": 0, "boilerplate": 0, "markup": text.markup}
    for cut in text.letter.cuts:
        removed[cut.reason] += cut.chars
    return removed


def _mend(text: str) -> str:
    """Repair and tidy until neither finds more to do: controls are part of mojibake, and mojibake may hide controls."""
    text = tidy(repair(text))
    for _ in range(_MAX_ROUNDS):
        repaired = repair(text)
        if repaired == text:
            break
        text = tidy(repaired)
    return text


def _strip(text: _Text, subject: str, options: CleanOptions, deadline: Deadline) -> None:
    """Take history, signatures and footers out, again until nothing changes: cleaning twice is cleaning once."""
    letter = text.letter
    before = Letter(list(letter.lines), list(letter.numbers), list(letter.cuts))
    is_forward = subject_prefix(subject) == "forward"
    try:
        for _ in range(_MAX_ROUNDS):
            start = list(letter.lines)
            _strip_once(text, is_forward, options, deadline)
            if letter.lines == start:
                break
    except OverTimeError:
        text.is_over_time = True
    if text.has_history or has_words(subject) or any(map(has_words, letter.lines)):
        return
    text.letter = before  # a mail that is only a signature says more than nothing


def _strip_once(text: _Text, is_forward: bool, options: CleanOptions, deadline: Deadline) -> None:
    deadline.check()
    letter, remove = text.letter, options.remove
    if "boilerplate" in remove:
        for start, end in reversed(options.boilerplate.spans(letter.lines)):
            letter.cut(start, end, "boilerplate", "the tenant's boilerplate")
    if "footer" in remove:  # first: text above a header block must be the author's own
        strip_banner(letter)
    if "quote" in remove:
        found = split_history(letter, is_forward=is_forward, deadline=deadline)
        text.has_history = text.has_history or found
    strip_letter(letter, remove)
    letter.trim()


def _without_marks(text: str) -> str:
    return text.replace(MARK_HISTORY, "").replace(MARK_ATTRIBUTION, "")
