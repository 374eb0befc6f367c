"""Queries that claim deliveries for a worker under a lease, and give them back. See `rugcourse.delivery`.

Every step is a conditional UPDATE that carries the lease: a row that does not match belongs to another worker by now.
Values that are created by the thousand are named tuples, which cost a fifth of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from rugcourse.db.bulk import as_rows, count, dialect_of, is_among, run, update_rows
from rugcourse.db.models import (
    CAMPAIGN_MAIL,
    AbTestRow,
    CampaignRow,
    CourseRow,
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    LeaseRow,
    LessonRow,
    LessonVersionPinRow,
    SubscriberRow,
)
from rugcourse.db.queries.ab_tests import in_variant_b
from rugcourse.db.queries.delivery_planning import still_wanted
from rugcourse.db.types import UtcDateTime
from rugcourse.links import MailRef

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

    `kind`: a DeliveryKind, or one of a newer release that uses the same database. `due_at`: since when it may go out
    (UTC).
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
    due_at: datetime | None

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
        of_campaign = DeliveryRow.kind.in_(CAMPAIGN_MAIL)
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
        run(session, _LEASING, {"token": lease, "expires_at": until, "delivery_ids": sorted(taken)})
    return taken


def release(session: Session, lease: str) -> None:
    """Delete a lease under which no delivery is held any more."""
    run(session, _RELEASING, {"ended": lease})


def return_to_planned(session: Session, lease: str, ids: Collection[int], not_before: datetime, reason: str) -> int:
    """Return those of `ids` that were certainly not begun under `lease` to planned, as if never claimed.

    Includes those that others have marked as unknown meanwhile: the holder of the lease knows better.
    """
    if not ids:
        return 0
    parameters = {"ids": ids, "under": lease, "from_then": not_before, "why": reason}
    return count(run(session, _giving_back(dialect_of(session)), parameters))


def _candidates(*conditions: ColumnElement[bool]) -> Select[*tuple[object, ...]]:
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
            SubscriberRow.tracking_consent,
            CourseRow.slug,
            CourseRow.content_hash,
            CourseRow.id,
            _version_of(picked),
            picked.c.lesson_id,
            picked.c.attempts,
            picked.c.message_id,
            SubscriberRow.security_stamp,
            picked.c.not_before,
        )
        .join(SubscriberRow, SubscriberRow.id == picked.c.subscriber_id)
        .join(CampaignRow, CampaignRow.id == picked.c.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .outerjoin(LessonRow, LessonRow.id == picked.c.lesson_id)
    )


def _version_of(picked: FromClause) -> ColumnElement[int | None]:
    """SQL: the lesson version for a delivery: as sent before, pinned, variant B of an A/B test, or the current one."""
    pinned = (
        select(LessonVersionPinRow.version_id)
        .where(
            LessonVersionPinRow.lesson_id == picked.c.lesson_id,
            LessonVersionPinRow.up_to_enrolment >= picked.c.enrolment_id,
        )
        .order_by(LessonVersionPinRow.up_to_enrolment)
        .limit(1)
        .correlate(picked)
        .scalar_subquery()
    )
    variant_b = (
        select(AbTestRow.version_b_id)
        .where(
            AbTestRow.lesson_id == LessonRow.id,
            AbTestRow.version_a_id == LessonRow.current_version_id,
            AbTestRow.decided_at.is_(None),
            in_variant_b(picked.c.subscriber_id, AbTestRow.multiplier, AbTestRow.shift),
        )
        .limit(1)
        .correlate(picked, LessonRow)
        .scalar_subquery()
    )
    return func.coalesce(picked.c.lesson_version_id, pinned, variant_b, LessonRow.current_version_id)


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
def _giving_back(dialect: str) -> Executable:
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
            smtp_response=case((DeliveryRow.attempts > 1, DeliveryRow.smtp_response), else_=bindparam("why")),
        )
        .execution_options(synchronize_session=False)
    )
