"""What the kind of a mail is told by, gathered by the front door and folded once; and the questions put to it.

Knows how subjects begin and how phrases are looked for, not what follows from them: that is in `kinds` and `machines`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.clean.history.words import FORWARD_PREFIXES, REPLY_PREFIXES
from stream.clean.kinds.machine_phrases import MACHINE_SUBJECTS
from stream.clean.kinds.newsletter_phrases import BACK_TO_ME, MATTERS, PLEASE, POLITE
from stream.clean.message.headers import Headers

_MAX_PREFIX_CHARS = 14
_HEAD_CHARS = 400
_TAIL_CHARS = 320
_SENTENCE_ENDS = re.compile(r"[.!?;\n]+ ?")


class Signs(NamedTuple):
    """What the kind is told by. Headers, content type, report type and calendar method are empty unless it came raw.

    Args:
        subject: decoded, on one line.
        sender: the value of From, with or without a display name.
        has_in_reply_to: the record says that the mail answers another.
        has_history: a quoted mail was found in it.
        headers: of the message.
        content_type: of the message, lower case.
        report_type: `delivery-status`, … of a `multipart/report`.
        body_head: the first 800 characters of the cleaned text.
        body_tail: the last 800 characters of the text before anything was taken out.
        calendar_method: `reply`, `request`, … of a calendar part (RFC 5546).
        has_attachments: files came with it.
    """

    subject: str
    sender: str
    has_in_reply_to: bool
    has_history: bool
    headers: Headers
    content_type: str
    report_type: str
    body_head: str = ""
    body_tail: str = ""
    calendar_method: str = ""
    has_attachments: bool = False


@dataclass(slots=True)
class Mail:
    """The signs, folded once.

    `headline` is the subject if it starts like a machine's, else empty: one look for most mails. `tail` is empty where
    it would be a quoted mail's.
    """

    signs: Signs
    headers: Headers
    subject: str
    headline: str
    prefix: str | None
    sender: str
    head: str
    tail: str

    @classmethod
    def of(cls, signs: Signs) -> "Mail":
        """The signs, folded and cut to what the rules look at."""
        subject = signs.subject[:200].casefold()
        bare = subject.lstrip(" [*<(")
        return cls(
            signs=signs,
            headers=signs.headers,
            subject=subject,
            headline=bare if bare.startswith(MACHINE_SUBJECTS) else "",
            prefix=subject_prefix(signs.subject),
            sender=signs.sender[-300:].casefold(),
            head=signs.body_head[:_HEAD_CHARS].casefold(),
            tail="" if signs.has_history else signs.body_tail[-_TAIL_CHARS:].casefold(),
        )

    @property
    def is_raw(self) -> bool:
        """Whether there are headers to look at; a raw mail always has a content type."""
        return self.signs.content_type != ""

    @property
    def is_answer(self) -> bool:
        """Whether a header says that the mail answers another; its text may still be a machine's."""
        headers = self.headers
        return self.signs.has_in_reply_to or "in-reply-to" in headers or "references" in headers


def subject_prefix(subject: str) -> str | None:
    """`reply` or `forward` by the first prefix of a subject (`Re: …`, `AW[2]: …`, `[Ticket 7] WG: …`), else None."""
    if subject.startswith("["):
        inner = _prefix_kind(subject[1:])
        if inner is not None:
            return inner
        subject = subject.partition("]")[2].lstrip()
    return _prefix_kind(subject)


def _prefix_kind(subject: str) -> str | None:
    head, colon, _ = subject[: _MAX_PREFIX_CHARS + 1].replace("：", ":").partition(":")
    if not colon:
        return None
    word = head.split("[", 1)[0].split("(", 1)[0].strip(" .^0123456789").casefold()
    if word in REPLY_PREFIXES:
        return "reply"
    return "forward" if word in FORWARD_PREFIXES else None


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether a text holds one of the phrases. A plain loop: `any` took twice as long."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False


def has_word(text: str, words: frozenset[str]) -> bool:
    """Whether one of the words stands in a text; half the time of looking for as many stems."""
    return not words.isdisjoint(text.replace(".", " ").replace(",", " ").split())


def announced(headline: str, words: tuple[str, ...]) -> str | None:
    """What follows a phrase that is the subject, alone or before a mark: `Out of office cannot be set` is a request."""
    for phrase in words:
        if headline.startswith(phrase):
            rest = headline[len(phrase) :].lstrip()
            if phrase.endswith(":"):
                return f":{rest}"
            if not rest or rest[0] in ":(-–—!.]*>)：" or rest[:3] == "re:":
                return rest
    return None


def asks(text: str) -> bool:
    """Whether somebody wants something: a question, or a request other than those that machines make."""
    if "?" in text or "？" in text:
        return True
    if not holds(text, PLEASE):
        return False
    for sentence in _SENTENCE_ENDS.split(text):
        if holds(sentence, PLEASE) and (not holds(sentence, POLITE) or holds(sentence, BACK_TO_ME)):
            return True
    return False


def is_request(text: str) -> bool:
    """Whether somebody asks, or writes of what customers write of: `my parcel`, `die Rechnung`."""
    return asks(text) or holds(text, MATTERS)
