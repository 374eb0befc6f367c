"""The data of pages behind links in mails: a reader's own page, a lesson, unsubscribing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson
from rugcourse.content.languages import language_for, text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import EnrolmentStatus, FeedbackRow, Stage
from rugcourse.db.queries import campaigns, deliveries, enrolments, learning, subscribers
from rugcourse.delivery.send_next import may_ask
from rugcourse.enrolment.reader import Reader
from rugcourse.learning.progress import CourseProgress, progress_of
from rugcourse.links import MailRef
from rugcourse.scheduling import Schedule


@dataclass(frozen=True, slots=True)
class ReadingState:
    """A reader's progress in a course. Times are in their time zone; `next_due`: None if nothing is scheduled.

    `awaits_answer`: the next lesson comes earlier if they answer the quiz of the last one.
    """

    schedule: Schedule
    progress: CourseProgress
    next_due: datetime | None
    awaits_answer: bool
    paused: bool
    paused_until: datetime | None
    finished: bool
    left: bool
    may_ask_next: bool


@dataclass(frozen=True, slots=True)
class OtherCourse:
    """Another course of a reader, and a mail of it."""

    title: str
    mail: MailRef


@dataclass(frozen=True, slots=True)
class AfterCourse:
    """What somebody can do who has had all lessons. `may_take_test`: the second one, which they have not taken yet.

    `other`: a course in the language of their pages that they never began and that takes new readers; None if there is
    none.
    """

    may_take_test: bool
    other: Course | None


@dataclass(frozen=True, slots=True)
class UnsubscribeState:
    """What the unsubscribe page depends on. `is_news`: the mail was other news, not of a course."""

    is_news: bool
    left_course: bool
    has_others: bool


@dataclass(frozen=True, slots=True)
class MailedLesson:
    """A lesson as it was sent. `before`, `after`: ids of the deliveries around it, oldest first."""

    lesson: Lesson
    before: Sequence[int]
    after: Sequence[int]
    feedback: FeedbackRow | None


def reading_state(session: Session, now: datetime, course_cache: CourseCache, reader: Reader) -> ReadingState:
    """Return the reader's progress in the course of the mail."""
    schedule = subscribers.load_schedule(session, reader.subscriber.id)
    enrolment = enrolments.of_mail(session, reader.delivery)
    progress = progress_of(session, course_cache, reader.published, reader.language, enrolment)
    asks = enrolment is not None and may_ask(session, enrolment, schedule, now)
    status = enrolment.status if enrolment else None
    due = enrolment.next_due_at if enrolment else None
    until = schedule.paused_until if schedule.paused else None
    return ReadingState(
        schedule=schedule,
        progress=progress,
        next_due=due.astimezone(schedule.tz) if due else None,
        awaits_answer=enrolment is not None and enrolment.awaits_answer,
        paused=schedule.is_paused(now),
        paused_until=until.astimezone(schedule.tz) if until else None,
        finished=status == EnrolmentStatus.COMPLETED,
        left=status == EnrolmentStatus.LEFT,
        may_ask_next=asks and progress.upcoming is not None,
    )


def other_courses(session: Session, course_cache: CourseCache, reader: Reader) -> list[OtherCourse]:
    """Return other courses of which the reader got a mail, with titles in the reader's language where they exist."""
    found, seen = [], {reader.published.id}
    for campaign_id, delivery_id in enrolments.latest_mails(session, reader.subscriber.id):
        published = course_cache.of_campaign(session, campaign_id)
        if published is not None and published.id not in seen:
            seen.add(published.id)
            text = text_for(published.course.texts, reader.language)
            found.append(OtherCourse(text.title, reader.ref(delivery_id)))
    return found


def after_course(session: Session, course_cache: CourseCache, reader: Reader) -> AfterCourse:
    """Return what the reader can do after the course of the mail."""
    mine, person = reader.published, reader.subscriber.id
    begun = {
        published.id
        for one in enrolments.of_subscriber(session, person)
        if (published := course_cache.of_campaign(session, one.campaign_id)) is not None
    }
    spoken = language_for(mine.course.texts, reader.language)
    others = (
        one.course
        for one in course_cache.courses(session)
        if not one.is_archived and one.id not in {mine.id, *begun} and spoken in one.course.languages
    )
    has_test = reader.language in mine.course.tests
    taken = has_test and learning.last_attempt(session, person, mine.id, Stage.POSTTEST) is not None
    return AfterCourse(has_test and not taken, next(others, None))


def unsubscribe_state(session: Session, reader: Reader) -> UnsubscribeState:
    """Return the reader's state in the course of the mail and in others."""
    theirs = enrolments.of_subscriber(session, reader.subscriber.id)
    mine = enrolments.of_mail(session, reader.delivery)
    campaign_id = reader.delivery.campaign_id
    is_news = campaign_id is not None and campaigns.is_news(session, campaign_id)
    mine_id = mine.id if mine else None
    return UnsubscribeState(
        is_news=is_news,
        left_course=mine is not None and mine.status == EnrolmentStatus.LEFT and not is_news,
        has_others=any(one.status == EnrolmentStatus.ACTIVE and one.id != mine_id for one in theirs),
    )


def mailed_lesson(session: Session, course_cache: CourseCache, reader: Reader, *, old: bool) -> MailedLesson | None:
    """Return the lesson of the mail, or None. `old`: the link has expired, so the reader's feedback is left out."""
    delivery = reader.delivery
    if delivery.lesson_version_id is None or delivery.lesson_id is None:
        return None
    sent = [one.delivery_id for one in deliveries.lessons_sent(session, delivery.enrolment_id or 0)]
    return MailedLesson(
        lesson=course_cache.version(session, delivery.lesson_version_id),
        before=[one for one in sent if one < delivery.id],
        after=[one for one in sent if one > delivery.id],
        feedback=None if old else learning.find_feedback(session, delivery.id),
    )
