"""Queries for A/B tests of lesson subjects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from random import Random, SystemRandom
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, func, or_, select
from sqlalchemy.orm import Session

from rugcourse.db.models import (
    AbTestRow,
    AnswerRow,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EventKind,
    SubscriberRow,
    Verdict,
)

_PRIME = 2_147_483_647  # 2^31 - 1


class Variant(NamedTuple):
    """The result of one variant. `acted`: mails in which a human answered or clicked."""

    mails: int
    acted: int


def draw_hash(chance: Random) -> tuple[int, int]:
    """Draw the numbers that split the readers of an A/B test in halves: multiplier and shift."""
    return chance.randrange(1, _PRIME), chance.randrange(_PRIME)


def in_variant_b(
    subscriber_id: SQLColumnExpression[int], multiplier: SQLColumnExpression[int], shift: SQLColumnExpression[int]
) -> ColumnElement[bool]:
    """SQL: whether a person gets variant B. Half of them do, a different half in each A/B test.

    Two numbers below a prime, drawn for the test, map the person's id to another number, whose square is as good as
    random: its upper half decides. Without the square, consecutive ids would alternate between the halves in a
    pattern, and sometimes in the pattern of another test. All products fit into 63 bits.
    """
    turned: Any = (subscriber_id % _PRIME * multiplier + shift) % _PRIME
    drawn: ColumnElement[bool] = turned * turned % _PRIME * 2 < _PRIME
    return drawn


def add(session: Session, lesson_id: int, versions: tuple[int, int], minimum: int, now: datetime) -> AbTestRow:
    row = AbTestRow(
        lesson_id=lesson_id, version_a_id=versions[0], version_b_id=versions[1], min_sample=minimum, started_at=now
    )
    row.result = {}
    row.multiplier, row.shift = draw_hash(SystemRandom())
    session.add(row)
    session.flush()
    return row


def of_lessons(session: Session, lesson_ids: Sequence[int]) -> Sequence[AbTestRow]:
    """Return all A/B tests of some lessons, the newest first."""
    return session.scalars(
        select(AbTestRow).where(AbTestRow.lesson_id.in_(lesson_ids)).order_by(AbTestRow.id.desc())
    ).all()


def open_lessons(session: Session, lesson_ids: Collection[int]) -> set[int]:
    """Return those of some lessons of which an A/B test is running."""
    is_open = (AbTestRow.lesson_id.in_(lesson_ids), AbTestRow.decided_at.is_(None))
    return set(session.scalars(select(AbTestRow.lesson_id).where(*is_open)))


def lock_open(session: Session, lesson_id: int) -> Sequence[AbTestRow]:
    """Lock and return the open A/B tests of a lesson. Waits for one that is being decided at the moment."""
    is_open = (AbTestRow.lesson_id == lesson_id, AbTestRow.decided_at.is_(None))
    return session.scalars(select(AbTestRow).where(*is_open).order_by(AbTestRow.id).with_for_update()).all()


def lock_due(session: Session, looked_before: datetime) -> AbTestRow | None:
    """Lock and return an open A/B test that was not checked since an instant (UTC), or None."""
    return session.scalars(
        select(AbTestRow)
        .where(
            AbTestRow.decided_at.is_(None),
            or_(AbTestRow.evaluated_at.is_(None), AbTestRow.evaluated_at < looked_before),
        )
        .order_by(AbTestRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def count_variant(session: Session, trial: AbTestRow, versions: Sequence[int], settled_before: datetime) -> Variant:
    """Count the first `minimum` mails with these versions that arrived before an instant (UTC).

    Also counts in how many of them a human answered or followed a link. Excludes readers who objected.
    """
    objected = exists().where(
        SubscriberRow.id == DeliveryRow.subscriber_id, SubscriberRow.statistics_objected_at.is_not(None)
    )
    mails = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.lesson_id == trial.lesson_id,
            DeliveryRow.lesson_version_id.in_(versions),
            DeliveryRow.state == DeliveryState.ACCEPTED,
            DeliveryRow.settled_at >= trial.started_at,
            DeliveryRow.settled_at < settled_before,
            ~objected,
        )
        .order_by(DeliveryRow.settled_at, DeliveryRow.id)
        .limit(trial.min_sample)
        .subquery("mails")
    )
    human = EmailEventRow.verdict == Verdict.HUMAN
    clicked = exists().where(
        EmailEventRow.delivery_id == mails.c.id, human, EmailEventRow.kind.in_((EventKind.CLICK, EventKind.ANSWER))
    )
    answered = exists().where(AnswerRow.delivery_id == mails.c.id, AnswerRow.verdict == Verdict.HUMAN)
    acted = func.count().filter(or_(clicked, answered))
    return Variant(*session.execute(select(func.count(), acted).select_from(mails)).one())
