"""Says what kind of mail this is: a message, a reply, or something no person sent. Takes what was read, gives one word.

The first that fits: bounce, automatic, bulk, forward (a message), reply, message.
"""

from dataclasses import dataclass

from stream.clean.headers import Headers
from stream.clean.lines import listed
from stream.clean.words import FORWARD_PREFIXES, REPLY_PREFIXES
from stream.records import Kind

_MAX_PREFIX_CHARS = 14

_BOUNCERS = ("mailer-daemon@", "postmaster@", "mail-daemon@", "mailerdaemon@")
_BOUNCE_SUBJECTS = listed(
    "undelivered mail returned to sender|delivery status notification"
    "|mail delivery failed|mail delivery failure|returned mail:|undeliverable:"
    "|undelivered:|failure notice|delivery failure|message not delivered|unzustellbar:"
    "|non remis :|non remis:|no se puede entregar:|non recapitabile:|onbestelbaar:"
    "|não entregável:|nie można dostarczyć:|kan inte levereras:|ikke leveret:"
    "|mail system error - returned mail"
)
_AUTO_SUBJECTS = listed(
    "automatic reply|auto reply|auto-reply|autoreply|auto response|auto-response"
    "|autoresponse|automated reply|out of office|out-of-office|out of the office"
    "|away from the office|automatische antwort|autom. antwort|abwesenheitsnotiz"
    "|abwesenheitsnachricht|abwesenheitsassistent|abwesend"
    "|ich bin nicht im büro|réponse automatique|absence du bureau|absent du bureau"
    "|respuesta automática|fuera de la oficina|risposta automatica|fuori ufficio"
    "|resposta automática|fora do escritório|automatisch antwoord|afwezig|autosvar"
    "|automatiskt svar|automatisk svar|frånvaro|ikke til stede|odpowiedź automatyczna"
    "|automatyczna odpowiedź|poza biurem|vacation reply|read:|gelesen:"
)


@dataclass(frozen=True)
class Signs:
    """What the kind is told by. Headers, content type and report type are empty unless the mail came raw."""

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


def kind_of(signs: Signs) -> Kind:
    """The kind of a mail.

    Source: RFC 3464 (delivery reports), RFC 3834 (automatic responses), RFC 2919 and 2369 (lists).
    """
    subject = signs.subject.casefold()
    if _is_bounce(signs, subject):
        return "bounce"
    if _is_automatic(signs, subject):
        return "auto_reply"
    headers = signs.headers
    precedence = headers.get("precedence").strip().lower()
    if (
        "list-id" in headers
        or "list-unsubscribe" in headers
        or precedence in ("bulk", "list", "junk")
    ):
        return "bulk"
    prefix = subject_prefix(signs.subject)
    if prefix == "forward":
        return "message"
    is_answer = signs.has_in_reply_to or "in-reply-to" in headers or "references" in headers
    return "reply" if prefix == "reply" or is_answer or signs.has_history else "message"


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


def _is_bounce(signs: Signs, subject: str) -> bool:
    if signs.content_type == "multipart/report" and signs.report_type == "delivery-status":
        return True
    sender = signs.sender.casefold()
    if "x-failed-recipients" in signs.headers or any(bouncer in sender for bouncer in _BOUNCERS):
        return True
    return _announces(subject, _BOUNCE_SUBJECTS)


def _announces(subject: str, phrases: tuple[str, ...]) -> bool:
    """Whether a subject is one of the phrases, alone or before a colon: `Out of office cannot be set` is a request."""
    for phrase in phrases:
        if subject.startswith(phrase):
            rest = subject[len(phrase) :].lstrip()
            if phrase.endswith(":") or not rest or rest[0] in ":(-–—!." or rest.startswith("re:"):
                return True
    return False


def _is_automatic(signs: Signs, subject: str) -> bool:
    headers = signs.headers
    submitted = headers.get("auto-submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    if signs.report_type == "disposition-notification":
        return True
    if any(
        name in headers
        for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from")
    ):
        return True
    if headers.get("precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    # By itself it only asks others not to answer: web forms and ticket systems set it on a customer's words too.
    is_suppressing = any(
        word in headers.get("x-auto-response-suppress").lower()
        for word in ("all", "oof", "autoreply")
    )
    if is_suppressing and ("in-reply-to" in headers or "references" in headers):
        return True
    return _announces(subject, _AUTO_SUBJECTS)
