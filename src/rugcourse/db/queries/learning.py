"""Queries for answers, review cards, knowledge tests and feedback."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Executable, Select, bindparam, case, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import dialect_of, insert_into, is_among, run, upsert
from rugcourse.db.models import (
    AnswerRow,
    AssessmentAttemptRow,
    Base,
    DeliveryRow,
    FeedbackRow,
    LessonRow,
    ReviewCardRow,
    Stage,
    SubscriberRow,
    Verdict,
)


class Answer(NamedTuple):
    """A row of the table `answer`."""

    subscriber_id: int
    course_id: int
    question: str
    delivery_id: int
    lesson_version_id: int
    first_option: int
    first_correct: bool
    first_at: datetime
    last_option: int
    last_correct: bool
    last_at: datetime
    verdict: Verdict
    is_excluded: bool


class CardOfReader(NamedTuple):
    """A row of the table `review_card`."""

    subscriber_id: int
    course_id: int
    question: str
    due_at: datetime
    missed: bool
    last_delivery_id: int
    reviewed_at: datetime
    state: dict[str, object]


@dataclass(frozen=True, slots=True)
class MissedCard:
    """A missed question that is due as a recap."""

    subscriber_id: int
    course_id: int
    question: str


def find_answers(session: Session, subscriber_ids: Collection[int]) -> list[Answer]:
    """Return all answers of these people."""
    return [Answer(*row) for row in run(session, _answers(dialect_of(session)), {"ids": subscriber_ids})]


def save_answers(session: Session, answers: Iterable[Answer]) -> None:
    """Save answers. An existing answer of the same person to the same question is updated."""
    _save(session, AnswerRow, [answer._asdict() for answer in answers])


def mark_automatic(session: Session, subscriber_id: int, since: datetime) -> None:
    """Mark answers since an instant as a machine's, so that they do not count."""
    session.execute(
        update(AnswerRow)
        .where(AnswerRow.subscriber_id == subscriber_id, AnswerRow.last_at >= since)
        .values(verdict=Verdict.MACHINE)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(ReviewCardRow)
        .where(ReviewCardRow.subscriber_id == subscriber_id, ReviewCardRow.reviewed_at >= since)
        .execution_options(synchronize_session=False)
    )


def count_answers(session: Session, subscriber_id: int, course_id: int) -> tuple[int, int]:
    """Return how many questions of a course a person answered, and how many of the last answers are right."""
    return _count_answers(session, AnswerRow.course_id == course_id, AnswerRow.subscriber_id == subscriber_id)


def count_answers_of_course(session: Session, course_id: int) -> tuple[int, int]:
    """Return the same numbers over everybody who did not object to statistics."""
    return _count_answers(session, AnswerRow.course_id == course_id, ~_objected(AnswerRow.subscriber_id))


def _count_answers(session: Session, *which: ColumnElement[bool]) -> tuple[int, int]:
    answered, right = session.execute(
        select(func.count(), func.count().filter(AnswerRow.last_correct)).where(
            *which, AnswerRow.verdict != Verdict.MACHINE
        )
    ).one()
    return answered, right


def _objected(subscriber_id: object) -> ColumnElement[bool]:
    """SQL: whether a person is excluded from comparisons and statistics."""
    return exists().where(SubscriberRow.id == subscriber_id, SubscriberRow.statistics_objected_at.is_not(None))


def leave_out(session: Session, subscriber_id: int) -> None:
    """Exclude a person's answers until now from statistics."""
    session.execute(
        update(AnswerRow)
        .where(AnswerRow.subscriber_id == subscriber_id, AnswerRow.is_excluded.is_(False))
        .values(is_excluded=True)
        .execution_options(synchronize_session=False)
    )


def answers_of(session: Session, subscriber_id: int) -> Sequence[AnswerRow]:
    return session.scalars(
        select(AnswerRow).where(AnswerRow.subscriber_id == subscriber_id).order_by(AnswerRow.id)
    ).all()


def find_cards(session: Session, subscriber_ids: Collection[int]) -> list[CardOfReader]:
    """Return the review cards of these people."""
    return [CardOfReader(*row) for row in run(session, _cards(dialect_of(session)), {"ids": subscriber_ids})]


def save_cards(session: Session, cards: Iterable[CardOfReader]) -> None:
    _save(session, ReviewCardRow, [card._asdict() for card in cards])


def missed_cards(session: Session, subscriber_ids: Collection[int], now: datetime) -> list[MissedCard]:
    """Return the due cards of missed questions of these people, the longest overdue first."""
    rows = run(session, _missed_cards(dialect_of(session)), {"ids": subscriber_ids, "now": now})
    return [MissedCard(*row) for row in rows]


@cache
def _answers(dialect: str) -> Select[*tuple[object, ...]]:
    return select(*(AnswerRow.__table__.c[name] for name in Answer._fields)).where(
        is_among(AnswerRow.subscriber_id, dialect)
    )


@cache
def _cards(dialect: str) -> Select[*tuple[object, ...]]:
    return select(*(ReviewCardRow.__table__.c[name] for name in CardOfReader._fields)).where(
        is_among(ReviewCardRow.subscriber_id, dialect)
    )


def _save(session: Session, table: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows, or update those that a person already has for a question."""
    if rows:
        session.connection().execute(_saving(table, dialect_of(session)), rows)


@cache
def _saving(table: type[Base], dialect: str) -> Executable:
    keys = ("subscriber_id", "course_id", "question")
    adding = insert_into(table, dialect)
    changed = {one.name: adding.excluded[one.name] for one in table.__table__.c if one.name not in {*keys, "id"}}
    return adding.on_conflict_do_update(index_elements=list(keys), set_=changed)


@cache
def _missed_cards(dialect: str) -> Select[int, int, str]:
    return (
        select(ReviewCardRow.subscriber_id, ReviewCardRow.course_id, ReviewCardRow.question)
        .where(
            is_among(ReviewCardRow.subscriber_id, dialect),
            ReviewCardRow.missed,
            ReviewCardRow.due_at <= bindparam("now"),
        )
        .order_by(ReviewCardRow.due_at)
    )


def add_attempt(session: Session, attempt: AssessmentAttemptRow) -> int:
    session.add(attempt)
    session.flush()
    return attempt.id


def find_attempt(session: Session, attempt_id: int) -> AssessmentAttemptRow | None:
    return session.get(AssessmentAttemptRow, attempt_id)


def last_attempt(session: Session, subscriber_id: int, course_id: int, stage: Stage) -> AssessmentAttemptRow | None:
    """Return the newest test that a person took before, or after, the course."""
    return session.scalar(
        select(AssessmentAttemptRow)
        .where(
            AssessmentAttemptRow.subscriber_id == subscriber_id,
            AssessmentAttemptRow.course_id == course_id,
            AssessmentAttemptRow.stage == stage,
        )
        .order_by(AssessmentAttemptRow.id.desc())
        .limit(1)
    )


def adopt_attempt(session: Session, attempt_id: int, subscriber_id: int, course_id: int, taken_after: datetime) -> None:
    """Assign an anonymous attempt, taken after an instant, to the person who signed up after it."""
    session.execute(
        update(AssessmentAttemptRow)
        .where(
            AssessmentAttemptRow.id == attempt_id,
            AssessmentAttemptRow.course_id == course_id,
            AssessmentAttemptRow.subscriber_id.is_(None),
            AssessmentAttemptRow.at >= taken_after,
        )
        .values(subscriber_id=subscriber_id)
        .execution_options(synchronize_session=False)
    )


def newest_attempt(session: Session) -> int:
    """Return the id of the newest test, or 0."""
    return session.scalar(select(func.max(AssessmentAttemptRow.id))) or 0


def last_options(session: Session, course_id: int, limit: int) -> Sequence[dict[str, int]]:
    """Return the answers of the last visitors in the test of a course, each as question → option."""
    return session.scalars(
        select(AssessmentAttemptRow.options)
        .where(
            AssessmentAttemptRow.course_id == course_id,
            AssessmentAttemptRow.stage == Stage.PRETEST,
            ~_objected(AssessmentAttemptRow.subscriber_id),
        )
        .order_by(AssessmentAttemptRow.id.desc())
        .limit(limit)
    ).all()


def save_feedback(session: Session, feedback: FeedbackRow) -> None:
    """Save feedback, once for each mail."""
    values = {
        name: getattr(feedback, name) for name in ("lesson_id", "delivery_id", "language", "helped", "remark", "at")
    }
    adding = upsert(session, FeedbackRow).values(**values)
    session.execute(
        adding.on_conflict_do_update(
            index_elements=["delivery_id"],
            index_where=FeedbackRow.delivery_id.is_not(None),
            set_={name: values[name] for name in ("helped", "remark", "at")},
        )
    )


def find_feedback(session: Session, delivery_id: int) -> FeedbackRow | None:
    """Return a reader's feedback on a mail, or None."""
    return session.scalar(select(FeedbackRow).where(FeedbackRow.delivery_id == delivery_id))


def feedback_of(session: Session, subscriber_id: int) -> Sequence[Any]:
    """Return (feedback, lesson's slug) for all feedback of a person."""
    return session.execute(
        select(FeedbackRow, LessonRow.slug)
        .join(LessonRow, LessonRow.id == FeedbackRow.lesson_id)
        .join(DeliveryRow, DeliveryRow.id == FeedbackRow.delivery_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(FeedbackRow.id)
    ).all()


def attempts_of(session: Session, subscriber_id: int) -> Sequence[AssessmentAttemptRow]:
    return session.scalars(
        select(AssessmentAttemptRow)
        .where(AssessmentAttemptRow.subscriber_id == subscriber_id)
        .order_by(AssessmentAttemptRow.id)
    ).all()


def gain_of_course(session: Session, course_id: int) -> tuple[int, float | None, float | None]:
    """Return the number of people with a test before and after, and the mean share (0 to 1) of right answers of each.

    Excludes people who objected.
    """
    # The newest test of each person and stage, found in one pass. A join of the tests themselves took hours on SQLite.
    newest = (
        select(
            AssessmentAttemptRow.subscriber_id,
            func.max(case((AssessmentAttemptRow.stage == Stage.PRETEST, AssessmentAttemptRow.id))).label("before"),
            func.max(case((AssessmentAttemptRow.stage == Stage.POSTTEST, AssessmentAttemptRow.id))).label("after"),
        )
        .where(AssessmentAttemptRow.course_id == course_id, AssessmentAttemptRow.subscriber_id.is_not(None))
        .group_by(AssessmentAttemptRow.subscriber_id)
        .cte("newest")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    before, after = aliased(AssessmentAttemptRow), aliased(AssessmentAttemptRow)
    count, mean_before, mean_after = session.execute(
        select(func.count(), func.avg(1.0 * before.correct / before.total), func.avg(1.0 * after.correct / after.total))
        .select_from(newest)
        .join(before, before.id == newest.c.before)
        .join(after, after.id == newest.c.after)
        .where(~_objected(newest.c.subscriber_id))
    ).one()
    return count, _share(mean_before), _share(mean_after)


def _share(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)
