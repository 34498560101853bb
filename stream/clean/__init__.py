"""An e-mail record in, its cleaned text out: the words that count, the kind of mail, what was removed. Pure, no I/O.

The front door of cleaning; live records, `switchboard clean` and training all come through it. The rooms behind it, in
the order a mail walks through them: `parts` (with `mime`, `charsets`), `fence`, `markup` (with `tags`), `history` (with
`attribution`), `signatures` (with `footers`), `kinds`, `language`; `words`, `phrases` and `lines`
are shared by several.

Any input ends in a cleaned mail or in a PoisonRecordError, within bounded time: every room is linear in what the fence
lets through, and past the time budget the text is taken as it stands.
"""

from dataclasses import dataclass
from datetime import datetime

from stream.clean.charsets import repair
from stream.clean.fence import CleanOptions, Deadline, OverTimeError, cut_text, one_line, tidy
from stream.clean.footers import strip_banner
from stream.clean.history import split_history
from stream.clean.kinds import Signs, kind_of, subject_prefix
from stream.clean.language import language_of
from stream.clean.lines import has_words
from stream.clean.markup import MARK_ATTRIBUTION, MARK_HISTORY, html_to_text
from stream.clean.parts import ReadMail, read_mail
from stream.clean.signatures import strip_letter
from stream.errors import PoisonRecordError
from stream.records import CleanedEmail, InboundEmail, Source, utc

__all__ = ["CleanNotes", "CleanOptions", "clean", "clean_with_notes"]

_MAX_SUBJECT_CHARS = 1_000
_MAX_ROUNDS = 12


@dataclass(frozen=True)
class CleanNotes:
    """What the caller may want to count beside the result.

    Args:
        is_over_time: the time budget was spent; the body is fenced text without further cleaning.
        left_out_chars: characters beyond the limits of the options.
    """

    is_over_time: bool
    left_out_chars: int


@dataclass
class _Text:
    """The text of a mail on its way."""

    body: str
    removed: dict[str, int]
    left_out: int = 0
    is_malformed: bool = False
    is_over_time: bool = False
    has_history: bool = False


def clean(
    email: InboundEmail, received_at: datetime, source: Source | None, options: CleanOptions
) -> CleanedEmail:
    """Clean one e-mail.

    Args:
        email: the record, in exactly one of its three forms.
        received_at: used where the record does not say it; aware.
        source: where the record came from, None outside Kafka.
        options: limits, time budget, what to remove.

    Returns:
        The cleaned mail. `body` is empty where its author wrote nothing but a subject, or only quoted.

    Raises:
        PoisonRecordError: stage `clean`, kind `empty-mail` (no word in subject and body) or `mime-too-deep`.
    """
    return clean_with_notes(email, received_at, source, options)[0]


def clean_with_notes(
    email: InboundEmail, received_at: datetime, source: Source | None, options: CleanOptions
) -> tuple[CleanedEmail, CleanNotes]:
    """Clean one e-mail as `clean` does, and say what the fence did."""
    deadline = Deadline(options)
    mail = read_mail(email, options, deadline)
    subject = one_line(repair(mail.subject), _MAX_SUBJECT_CHARS)
    text = _plain_text(mail, options, deadline)
    if not has_words(subject) and not text.body.strip():
        message = "the mail has no words in subject and body; send text, or drop such mails before"
        raise PoisonRecordError("clean", "empty-mail", message)
    _strip(text, subject, options, deadline)
    signs = Signs(
        subject=subject,
        sender=email.from_ or mail.headers.text("from"),
        has_in_reply_to=bool(email.in_reply_to),
        has_history=text.has_history,
        headers=mail.headers,
        content_type=mail.content_type,
        report_type=mail.report_type,
    )
    cleaned = CleanedEmail(
        id=email.id,
        tenant=email.tenant,
        customer_id=email.customer_id,
        thread_id=email.thread_id,
        kind=kind_of(signs),
        subject=subject,
        body=text.body,
        language=email.language or language_of(subject, text.body),
        attributes=email.attributes,
        malformed_html=text.is_malformed,
        removed=text.removed,
        received_at=utc(email.received_at or received_at),
        source=source,
    )
    return cleaned, CleanNotes(text.is_over_time, text.left_out)


def _plain_text(mail: ReadMail, options: CleanOptions, deadline: Deadline) -> _Text:
    """All texts of a mail as one plain text within the limits."""
    result = _Text("", {"quote": 0, "signature": 0, "footer": 0, "markup": 0})
    pieces: list[str] = []
    for segment in mail.segments:
        if not segment.is_html:
            text, left_out = cut_text(_without_marks(segment.text), options)
        else:
            page = html_to_text(segment.text, options.max_html_chars, deadline)
            result.is_malformed = result.is_malformed or page.is_malformed
            result.is_over_time = result.is_over_time or not page.is_complete
            result.removed["markup"] += max(0, len(segment.text) - page.left_out - len(page.text))
            text, left_out = cut_text(page.text, options)
            left_out += page.left_out
        result.left_out += left_out
        pieces.append(text)
    joined, left_out = cut_text("\n\n".join(pieces), options)
    result.left_out += left_out
    result.body = _mend(joined)
    return result


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
    before = text.body
    is_forward = subject_prefix(subject) == "forward"
    try:
        for _ in range(_MAX_ROUNDS):
            start = text.body
            _strip_once(text, is_forward, options, deadline)
            if text.body == start:
                break
    except OverTimeError:
        text.is_over_time = True
    text.body = _without_marks(text.body)
    if not has_words(text.body) and not has_words(subject) and not text.has_history:
        text.body = _without_marks(before)  # a mail that is only a signature says more than nothing


def _strip_once(text: _Text, is_forward: bool, options: CleanOptions, deadline: Deadline) -> None:
    deadline.check()
    lines = text.body.split("\n")
    if "footer" in options.remove:
        strip_banner(
            lines, text.removed
        )  # first: text above a header block must be the author's own
    if "quote" in options.remove:
        size = _size(lines)
        split = split_history(lines, is_forward=is_forward, deadline=deadline)
        lines = split.lines
        text.removed["quote"] += max(0, size - _size(lines))
        text.has_history = text.has_history or split.has_history
    lines, removed = strip_letter(lines, options.remove)
    for reason, chars in removed.items():
        text.removed[reason] += chars
    text.body = "\n".join(lines).strip("\n")


def _size(lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def _without_marks(text: str) -> str:
    return text.replace(MARK_HISTORY, "").replace(MARK_ATTRIBUTION, "")
