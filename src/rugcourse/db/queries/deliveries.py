"""Queries for the ledger. `rugcourse.delivery` explains the states and their transitions.

Every step is a conditional UPDATE that carries the lease: a row that does not match belongs to another worker by now.
Values that are created by the thousand are named tuples, which cost a fifth of a frozen dataclass.
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
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    LeaseRow,
    LessonRow,
    LessonVersionPinRow,
    ScheduleRow,
    SubscriberRow,
)
from rugcourse.db.queries.ab_tests import in_variant_b
from rugcourse.db.queries.delivery_planning import ARRIVED, WAS_USED, lock_enrolments, rewind_enrolments, still_wanted
from rugcourse.db.types import UtcDateTime
from rugcourse.links import MailRef

_AGAIN = "an operator sends it again"
_BY_A_MACHINE = "a machine used it, so nobody knows whether it arrived"
_RETRY_AFTER = timedelta(minutes=5)  # for a deferred mail that a machine used
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
    """A delivery with all the data for its mail. The lesson's fields are None for other kinds.

    `kind`: a DeliveryKind, or one of a newer release that uses the same database.
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
        """The reference that links to the mail contain."""
        return MailRef(self.id, self.stamp)


class SentSnapshot(NamedTuple):
    """What exactly is being sent, fixed at the moment of submitting."""

    delivery_id: int
    message_id: str
    language: str
    lesson_version_id: int | None
    recap_question: str | None


class SentLesson(NamedTuple):
    """A lesson that was sent to a reader, the mail that contained it, and when (UTC)."""

    lesson_id: int
    delivery_id: int
    at: datetime


class Settlement(NamedTuple):
    """The result of a submission. `not_before` is set for a delivery that goes back to planned."""

    delivery_id: int
    state: DeliveryState
    reply: str
    not_before: datetime | None = None


def is_waiting(session: Session, queue: DeliveryQueue, now: datetime) -> bool:
    """Whether a queue has planned deliveries that may go out now."""
    return run(session, _IS_WAITING, {"queue": queue, "now": now}).first() is not None


def candidates(
    session: Session, queue: DeliveryQueue, now: datetime, limit: int, held: Collection[str] = ()
) -> list[DeliveryJob]:
    """Lock and return up to `limit` deliveries that may go out now. Skips those that are locked.

    `held`: the keys of active holds, see `HoldRow`.
    """
    campaigns = [int(key.removeprefix("campaign:")) for key in held if key.startswith("campaign:")]
    domains = [key.removeprefix("domain:") for key in held if key.startswith("domain:")]
    conditions: list[ColumnElement[bool]] = []
    if campaigns:  # mails about the signup itself go out nevertheless
        of_campaign = DeliveryRow.kind.in_((DeliveryKind.LESSON, DeliveryKind.BROADCAST))
        conditions.append(~and_(of_campaign, DeliveryRow.campaign_id.in_(campaigns)))
    if domains:
        domain = select(SubscriberRow.domain).where(SubscriberRow.id == DeliveryRow.subscriber_id)
        conditions.append(domain.scalar_subquery().not_in(domains))
    query = _candidates(*conditions) if conditions else _ALL_CANDIDATES
    rows: Iterable[Any] = run(session, query, {"queue": queue, "now": now, "most": limit})
    return [DeliveryJob(*row) for row in rows]


def submit(
    session: Session, queue: DeliveryQueue, lease: str, until: datetime, pins: Sequence[SentSnapshot], now: datetime
) -> set[int]:
    """Move planned deliveries of a queue to `submitting` under a lease; returns the ids that may be sent.

    The same UPDATE checks that the person still wants the mail, and pins what is sent. A retry keeps the Message-ID
    of the earlier attempt.
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
    """Delete a lease under which no delivery is held any more."""
    run(session, _RELEASING, {"ended": lease})


def record_results(session: Session, lease: str, settlements: Sequence[Settlement], now: datetime) -> int:
    """Record the results of submissions; returns how many were still ours to settle.

    An `unknown` delivery may still get its real result: a late reply under the same lease is evidence. So is one for
    an unknown delivery that is to be sent again, until that happens.
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
    """Whether a server accepted a mail that was given up meanwhile, and that has not been submitted again."""
    still_held = select(DeliveryRow.id).where(
        DeliveryRow.id == settlement.delivery_id,
        DeliveryRow.lease == lease,
        DeliveryRow.message_id.is_not(None),  # otherwise the next attempt is to another address
    )
    if settlement.state != DeliveryState.ACCEPTED or session.scalar(still_held) is None:
        return False
    return confirm_by_activity(session, settlement.delivery_id, now, settlement.reply)


def return_to_planned(session: Session, lease: str, ids: Collection[int], not_before: datetime, reason: str) -> int:
    """Return those of `ids` that were certainly not begun under `lease` to planned, as if never claimed.

    Includes those that others have marked as unknown meanwhile: the holder of the lease knows better.
    """
    if not ids:
        return 0
    parameters = {"ids": ids, "under": lease, "from_then": not_before, "why": reason}
    return count(run(session, _giving_back(dialect_of(session)), parameters))


def expire_leases(session: Session, now: datetime) -> list[int]:
    """Mark deliveries under expired leases as unknown; returns their ids.

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
    """Mark submissions without a known result as unknown; returns those that were still open.

    Mails that their reader has used meanwhile did arrive, and are not among them.
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
    """Mark unknown deliveries as accepted if their readers have already used them; returns these."""
    return {one for one in _used(session, unknown) if confirm_by_activity(session, one, now)} if unknown else set()


def was_used(session: Session, delivery_id: int) -> bool:
    """Whether a human followed a link of a mail or answered in it, so that it must have arrived."""
    return bool(_used(session, [delivery_id]))


def _used(session: Session, ids: Collection[int]) -> set[int]:
    return set(session.scalars(select(EmailEventRow.delivery_id).where(EmailEventRow.delivery_id.in_(ids), WAS_USED)))


def is_unknown(state: str) -> bool:
    """Whether a delivery in this state may have arrived without our knowledge, including one that is sent again."""
    return state in {DeliveryState.UNKNOWN, DeliveryState.CANCELLED, DeliveryState.PLANNED}


def confirm_by_activity(session: Session, delivery_id: int, now: datetime, reply: str | None = None) -> bool:
    """Mark a mail as accepted that was unknown, bounced or deferred, because its reader used it.

    Or because a server's `reply` that it accepted the mail is found later. A mail that was to be sent again is not
    sent again, unless it is already being submitted.
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
    """Undo `confirm_by_activity` since an instant for mails that a machine used, unless a human used them as well.

    They are unknown again, or are sent again.
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
    """Return the deliveries whose enrolments are completed."""
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
    """Count a delivery in its enrolment again, which had been rewound to it.

    The planner skips what arrived, and counts the days from its date again: the date on which it was resent, unless
    another lesson has that date.
    """
    found = session.execute(
        select(DeliveryRow, EnrolmentRow, ScheduleRow.zone)
        .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
        .join(ScheduleRow, ScheduleRow.subscriber_id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.id == delivery_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:  # a mail that a person waits for has no enrolment
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
    """Whether a delivery was tried before, and was unknown, bounced or deferred."""
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
            attempts=case((DeliveryRow.attempts == 0, 1), else_=DeliveryRow.attempts),  # count the earlier attempt
            reply=reply or ARRIVED[state],
        )
        .execution_options(synchronize_session=False)
    )
    return count(arrived) == 1


def by_once_key(session: Session, once_key: str) -> int | None:
    """Return the id of the mail with an idempotency key, or None."""
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.once_key == once_key))


def in_state(session: Session, state: DeliveryState, limit: int) -> Sequence[Any]:
    """Return (id, address, kind, lesson's slug or None, planned at, reply) of deliveries in a state, oldest first."""
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
    """Cancel an unknown lesson or broadcast, so that it counts as not sent.

    It keeps its lease, as a journal that is read later may have its result. Returns False if it is another kind of
    mail, is no longer `unknown`, or its campaign was cancelled.
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
    """Plan `unknown` mails that a person waits for again, with the same Message-ID; returns which.

    They keep their lease, as in `cancel_unknown`.
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
    """SQL: the Message-ID of a mail that is sent again; NULL if the reader's address was corrected since."""
    moved = exists().where(
        SubscriberRow.id == DeliveryRow.subscriber_id, SubscriberRow.address_since >= DeliveryRow.settled_at
    )
    return case((moved, null()), else_=DeliveryRow.message_id)


def waiting_by_queue(session: Session, now: datetime) -> dict[DeliveryQueue, int]:
    """Count the planned deliveries that may go out now, per queue."""
    rows = session.execute(
        select(DeliveryRow.queue, func.count()).where(DeliveryRow.not_before <= now).group_by(DeliveryRow.queue)
    )
    return {DeliveryQueue(queue): waiting for queue, waiting in rows}


def history(session: Session, subscriber_id: int) -> Sequence[Any]:
    """Return (delivery, lesson's slug or None) of a person's deliveries, oldest first."""
    return session.execute(
        select(DeliveryRow, LessonRow.slug)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(DeliveryRow.id)
    ).all()


def lessons_sent(session: Session, enrolment_id: int) -> list[SentLesson]:
    """Return the lessons of an enrolment that arrived as far as known, in the order in which they were planned."""
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
    """Return the lessons of an enrolment that are about to be sent."""
    rows = session.scalars(
        select(DeliveryRow.lesson_id).where(
            DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.state == DeliveryState.PLANNED
        )
    )
    return {lesson_id for lesson_id in rows if lesson_id is not None}


def lessons_not_arrived(session: Session, enrolment_id: int) -> dict[int, str]:
    """Return lesson id → state of the lessons of an enrolment that were planned and did not arrive."""
    rows = session.execute(
        select(DeliveryRow.lesson_id, DeliveryRow.state).where(
            DeliveryRow.enrolment_id == enrolment_id,
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.state.in_((DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.UNKNOWN)),
        )
    )
    return {lesson_id or 0: state for lesson_id, state in rows}


def latest_lessons(session: Session, subscriber_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Return (subscriber id, course id) → id of the newest lesson delivery."""
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
    # The first `limit` rows are picked before any join: a query planner that expects few waiting rows would join all
    # of them first, and sort them then.
    picked = (
        select(DeliveryRow)
        .where(DeliveryRow.queue == bindparam("queue"), DeliveryRow.not_before <= bindparam("now"), *conditions)
        # A delivery whose send window is over is left to the planner, however long this machine slept.
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
def _submitting(dialect: str, queue: DeliveryQueue) -> Update:
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
            # An earlier reply of a server is worth more than the reason why it was not tried now.
            reply=case((DeliveryRow.attempts > 1, DeliveryRow.reply), else_=bindparam("why")),
        )
        .execution_options(synchronize_session=False)
    )
