"""Says what kind of mail this is: a message, a reply, or something no person sent. Takes what was read, gives one word.

The first that fits: bounce, automatic answer, notification, bulk, forward (a message), reply, message. Where a sign can
be read both ways the mail is a person's: a notification that is classified costs a moment, a customer who is skipped
is lost.
"""

import re

from stream.clean.ends.persons import speaks
from stream.clean.kinds import machine_phrases as phrases
from stream.clean.kinds.machines import automatic
from stream.clean.kinds.newsletter_phrases import (
    LEAVING,
    NEWSLETTER_WORDS,
    UNSUBSCRIBE_LINES,
    UNSUBSCRIBE_WORDS,
)
from stream.clean.kinds.signs import (
    Mail,
    Signs,
    announced,
    has_word,
    holds,
    is_request,
)
from stream.records import Kind

_LINK = re.compile(r"[<(\[]?https?://[^\s<>()\[\]]{1,500}[>)\]]?")
_MIN_NEWSLETTER_CHARS = 150
_BARS = re.compile(r"[|·•–—\n]")
_ROW_MARKS = ("|", "·", "•")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w")
_SMTP_CODE = re.compile(
    r"\b[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}\b"
    r"|\b55[0-4][ -]<?(?:user|no |mailbox|relay|unknown|recipient|address|sorry|requested|permanent|invalid)"
)


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
    # A person reads postmaster@ too, and a parcel may fail to be delivered.
    is_likely = "postmaster@" in mail.sender
    if not mail.headline:
        return is_likely and _says_undelivered(mail, is_subject=False)
    is_subject = announced(mail.headline, phrases.BOUNCE_SUBJECTS) is not None
    if is_subject and not mail.head.strip():
        return not signs.has_attachments
    is_likely = is_likely or mail.headline.startswith(phrases.WEAK_BOUNCE_SUBJECTS)
    return (is_subject or is_likely) and _says_undelivered(mail, is_subject=is_subject)


def _says_undelivered(mail: Mail, *, is_subject: bool) -> bool:
    """Whether a server speaks of a mail: whom it did not reach or with what code, and nobody asks why."""
    if mail.headers.get("return-path").strip() == "<>":
        return True
    text = _LINK.sub(" ", mail.head)
    has_code = holds(text, phrases.BOUNCE_VOICES) or _SMTP_CODE.search(text) is not None
    if not (has_code or _ADDRESS.search(text)):
        return False
    if not (has_code or is_subject) and not (
        holds(text, phrases.BOUNCE_BODIES) and holds(text, phrases.BOUNCE_NOUNS)
    ):
        return False
    if len(mail.signs.body_head) > len(mail.head):
        # The last word is cut through: the `i` of `it` would speak.
        text = text.rpartition(" ")[0]
    for voice in phrases.BOUNCE_VOICES:
        text = text.replace(voice, " ")
    return not speaks(text) and not is_request(text)


def _is_bulk(mail: Mail) -> bool:
    headers = mail.headers
    precedence = headers.get("precedence").strip().lower()
    has_link = "list-unsubscribe" in headers
    is_answer = mail.prefix == "reply" or mail.is_answer
    if precedence in ("bulk", "junk"):
        return True
    if has_link or precedence == "list" or "list-id" in headers:
        # On a discussion list people answer each other; Mailman and Google Groups say `Precedence: list`.
        # A link alone is set by some firms' servers on every mail, also on the answers that people write.
        if "list-id" not in headers and precedence == "" and mail.prefix == "reply":
            return not mail.is_answer
        is_discussion = precedence == "list" or not has_link
        return not (is_answer and is_discussion)
    if is_answer or mail.prefix is not None or len(mail.tail) < _MIN_NEWSLETTER_CHARS:
        return False
    return _is_newsletter_text(mail)


def _is_newsletter_text(mail: Mail) -> bool:
    """Whether the end of a text is a newsletter's. `How do I unsubscribe?` is a customer's."""
    tail = mail.tail
    if not has_word(tail, UNSUBSCRIBE_WORDS):
        return False
    if has_word(mail.subject, UNSUBSCRIBE_WORDS) or holds(tail, LEAVING) or speaks(tail):
        return False
    if holds(tail, NEWSLETTER_WORDS) and "?" not in _LINK.sub(" ", tail):
        return True
    return any(map(_is_unsubscribe_line, tail.split("\n")))


def _is_unsubscribe_line(line: str) -> bool:
    """Whether a line is a link to leave a list, by itself or in a row of links: the words alone are a request."""
    bare = _LINK.sub(" ", line)
    pieces = _BARS.split(bare)
    if bare == line and not holds(line, _ROW_MARKS):
        return False
    return any(piece.strip(" .:!>»*[]()_-") in UNSUBSCRIBE_LINES for piece in pieces)
