"""Audiences: conditions on subscribers that must all hold, as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, cast, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import Float

from rugcourse.db.audience import Again, Audience, Following, IdRange, Permission, Repeats
from rugcourse.db.models import (
    AnswerRow,
    AssessmentAttemptRow,
    CampaignRow,
    ConsentRow,
    EnrolmentRow,
    EnrolmentStatus,
    Ground,
    ScheduleRow,
    Stage,
    SubscriberRow,
    SubscriberStatus,
    TagRow,
)
from rugcourse.db.models.json_columns import ScheduleColumns
from rugcourse.db.queries.enrolments import HAS_BEGUN
from rugcourse.db.queries.subscribers import SCHEDULE_COLUMNS, schedule_of, weekday_bits
from rugcourse.scheduling import Schedule


def size(
    session: Session,
    audience: Audience,
    now: datetime,
    allowed: Permission | None = None,
    up_to_id: int | None = None,
) -> int:
    """Count an audience. `allowed`, here and below: only people who consented; None if no mail is sent.

    `up_to_id`: without people who signed up later.
    """
    query = select(func.count()).select_from(SubscriberRow).where(*_conditions(audience, now, allowed))
    if up_to_id is not None:
        query = query.where(SubscriberRow.id <= up_to_id)
    return session.scalar(query) or 0


def repeats(
    session: Session, audience: Audience, now: datetime, again: Again, allowed: Permission | None = None
) -> Repeats:
    """Count the people who already had the course of `again` and whom it does not exclude."""
    theirs = _knowing(again.course_id)
    had_all = theirs.where(EnrolmentRow.status == EnrolmentStatus.COMPLETED).exists()
    reading = theirs.where(EnrolmentRow.status == EnrolmentStatus.ACTIVE).exists()
    completed, active, all_of_them = session.execute(
        select(func.count().filter(had_all), func.count().filter(reading, ~had_all), func.count())
        .select_from(SubscriberRow)
        .where(*_conditions(audience, now, allowed), theirs.exists(), _is_let_in(again))
    ).one()
    return Repeats(completed, active, all_of_them - completed - active)


def sample(
    session: Session, audience: Audience, now: datetime, limit: int, allowed: Permission | None = None
) -> Sequence[tuple[SubscriberRow, Schedule]]:
    """Return the newest people of an audience with their schedules."""
    rows = session.execute(
        select(SubscriberRow, *SCHEDULE_COLUMNS)
        .join(ScheduleRow, ScheduleRow.subscriber_id == SubscriberRow.id)
        .where(*_conditions(audience, now, allowed))
        .order_by(SubscriberRow.id.desc())
        .limit(limit)
    )
    return [(person, schedule_of(*schedule)) for person, *schedule in rows]


def schedules(
    session: Session, audience: Audience, now: datetime, allowed: Permission | None = None
) -> list[tuple[Schedule, int]]:
    """Return the schedules of an audience, and how many people have each."""
    rows = session.execute(
        select(*SCHEDULE_COLUMNS, func.count())
        .join(SubscriberRow, SubscriberRow.id == ScheduleRow.subscriber_id)
        .where(*_conditions(audience, now, allowed))
        .group_by(*SCHEDULE_COLUMNS)
    )
    return [(schedule_of(*schedule), how_many) for *schedule, how_many in rows]


def languages(session: Session, audience: Audience, now: datetime, allowed: Permission | None = None) -> dict[str, int]:
    """Return how many people of an audience have each language, the most frequent one first."""
    rows = session.execute(
        select(SubscriberRow.language, func.count())
        .where(*_conditions(audience, now, allowed))
        .group_by(SubscriberRow.language)
        .order_by(func.count().desc(), SubscriberRow.language)
    )
    return dict(iter(rows))


def columns_of(schedule: Schedule) -> ScheduleColumns:
    """Return the values of `SCHEDULE_COLUMNS` for JSON."""
    until = schedule.paused_until.isoformat() if schedule.paused_until else None
    weekdays = weekday_bits(schedule.weekdays)
    return schedule.zone, schedule.hour, weekdays, schedule.paused, until, schedule.every_days


def schedule_from(columns: ScheduleColumns) -> Schedule:
    """Return the schedule from the output of `columns_of`."""
    zone, hour, weekdays, paused, until, every_days = columns
    return schedule_of(zone, hour, weekdays, paused, datetime.fromisoformat(until) if until else None, every_days)


def members(
    session: Session,
    audience: Audience,
    now: datetime,
    span: IdRange,
    again: Again | None = None,
    allowed: Permission | None = None,
) -> list[tuple[int, Schedule]]:
    """Return the people of a page by id, with their schedules. `again` excludes people who already had a course."""
    let_in = () if again is None else (_is_let_in(again),)
    rows = session.execute(
        select(SubscriberRow.id, *SCHEDULE_COLUMNS)
        .join(ScheduleRow, ScheduleRow.subscriber_id == SubscriberRow.id)
        .where(SubscriberRow.id > span.after_id, SubscriberRow.id <= span.up_to_id)
        .where(*_conditions(audience, now, allowed), *let_in)
        .order_by(SubscriberRow.id)
        .limit(span.limit)
    )
    return [(person, schedule_of(*schedule)) for person, *schedule in rows]


def all_tags(session: Session) -> Sequence[str]:
    """Return all tags, sorted. Steps from one to the next by the index, however many people have them."""
    found = select(func.min(TagRow.tag).label("tag")).cte("found", recursive=True)
    following = select(func.min(TagRow.tag)).where(TagRow.tag > found.c.tag).scalar_subquery()
    found = found.union_all(select(following).where(found.c.tag.is_not(None)))
    tags = session.scalars(select(found.c.tag).where(found.c.tag.is_not(None)))
    return [tag for tag in tags if tag is not None]


def _conditions(audience: Audience, now: datetime, allowed: Permission | None) -> Iterator[ColumnElement[bool]]:
    yield SubscriberRow.status == SubscriberStatus.ACTIVE
    if allowed is None:
        yield from _about_answers(audience, now)
    else:
        yield or_(false(), *_agreed(allowed, audience, now))
    if audience.languages:
        yield SubscriberRow.language.in_(audience.languages)
    if audience.confirmed_from is not None:
        yield SubscriberRow.confirmed_at >= _midnight(audience.confirmed_from, now)
    if audience.confirmed_up_to is not None:
        yield SubscriberRow.confirmed_at < _midnight(audience.confirmed_up_to, now) + timedelta(days=1)
    for tag in audience.tags:
        yield exists().where(TagRow.subscriber_id == SubscriberRow.id, TagRow.tag == tag)
    yield from _about_course(audience)


def _agreed(allowed: Permission, audience: Audience, now: datetime) -> Iterator[ColumnElement[bool]]:
    """Yield a condition for each ground: people who consented to it, and to being chosen by their answers."""
    if Ground.NEWS in allowed.grounds:
        is_course = Ground.COURSE in allowed.grounds  # another course, which may reveal something about health
        was_asked = _was_asked() if is_course or audience.is_about_learning else true()
        yield and_(SubscriberRow.news_consent.is_(True), was_asked, *_about_answers(audience, now))
    # People who consented to a course did not consent to being chosen by what they do in another one.
    if Ground.COURSE in allowed.grounds and audience.course_id in {None, allowed.course_id}:
        reads = _enrolled(allowed.course_id).where(EnrolmentRow.status == EnrolmentStatus.ACTIVE).exists()
        agreed = or_(reads, _completed_and_did_not_leave(allowed.course_id))
        yield and_(agreed, *_about_answers(audience, now, allowed.course_id))


def _was_asked() -> ColumnElement[bool]:
    """SQL: a person consented to our own wording, which covers choosing news by progress and answers.

    The wording of an import may not. Consent that was withdrawn since does not count.
    """
    later = aliased(ConsentRow)
    withdrawn = exists().where(
        later.subscriber_id == ConsentRow.subscriber_id,
        later.purpose == "news",
        ~later.granted,
        later.id > ConsentRow.id,
    )
    return exists().where(
        ConsentRow.subscriber_id == SubscriberRow.id,
        ConsentRow.purpose == "news",
        ConsentRow.granted,
        ~ConsentRow.source.startswith("import ", autoescape=True),
        ~withdrawn,
    )


def _completed_and_did_not_leave(course_id: int) -> ColumnElement[bool]:
    """SQL: a person completed a course, and has left no other run of it since."""
    other = aliased(EnrolmentRow)
    left_since = select(other.id).where(
        other.subscriber_id == EnrolmentRow.subscriber_id,
        other.campaign_id.in_(_runs(course_id)),
        other.left_at > EnrolmentRow.completed_at,
    )
    completed = EnrolmentRow.status == EnrolmentStatus.COMPLETED
    return _enrolled(course_id).where(completed, ~left_since.exists()).exists()


def _about_course(audience: Audience) -> Iterator[ColumnElement[bool]]:
    if audience.course_id is None:
        return
    if audience.following == Following.NEVER:
        yield ~_knowing(audience.course_id).exists()
    else:
        about = list(_about_enrolment(audience))
        if about:
            yield _enrolled(audience.course_id).where(*about).exists()
    if audience.test_from is not None or audience.test_up_to is not None:
        yield _test(audience)


def _about_enrolment(audience: Audience) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that one and the same enrolment must match."""
    match audience.following:
        case Following.READING:
            yield EnrolmentRow.status == EnrolmentStatus.ACTIVE
        case Following.COMPLETED | Following.LEFT:
            yield EnrolmentRow.status == audience.following.value
    if audience.from_lesson is not None:
        yield EnrolmentRow.lessons_planned >= audience.from_lesson
    if audience.up_to_lesson is not None:
        yield EnrolmentRow.lessons_planned <= audience.up_to_lesson


def _enrolled(course_id: int) -> Select[int]:
    return select(EnrolmentRow.id).where(
        EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.campaign_id.in_(_runs(course_id))
    )


def _runs(course_id: int) -> Select[int]:
    """SQL: the campaigns that send a course."""
    return select(CampaignRow.id).where(CampaignRow.course_id == course_id, CampaignRow.sends_course)


def _knowing(course_id: int) -> Select[int]:
    """SQL: enrolments of which something was sent, or may still be."""
    return _enrolled(course_id).where(HAS_BEGUN)


def _is_let_in(again: Again) -> ColumnElement[bool]:
    knowing = _knowing(again.course_id)
    if again.before is not None:
        later = (EnrolmentRow.started_at > again.before, EnrolmentRow.completed_at > again.before)
        knowing = knowing.where(or_(*later, _agreed_since(again.course_id, again.before)))
    return ~knowing.exists()


def _agreed_since(course_id: int, instant: datetime) -> ColumnElement[bool]:
    """SQL: a person consented to a course after an instant, by which they came back if they had left it."""
    return exists().where(
        ConsentRow.subscriber_id == SubscriberRow.id,
        ConsentRow.purpose == "lessons",
        ConsentRow.granted,
        or_(ConsentRow.course_id.is_(None), ConsentRow.course_id == course_id),
        ConsentRow.at > instant,
    )


def _test(audience: Audience) -> ColumnElement[bool]:
    share = 100 * cast(AssessmentAttemptRow.correct, Float) / func.nullif(AssessmentAttemptRow.total, 0)
    taken = select(AssessmentAttemptRow.id).where(
        AssessmentAttemptRow.subscriber_id == SubscriberRow.id,
        AssessmentAttemptRow.course_id == audience.course_id,
        AssessmentAttemptRow.stage == Stage.PRETEST,
    )
    if audience.test_from is not None:
        taken = taken.where(share >= audience.test_from)
    if audience.test_up_to is not None:
        taken = taken.where(share <= audience.test_up_to)
    return taken.exists()


def _about_answers(audience: Audience, now: datetime, course_id: int | None = None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions on when people last answered, in a course or in any."""
    in_course = () if course_id is None else (AnswerRow.course_id == course_id,)

    def answered_in(days: int) -> ColumnElement[bool]:
        since = now - timedelta(days=days)
        return exists().where(AnswerRow.subscriber_id == SubscriberRow.id, AnswerRow.last_at >= since, *in_course)

    if audience.answered_within is not None:
        yield answered_in(audience.answered_within)
    if audience.silent_for is not None:
        long_here = SubscriberRow.confirmed_at < now - timedelta(days=audience.silent_for)
        yield or_(long_here, SubscriberRow.confirmed_at.is_(None)) & ~answered_in(audience.silent_for)


def _midnight(day: date, now: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)
