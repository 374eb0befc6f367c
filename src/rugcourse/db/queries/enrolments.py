"""Queries for enrolments: who is in which campaign, and when their next lesson is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import count
from rugcourse.db.models import (
    ANY_GROUND_KINDS,
    OPEN_STATES,
    CampaignRow,
    CampaignStatus,
    ConsentRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    Ground,
    SubscriberRow,
)

# Something was sent, or may still be: excludes enrolments in a campaign that was cancelled before it began.
HAS_BEGUN = or_(EnrolmentRow.status != EnrolmentStatus.CANCELLED, EnrolmentRow.lessons_planned > 0)


def in_course(session: Session, campaign_id: int, subscriber_ids: Collection[int]) -> set[int]:
    """Return those of some people who follow or followed the course of a campaign, in any of its campaigns."""
    mine = (EnrolmentRow.campaign_id.in_(_same_course(campaign_id)), EnrolmentRow.subscriber_id.in_(subscriber_ids))
    return set(session.scalars(select(EnrolmentRow.subscriber_id).where(*mine, HAS_BEGUN)))


@dataclass(frozen=True, slots=True)
class People:
    """The progress of people in a course. Each is counted once, however many of its campaigns they were in.

    `lessons`: lesson id → number of people it was sent to.
    """

    readers: int
    completed: int
    lessons: Mapping[int, int]


def people_of_course(session: Session, course_id: int) -> People:
    """Count the people of a course. Reads all its enrolments and the ledger: takes seconds for a million readers."""
    campaigns = select(CampaignRow.id).where(CampaignRow.course_id == course_id, CampaignRow.sends_course)
    person = EnrolmentRow.subscriber_id.distinct()
    readers, completed = session.execute(
        select(
            func.count(person),
            func.count(person).filter(EnrolmentRow.status == EnrolmentStatus.COMPLETED),
        ).where(EnrolmentRow.campaign_id.in_(campaigns))
    ).one()
    lessons = session.execute(
        select(DeliveryRow.lesson_id, func.count(DeliveryRow.subscriber_id.distinct()))
        .where(
            DeliveryRow.campaign_id.in_(campaigns),
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.state == DeliveryState.ACCEPTED,
        )
        .group_by(DeliveryRow.lesson_id)
    )
    return People(readers, completed, {lesson_id: n for lesson_id, n in lessons if lesson_id is not None})


def count_under_way(session: Session, course_id: int, most: int, languages: Collection[str] = ()) -> int:
    """Count the enrolments of a course that are not over, at most `most`; with `languages`, of readers of these."""
    campaigns = select(CampaignRow.id).where(CampaignRow.course_id == course_id, CampaignRow.sends_course)
    found = select(EnrolmentRow.id).where(
        EnrolmentRow.campaign_id.in_(campaigns),
        EnrolmentRow.status == EnrolmentStatus.ACTIVE,
    )
    if languages:
        found = found.join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id).where(
            SubscriberRow.language.in_(languages)
        )
    return session.scalar(select(func.count()).select_from(found.limit(most).subquery())) or 0


def reopen(session: Session, course_id: int, place: int, now: datetime, *, finished_too: bool) -> int:
    """Send readers of a course who are past a position the lesson there next; returns how many.

    Afterwards they continue where they were, as lessons that they had are skipped. Readers whose last lesson has not
    gone out yet count as past the position. `finished_too`: also readers who completed the course.
    """
    goes_on = select(CampaignRow.id).where(
        CampaignRow.course_id == course_id,
        CampaignRow.sends_course,
        CampaignRow.status.in_((CampaignStatus.RUNNING, CampaignStatus.PAUSED)),
    )
    past = (EnrolmentRow.campaign_id.in_(goes_on), EnrolmentRow.next_position > place)
    moved = session.execute(
        update(EnrolmentRow)
        .where(*past, EnrolmentRow.status == EnrolmentStatus.ACTIVE)
        .values(next_position=place)
        .execution_options(synchronize_session=False)
    )
    had_not_all = () if finished_too else (EnrolmentRow.completed_at.is_(None),)
    session.execute(  # readers who left, in case they come back
        update(EnrolmentRow)
        .where(*past, EnrolmentRow.status == EnrolmentStatus.LEFT, *had_not_all)
        .values(next_position=place)
        .execution_options(synchronize_session=False)
    )
    whom = EnrolmentRow.id.in_(_latest_run(goes_on, place)) if finished_too else and_(*past, _last_is_open())
    reopened = session.execute(
        update(EnrolmentRow)
        .where(EnrolmentRow.status == EnrolmentStatus.COMPLETED, ~stays_finished(), whom)
        .values(next_position=place, status=EnrolmentStatus.ACTIVE, completed_at=None, next_due_at=now)
        .execution_options(synchronize_session=False)
    )
    return count(moved) + count(reopened)


def stays_finished() -> ColumnElement[bool]:
    """SQL: the reader completed this run of a course and left another run since, so this one is never reopened."""
    run, its_campaign, campaign = aliased(EnrolmentRow), aliased(CampaignRow), aliased(CampaignRow)
    left_since = (
        select(run.id)
        .join(its_campaign, its_campaign.id == run.campaign_id)
        .join(campaign, campaign.course_id == its_campaign.course_id)
        .where(
            run.subscriber_id == EnrolmentRow.subscriber_id,
            run.status == EnrolmentStatus.LEFT,
            run.left_at >= EnrolmentRow.completed_at,
            campaign.id == EnrolmentRow.campaign_id,
            campaign.sends_course,
            its_campaign.sends_course,
        )
        .correlate(EnrolmentRow)
    )
    return and_(EnrolmentRow.status == EnrolmentStatus.COMPLETED, left_since.exists())


def _last_is_open() -> ColumnElement[bool]:
    """SQL: a lesson of this enrolment is planned or being submitted."""
    its_own = (DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.state.in_(OPEN_STATES))
    return select(DeliveryRow.id).where(*its_own).correlate(EnrolmentRow).exists()


def _latest_run(campaigns: Select[int], place: int) -> Select[int | None]:
    """SQL: for each person who is past a position, the active run of the course, or else the newest completed one.

    So people who had the course twice get a new lesson once.
    """
    goes_on = case((EnrolmentRow.status == EnrolmentStatus.ACTIVE, 0), else_=1)
    order = func.row_number().over(partition_by=EnrolmentRow.subscriber_id, order_by=(goes_on, EnrolmentRow.id.desc()))
    runs = (
        select(EnrolmentRow.id.label("run"), EnrolmentRow.next_position.label("position"), order.label("place"))
        .where(
            EnrolmentRow.campaign_id.in_(campaigns),
            EnrolmentRow.status.in_((EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)),
        )
        .subquery("runs")
    )
    return select(runs.c.run).where(runs.c.place == 1, runs.c.position > place)


def find(session: Session, campaign_id: int, subscriber_id: int, *, lock: bool = False) -> EnrolmentRow | None:
    query = select(EnrolmentRow).where(
        EnrolmentRow.campaign_id == campaign_id, EnrolmentRow.subscriber_id == subscriber_id
    )
    return session.scalar(query.with_for_update() if lock else query)


def find_in_course(
    session: Session, campaign_id: int, subscriber_id: int, *, lock: bool = False
) -> EnrolmentRow | None:
    """Return a person's enrolment in the course of a campaign: the active one, preferably in this campaign.

    Otherwise the one that ended last. Cancelled ones are over: each run of a course is independent.
    """
    goes_on, own = EnrolmentRow.status == EnrolmentStatus.ACTIVE, EnrolmentRow.campaign_id == campaign_id
    ended_at = func.coalesce(EnrolmentRow.left_at, EnrolmentRow.completed_at, EnrolmentRow.started_at)
    runs = _same_course(campaign_id).where(CampaignRow.status != CampaignStatus.CANCELLED)
    query = (
        select(EnrolmentRow)
        .where(EnrolmentRow.subscriber_id == subscriber_id, EnrolmentRow.campaign_id.in_(runs))
        .order_by(case((and_(goes_on, own), 0), (goes_on, 1), else_=2), ended_at.desc(), EnrolmentRow.id.desc())
        .limit(1)
    )
    return session.scalars(query.with_for_update(of=EnrolmentRow) if lock else query).first()


def of_mail(session: Session, delivery: DeliveryRow, *, lock: bool = False) -> EnrolmentRow | None:
    """Return the enrolment that a mail's links are about: the reader's current one in its course."""
    if delivery.campaign_id is None:
        return None
    found = find_in_course(session, delivery.campaign_id, delivery.subscriber_id, lock=lock)
    return found or find(session, delivery.campaign_id, delivery.subscriber_id, lock=lock)


def add(session: Session, campaign_id: int, subscriber_id: int, due_at: datetime | None, now: datetime) -> EnrolmentRow:
    row = EnrolmentRow(
        campaign_id=campaign_id,
        subscriber_id=subscriber_id,
        status=EnrolmentStatus.ACTIVE,
        next_position=1,
        lessons_planned=0,
        next_due_at=due_at,
        started_at=now,
    )
    session.add(row)
    return row


def answered_in(session: Session, delivery_ids: Collection[int], *, awaiting: bool) -> Sequence[EnrolmentRow]:
    """Lock and return the active enrolments whose newest lesson is one of some mails, on its way or not.

    `awaiting`: whose next lesson waits for an answer; else those in which it does not.
    """
    if not delivery_ids:
        return []
    newest = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.enrolment_id == EnrolmentRow.id,
            DeliveryRow.kind == DeliveryKind.LESSON,
            DeliveryRow.state != DeliveryState.CANCELLED,
        )
        .order_by(DeliveryRow.planned_at.desc(), DeliveryRow.id.desc())
        .limit(1)
        .correlate(EnrolmentRow)
        .scalar_subquery()
    )
    return session.scalars(
        select(EnrolmentRow)
        .where(EnrolmentRow.awaits_answer.is_(awaiting), EnrolmentRow.status == EnrolmentStatus.ACTIVE)
        .where(EnrolmentRow.id.in_(select(DeliveryRow.enrolment_id).where(DeliveryRow.id.in_(delivery_ids))))
        .where(newest.in_(delivery_ids))
        .order_by(EnrolmentRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def of_subscriber(session: Session, subscriber_id: int, *, lock: bool = False) -> Sequence[EnrolmentRow]:
    query = select(EnrolmentRow).where(EnrolmentRow.subscriber_id == subscriber_id).order_by(EnrolmentRow.id)
    return session.scalars(query.with_for_update() if lock else query).all()


def news_enrolments(session: Session, subscriber_id: int) -> Sequence[EnrolmentRow]:
    """Lock and return a person's enrolments that rely on consent to news: news, and cohorts of other courses."""
    about_it = ConsentRow.course_id == CampaignRow.course_id
    # Coming back after leaving everything (no course) renews earlier consent, and gives no other.
    agreed = and_(
        _said_last(subscriber_id, about_it), _said_last(subscriber_id, or_(about_it, ConsentRow.course_id.is_(None)))
    )
    news = and_(~CampaignRow.sends_course, CampaignRow.ground == Ground.NEWS)
    course_as_news = and_(CampaignRow.kind.in_(ANY_GROUND_KINDS), ~agreed)
    return session.scalars(
        select(EnrolmentRow)
        .where(
            EnrolmentRow.subscriber_id == subscriber_id,
            EnrolmentRow.campaign_id.in_(select(CampaignRow.id).where(or_(news, course_as_news))),
        )
        .order_by(EnrolmentRow.id)
        .with_for_update()
    ).all()


def _said_last(subscriber_id: int, about: ColumnElement[bool]) -> ColumnElement[bool]:
    """SQL: a person's last decision about lessons was consent."""
    last = (
        select(ConsentRow.granted)
        .where(ConsentRow.subscriber_id == subscriber_id, ConsentRow.purpose == "lessons", about)
        .order_by(ConsentRow.id.desc())
        .limit(1)
        .correlate(CampaignRow)
        .scalar_subquery()
    )
    return func.coalesce(last, false())


def open_in_course(session: Session, subscriber_id: int, course_id: int) -> Sequence[EnrolmentRow]:
    """Lock and return a person's enrolments in active runs of a course and in broadcasts about it."""
    goes_on = or_(EnrolmentRow.status == EnrolmentStatus.ACTIVE, _last_is_open())
    is_run = and_(CampaignRow.sends_course, goes_on)
    is_message = and_(~CampaignRow.sends_course, CampaignRow.ground == Ground.COURSE)
    return session.scalars(
        select(EnrolmentRow)
        .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
        .where(EnrolmentRow.subscriber_id == subscriber_id, CampaignRow.course_id == course_id)
        .where(or_(is_run, is_message))
        .order_by(EnrolmentRow.id)
        .with_for_update(of=EnrolmentRow)
    ).all()


def left_together(session: Session, enrolment: EnrolmentRow) -> set[int]:
    """Return the enrolments left at the same instant as one run of a course: its runs, and unsent broadcasts."""
    mine = select(CampaignRow.course_id).where(CampaignRow.id == enrolment.campaign_id).scalar_subquery()
    is_run = CampaignRow.sends_course
    is_message = and_(CampaignRow.ground == Ground.COURSE, EnrolmentRow.lessons_planned == 0)
    return set(
        session.scalars(
            select(EnrolmentRow.id)
            .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
            .where(EnrolmentRow.subscriber_id == enrolment.subscriber_id, CampaignRow.course_id == mine)
            .where(EnrolmentRow.status == EnrolmentStatus.LEFT, EnrolmentRow.left_at == enrolment.left_at)
            .where(or_(is_run, is_message))
        )
    )


def latest_mails(session: Session, subscriber_id: int) -> list[tuple[int, int]]:
    """Return (campaign id, id of the newest mail that arrived) for each campaign that a person is in.

    Links must not refer to a mail that may not have arrived: using them would prove that it did.
    """
    rows = session.execute(
        select(EnrolmentRow.campaign_id, func.max(DeliveryRow.id))
        .join(
            DeliveryRow,
            (DeliveryRow.subscriber_id == EnrolmentRow.subscriber_id)
            & (DeliveryRow.campaign_id == EnrolmentRow.campaign_id),
        )
        .where(EnrolmentRow.subscriber_id == subscriber_id, DeliveryRow.state == DeliveryState.ACCEPTED)
        .group_by(EnrolmentRow.campaign_id)
        .order_by(EnrolmentRow.campaign_id)
    )
    return [(campaign_id, delivery_id) for campaign_id, delivery_id in rows]


def _same_course(campaign_id: int) -> Select[int]:
    """SQL: the campaigns that deliver the course of a campaign."""
    course = select(CampaignRow.course_id).where(CampaignRow.id == campaign_id).scalar_subquery()
    return select(CampaignRow.id).where(CampaignRow.course_id == course, CampaignRow.sends_course)
