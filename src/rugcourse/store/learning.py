"""Answers, cards and knowledge-test attempts in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.store.statements import dialect_of, is_among, run, upsert
from rugcourse.store.tables import AnswerRow, AttemptRow, CardRow, Stage, Verdict


@dataclass(frozen=True, slots=True)
class MissedCard:
    """A question that a person is to see again."""

    subscriber_id: int
    course_id: int
    question: str


def find_answer(session: Session, subscriber_id: int, course_id: int, question: str) -> AnswerRow | None:
    return session.scalar(
        select(AnswerRow).where(
            AnswerRow.subscriber_id == subscriber_id, AnswerRow.course_id == course_id, AnswerRow.question == question
        )
    )


def disbelieve(session: Session, subscriber_id: int, since: datetime) -> None:
    """Let answers that were given since an instant count for nothing: a machine gave them."""
    session.execute(
        update(AnswerRow)
        .where(AnswerRow.subscriber_id == subscriber_id, AnswerRow.last_at >= since)
        .values(verdict=Verdict.MACHINE)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(CardRow)
        .where(CardRow.subscriber_id == subscriber_id, CardRow.reviewed_at >= since)
        .execution_options(synchronize_session=False)
    )


def tally(session: Session, subscriber_id: int, course_id: int) -> tuple[int, int]:
    """How many questions of a course a person answered, and how many of the last answers are right."""
    return _tally(session, AnswerRow.course_id == course_id, AnswerRow.subscriber_id == subscriber_id)


def tally_of_course(session: Session, course_id: int) -> tuple[int, int]:
    """The same over everybody."""
    return _tally(session, AnswerRow.course_id == course_id)


def _tally(session: Session, *which: ColumnElement[bool]) -> tuple[int, int]:
    answered, right = session.execute(
        select(func.count(), func.count().filter(AnswerRow.last_right)).where(
            *which, AnswerRow.verdict != Verdict.MACHINE
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


def missed_cards(session: Session, subscriber_ids: Collection[int], now: datetime) -> list[MissedCard]:
    """Cards of missed questions that are due for these people, the longest overdue first."""
    rows = run(session, _missed_cards(dialect_of(session)), {"ids": subscriber_ids, "now": now})
    return [MissedCard(*row) for row in rows]


@cache
def _missed_cards(dialect: str) -> Select[int, int, str]:
    return (
        select(CardRow.subscriber_id, CardRow.course_id, CardRow.question)
        .where(is_among(CardRow.subscriber_id, dialect), CardRow.missed, CardRow.due_at <= bindparam("now"))
        .order_by(CardRow.due_at)
    )


def add_attempt(session: Session, attempt: AttemptRow) -> int:
    session.add(attempt)
    session.flush()
    return attempt.id


def find_attempt(session: Session, attempt_id: int) -> AttemptRow | None:
    return session.get(AttemptRow, attempt_id)


def last_attempt(session: Session, subscriber_id: int, course_id: int, stage: Stage) -> AttemptRow | None:
    """The newest test that a person took before, or after, the course."""
    return session.scalar(
        select(AttemptRow)
        .where(AttemptRow.subscriber_id == subscriber_id, AttemptRow.course_id == course_id, AttemptRow.stage == stage)
        .order_by(AttemptRow.id.desc())
        .limit(1)
    )


def adopt_attempt(session: Session, attempt_id: int, subscriber_id: int, course_id: int, taken_after: datetime) -> None:
    """Give an unowned attempt, taken after an instant, to the person who signs up after it."""
    session.execute(
        update(AttemptRow)
        .where(
            AttemptRow.id == attempt_id,
            AttemptRow.course_id == course_id,
            AttemptRow.subscriber_id.is_(None),
            AttemptRow.at >= taken_after,
        )
        .values(subscriber_id=subscriber_id)
        .execution_options(synchronize_session=False)
    )


def gain_of_course(session: Session, course_id: int) -> tuple[int, float | None, float | None]:
    """Over everyone with a test before and after: how many, and the mean share of right answers of each (0 to 1)."""
    before, after = aliased(AttemptRow), aliased(AttemptRow)

    def newest(stage: Stage) -> Select[int]:
        return (
            select(func.max(AttemptRow.id))
            .where(AttemptRow.course_id == course_id, AttemptRow.stage == stage, AttemptRow.subscriber_id.is_not(None))
            .group_by(AttemptRow.subscriber_id)
        )

    count, mean_before, mean_after = session.execute(
        select(func.count(), func.avg(1.0 * before.right / before.asked), func.avg(1.0 * after.right / after.asked))
        .select_from(before)
        .join(after, after.subscriber_id == before.subscriber_id)
        .where(before.id.in_(newest(Stage.BEFORE)), after.id.in_(newest(Stage.AFTER)))
    ).one()
    return count, _share(mean_before), _share(mean_after)


def _share(value: Any) -> float | None:
    return None if value is None else float(value)
