"""What a message that came back turns out to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BounceType(StrEnum):
    """What came back."""

    HARD = "hard"  # there is no such mailbox: nothing will ever arrive
    SOFT = "soft"  # it did not arrive, and may another time: full, too large, a server in trouble
    POLICY = "policy"  # the server does not want mail from us, or this one: about the sender, not the reader
    DELAYED = "delayed"  # it is still being tried
    COMPLAINT = "complaint"  # the reader called it spam
    AUTO_REPLY = "auto-reply"  # on holiday, received, …: by a machine, about nothing that matters here
    OTHER = "other"  # somebody wrote, or nobody knows


@dataclass(frozen=True, slots=True)
class BounceReport:
    """`status`: such as 5.1.1, where it says one; `words`: what the server said; `message_ids`: of the mails that it
    quotes, which find the delivery where the address it came to does not; `recipient`: the address that it is about,
    as it is written there; `at`: when that mail was taken over, or else when this was written (UTC); `identity`: the
    same by whatever door this message comes, and however often.
    """

    kind: BounceType
    status: str = ""
    words: str = ""
    message_ids: tuple[str, ...] = ()
    recipient: str = ""
    at: datetime | None = None
    identity: str = ""
