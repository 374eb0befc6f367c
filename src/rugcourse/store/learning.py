"""Answers, cards and knowledge-test attempts in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from rugcourse.store.statements import upsert
from rugcourse.store.tables import AnswerRow, AttemptRow, CardRow, Stage, Verdict


def find_answer(session: Session, subscriber_id: int, course_id: int, question: str) -> AnswerRow | None:
    return session.scalar(
        select(AnswerRow).where(
            AnswerRow.subscriber_id == subscriber_id, AnswerRow.course_id == course_id, AnswerRow.question == question
        )
    )


def count_answers_since(session: Session, subscriber_id: int, since: datetime) -> int:
    return session.scalars(
        select(func.count()).where(AnswerRow.subscriber_id == subscriber_id, AnswerRow.last_at >= since)
    ).one()


def mark_machine(session: Session, subscriber_id: int, since: datetime) -> None:
    session.execute(
        update(AnswerRow)
        .where(AnswerRow.subscriber_id == subscriber_id, AnswerRow.last_at >= since)
        .values(verdict=Verdict.MACHINE)
        .execution_options(synchronize_session="fetch")
    )


def tally(session: Session, subscriber_id: int, course_id: int) -> tuple[int, int]:
    """How many questions of a course a person answered, and how many of the last answers are right."""
    answered, right = session.execute(
        select(func.count(), func.count().filter(AnswerRow.last_right)).where(
            AnswerRow.subscriber_id == subscriber_id,
            AnswerRow.course_id == course_id,
            AnswerRow.verdict != Verdict.MACHINE,
        )
    ).one()
    return answered, right


def answers_of(session: Session, subscriber_id: int) -> Sequence[AnswerRow]:
    return session.scalars(
        select(AnswerRow).where(AnswerRow.subscriber_id == subscriber_id).order_by(AnswerRow.id)
    ).all()


def find_card(session: Session, subscriber_id: int, course_id: int, question: str) -> CardRow | None:
    return session.scalar(
        select(CardRow).where(
            CardRow.subscriber_id == subscriber_id, CardRow.course_id == course_id, CardRow.question == question
        )
    )


def save_card(session: Session, values: dict[str, Any]) -> None:
    keys = ("subscriber_id", "course_id", "question")
    session.execute(
        upsert(session, CardRow)
        .values(**values)
        .on_conflict_do_update(
            index_elements=list(keys), set_={name: value for name, value in values.items() if name not in keys}
        )
    )


def missed_cards(session: Session, subscriber_ids: Sequence[int], now: datetime) -> Sequence[CardRow]:
    """Cards of missed questions that are due for these people, the longest overdue first."""
    return session.scalars(
        select(CardRow)
        .where(CardRow.subscriber_id.in_(subscriber_ids), CardRow.missed, CardRow.due_at <= now)
        .order_by(CardRow.due_at)
    ).all()


def add_attempt(session: Session, attempt: AttemptRow) -> int:
    session.add(attempt)
    session.flush()
    return attempt.id


def first_attempt(session: Session, subscriber_id: int, course_id: int) -> AttemptRow | None:
    """The test that a person took before the course."""
    return session.scalar(
        select(AttemptRow)
        .where(
            AttemptRow.subscriber_id == subscriber_id,
            AttemptRow.course_id == course_id,
            AttemptRow.stage == Stage.BEFORE,
        )
        .order_by(AttemptRow.id)
        .limit(1)
    )


def adopt_attempt(
    session: Session, attempt_id: int, subscriber_id: int, course_id: int, newest_age: timedelta, now: datetime
) -> None:
    """Give an unowned attempt, not older than `newest_age`, to the person who signs up after it."""
    session.execute(
        update(AttemptRow)
        .where(
            AttemptRow.id == attempt_id,
            AttemptRow.course_id == course_id,
            AttemptRow.subscriber_id.is_(None),
            AttemptRow.at >= now - newest_age,
        )
        .values(subscriber_id=subscriber_id)
        .execution_options(synchronize_session=False)
    )
