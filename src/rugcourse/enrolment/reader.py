"""Identifies the reader behind a link in a mail, and what that link still allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.content.languages import language_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryKind, DeliveryRow, SubscriberRow, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import subscribers
from rugcourse.enrolment import preferences
from rugcourse.links import MailRef, is_old

# How long a requested link allows a data export, erasure and a change of address.
RIGHTS_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a link, the mail that contained it, and the course of that mail."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    published: PublishedCourse

    @property
    def language(self) -> str:
        """The language of the pages: the reader's, or else the first one of the course."""
        return language_for(self.published.course.texts, self.subscriber.language)

    @property
    def has_left(self) -> bool:
        return self.subscriber.status != SubscriberStatus.ACTIVE

    def link_is_old(self, now: datetime) -> bool:
        """Return whether the link has expired or was closed, and so gives no access to personal data."""
        return is_old(self.delivery.planned_at, self.subscriber.links_revoked_at, now)

    def may_exercise_rights(self, now: datetime) -> bool:
        """Return whether the link allows actions that can't be undone: it was requested by mail within the last hour.

        Suppressed readers can't get such a mail; for them any link that is not old is enough.
        """
        if self.link_is_old(now):
            return False
        if self.subscriber.status == SubscriberStatus.SUPPRESSED:
            return True
        sent = self.delivery.settled_at or self.delivery.planned_at
        return self.delivery.kind == DeliveryKind.MAGIC_LINK and now - sent <= timedelta(minutes=RIGHTS_MINUTES)

    def may_undo_leaving(self, now: datetime) -> bool:
        """Return whether the link may undo leaving: it was a moment ago, or the link was requested for this purpose."""
        left_at = self.subscriber.left_at
        if not self.has_left:
            return not self.link_is_old(now)
        just_now = left_at is not None and now - left_at <= timedelta(minutes=RIGHTS_MINUTES)
        return (just_now or self.may_exercise_rights(now)) and preferences.may_come_back(self.subscriber, now)

    @property
    def is_mailed(self) -> bool:
        """Whether they may be mailed: suppressed readers get neither notices nor a new link."""
        return self.subscriber.status != SubscriberStatus.SUPPRESSED

    @property
    def mail(self) -> MailRef:
        """The reference to the mail, as links contain it."""
        return self.ref(self.delivery.id)

    def ref(self, delivery_id: int) -> MailRef:
        """Return the reference to another mail of this reader."""
        return subscribers.ref_of(self.subscriber, delivery_id)


def reader_of_mail(session: Session, course_cache: CourseCache, mail: MailRef) -> Reader | None:
    """Return the reader to whom a mail was sent; None if the person, the mail or its course no longer exists."""
    found = subscribers.by_link(session, mail)
    if found is None:
        return None
    published = course_cache.of_campaign(session, found[1].campaign_id)
    return Reader(found[0], found[1], published) if published is not None else None
