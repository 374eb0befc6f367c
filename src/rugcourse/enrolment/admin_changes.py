"""Corrections that an admin makes for a reader: the next lesson, a mistyped address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import EnrolmentRow, EnrolmentStatus, SubscriberRow, SubscriberStatus, new_stamp
from rugcourse.db.queries import address_changes, campaigns, cancellations, delivery_planning, enrolments, subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment.confirmation import is_open
from rugcourse.enrolment.preferences import go_on_from, next_from
from rugcourse.enrolment.signup import NotAnAddress, may_sign_up, normalise_email
from rugcourse.errors import ConflictError, InvalidInput, InvalidState
from rugcourse.links import Signer


class AddressTaken(ConflictError):
    """Another person has this address, or it must not be written to."""


class LessonAlreadySent(InvalidState):
    """The lesson went to them before: nothing is sent twice."""


class OtherRunActive(InvalidState):
    """They had all of this run and follow its course in another one, which brings them the same lessons."""


class LessonNotInCourse(InvalidInput):
    """There is no such enrolment, or no such lesson in its course."""


def move_to_lesson(session: Session, now: datetime, enrolment_id: int, lesson_id: int) -> None:
    """Let a reader go on with another lesson, at their next hour, wherever in the course it stands by now.

    Raises LessonNotInCourse, HadThatLesson, AnotherRunGoesOn.
    """
    enrolment = session.get(EnrolmentRow, enrolment_id, with_for_update=True)
    lessons = campaigns.lessons_of(session, enrolment.campaign_id) if enrolment else {}
    place = next((place for place, lesson in lessons.items() if lesson == lesson_id), None)
    if enrolment is None or place is None:
        raise LessonNotInCourse
    if not delivery_planning.can_plan(session, enrolment_id, lesson_id):
        raise LessonAlreadySent
    if enrolment.status == EnrolmentStatus.COMPLETED and _continues(session, enrolment):
        raise OtherRunActive
    enrolment.next_position = place
    if enrolment.status != EnrolmentStatus.LEFT:
        enrolment.status, enrolment.completed_at = EnrolmentStatus.ACTIVE, None
        next_from(session, enrolment, subscribers.load_schedule(session, enrolment.subscriber_id), now)


def _continues(session: Session, enrolment: EnrolmentRow) -> bool:
    run = enrolments.find_in_course(session, enrolment.campaign_id, enrolment.subscriber_id)
    return run is not None and run.status == EnrolmentStatus.ACTIVE


def send_again(session: Session, enrolment_id: int, delivery_id: int, now: datetime) -> None:
    """Let a reader have a lesson again that was cancelled after it was sent: at their next hour, before all others."""
    cancellations.rewind_enrolments(session, [delivery_id])
    enrolment = session.get_one(EnrolmentRow, enrolment_id, populate_existing=True)
    if enrolment.status == EnrolmentStatus.ACTIVE:
        due_before = enrolment.next_due_at
        next_from(session, enrolment, subscribers.load_schedule(session, enrolment.subscriber_id), now)
        if due_before is not None:  # of one that is due this minute, their hour is not over
            enrolment.next_due_at = min(due_before, enrolment.next_due_at or due_before)


def correct_address(session: Session, now: datetime, signer: Signer, subscriber_id: int, typed: str) -> None:
    """Write to a person at another address from now on. Raises NotAnAddress, AddressTaken.

    Lessons that failed at the address before come again, and who has not confirmed is asked there. What comes back from
    the address before is not about the new one, so when that was, and a hash of it, are kept.
    """
    email = normalise_email(typed)
    if email is None:
        raise NotAnAddress
    change_address(session, now, signer, subscriber_id, email)


def change_address(session: Session, now: datetime, signer: Signer, subscriber_id: int, email: str) -> None:
    """The same for an address that is normalised. Raises AddressTaken."""
    if subscribers.by_email(session, email) is not None or not may_sign_up(session, signer, email):
        raise AddressTaken
    person = _person(session, subscriber_id)
    if not may_sign_up(session, signer, email):  # suppressed just now
        raise AddressTaken
    person.former_address, person.address_since = signer.digest(person.email), now
    person.email, person.domain = email, email.rpartition("@")[2]
    person.security_stamp = new_stamp()  # links that went to the address before open nothing of theirs
    address_changes.withdraw(session, person.id)
    cancellations.retry_failed(session, person.id, now)
    cancellations.forget_message_ids(session, person.id)
    if person.status == SubscriberStatus.ACTIVE:
        go_on_from(session, person.id, now)
    _ask_again(session, now, person)


def _ask_again(session: Session, now: datetime, person: SubscriberRow) -> None:
    """Ask for each course that waits to be confirmed: the link of the mail before is closed. Who never confirmed
    anything is asked however long ago that was: perhaps none of it arrived.
    """
    for asked in delivery_planning.newest_asked(session, person.id):
        if person.status == SubscriberStatus.PENDING or is_open(session, now, asked.id):
            delivery_planning.ask_again(session, asked, now)


def _person(session: Session, subscriber_id: int) -> SubscriberRow:
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None or person.status == SubscriberStatus.SUPPRESSED:
        raise AddressTaken
    return person
