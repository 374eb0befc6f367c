"""The person behind a link in a mail, and how far that link still goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryKind, DeliveryRow, SubscriberRow, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import subscribers
from rugcourse.enrolment import preferences
from rugcourse.links import MailRef, is_old

# A copy of everything, erasing it, and another address take a link that was mailed for that purpose, for so long.
RIGHTS_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a link, the mail it stood in, and the course that mail is of."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    published: PublishedCourse

    @property
    def language(self) -> str:
        """The language of the pages: the reader's own, where the course has it."""
        languages = self.published.course.languages
        return self.subscriber.language if self.subscriber.language in languages else languages[0]

    @property
    def has_left(self) -> bool:
        return self.subscriber.status != SubscriberStatus.ACTIVE

    def link_is_old(self, now: datetime) -> bool:
        """Whether its link opens nothing any more that is the reader's own: it is too old, or they closed it."""
        return is_old(self.delivery.planned_at, self.subscriber.links_closed_at, now)

    def was_mailed_for_this(self, now: datetime) -> bool:
        """Whether the link was mailed within the last hour, as its reader asked for it: what can't be undone takes one.

        Who must not be written to gets no such mail, and does it by a link that is not old.
        """
        if self.link_is_old(now):
            return False
        if self.subscriber.status == SubscriberStatus.SUPPRESSED:
            return True
        sent = self.delivery.settled_at or self.delivery.planned_at
        return self.delivery.kind == DeliveryKind.MAGIC_LINK and now - sent <= timedelta(minutes=RIGHTS_MINUTES)

    def may_undo_leaving(self, now: datetime) -> bool:
        """Whether the link may bring back who left: just now, by mistake, or by one that was mailed for that."""
        left_at = self.subscriber.left_at
        if not self.has_left:
            return not self.link_is_old(now)
        just_now = left_at is not None and now - left_at <= timedelta(minutes=RIGHTS_MINUTES)
        return (just_now or self.was_mailed_for_this(now)) and preferences.may_come_back(self.subscriber, now)

    @property
    def is_mailed(self) -> bool:
        """Whether they may be written to: else they are told nothing by mail, and get no new link."""
        return self.subscriber.status != SubscriberStatus.SUPPRESSED

    @property
    def mail(self) -> MailRef:
        """What links to the mail name."""
        return self.ref(self.delivery.id)

    def ref(self, delivery_id: int) -> MailRef:
        """What links to another mail of theirs name."""
        return subscribers.ref_of(self.subscriber, delivery_id)


def reader_of_mail(session: Session, course_cache: CourseCache, mail: MailRef) -> Reader | None:
    """Who a mail was sent to; None where the person, the mail or its course is gone."""
    found = subscribers.by_link(session, mail)
    if found is None:
        return None
    published = course_cache.of_campaign(session, found[1].campaign_id)
    return Reader(found[0], found[1], published) if published is not None else None
