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
from rugcourse.db.queries import arrivals, courses, delivery_planning, enrolments, erasure, subscribers
from rugcourse.enrolment import consent_texts, consents
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource, Shown
from rugcourse.enrolment.preferences import next_from
from rugcourse.enrolment.signup import has_course, keep_confirmed
from rugcourse.enrolment.suppression import suppress
from rugcourse.errors import NotFoundError
from rugcourse.links import Signer
from rugcourse.scheduling import Schedule, next_due

VALID_DAYS = 7


class NotConfirmable(NotFoundError):
    """The link is too old, its reader left or closed it since, or it belongs to nobody who may be written to."""


@dataclass(frozen=True, slots=True)
class PendingConfirmation:
    """A confirmation that waits for its button. `done`: it was pressed before."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    campaign_id: int
    done: bool


@dataclass(frozen=True, slots=True)
class Welcome:
    """A reader has begun. `first_due` (UTC) is None while they paused; `schedule` says in which zone they live."""

    first_due: datetime | None
    schedule: Schedule


def find_invitation(session: Session, now: datetime, delivery_id: int, *, lock: bool = False) -> PendingConfirmation:
    """Raises NotConfirmable."""
    found = subscribers.by_delivery(session, delivery_id, lock=lock)
    if found is None:
        raise NotConfirmable
    subscriber, delivery = found
    if delivery.kind != DeliveryKind.CONFIRM or delivery.campaign_id is None:
        raise NotConfirmable
    age = now - (delivery.settled_at or delivery.planned_at)  # it may have had to wait
    if age.days >= VALID_DAYS or subscriber.status == SubscriberStatus.SUPPRESSED:
        raise NotConfirmable
    enrolment = enrolments.find_in_course(session, delivery.campaign_id, subscriber.id)
    left_course = enrolment.left_at if enrolment is not None else None
    ended = [one for one in (subscriber.left_at, subscriber.links_closed_at, left_course) if one is not None]
    if any(delivery.planned_at < one for one in ended):  # who changed their mind since signs up again
        raise NotConfirmable
    done = subscriber.status == SubscriberStatus.ACTIVE and has_course(enrolment)
    return PendingConfirmation(subscriber, delivery, delivery.campaign_id, done)


def is_open(session: Session, now: datetime, delivery_id: int) -> bool:
    """Whether a mail that asked somebody to confirm still waits for its button."""
    try:
        return not find_invitation(session, now, delivery_id).done
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
    """Make the owner of the address a reader, and plan the mail that welcomes them. Raises NotConfirmable.

    What they agree to is kept now, with the words of the page that has the button (`shown`). `measuring`: also to be
    measured; `news`: also to get other news of the practice.

    Pressing twice is the same as pressing once. Somebody who left and signs up again goes on where they were.
    """
    courses.lock_to_join_by(session, delivery_id)
    invitation = find_invitation(session, now, delivery_id, lock=True)
    person, campaign_id = invitation.subscriber, invitation.campaign_id
    keep_confirmed(session, person)
    schedule = subscribers.load_schedule(session, person.id)
    if invitation.done:
        enrolment = enrolments.find_in_course(session, campaign_id, person.id)
    else:
        context = ConsentContext(now, ConsentSource.CONFIRM, shown, campaign_id, delivery_id)
        _agree(session, person, context, measuring=measuring, news=news)
        enrolment = begin_course(session, person, campaign_id, schedule, now)
        subscribers.lift_suppression(session, signer.digest(person.email), ERASED)
        arrivals.confirm_by_activity(session, delivery_id, now)
        once_key = f"welcome:{delivery_id}"
        delivery_planning.plan_transactional(
            session, DeliveryKind.WELCOME, person.id, enrolment.campaign_id, once_key, now
        )
    return Welcome(enrolment.next_due_at if enrolment else None, schedule)


def refuse(session: Session, now: datetime, signer: Signer, delivery_id: int) -> None:
    """It was not the owner of the address who signed up: never write to it, and forget who was never a reader.

    Raises NotConfirmable.
    """
    invitation = find_invitation(session, now, delivery_id, lock=True)
    person = invitation.subscriber
    if person.status not in {SubscriberStatus.PENDING, SubscriberStatus.LEFT}:  # a reader unsubscribes
        raise NotConfirmable
    is_unknown = person.status == SubscriberStatus.PENDING
    person.signup = None
    suppress(session, now, signer, person.email, OWNER)
    if is_unknown:
        erasure.erase_person(session, person.id)


def _agree(session: Session, person: SubscriberRow, context: ConsentContext, *, measuring: bool, news: bool) -> None:
    """Keep what somebody who confirms agrees to, and that the rest was left to them if they are new."""
    is_new = person.status != SubscriberStatus.ACTIVE
    if person.left_at is not None:
        withdrawal_log.record(session, withdrawal_log.RETURNED, context.at, email=person.email)
    person.confirmed_at, person.left_at = context.at, None
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.LESSONS, given=True)
    if is_new or (measuring and not person.measuring):
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=measuring)
        person.measuring = measuring
    if is_new or (news and not person.news):
        consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=news)
        person.news = news
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.CONFIRM, given=True)


def begin_course(
    session: Session, person: SubscriberRow, campaign_id: int, schedule: Schedule, now: datetime
) -> EnrolmentRow:
    """Make somebody a reader of the course of a campaign, whose consent is kept; returns how they are enrolled.

    Who left goes on where they were, in the campaign in which they were. The course is locked by
    `courses.lock_to_join`.
    """
    person.status = SubscriberStatus.ACTIVE
    enrolment = enrolments.find_in_course(session, campaign_id, person.id)
    if enrolment is None:
        enrolment = enrolments.add(session, campaign_id, person.id, next_due(schedule, now), now)
    elif enrolment.status == EnrolmentStatus.LEFT or (
        enrolment.status == EnrolmentStatus.ACTIVE and enrolment.next_due_at is None
    ):  # who left, or for whom it was opened again meanwhile
        enrolment.status, enrolment.left_at = EnrolmentStatus.ACTIVE, None
        next_from(session, enrolment, schedule, now)
    session.flush()
    return enrolment
