"""Says whether a machine wrote a mail of itself: an answering machine, or a system that has something to report.

Takes the folded signs, gives `auto_reply`, `notification` or None to `kinds`. By headers first (RFC 3834), then by
words, of which two kinds must meet: a customer may be on holiday, write from a form, or complain of an automatic mail.
"""

import re

from stream.clean.ends.persons import speaks
from stream.clean.kinds import machine_phrases as phrases
from stream.clean.kinds.newsletter_phrases import AUTO_ADMISSIONS, AUTO_MENTIONS, BUSINESS
from stream.clean.kinds.signs import Mail, announced, asks, has_word, holds, is_request
from stream.clean.message.headers import Headers
from stream.records import Kind

_OPENING_CHARS = 200
_SENTENCE_CHARS = 70
_MAX_THANKS_CHARS = 200
_MAX_AUTO_CHARS = 790
"""A little below what `body_head` holds: a longer text is no answering machine's."""

_COMMENT = re.compile(r"\([^()]*\)")
_DOMAIN = re.compile(r"@([\w.-]{1,200})")
_AUTO_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-auto-reply-from",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-mdautoresponse",
    "x-vacation",
)


def automatic(mail: Mail) -> Kind | None:
    """`auto_reply` or `notification`; None where a person may have written."""
    is_generated = False
    if mail.is_raw:
        headers = mail.headers
        submitted = headers.get("auto-submitted").lower()
        word = _COMMENT.sub("", submitted).partition(";")[0].strip()
        is_generated = word not in ("", "no")
        if (
            word == "auto-replied"
            or (is_generated and "vacation" in submitted)
            or mail.signs.report_type == "disposition-notification"
            or _has_auto_header(headers)
        ):
            return "auto_reply"
    if mail.prefix == "forward":
        return None
    if _is_auto_reply(mail, is_generated=is_generated):
        return "auto_reply"
    return "notification" if _is_notification(mail, is_generated=is_generated) else None


def _has_auto_header(headers: Headers) -> bool:
    for name in _AUTO_HEADERS:
        if name in headers and headers.get(name).strip().lower() not in ("no", "false", "0"):
            return True
    precedence = headers.get("precedence") + headers.get("x-precedence")
    if precedence.strip().lower().replace("-", "_") == "auto_reply":
        return True
    return "autoresponder" in headers.get("x-post-messageclass").lower()


def _is_auto_reply(mail: Mail, *, is_generated: bool) -> bool:
    if mail.headline and _announces_itself(mail):
        return True
    is_sure, is_machine = is_generated, False
    if mail.is_raw:
        # By themselves these ask others not to answer, or tell of a rule that sent a person's words on: web forms, help
        # desks and inbox rules set them too.
        headers = mail.headers
        suppressed = headers.get("x-auto-response-suppress").lower()
        is_suppressing = suppressed != "" and holds(suppressed, ("all", "oof", "autoreply"))
        if is_suppressing and mail.is_answer and mail.prefix is None and not is_generated:
            return True
        is_sure = is_generated or headers.get("return-path").strip() == "<>"
        is_machine = (
            is_suppressing
            or "x-ms-exchange-inbox-rules-loop" in headers
            or "mailbox rules" in headers.get("x-ms-exchange-generated-message-source").lower()
        )
    return _is_away_text(mail, is_sure=is_sure, is_machine=is_machine)


def _announces_itself(mail: Mail) -> bool:
    """Whether the subject is a machine's, and the text does not take that back."""
    subject, head = mail.headline, mail.head
    rest = announced(subject, phrases.AUTO_SUBJECTS)
    if rest is not None:
        # Outlook writes `Automatic reply: Card`; a customer `Automatic reply`, or `Automatic reply - why`.
        is_format = rest.startswith((":", "：", "]", ")", ">", "*"))
        return _is_subject_meant(mail, is_format=is_format)
    if not head.strip():
        is_away = announced(subject, phrases.AWAY_SUBJECTS) is not None
        is_receipt = subject.startswith(phrases.RECEIPT_SUBJECTS)
        return is_receipt or (is_away and not mail.signs.has_attachments)
    if announced(subject, phrases.AWAY_SUBJECTS) is not None:
        return (_says_away(head) or _promises(head)) and not is_request(head)
    return subject.startswith(phrases.RECEIPT_SUBJECTS) and holds(head, phrases.RECEIPT_BODIES)


def _is_subject_meant(mail: Mail, *, is_format: bool) -> bool:
    head = mail.head
    if holds(head, AUTO_MENTIONS) and not holds(head, AUTO_ADMISSIONS):
        return False
    if _says_away(head) or _promises(head):
        return is_format or not is_request(head)
    if is_format:
        return not (speaks(head) and asks(head))
    if not head.strip():
        return not mail.signs.has_attachments
    return not speaks(head) and not is_request(head)


def _promises(head: str) -> bool:
    return holds(head, phrases.AWAY_PROMISES) or (
        len(head) <= _MAX_THANKS_CHARS and holds(head, phrases.AWAY_THANKS)
    )


def _is_away_text(mail: Mail, *, is_sure: bool, is_machine: bool) -> bool:
    """An answering machine's words: where somebody is, and what happens to the mail. A customer may be away as well."""
    opening = mail.head[:_OPENING_CHARS]
    if "auto" in opening:
        for line in opening.split("\n"):
            if line.startswith(phrases.AUTO_BODIES):
                return not (speaks(mail.head) and asks(mail.head))
    may_say = has_word(opening, phrases.AWAY_WORDS) or (
        not opening.isascii() and holds(opening, phrases.AWAY_SIGNS)
    )
    if not may_say or len(mail.signs.body_head) > _MAX_AUTO_CHARS:
        return False
    if "?" in mail.head or not _says_away(opening):
        return False
    return is_sure or ((is_machine or _promises(mail.head)) and not is_request(mail.head))


def _says_away(opening: str) -> bool:
    """Whether one sentence says both who and away; `is out of order` alone does not."""
    for phrase in phrases.AWAY:
        at = opening.find(phrase)
        if at >= 0 and holds(opening[at : at + _SENTENCE_CHARS], phrases.AWAY_STEMS):
            return True
    return False


def _is_notification(mail: Mail, *, is_generated: bool) -> bool:
    signs = mail.signs
    if (
        mail.headline.startswith(phrases.SYSTEM_SUBJECTS)
        or signs.content_type == "multipart/report"
    ):
        return True
    if _is_calendar_answer(mail):
        return True
    if is_generated or (mail.is_raw and _is_tracked(mail.headers)):
        return not _is_persons(mail)
    if _takes_no_reply(mail.sender) or (mail.is_raw and _is_from_desk(mail.headers)):
        words = f"{mail.subject}\n{mail.head}\n{mail.tail}"
        return (
            holds(words, phrases.SYSTEM_WORDS) and not _is_persons(mail) and not speaks(mail.head)
        )
    return _says_system(mail) and not _is_persons(mail)


def _takes_no_reply(address: str) -> bool:
    local = address.partition("@")[0].rpartition("<")[2]
    if local in phrases.SYSTEM_SENDERS:
        return True
    joined = local.replace("-", "").replace("_", "").replace(".", "")
    return holds(joined, phrases.NO_REPLY)


def _is_tracked(headers: Headers) -> bool:
    for name in phrases.TRACKERS:
        if name in headers:
            return True
    mailer = headers.get("x-mailer").lower()
    return mailer != "" and holds(mailer, phrases.MONITORS)


def _is_from_desk(headers: Headers) -> bool:
    for name in phrases.HELPDESKS:  # noqa: SIM110
        if name in headers:
            return True
    return False


def _is_calendar_answer(mail: Mail) -> bool:
    is_answer = mail.signs.calendar_method in ("reply", "counter")
    if not is_answer and not mail.headline.startswith(phrases.CALENDAR_SUBJECTS):
        return False
    # Whoever declines with a sentence, or accepts an offer in the subject alone, has written a mail.
    if mail.head.strip():
        return holds(mail.head, phrases.CALENDAR_BODIES)
    return is_answer or "calendar" in mail.headers.get("content-class").lower()


def _says_system(mail: Mail) -> bool:
    """Whether a mail without headers says that a system made it, and nobody in it asks or speaks of himself."""
    if mail.prefix is not None or mail.is_answer:
        return False
    if "auto" not in mail.head and "auto" not in mail.tail and "автом" not in mail.tail:
        return False
    text = f"{mail.head}\n{mail.tail}"
    if not holds(text, phrases.SYSTEM_BODIES) or mail.signs.has_attachments:
        return False
    # A program prints invoices and orders for people, who then send them.
    return not (holds(text, BUSINESS) or asks(mail.head) or speaks(text))


def _is_persons(mail: Mail) -> bool:
    """Whether a system carries a person's words: the answer goes elsewhere, or a form was filled in."""
    own = _site(mail.sender)
    for name in ("reply-to", "sender"):
        other = mail.headers.get(name)[:300].casefold()
        if other and "@" in other and not _takes_no_reply(other) and _site(other) != own:
            return True
    return _is_form(mail.head)


def _site(address: str) -> str:
    """The last two names of the domain, of three where the last but one is short (`co.uk`)."""
    found = _DOMAIN.search(address)
    names = found.group(1).strip(".").split(".") if found else [address]
    return ".".join(names[-3:] if len(names) > 2 and len(names[-2]) <= 3 else names[-2:])


def _is_form(head: str) -> bool:
    """Whether lines name an address and words: `E-Mail: jane@example.com`, `Nachricht: …`."""
    has_address = has_words = False
    for line in head.split("\n"):
        label, colon, value = line[:120].partition(":")
        if not colon:
            continue
        label = label.strip(" *_-")
        has_address = has_address or ("@" in value and label in phrases.FORM_ADDRESSES)
        has_words = has_words or label in phrases.FORM_WORDS
    return has_address and has_words
