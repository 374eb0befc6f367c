"""Writes down what other systems are to be told, in the transaction of what happened (`rugcourse.outgoing_webhooks`).

Where no endpoint wants an event, each function costs one look at a table of a few rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from rugcourse.db.bulk import run, run_many
from rugcourse.db.models import (
    AssessmentAttemptRow,
    CampaignRow,
    CourseRow,
    DeliveryKind,
    DeliveryRow,
    EnrolmentRow,
    LessonRow,
    Stage,
    WebhookDeliveryRow,
    WebhookEndpointRow,
    WebhookEvent,
    WebhookState,
)

About = tuple[int, Mapping[str, object]]  # a subscriber's id, and what is told about the event

_ENABLED = select(WebhookEndpointRow.id, WebhookEndpointRow.events).where(WebhookEndpointRow.is_enabled)
_WRITING = insert(WebhookDeliveryRow)


def wanted_by(session: Session, event: WebhookEvent) -> list[int]:
    """Return the enabled endpoints that want an event."""
    return [endpoint_id for endpoint_id, events in run(session, _ENABLED, {}) if event in events.split()]


def note(session: Session, event: WebhookEvent, now: datetime, told: Iterable[About]) -> None:
    """Write down events of one kind for each endpoint that wants them."""
    endpoints = wanted_by(session, event)
    if endpoints:
        write(session, endpoints, event, now, told)


def write(
    session: Session, endpoints: Collection[int], event: str, now: datetime, told: Iterable[tuple[int | None, object]]
) -> None:
    """Write down events for these endpoints. A subscriber of None: a test, which is about nobody."""
    rows = [
        {
            "endpoint_id": endpoint_id,
            "subscriber_id": subscriber_id,
            "event": event,
            "data": data,
            "state": WebhookState.WAITING,
            "created_at": now,
            "next_attempt_at": now,
            "attempts": 0,
        }
        for subscriber_id, data in told
        for endpoint_id in endpoints
    ]
    if rows:
        run_many(session, _WRITING, rows)


def note_mails(
    session: Session, event: WebhookEvent, now: datetime, delivery_ids: Collection[int], **more: object
) -> None:
    """Write down an event about mails. `lesson.accepted` is about lessons only. `more`: what else is told of each."""
    endpoints = wanted_by(session, event) if delivery_ids else []
    if not endpoints:
        return
    query = (
        select(DeliveryRow.id, DeliveryRow.subscriber_id, DeliveryRow.kind, CourseRow.slug, LessonRow.slug)
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.id.in_(delivery_ids))
        .order_by(DeliveryRow.id)
    )
    if event == WebhookEvent.LESSON_ACCEPTED:
        query = query.where(DeliveryRow.kind == DeliveryKind.LESSON)
    told = [
        (person, {"delivery_id": delivery_id, "kind": kind, "course": course, "lesson": lesson, **more})
        for delivery_id, person, kind, course, lesson in session.execute(query)
    ]
    write(session, endpoints, event, now, told)


def note_signup(session: Session, now: datetime, subscriber_id: int, campaign_id: int) -> None:
    """Write down that somebody signed up for the course of a campaign, and was asked to confirm."""
    _note_course(session, WebhookEvent.SUBSCRIBED, now, subscriber_id, campaign_id)


def note_confirmed(session: Session, now: datetime, subscriber_id: int, campaign_id: int) -> None:
    """Write down that somebody agreed to the course of a campaign, and the test that they took before that.

    Not earlier: until then nobody has agreed to anything.
    """
    _note_course(session, WebhookEvent.CONFIRMED, now, subscriber_id, campaign_id)
    if not wanted_by(session, WebhookEvent.TEST_TAKEN):
        return
    course = select(CampaignRow.course_id).where(CampaignRow.id == campaign_id).scalar_subquery()
    taken = select(AssessmentAttemptRow).where(
        AssessmentAttemptRow.subscriber_id == subscriber_id,
        AssessmentAttemptRow.course_id == course,
        AssessmentAttemptRow.stage == Stage.PRETEST,
    )
    newest = session.scalar(taken.order_by(AssessmentAttemptRow.id.desc()).limit(1))
    if newest is not None:
        note_test(session, now, newest)


def note_test(session: Session, now: datetime, attempt: AssessmentAttemptRow) -> None:
    """Write down that a reader took the knowledge test of a course."""
    endpoints = wanted_by(session, WebhookEvent.TEST_TAKEN)
    if not endpoints or attempt.subscriber_id is None:
        return
    course = session.scalar(select(CourseRow.slug).where(CourseRow.id == attempt.course_id))
    data = {"course": course, "stage": attempt.stage, "correct": attempt.correct, "total": attempt.total}
    write(session, endpoints, WebhookEvent.TEST_TAKEN, now, [(attempt.subscriber_id, data)])


def note_completed(session: Session, now: datetime, enrolment_ids: Sequence[int]) -> None:
    """Write down that the last lesson of a course was planned for readers; not for a message to a group."""
    endpoints = wanted_by(session, WebhookEvent.COMPLETED) if enrolment_ids else []
    if not endpoints:
        return
    query = (
        select(EnrolmentRow.subscriber_id, CourseRow.slug)
        .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .where(EnrolmentRow.id.in_(enrolment_ids), CampaignRow.sends_course)
        .order_by(EnrolmentRow.id)
    )
    told = [(person, {"course": course}) for person, course in session.execute(query)]
    write(session, endpoints, WebhookEvent.COMPLETED, now, told)


def note_unsubscribed(session: Session, now: datetime, subscriber_id: int) -> None:
    """Write down that somebody wants no more mail of any kind."""
    note(session, WebhookEvent.UNSUBSCRIBED, now, [(subscriber_id, {})])


def _note_course(session: Session, event: WebhookEvent, now: datetime, subscriber_id: int, campaign_id: int) -> None:
    endpoints = wanted_by(session, event)
    if not endpoints:
        return
    query = select(CourseRow.slug).join(CampaignRow, CampaignRow.course_id == CourseRow.id)
    course = session.scalar(query.where(CampaignRow.id == campaign_id))
    write(session, endpoints, event, now, [(subscriber_id, {"course": course})])
