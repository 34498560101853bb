"""Says what kind of mail this is: a message, a reply, or something no person sent. Takes what was read, gives one word.

The first that fits: bounce, automatic answer, notification, bulk, forward (a message), reply, message. Where a sign can
be read both ways the mail is a person's: a notification that is classified costs a moment, a customer who is skipped
is lost.
"""

import re

from stream.clean import machine_phrases as phrases
from stream.clean.machines import automatic
from stream.clean.newsletter_phrases import NEWSLETTER_WORDS, UNSUBSCRIBE_LINES, UNSUBSCRIBE_WORDS
from stream.clean.persons import speaks
from stream.clean.signs import Mail, Signs, announces, has_word, holds, subject_prefix
from stream.records import Kind

__all__ = ["Signs", "kind_of", "subject_prefix"]

_LINK = re.compile(r"[<(\[]?https?://[^\s<>()\[\]]{1,500}[>)\]]?")
_MIN_NEWSLETTER_CHARS = 150
_BARS = re.compile(r"[|·•–—\n]")


def kind_of(signs: Signs) -> Kind:
    """The kind of a mail.

    Source: RFC 3464 and 8098 (reports), RFC 3834 and 5436 (automatic mail), RFC 2919 and 2369 (lists), RFC 5546
    (calendar answers).
    """
    mail = Mail.of(signs)
    if _is_bounce(mail):
        return "bounce"
    machine = automatic(mail)
    if machine is not None:
        return machine
    if _is_bulk(mail):
        return "bulk"
    if mail.prefix == "forward":
        return "message"
    return "reply" if mail.prefix == "reply" or mail.is_answer or signs.has_history else "message"


def _is_bounce(mail: Mail) -> bool:
    signs, headers = mail.signs, mail.headers
    if signs.report_type == "delivery-status" or signs.content_type == "message/delivery-status":
        return True
    if "x-failed-recipients" in headers or holds(mail.sender, phrases.BOUNCERS):
        return True
    if mail.prefix is not None:
        return False
    if mail.headline and announces(mail.headline, phrases.BOUNCE_SUBJECTS):
        return _says_undelivered(mail) or not speaks(mail.head)
    # A person reads postmaster@ too, and a parcel may fail to be delivered.
    is_likely = "postmaster@" in mail.sender or mail.headline.startswith(
        phrases.WEAK_BOUNCE_SUBJECTS
    )
    return is_likely and _says_undelivered(mail)


def _says_undelivered(mail: Mail) -> bool:
    return mail.headers.get("return-path").strip() == "<>" or holds(
        mail.head, phrases.BOUNCE_BODIES
    )


def _is_bulk(mail: Mail) -> bool:
    headers = mail.headers
    precedence = headers.get("precedence").strip().lower()
    has_link = "list-unsubscribe" in headers
    is_answer = mail.prefix == "reply" or mail.is_answer
    if precedence in ("bulk", "junk"):
        return True
    if has_link or precedence == "list" or "list-id" in headers:
        # On a discussion list people answer each other; Mailman and Google Groups say `Precedence: list`.
        is_discussion = precedence == "list" or not has_link
        return not (is_answer and is_discussion)
    if is_answer or mail.prefix is not None or len(mail.tail) < _MIN_NEWSLETTER_CHARS:
        return False
    return _is_newsletter_text(mail.tail)


def _is_newsletter_text(tail: str) -> bool:
    """Whether the end of a text is a newsletter's. `How do I unsubscribe?` is a customer's."""
    if not has_word(tail, UNSUBSCRIBE_WORDS):
        return False
    for piece in _BARS.split(_LINK.sub(" ", tail)):
        if piece.strip(" .:!>»*[]()_-") in UNSUBSCRIBE_LINES:
            return not speaks(tail)
    return holds(tail, NEWSLETTER_WORDS) and "?" not in tail and not speaks(tail)
