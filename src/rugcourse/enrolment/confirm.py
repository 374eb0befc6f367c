"""What the button on the confirm page does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.enrolment import wordings
from rugcourse.enrolment.signup import keep_confirmed
from rugcourse.links import Signer
from rugcourse.schedule import Schedule, next_due
from rugcourse.store import deliveries, enrolments, planning, subscribers
from rugcourse.store.database import Database
from rugcourse.store.tables import (
    ERASED,
    ConsentRow,
    DeliveryKind,
    DeliveryRow,
    EnrolmentStatus,
    SubscriberRow,
    SubscriberStatus,
)

VALID_DAYS = 7


class NotConfirmable(Exception):
    """The link is too old, or belongs to nobody who may be written to."""


@dataclass(frozen=True, slots=True)
class Invitation:
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


def find_invitation(session: Session, clock: Clock, delivery_id: int, *, lock: bool = False) -> Invitation:
    """Raises NotConfirmable."""
    found = subscribers.by_delivery(session, delivery_id, lock=lock)
    if found is None:
        raise NotConfirmable
    subscriber, delivery = found
    if delivery.kind != DeliveryKind.CONFIRM or delivery.campaign_id is None:
        raise NotConfirmable
    age = clock.now() - delivery.planned_at
    if age.days >= VALID_DAYS or subscriber.status == SubscriberStatus.SUPPRESSED:
        raise NotConfirmable
    enrolment = enrolments.find(session, delivery.campaign_id, subscriber.id)
    active = subscriber.status == SubscriberStatus.ACTIVE
    done = active and enrolment is not None and enrolment.status != EnrolmentStatus.LEFT
    return Invitation(subscriber, delivery, delivery.campaign_id, done)


def confirm(database: Database, clock: Clock, signer: Signer, delivery_id: int) -> Welcome:
    """Make the owner of the address a reader, and plan the mail that welcomes them. Raises NotConfirmable.

    Pressing twice is the same as pressing once. Somebody who left and signs up again goes on where they were.
    """
    now = clock.now()
    with database.write() as session:
        invitation = find_invitation(session, clock, delivery_id, lock=True)
        person, campaign_id = invitation.subscriber, invitation.campaign_id
        if person.status == SubscriberStatus.LEFT:
            keep_confirmed(session, person, now)
        schedule = subscribers.load_schedule(session, person.id)
        if not invitation.done:
            _begin(session, person, campaign_id, schedule, now)
            subscribers.lift_suppression(session, signer.digest(person.email), ERASED)
            deliveries.settle_by_evidence(session, delivery_id, now)
            planning.plan_waiting(session, DeliveryKind.WELCOME, person.id, campaign_id, f"welcome:{delivery_id}", now)
        enrolment = enrolments.find(session, campaign_id, person.id)
        return Welcome(enrolment.next_due_at if enrolment else None, schedule)


def _begin(session: Session, person: SubscriberRow, campaign_id: int, schedule: Schedule, now: datetime) -> None:
    person.confirmed_at, person.left_at = now, None
    subscribers.add_consent(
        session,
        ConsentRow(
            subscriber_id=person.id,
            purpose="lessons",
            given=True,
            wording=wordings.name_of(wordings.CONFIRM),
            source="confirm",
            at=now,
        ),
    )
    begin_course(session, person, campaign_id, schedule, now)


def begin_course(session: Session, person: SubscriberRow, campaign_id: int, schedule: Schedule, now: datetime) -> None:
    """Make somebody a reader of a campaign, whose consent is kept. Who left goes on where they were."""
    person.status = SubscriberStatus.ACTIVE
    enrolment = enrolments.find(session, campaign_id, person.id)
    if enrolment is None:
        enrolments.add(session, campaign_id, person.id, next_due(schedule, now), now)
    elif enrolment.status == EnrolmentStatus.LEFT or (
        enrolment.status == EnrolmentStatus.ACTIVE and enrolment.next_due_at is None
    ):  # who left, or for whom it was opened again meanwhile
        enrolment.status = EnrolmentStatus.ACTIVE
        enrolment.next_due_at = next_due(schedule, now, enrolment.last_local_date)
    session.flush()
