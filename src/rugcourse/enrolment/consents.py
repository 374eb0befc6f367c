"""Records consents and withdrawals, as evidence (GDPR, Art. 7(1)).

Each record refers to the text that was shown, in its language, and to the privacy notice beside it. A text is stored
once, under a hash of its content, and never changed.
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
    """What a consent is for. A consent for one purpose does not cover another."""

    LESSONS = "lessons"  # of one course
    MEASURING = "measuring"
    NEWS = "news"  # other news of the practice


class ConsentSource(StrEnum):
    """Where a consent was given or withdrawn. For imports, the job's number and the admin's statement are appended."""

    CONFIRM = "confirm"  # the page behind the link of the confirmation mail
    OWN_PAGE = "own page"
    ONE_CLICK = "one-click"  # the button of a mail program (RFC 8058), which shows its own text
    ADMIN = "admin"  # an admin, as the person asked by telephone or mail
    COMPLAINT = "complaint"  # a mail was reported as spam
    SUPPRESSED = "suppressed"  # the address was suppressed by an admin or after bounces
    IMPORT = "import"
    RESTORED = "restored"  # withdrawn again after a backup was restored


@dataclass(frozen=True, slots=True)
class Shown:
    """How a consent text was displayed. `title`: of the course; `notice`: the full text of the privacy notice beside
    it.
    """

    language: str
    practice: str = ""
    title: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class ConsentContext:
    """Where and when (UTC) a consent was given or withdrawn. `shown`: None if no text was displayed.

    `campaign_id` and `delivery_id`: of the mail whose link led there.
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
    """Record that a person gave a consent, or withdrew it. `words`: one of `consent_texts`; ignored if none was
    displayed.
    """
    shown = context.shown
    text = consent_texts.as_shown(words, shown.language, shown.practice, shown.title) if shown else ""
    keep_text(session, person, purpose, context, text, given=given)


def keep_text(
    session: Session, person: SubscriberRow, purpose: ConsentPurpose, context: ConsentContext, text: str, *, given: bool
) -> None:
    """Record a consent to a text that is not one of `consent_texts`. `text`: as displayed, empty for none."""
    language = context.shown.language if context.shown else ""
    row = ConsentRow(subscriber_id=person.id, purpose=purpose, granted=given, at=context.at, source=context.source)
    row.delivery_id = context.delivery_id
    row.course_id = campaigns.course_of(session, context.campaign_id) if context.campaign_id is not None else None
    row.text_name = _kept(session, language, text)
    row.notice_name = _kept(session, language, context.shown.notice) if context.shown else ""
    subscribers.add_consent(session, row)


def _kept(session: Session, language: str, text: str) -> str:
    """Store a text, and return its name; empty for no text."""
    if not text:
        return ""
    name = hashlib.sha256(f"{language}\0{text}".encode()).hexdigest()[:32]
    subscribers.keep_wording(session, name, language, text)
    return name
