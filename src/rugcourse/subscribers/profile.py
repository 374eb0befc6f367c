"""All data about one reader, for `rugcourse subscribers show`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.queries import courses, deliveries, enrolments, learning, subscribers
from rugcourse.enrolment.signup import normalise_email
from rugcourse.i18n import weekday_name
from rugcourse.locales import SOURCE_LANGUAGE


@dataclass(frozen=True, slots=True)
class CourseOfReader:
    course: str
    status: str
    lessons_planned: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class MailOfReader:
    id: int
    kind: str
    lesson: str | None
    state: str
    planned_at: datetime
    message_id: str | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """A reader with schedule, courses, answers and mails. Times in UTC; `hour` in the reader's time zone."""

    id: int
    email: str
    name: str
    status: str
    language: str
    measuring: bool
    news: bool
    zone: str
    hour: int
    days: str
    paused: bool
    courses: tuple[CourseOfReader, ...]
    answered: int
    answered_right: int
    mails: tuple[MailOfReader, ...]


def find_reader(session: Session, address: str) -> ReaderReport | None:
    """Return the reader with an address, in any spelling, or None."""
    email = normalise_email(address)
    person = subscribers.by_email(session, email) if email is not None else None
    if person is None:
        return None
    schedule = subscribers.load_schedule(session, person.id)
    answers = learning.answers_of(session, person.id)
    return ReaderReport(
        id=person.id,
        email=person.email,
        name=person.name,
        status=person.status,
        language=person.language,
        measuring=person.tracking_consent,
        news=person.news_consent,
        zone=schedule.zone,
        hour=schedule.hour,
        days=" ".join(weekday_name(day, SOURCE_LANGUAGE) for day in sorted(schedule.weekdays)),
        paused=schedule.paused,
        courses=tuple(
            CourseOfReader(
                courses.slug_of_campaign(session, one.campaign_id) or "",
                one.status,
                one.lessons_planned,
                one.next_due_at,
            )
            for one in enrolments.of_subscriber(session, person.id)
        ),
        answered=len(answers),
        answered_right=sum(one.last_correct for one in answers),
        mails=tuple(
            MailOfReader(row.id, row.kind, lesson, row.state, row.planned_at, row.message_id, row.smtp_response)
            for row, lesson in deliveries.history(session, person.id)
        ),
    )
