"""Changes that an admin makes for a reader: another lesson, a resend, a corrected address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import EnrolmentRow, EnrolmentStatus, SubscriberRow, SubscriberStatus, new_stamp
from rugcourse.db.queries import address_changes, campaigns, cancellations, delivery_planning, enrolments, subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment.confirmation import is_open
from rugcourse.enrolment.preferences import resume_enrolments, schedule_next_lesson
from rugcourse.enrolment.signup import NotAnAddress, may_sign_up, normalise_email
from rugcourse.errors import ConflictError, InvalidInput, InvalidState
from rugcourse.links import Signer


class AddressTaken(ConflictError):
    """The address belongs to somebody else, or is suppressed."""


class LessonAlreadySent(InvalidState):
    """The reader already got the lesson; a lesson is not sent twice."""


class OtherRunActive(InvalidState):
    """The reader completed this run of the course, and another run of it is sending them the same lessons."""


class LessonNotInCourse(InvalidInput):
    """There is no such enrolment, or no such lesson in its course."""


def move_to_lesson(session: Session, now: datetime, enrolment_id: int, lesson_id: int) -> None:
    """Continue an enrolment with another lesson, at the reader's next hour.

    The lesson is looked up at its current position. Raises LessonNotInCourse, LessonAlreadySent, OtherRunActive.
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
        schedule_next_lesson(session, enrolment, subscribers.load_schedule(session, enrolment.subscriber_id), now)


def _continues(session: Session, enrolment: EnrolmentRow) -> bool:
    run = enrolments.find_in_course(session, enrolment.campaign_id, enrolment.subscriber_id)
    return run is not None and run.status == EnrolmentStatus.ACTIVE


def send_again(session: Session, enrolment_id: int, delivery_id: int, now: datetime) -> None:
    """Send a lesson again whose delivery was cancelled after it was sent: at the reader's next hour, before other
    lessons.
    """
    cancellations.rewind_enrolments(session, [delivery_id])
    enrolment = session.get_one(EnrolmentRow, enrolment_id, populate_existing=True)
    if enrolment.status == EnrolmentStatus.ACTIVE:
        due_before = enrolment.next_due_at
        schedule_next_lesson(session, enrolment, subscribers.load_schedule(session, enrolment.subscriber_id), now)
        if due_before is not None:  # an enrolment that is due right now keeps its time
            enrolment.next_due_at = min(due_before, enrolment.next_due_at or due_before)


def correct_address(session: Session, now: datetime, signer: Signer, subscriber_id: int, typed: str) -> None:
    """Change a subscriber's address. Raises NotAnAddress, AddressTaken.

    Lessons that failed at the old address are sent again, and open confirmations are mailed to the new one. The time
    and a keyed hash of the old address are stored, so that its late bounces are not attributed to the new address.
    """
    email = normalise_email(typed)
    if email is None:
        raise NotAnAddress
    change_address(session, now, signer, subscriber_id, email)


def change_address(session: Session, now: datetime, signer: Signer, subscriber_id: int, email: str) -> None:
    """Change a subscriber's address to a normalised one; see `correct_address`. Raises AddressTaken."""
    if subscribers.by_email(session, email) is not None or not may_sign_up(session, signer, email):
        raise AddressTaken
    person = _person(session, subscriber_id)
    if not may_sign_up(session, signer, email):  # suppressed by a concurrent transaction
        raise AddressTaken
    person.former_address_hash, person.address_corrected_at = signer.digest(person.email), now
    person.email, person.domain = email, email.rpartition("@")[2]
    person.security_stamp = new_stamp()  # links mailed to the old address must not work
    address_changes.withdraw(session, person.id)
    cancellations.retry_failed(session, person.id, now)
    cancellations.forget_message_ids(session, person.id)
    if person.status == SubscriberStatus.ACTIVE:
        resume_enrolments(session, person.id, now)
    _ask_again(session, now, person)


def _ask_again(session: Session, now: datetime, person: SubscriberRow) -> None:
    """Mail each open confirmation again, as the links in earlier mails are closed.

    A subscriber who never confirmed anything is asked however old the request is: perhaps no mail arrived.
    """
    for asked in delivery_planning.newest_asked(session, person.id):
        if person.status == SubscriberStatus.PENDING or is_open(session, now, asked.id):
            delivery_planning.ask_again(session, asked, now)


def _person(session: Session, subscriber_id: int) -> SubscriberRow:
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None or person.status == SubscriberStatus.SUPPRESSED:
        raise AddressTaken
    return person
