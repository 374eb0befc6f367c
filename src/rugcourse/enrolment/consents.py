"""What people agreed to and withdrew, kept so that it can be shown later (GDPR, Art. 7(1)).

Each entry names the text that was shown, in its language, and the privacy notice that was beside it. A text is kept
once, under a name that is made from it, and never changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from rugcourse.db.models import ConsentRow, SubscriberRow
from rugcourse.db.queries import campaigns, subscribers
from rugcourse.enrolment import consent_texts


class ConsentPurpose(StrEnum):
    """What a consent is for. One for a purpose is worth nothing for another."""

    LESSONS = "lessons"  # of one course
    MEASURING = "measuring"
    NEWS = "news"  # other news of the practice


class ConsentSource(StrEnum):
    """Where somebody agreed, or stopped agreeing. Of an import the number and what the admin said follow."""

    CONFIRM = "confirm"  # the page that the mail after signing up leads to
    OWN_PAGE = "own page"
    ONE_CLICK = "one-click"  # the button of a mail program (RFC 8058): it shows words of its own
    ADMIN = "admin"  # somebody asked an admin, by telephone or by mail
    COMPLAINT = "complaint"  # a mail was called spam
    SUPPRESSED = "suppressed"  # an admin, or a mailbox that is gone, ended all mail
    IMPORT = "import"
    RESTORED = "restored"  # withdrawn before, and again after a backup was put back


@dataclass(frozen=True, slots=True)
class Shown:
    """How words were shown: in which language, of which practice and course, and beside which privacy notice (its whole
    text).
    """

    language: str
    practice: str = ""
    title: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class ConsentContext:
    """Where and when (UTC) somebody agreed or stopped agreeing; None for what was shown where no words were.

    `campaign_id` and `delivery_id`: of the mail by which they came there.
    """

    at: datetime
    source: str
    shown: Shown | None = None
    campaign_id: int | None = None
    delivery_id: int | None = None


def keep(
    session: Session,
    person: SubscriberRow,
    purpose: ConsentPurpose,
    context: ConsentContext,
    words: str = "",
    *,
    given: bool,
) -> None:
    """Keep that a person agreed (`given`) or stopped. `words`: one of `wordings`; ignored where no words were shown."""
    shown = context.shown
    text = consent_texts.as_shown(words, shown.language, shown.practice, shown.title) if shown else ""
    keep_text(session, person, purpose, context, text, given=given)


def keep_text(
    session: Session, person: SubscriberRow, purpose: ConsentPurpose, context: ConsentContext, text: str, *, given: bool
) -> None:
    """The same for a text that is no `wording` of ours: `text` as it was shown, empty for none."""
    language = context.shown.language if context.shown else ""
    row = ConsentRow(subscriber_id=person.id, purpose=purpose, given=given, at=context.at, source=context.source)
    row.delivery_id = context.delivery_id
    row.course_id = campaigns.course_of(session, context.campaign_id) if context.campaign_id is not None else None
    row.wording = _kept(session, language, text)
    row.notice = _kept(session, language, context.shown.notice) if context.shown else ""
    subscribers.add_consent(session, row)


def _kept(session: Session, language: str, text: str) -> str:
    """The name of a text, which is kept with it; empty for no text."""
    if not text:
        return ""
    name = hashlib.sha256(f"{language}\0{text}".encode()).hexdigest()[:32]
    subscribers.keep_wording(session, name, language, text)
    return name
