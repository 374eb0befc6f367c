"""Short notifications in plain text, which are not in the ledger: they confirm what was done."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from rugcourse.clock import SystemClock
from rugcourse.emails.mime import Sender


def plain_message(subject: str, body: str, email: str, language: str, sender: Sender) -> bytes:
    """Assemble a mail in plain text from `sender` to the address `email`."""
    message = EmailMessage(policy=SMTP)
    local, _, domain = sender.address.rpartition("@")
    message["From"] = Address(sender.name, local, domain)
    message["To"] = email
    if sender.reply_to:
        message["Reply-To"] = sender.reply_to
    message["Subject"] = subject
    message["Date"] = format_datetime(SystemClock().now())
    message["Message-ID"] = make_msgid(domain=sender.list_domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message["Content-Language"] = language
    message.set_content(f"{body}\n\n{sender.name}\n", cte="quoted-printable")
    return message.as_bytes()
