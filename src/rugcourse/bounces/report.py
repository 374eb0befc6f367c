"""The parsed values of a bounce, complaint or automatic reply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class BounceType(StrEnum):
    """What a received message is."""

    HARD = "hard"  # there is no such mailbox: nothing will ever arrive
    SOFT = "soft"  # a temporary failure: mailbox full, mail too large, server in trouble
    POLICY = "policy"  # the server refuses mail from us, or this mail: about the sender, not the reader
    DELAYED = "delayed"  # a server is still trying to deliver
    COMPLAINT = "complaint"  # the reader called it spam
    AUTO_REPLY = "auto-reply"  # out of office, acknowledgement of receipt, …
    OTHER = "other"  # a message by a person, or unknown


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A parsed message.

    `status`: such as 5.1.1, may be empty. `words`: the reply of the server. `message_ids`: of the quoted mails, to
    find the delivery if the recipient address does not. `recipient`: the address the report is about, as written
    there. `at`: when that mail was accepted, or else when the report was written (UTC). `identity`: the same for all
    copies of the message, from any source.
    """

    kind: BounceType
    status: str = ""
    words: str = ""
    message_ids: tuple[str, ...] = ()
    recipient: str = ""
    at: datetime | None = None
    identity: str = ""


class ProviderEvent(NamedTuple):
    """What an authenticated relay reports about a mail, by webhook.

    The mail is identified by its return path, by a Message-ID of the report, or else as the newest one that had been
    sent to `address` at the instant `at` (UTC).
    """

    report: BounceReport
    return_path: str
    address: str
    at: datetime
