"""Builds RFC 822 bytes for the built-in world: alternatives, attachments, charsets, automatic mail.

Takes headers and text from `forms`, gives bytes back; the same input and chance give the same bytes
(boundaries and ids are set, not drawn by the library).
"""

import random
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP

_SENT = "Mon, 02 Mar 2026 09:30:00 +0100"
_ATTACHMENT = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"


@dataclass(frozen=True)
class Envelope:
    """The headers that every message has; `tenant` is the host it goes to, `message_id` the local part."""

    sender: str
    tenant: str
    subject: str
    message_id: str


def alternative(envelope: Envelope, text: str, markup: str, rng: random.Random) -> bytes:
    """A person's mail: text and HTML as alternatives in one of several charsets, often with a PDF."""
    message = _headed(envelope)
    charset = rng.choice(("utf-8", "iso-8859-1", "windows-1252"))
    encoding = rng.choice(("quoted-printable", "base64"))
    _add_text(message, text, charset, encoding)
    message.add_alternative(markup, subtype="html", charset=_able(markup, charset), cte=encoding)
    message.set_boundary(f"=_alt_{envelope.message_id}")
    if rng.random() < 0.6:
        message.add_attachment(
            _ATTACHMENT * rng.randint(1, 20),
            maintype="application",
            subtype="pdf",
            filename=rng.choice(("scan.pdf", "Rechnung März.pdf", "contract.pdf")),
        )
        message.set_boundary(f"=_mix_{envelope.message_id}")
    return message.as_bytes()


def automatic(envelope: Envelope, text: str) -> bytes:
    """An out-of-office answer (RFC 3834)."""
    message = _headed(envelope)
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    _add_text(message, text, "utf-8", "quoted-printable")
    return message.as_bytes()


def newsletter(envelope: Envelope, text: str) -> bytes:
    """Bulk mail with the headers of a list (RFC 2369)."""
    message = _headed(envelope)
    message["Precedence"] = "bulk"
    message["List-Id"] = "offers <news.shop.example>"
    message["List-Unsubscribe"] = "<https://shop.example/unsubscribe>"
    _add_text(message, text, "utf-8", "quoted-printable")
    return message.as_bytes()


def bounce(envelope: Envelope) -> bytes:
    """A delivery report (RFC 3464), written out because the library makes no multipart/report."""
    boundary = f"=_dsn_{envelope.message_id}"
    lines = [
        "Return-Path: <>",
        "From: Mail Delivery System <mailer-daemon@mx.example>",
        f"To: support@{envelope.tenant}.example",
        f"Subject: {envelope.subject}",
        f"Date: {_SENT}",
        f"Message-ID: <{envelope.message_id}@mx.example>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        "",
        "Final-Recipient: rfc822; someone@customer.example",
        "Action: failed",
        "Status: 5.1.1",
        "",
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def _headed(envelope: Envelope) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    local = f"c{sum(envelope.sender.encode()) % 10_000}"
    message["From"] = f"{_encoded(envelope.sender)} <{local}@customer.example>"
    message["To"] = f"support@{envelope.tenant}.example"
    message["Subject"] = envelope.subject
    message["Date"] = _SENT
    message["Message-ID"] = f"<{envelope.message_id}@customer.example>"
    return message


def _encoded(name: str) -> str:
    return name if name.isascii() else Header(name, "utf-8").encode()


def _able(text: str, charset: str) -> str:
    """The charset, where it can hold the text; else UTF-8."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "utf-8"
    return charset


def _add_text(message: EmailMessage, text: str, charset: str, encoding: str) -> None:
    message.set_content(text, charset=_able(text, charset), cte=encoding)
