"""The ledger's statements. What the states mean, and who moves a row when, is told in `rugcourse.delivery`.

Every step is a conditional UPDATE that carries the lease: a row it does not match belongs to somebody else by now.
Values that are made by the thousand are named tuples, which cost a fifth of a frozen dataclass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from rugcourse.db.bulk import (
    as_rows,
    count,
    dialect_of,
    is_among,
    run,
    update_rows,
)
from rugcourse.db.models import (
    AbTestRow,
    CampaignRow,
    CampaignStatus,
    CourseRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    LeaseRow,
    LessonRow,
    LessonVersionPinRow,
    Queue,
    ScheduleRow,
    SubscriberRow,
)
from rugcourse.db.queries.ab_tests import in_variant_b
from rugcourse.db.queries.delivery_planning import ARRIVED, WAS_USED, lock_enrolments, rewind_enrolments, still_wanted
from rugcourse.db.types import UtcDateTime
from rugcourse.links import MailRef

_AGAIN = "an operator sends it again"
_BY_A_MACHINE = "a machine used it, so nobody knows whether it arrived"
_RETRY_AFTER = timedelta(minutes=5)  # of a mail that a server had put off and that a machine used
_GIVEN_UP = EmailEventRow.kind.in_((EventKind.RESEND, EventKind.BOUNCE))
_LEASING = insert(LeaseRow)
_RELEASING = delete(LeaseRow).where(LeaseRow.token == bindparam("ended"))
_IS_WAITING = (
    select(DeliveryRow.id)
    .where(
        DeliveryRow.queue == bindparam("queue"),
        DeliveryRow.not_before <= bindparam("now"),
        or_(DeliveryRow.send_by.is_(None), DeliveryRow.send_by >= bindparam("now")),
    )
    .limit(1)
)


class DeliveryJob(NamedTuple):
    """A delivery with all that its mail needs. The lesson's fields are None for other kinds.

    `kind`: a DeliveryKind, or one of a newer release that works on the same database.
    """

    id: int
    kind: str
    campaign_id: int
    subscriber_id: int
    email: str
    domain: str
    name: str
    language: str
    measuring: bool
    course: str
    course_hash: str
    course_id: int
    lesson_version_id: int | None
    lesson_id: int | None
    attempts: int
    message_id: str | None
    stamp: int

    @property
    def ref(self) -> MailRef:
        """What links to it name."""
        return MailRef(self.id, self.stamp)


class SentSnapshot(NamedTuple):
    """What exactly is being sent, fixed at the moment of submitting."""

    delivery_id: int
    message_id: str
    language: str
    lesson_version_id: int | None
    recap_question: str | None


class SentLesson(NamedTuple):
    """A lesson that went to a reader: the mail that brought it, and when (UTC)."""

    lesson_id: int
    delivery_id: int
    at: datetime


class Settlement(NamedTuple):
    """How a submission ended. `not_before` is for a delivery that goes back to planned."""

    delivery_id: int
    state: DeliveryState
    reply: str
    not_before: datetime | None = None


def is_waiting(session: Session, queue: Queue, now: datetime) -> bool:
    """Whether anything of a queue stands planned and may go now."""
    return run(session, _IS_WAITING, {"queue": queue, "now": now}).first() is not None


def candidates(
    session: Session, queue: Queue, now: datetime, limit: int, held: Collection[str] = ()
) -> list[DeliveryJob]:
    """Up to `limit` deliveries that may go now, locked until the transaction ends; those that others look at are passed
    over. `held`: the keys of what is not to be sent, see `HoldRow`.
    """
    campaigns = [int(key.removeprefix("campaign:")) for key in held if key.startswith("campaign:")]
    domains = [key.removeprefix("domain:") for key in held if key.startswith("domain:")]
    conditions: list[ColumnElement[bool]] = []
    if campaigns:  # mails about the signup itself go out all the same
        of_campaign = DeliveryRow.kind.in_((DeliveryKind.LESSON, DeliveryKind.BROADCAST))
        conditions.append(~and_(of_campaign, DeliveryRow.campaign_id.in_(campaigns)))
    if domains:
        domain = select(SubscriberRow.domain).where(SubscriberRow.id == DeliveryRow.subscriber_id)
        conditions.append(domain.scalar_subquery().not_in(domains))
    query = _candidates(*conditions) if conditions else _ALL_CANDIDATES
    rows: Iterable[Any] = run(session, query, {"queue": queue, "now": now, "most": limit})
    return [DeliveryJob(*row) for row in rows]


def submit(
    session: Session, queue: Queue, lease: str, until: datetime, pins: Sequence[SentSnapshot], now: datetime
) -> set[int]:
    """Move planned deliveries of a queue to `submitting` under a lease; returns those that may really be sent.

    Whether the person still wants the mail is looked at in the same UPDATE that pins what is sent. One that is pinned
    already, from an earlier attempt, keeps its Message-ID: it is the same one.
    """
    rows = (
        (
            [pin.delivery_id],
            {
                "message_id": pin.message_id,
                "language": pin.language,
                "lesson_version_id": pin.lesson_version_id,
                "recap_question": pin.recap_question,
            },
        )
        for pin in pins
    )
    parameters = {"rows": as_rows(session, DeliveryRow, rows), "under": lease, "now": now}
    taken = set(run(session, _submitting(dialect_of(session), queue), parameters).scalars())
    if taken:
        run(session, _LEASING, {"token": lease, "until": until, "deliveries": sorted(taken)})
    return taken


def release(session: Session, lease: str) -> None:
    """End a lease: nothing is held under it any more."""
    run(session, _RELEASING, {"ended": lease})


def record_results(session: Session, lease: str, settlements: Sequence[Settlement], now: datetime) -> int:
    """Write down how submissions ended; returns how many were still ours to settle.

    An `unknown` may still become what it really was: a late answer under the same lease is evidence. So it is of one
    that is to be sent again for that reason, as long as it was not.
    """
    if not settlements:
        return 0
    alike: dict[tuple[DeliveryState, str, datetime | None], list[int]] = defaultdict(list)
    for one in settlements:
        alike[one.state, one.reply[:500], one.not_before].append(one.delivery_id)
    rows = (
        (
            ids,
            {
                "state": state,
                "reply": reply,
                "settled_at": None if state == DeliveryState.PLANNED else now,
                "not_before": not_before,
            },
        )
        for (state, reply, not_before), ids in alike.items()
    )
    parameters = {"rows": as_rows(session, DeliveryRow, rows), "under": lease}
    settled = set(run(session, _settling(dialect_of(session)), parameters).scalars())
    for one in settlements:
        if one.delivery_id not in settled and _was_taken(session, lease, one, now):
            settled.add(one.delivery_id)
    _confirm_by_events(session, [one.delivery_id for one in settlements if one.state == DeliveryState.UNKNOWN], now)
    put_off = [one.delivery_id for one in settlements if one.state == DeliveryState.PLANNED]
    for delivery_id in _used(session, put_off) if put_off else ():
        _has_arrived(session, delivery_id, now, DeliveryState.PLANNED)
    return len(settled)


def _was_taken(session: Session, lease: str, settlement: Settlement, now: datetime) -> bool:
    """Whether a server took a mail that was given up meanwhile, and that has not been submitted again."""
    still_held = select(DeliveryRow.id).where(
        DeliveryRow.id == settlement.delivery_id,
        DeliveryRow.lease == lease,
        DeliveryRow.message_id.is_not(None),  # else it is to go to another address than it went to
    )
    if settlement.state != DeliveryState.ACCEPTED or session.scalar(still_held) is None:
        return False
    return confirm_by_activity(session, settlement.delivery_id, now, settlement.reply)


def return_to_planned(session: Session, lease: str, ids: Collection[int], not_before: datetime, reason: str) -> int:
    """Return those of `ids` that were surely not begun under `lease` to planned, as if never claimed.

    Also those that others have called unknown meanwhile: who holds the lease knows better.
    """
    if not ids:
        return 0
    parameters = {"ids": ids, "under": lease, "from_then": not_before, "why": reason}
    return count(run(session, _giving_back(dialect_of(session)), parameters))


def expire_leases(session: Session, now: datetime) -> list[int]:
    """Call unknown what silent workers hold; returns the ids.

    A submission that may have been accepted is never repeated: a second mail can't be recalled, a visible gap can be
    filled.
    """
    unknown: list[int] = []
    query = select(LeaseRow.token, LeaseRow.deliveries).where(LeaseRow.until <= now).with_for_update(skip_locked=True)
    for lease, ids in session.execute(query).all():
        unknown += mark_unknown(session, lease, ids, now, "the worker that was sending it fell silent")
        release(session, lease)
    return unknown


def mark_unknown(session: Session, lease: str, ids: Sequence[int], now: datetime, reason: str) -> list[int]:
    """Mark submissions of which nobody knows whether they arrived as unknown; returns those that were still open.

    One that its reader used meanwhile arrived, and is not among them.
    """
    open_ones = list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.lease == lease,
                DeliveryRow.state == DeliveryState.SUBMITTING,
            )
            .values(state=DeliveryState.UNKNOWN, settled_at=now, reply=reason)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    arrived = _confirm_by_events(session, open_ones, now)
    return [one for one in open_ones if one not in arrived]


def _confirm_by_events(session: Session, unknown: Collection[int], now: datetime) -> set[int]:
    """Those that their readers used before anybody doubted that they arrived: they did."""
    return {one for one in _used(session, unknown) if confirm_by_activity(session, one, now)} if unknown else set()


def was_used(session: Session, delivery_id: int) -> bool:
    """Whether a human followed a link of a mail, or answered in it: it reached somebody who reads it."""
    return bool(_used(session, [delivery_id]))


def _used(session: Session, ids: Collection[int]) -> set[int]:
    return set(session.scalars(select(EmailEventRow.delivery_id).where(EmailEventRow.delivery_id.in_(ids), WAS_USED)))


def is_unknown(state: str) -> bool:
    """Whether nobody knew that such a mail arrived; also of one that is sent again for that reason."""
    return state in {DeliveryState.UNKNOWN, DeliveryState.CANCELLED, DeliveryState.PLANNED}


def confirm_by_activity(session: Session, delivery_id: int, now: datetime, reply: str | None = None) -> bool:
    """A reader did something with a mail of which nobody knew whether it arrived, that came back, or that a server put
    off: it did arrive. The same where a server's `reply` that it took the mail is found later.

    One that is to be sent again for that reason is not, unless it is under way.
    """
    if _has_arrived(session, delivery_id, now, DeliveryState.UNKNOWN, reply):
        return True
    if not _goes_again(session, delivery_id):
        return False
    lock_enrolments(session, [delivery_id])
    if _has_arrived(session, delivery_id, now, DeliveryState.PLANNED, reply):
        return True
    if not _has_arrived(session, delivery_id, now, DeliveryState.CANCELLED, reply):
        return False
    _count_again(session, delivery_id)
    return True


def revoke_activity(session: Session, ids: Collection[int], since: datetime, now: datetime) -> None:
    """Put back what was believed since an instant of mails that a machine used: nobody knows of an unknown one again,
    and what was to go again goes again. What a human used as well stays as it is.
    """
    doubted = sorted({*ids} - _used(session, ids))
    if not doubted:
        return
    lock_enrolments(session, doubted)
    _return_enrolments(session, doubted, since, DeliveryState.UNKNOWN, settled_at=now)
    _return_enrolments(session, doubted, since, DeliveryState.PLANNED, settled_at=None, not_before=now + _RETRY_AFTER)
    cancelled = _return_enrolments(session, doubted, since, DeliveryState.CANCELLED, settled_at=now)
    ended = _of_ended(session, cancelled)
    rewind_enrolments(session, sorted(ended), due_since_planned=True)
    rewind_enrolments(session, [one for one in cancelled if one not in ended])  # due as its enrolment is


def _of_ended(session: Session, ids: Collection[int]) -> set[int]:
    """Those that are of enrolments that had their last lesson."""
    if not ids:
        return set()
    return set(
        session.scalars(
            select(DeliveryRow.id)
            .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
            .where(DeliveryRow.id.in_(ids), EnrolmentRow.status == EnrolmentStatus.COMPLETED)
        )
    )


def _return_enrolments(
    session: Session, ids: Sequence[int], since: datetime, state: DeliveryState, **values: datetime | None
) -> list[int]:
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.state == DeliveryState.ACCEPTED,
                DeliveryRow.reply == ARRIVED[state],
                DeliveryRow.settled_at >= since,
            )
            .values(state=state, reply=_BY_A_MACHINE, **values)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def _count_again(session: Session, delivery_id: int) -> None:
    """Its enrolment had stepped back to it. The planner passes over what arrived, and counts from its date again: the
    one on which it was sent anew, if no other lesson has that.
    """
    found = session.execute(
        select(DeliveryRow, EnrolmentRow, ScheduleRow.zone)
        .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
        .join(ScheduleRow, ScheduleRow.subscriber_id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.id == delivery_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:  # a mail that a person waits for is of no enrolment
        return
    row, enrolment, zone = found
    enrolment.lessons_planned += 1
    resent = session.scalar(
        select(func.min(EmailEventRow.at)).where(EmailEventRow.delivery_id == delivery_id, _GIVEN_UP)
    )
    sent_on = (resent or row.planned_at).astimezone(ZoneInfo(zone)).date()
    taken = select(DeliveryRow.id).where(DeliveryRow.enrolment_id == enrolment.id, DeliveryRow.local_date == sent_on)
    if session.scalar(taken) is None:
        row.local_date = sent_on
        enrolment.last_local_date = max(sent_on, enrolment.last_local_date or sent_on)
    session.flush()


def _goes_again(session: Session, delivery_id: int) -> bool:
    """Whether it was tried before: nobody knew whether it arrived, it came back, or a server put it off."""
    given_up = select(EmailEventRow.id).where(EmailEventRow.delivery_id == delivery_id, _GIVEN_UP)
    tried = or_(DeliveryRow.attempts > 0, given_up.exists())
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.id == delivery_id, tried)) is not None


def _has_arrived(
    session: Session, delivery_id: int, now: datetime, state: DeliveryState, reply: str | None = None
) -> bool:
    arrived = session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == state)
        .values(
            state=DeliveryState.ACCEPTED,
            settled_at=now,
            not_before=None,
            attempts=case((DeliveryRow.attempts == 0, 1), else_=DeliveryRow.attempts),  # the one before counts again
            reply=reply or ARRIVED[state],
        )
        .execution_options(synchronize_session=False)
    )
    return count(arrived) == 1


def by_once_key(session: Session, once_key: str) -> int | None:
    """The id of the mail that was planned by a key."""
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.once_key == once_key))


def in_state(session: Session, state: DeliveryState, limit: int) -> Sequence[Any]:
    """(id, e-mail address, kind, lesson's slug or None, planned at, reply) of deliveries in a state, oldest first."""
    return session.execute(
        select(
            DeliveryRow.id,
            SubscriberRow.email,
            DeliveryRow.kind,
            LessonRow.slug,
            DeliveryRow.planned_at,
            DeliveryRow.reply,
        )
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.state == state)
        .order_by(DeliveryRow.id)
        .limit(limit)
    ).all()


def cancel_unknown(session: Session, delivery_id: int, now: datetime) -> bool:
    """Let a mail of a course or a campaign of which nobody knows whether it arrived count as not sent.

    It keeps its lease: a journal that is read later may know. Returns False when it is none, or not `unknown` any more,
    or its campaign was cancelled.
    """
    cancelled = session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery_id,
            DeliveryRow.state == DeliveryState.UNKNOWN,
            DeliveryRow.enrolment_id.is_not(None),
            DeliveryRow.campaign_id.not_in(
                select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.CANCELLED)
            ),
        )
        .values(state=DeliveryState.CANCELLED, settled_at=now, reply=_AGAIN, message_id=_message_id_again())
        .execution_options(synchronize_session=False)
    )
    return count(cancelled) == 1


def resend(session: Session, ids: Collection[int], now: datetime) -> list[int]:
    """Plan `unknown` mails that a person waits for once more, as the same message with the same Message-ID.

    They keep their lease, as in `cancel_unknown`. Returns which.
    """
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.state == DeliveryState.UNKNOWN,
                DeliveryRow.enrolment_id.is_(None),
            )
            .values(
                state=DeliveryState.PLANNED,
                not_before=now,
                send_by=None,
                settled_at=None,
                attempts=0,
                reply=_AGAIN,
                message_id=_message_id_again(),
            )
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def _message_id_again() -> ColumnElement[str | None]:
    """SQL: that of a mail that is sent again; none where it went to an address that was put right since."""
    moved = exists().where(
        SubscriberRow.id == DeliveryRow.subscriber_id, SubscriberRow.address_since >= DeliveryRow.settled_at
    )
    return case((moved, null()), else_=DeliveryRow.message_id)


def waiting_by_queue(session: Session, now: datetime) -> dict[Queue, int]:
    """How many deliveries stand planned and may go now, per queue."""
    rows = session.execute(
        select(DeliveryRow.queue, func.count()).where(DeliveryRow.not_before <= now).group_by(DeliveryRow.queue)
    )
    return {Queue(queue): waiting for queue, waiting in rows}


def history(session: Session, subscriber_id: int) -> Sequence[Any]:
    """A person's deliveries, oldest first: (delivery, lesson's slug or None)."""
    return session.execute(
        select(DeliveryRow, LessonRow.slug)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(DeliveryRow.id)
    ).all()


def lessons_sent(session: Session, enrolment_id: int) -> list[SentLesson]:
    """The lessons of an enrolment that arrived, as far as anybody knows, in the order in which they were planned."""
    rows = session.execute(
        select(DeliveryRow.lesson_id, DeliveryRow.id, func.coalesce(DeliveryRow.settled_at, DeliveryRow.planned_at))
        .where(
            DeliveryRow.enrolment_id == enrolment_id,
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.lesson_version_id.is_not(None),
            DeliveryRow.state.in_((DeliveryState.ACCEPTED, DeliveryState.SUBMITTING)),
        )
        .order_by(DeliveryRow.id)
    )
    return [SentLesson(lesson_id or 0, delivery_id, at) for lesson_id, delivery_id, at in rows]


def lessons_planned(session: Session, enrolment_id: int) -> set[int]:
    """The lessons of an enrolment that are about to be sent."""
    rows = session.scalars(
        select(DeliveryRow.lesson_id).where(
            DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.state == DeliveryState.PLANNED
        )
    )
    return {lesson_id for lesson_id in rows if lesson_id is not None}


def lessons_not_arrived(session: Session, enrolment_id: int) -> dict[int, str]:
    """The lessons of an enrolment that were meant for it and did not come, and the state of each mail."""
    rows = session.execute(
        select(DeliveryRow.lesson_id, DeliveryRow.state).where(
            DeliveryRow.enrolment_id == enrolment_id,
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.state.in_((DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.UNKNOWN)),
        )
    )
    return {lesson_id or 0: state for lesson_id, state in rows}


def latest_lessons(session: Session, subscriber_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """(person, course) → the newest lesson delivery that they got from it."""
    rows = run(session, _latest_lessons(dialect_of(session)), {"ids": subscriber_ids})
    return {(subscriber_id, course_id): delivery_id for subscriber_id, course_id, delivery_id in rows}


@cache
def _latest_lessons(dialect: str) -> Select[int, int, int]:
    return (
        select(DeliveryRow.subscriber_id, CampaignRow.course_id, func.max(DeliveryRow.id))
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .where(
            is_among(DeliveryRow.subscriber_id, dialect),
            DeliveryRow.kind == DeliveryKind.LESSON,
            DeliveryRow.state == DeliveryState.ACCEPTED,
        )
        .group_by(DeliveryRow.subscriber_id, CampaignRow.course_id)
    )


def _candidates(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    # The first so many are picked before anything is joined: a planner that believes that few are waiting would join
    # all of them first, and sort them then.
    picked = (
        select(DeliveryRow)
        .where(DeliveryRow.queue == bindparam("queue"), DeliveryRow.not_before <= bindparam("now"), *conditions)
        # One whose reader's hour is over is left to the planner, however long this machine slept.
        .where(or_(DeliveryRow.send_by.is_(None), DeliveryRow.send_by >= bindparam("now")))
        .order_by(DeliveryRow.not_before)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
        .subquery("picked")
    )
    return (
        select(
            picked.c.id,
            picked.c.kind,
            picked.c.campaign_id,
            SubscriberRow.id,
            SubscriberRow.email,
            SubscriberRow.domain,
            SubscriberRow.name,
            SubscriberRow.language,
            SubscriberRow.measuring,
            CourseRow.slug,
            CourseRow.content_hash,
            CourseRow.id,
            func.coalesce(
                picked.c.lesson_version_id,
                select(LessonVersionPinRow.version_id)
                .where(
                    LessonVersionPinRow.lesson_id == picked.c.lesson_id,
                    LessonVersionPinRow.up_to_enrolment >= picked.c.enrolment_id,
                )
                .order_by(LessonVersionPinRow.up_to_enrolment)
                .limit(1)
                .correlate(picked)
                .scalar_subquery(),
                select(AbTestRow.version_b)
                .where(
                    AbTestRow.lesson_id == LessonRow.id,
                    AbTestRow.version_a == LessonRow.current_version_id,
                    AbTestRow.decided_at.is_(None),
                    in_variant_b(picked.c.subscriber_id, AbTestRow.multiplier, AbTestRow.shift),
                )
                .limit(1)
                .correlate(picked, LessonRow)
                .scalar_subquery(),
                LessonRow.current_version_id,
            ),
            picked.c.lesson_id,
            picked.c.attempts,
            picked.c.message_id,
            SubscriberRow.security_stamp,
        )
        .join(SubscriberRow, SubscriberRow.id == picked.c.subscriber_id)
        .join(CampaignRow, CampaignRow.id == picked.c.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .outerjoin(LessonRow, LessonRow.id == picked.c.lesson_id)
    )


_ALL_CANDIDATES = _candidates()


@cache
def _submitting(dialect: str, queue: Queue) -> Update:
    now = bindparam("now", type_=UtcDateTime())
    return update_rows(
        DeliveryRow,
        ("message_id", "language", "lesson_version_id", "recap_question"),
        dialect,
        DeliveryRow.state == DeliveryState.PLANNED,
        still_wanted(queue, now),
        state=DeliveryState.SUBMITTING,
        lease=bindparam("under"),
        not_before=None,
        attempts=DeliveryRow.attempts + 1,
    )


@cache
def _settling(dialect: str) -> Update:
    return update_rows(
        DeliveryRow,
        ("state", "reply", "settled_at", "not_before"),
        dialect,
        DeliveryRow.lease == bindparam("under"),
        DeliveryRow.state.in_((DeliveryState.SUBMITTING, DeliveryState.UNKNOWN)),
    )


@cache
def _giving_back(dialect: str) -> Any:
    return (
        update(DeliveryRow)
        .where(
            is_among(DeliveryRow.id, dialect),
            DeliveryRow.lease == bindparam("under"),
            DeliveryRow.state.in_((DeliveryState.SUBMITTING, DeliveryState.UNKNOWN)),
        )
        .values(
            state=DeliveryState.PLANNED,
            settled_at=None,
            lease=None,
            not_before=bindparam("from_then"),
            attempts=DeliveryRow.attempts - 1,
            # What a server said of it before is worth more than why it was not tried now.
            reply=case((DeliveryRow.attempts > 1, DeliveryRow.reply), else_=bindparam("why")),
        )
        .execution_options(synchronize_session=False)
    )
