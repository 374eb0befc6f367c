"""Confirms a subscription (double opt-in), and plans the welcome mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db import withdrawal_log
from rugcourse.db.models import (
    ERASED,
    OWNER,
    DeliveryKind,
    DeliveryRow,
    EnrolmentRow,
    EnrolmentStatus,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.db.queries import (
    arrivals,
    campaigns,
    courses,
    delivery_planning,
    enrolments,
    erasure,
    subscribers,
    webhook_events,
)
from rugcourse.enrolment import consent_texts, consents
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource, Shown
from rugcourse.enrolment.preferences import schedule_next_lesson
from rugcourse.enrolment.signup import apply_confirmed_signup, has_course
from rugcourse.enrolment.suppression import suppress
from rugcourse.errors import NotFoundError
from rugcourse.links import Signer
from rugcourse.scheduling import Schedule, next_mail

VALID_DAYS = 7


class NotConfirmable(NotFoundError):
    """The link has expired or was closed, its reader left after it was sent, or the address is suppressed."""


@dataclass(frozen=True, slots=True)
class PendingConfirmation:
    """What a confirmation link refers to. `done`: it was confirmed already."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    campaign_id: int
    done: bool


@dataclass(frozen=True, slots=True)
class Welcome:
    """A confirmed reader. `first_due`: when the next lesson is due (UTC); None if none is scheduled, as in a pause."""

    first_due: datetime | None
    schedule: Schedule


def find_confirmation(session: Session, now: datetime, delivery_id: int, *, lock: bool = False) -> PendingConfirmation:
    """Return what a confirmation mail asks for. Raises NotConfirmable."""
    found = subscribers.by_delivery(session, delivery_id, lock=lock)
    if found is None:
        raise NotConfirmable
    subscriber, delivery = found
    if delivery.kind != DeliveryKind.CONFIRM or delivery.campaign_id is None:
        raise NotConfirmable
    age = now - (delivery.settled_at or delivery.planned_at)  # from when it was sent, if it was
    if age.days >= VALID_DAYS or subscriber.status == SubscriberStatus.SUPPRESSED:
        raise NotConfirmable
    enrolment = enrolments.find_in_course(session, delivery.campaign_id, subscriber.id)
    left_course = enrolment.left_at if enrolment is not None else None
    ended = [one for one in (subscriber.left_at, subscriber.links_revoked_at, left_course) if one is not None]
    if any(delivery.planned_at < one for one in ended):  # an older link must not undo leaving
        raise NotConfirmable
    done = subscriber.status == SubscriberStatus.ACTIVE and has_course(enrolment)
    return PendingConfirmation(subscriber, delivery, delivery.campaign_id, done)


def is_open(session: Session, now: datetime, delivery_id: int) -> bool:
    """Return whether a confirmation mail can still be confirmed."""
    try:
        return not find_confirmation(session, now, delivery_id).done
    except NotConfirmable:
        return False


def confirm(
    session: Session,
    now: datetime,
    signer: Signer,
    delivery_id: int,
    *,
    measuring: bool = False,
    news: bool = False,
    shown: Shown | None = None,
) -> Welcome:
    """Confirm a subscription: record the consents, start the course, and plan the welcome mail. Idempotent.

    `measuring` and `news`: the optional consents. `shown`: how the page displayed the texts; it is stored as evidence.
    A reader who left and signed up again continues where they were. Raises NotConfirmable.
    """
    courses.lock_to_join_by(session, delivery_id)
    invitation = find_confirmation(session, now, delivery_id, lock=True)
    person, campaign_id = invitation.subscriber, invitation.campaign_id
    apply_confirmed_signup(session, person)
    schedule = subscribers.load_schedule(session, person.id)
    if invitation.done:
        enrolment = enrolments.find_in_course(session, campaign_id, person.id)
    else:
        context = ConsentContext(now, ConsentSource.CONFIRM, shown, campaign_id, delivery_id)
        _agree(session, person, context, measuring=measuring, news=news)
        enrolment = begin_course(session, person, campaign_id, schedule, now)
        subscribers.lift_suppression(session, signer.digest(person.email), ERASED)
        arrivals.confirm_by_activity(session, delivery_id, now)
        idempotency_key = f"welcome:{delivery_id}"
        delivery_planning.plan_transactional(
            session, DeliveryKind.WELCOME, person.id, enrolment.campaign_id, idempotency_key, now
        )
    return Welcome(enrolment.next_due_at if enrolment else None, schedule)


def refuse(session: Session, now: datetime, signer: Signer, delivery_id: int) -> None:
    """Suppress an address whose owner says that they did not sign up. Erases the subscriber if they never were a
    reader.

    Raises NotConfirmable.
    """
    invitation = find_confirmation(session, now, delivery_id, lock=True)
    person = invitation.subscriber
    if person.status not in {SubscriberStatus.PENDING, SubscriberStatus.LEFT}:  # active readers unsubscribe instead
        raise NotConfirmable
    is_unknown = person.status == SubscriberStatus.PENDING
    person.pending_signup = None
    suppress(session, now, signer, person.email, OWNER)
    if is_unknown:
        erasure.erase_person(session, person.id)


def _agree(session: Session, person: SubscriberRow, context: ConsentContext, *, measuring: bool, news: bool) -> None:
    """Record the consents that were given, and, for new readers, those that were not."""
    is_new = person.status != SubscriberStatus.ACTIVE
    if person.left_at is not None:
        withdrawal_log.record(session, withdrawal_log.RETURNED, context.at, email=person.email)
    person.status, person.confirmed_at, person.left_at = SubscriberStatus.ACTIVE, context.at, None
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.LESSONS, given=True)
    if is_new or (measuring and not person.tracking_consent):
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=measuring)
        person.tracking_consent = measuring
    if is_new or (news and not person.news_consent):
        consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=news)
        person.news_consent = news
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.CONFIRM, given=True)


def begin_course(
    session: Session, person: SubscriberRow, campaign_id: int, schedule: Schedule, now: datetime
) -> EnrolmentRow:
    """Enrol a subscriber whose consent is recorded in the course of a campaign, and return the enrolment.

    A reader who left continues in the campaign in which they were. The caller holds the lock of
    `courses.lock_to_join_by`.
    """
    person.status = SubscriberStatus.ACTIVE
    enrolment = enrolments.find_in_course(session, campaign_id, person.id)
    if enrolment is None:
        timing = campaigns.find_timing(session, campaign_id)
        first = next_mail(timing, schedule, now)
        enrolment = enrolments.add(session, campaign_id, person.id, first, now)
    elif enrolment.status == EnrolmentStatus.LEFT or (
        enrolment.status == EnrolmentStatus.ACTIVE and enrolment.next_due_at is None
    ):  # left, or reopened for a new lesson
        enrolment.status, enrolment.left_at = EnrolmentStatus.ACTIVE, None
        schedule_next_lesson(session, enrolment, schedule, now)
    session.flush()
    webhook_events.note_confirmed(session, now, person.id, campaign_id)
    return enrolment
