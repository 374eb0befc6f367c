"""A/B tests: two subjects of one lesson or message, decided once.

Half of the readers get each subject, at random. A test is evaluated once, when the planned number of mails of each
variant has arrived and had three days to be acted upon: evaluating repeatedly until a difference shows would find
winners in noise. A variant wins if the difference is significant at 95%; otherwise the first one stays.

The metric is whether a human answered a question or followed a link. Opens are not used, as machines open mails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy.orm import Session

from rugcourse.content import Lesson, Message
from rugcourse.content.model import LessonText, MessageText
from rugcourse.db.models import AbTestRow, AuditAction
from rugcourse.db.queries import ab_tests, admins, courses, lesson_versions
from rugcourse.db.queries.ab_tests import Variant
from rugcourse.errors import InvalidInput, InvalidState

MIN_SAMPLE, DEFAULT_SAMPLE = 100, 400  # mails of each variant; fewer can't show differences of a few per cent
DAYS_TO_ACT = 3
CONFIDENCE = 0.95
_LOOK_EVERY = timedelta(minutes=10)
A, B, NONE, STOPPED = "a", "b", "none", "stopped"


class SameWording(InvalidInput):
    """The two subjects are the same."""


class NoSubject(InvalidInput):
    """A subject can't be used."""


class AbTestRunning(InvalidState):
    """A test of this lesson is already running."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a test. `confidence` (0 to 1): one minus the p-value."""

    winner: str
    confidence: float


@dataclass(frozen=True, slots=True)
class AbTest:
    """A test as a page shows it. `subjects`: language → subject, for each variant; `variants`: the counts, if known."""

    row: AbTestRow
    subjects: tuple[dict[str, str], dict[str, str]]
    variants: tuple[Variant, Variant] | None
    confidence: float | None


def compare(first: Variant, second: Variant) -> Comparison:
    """Compare two proportions by a two-sided z-test with pooled variance."""
    if not first.mails or not second.mails:
        return Comparison(NONE, 0.0)
    pooled = (first.acted + second.acted) / (first.mails + second.mails)
    error = math.sqrt(pooled * (1 - pooled) * (1 / first.mails + 1 / second.mails))
    difference = second.acted / second.mails - first.acted / first.mails
    confidence = math.erf(abs(difference) / error / math.sqrt(2)) if error else 0.0
    if confidence < CONFIDENCE:
        return Comparison(NONE, confidence)
    return Comparison(B if difference > 0 else A, confidence)


def with_subjects(wording: Lesson | Message, subjects: Mapping[str, str]) -> Lesson | Message:
    """Return a lesson or message with other subjects, by language; an empty one is not replaced. Raises NoSubject."""
    texts = {
        language: {**text.model_dump(), "subject": subjects.get(language) or text.subject}
        for language, text in wording.texts.items()
    }
    try:
        return type(wording).model_validate({**wording.model_dump(exclude={"texts"}), "texts": texts})
    except ValidationError:
        raise NoSubject from None


def begin(
    session: Session, now: datetime, lesson_id: int, subjects: Mapping[str, str], minimum: int, admin_id: int | None
) -> None:
    """Start a test of the current subjects against `subjects` (language → subject).

    `minimum`: mails of each variant. Raises SameWording, NoSubject, AbTestRunning.
    """
    courses.lock_of_lesson(session, lesson_id)
    if any(one.decided_at is None for one in ab_tests.of_lessons(session, [lesson_id])):
        raise AbTestRunning
    current, wording = lesson_versions.wording_of(session, lesson_id) or (0, None)
    if wording is None:
        raise SameWording
    other = with_subjects(wording, subjects)
    if other == wording:
        raise SameWording
    version = lesson_versions.save_version(session, lesson_id, other, now)
    ab_tests.add(session, lesson_id, (current, version), max(minimum, MIN_SAMPLE), now)
    about = {"subjects": dict(subjects), "minimum": minimum}
    admins.record_change(session, now, admin_id, AuditAction.AB_TEST_START, f"lesson:{lesson_id}", None, about)


def decide_next(session: Session, now: datetime) -> bool:
    """Evaluate the next test that is due, and decide it if it has enough mails. Returns whether one was due."""
    trial = ab_tests.lock_due(session, now - _LOOK_EVERY)
    if trial is None:
        return False
    courses.lock_of_lesson(session, trial.lesson_id)  # waits for an author who is publishing the lesson
    trial.evaluated_at = now
    if not _goes_on(session, trial, now):
        trial.winner, trial.decided_at = STOPPED, now  # another version was published
        return True
    ripe = now - timedelta(days=DAYS_TO_ACT)
    first, second = (
        ab_tests.count_variant(session, trial, lesson_versions.versions_like(session, version), ripe)
        for version in (trial.version_a_id, trial.version_b_id)
    )
    trial.result = {"a": list(first), "b": list(second)}
    if min(first.mails, second.mails) < trial.min_sample:
        return True
    result = compare(first, second)
    trial.winner, trial.decided_at = result.winner, now
    trial.result = {**trial.result, "confidence": result.confidence}
    if result.winner == B:
        courses.make_current(session, trial.lesson_id, trial.version_b_id, now)
    return True


def _goes_on(session: Session, trial: AbTestRow, now: datetime) -> bool:
    """Return whether readers still get the tested texts. A lesson that only moved has new versions with its new number,
    which replace the tested ones.
    """
    current, wording = lesson_versions.wording_of(session, trial.lesson_id) or (0, None)
    if wording is None or current not in lesson_versions.versions_like(session, trial.version_a_id):
        return False
    if current != trial.version_a_id:
        other = with_subjects(wording, lesson_versions.subjects_of_version(session, trial.version_b_id))
        trial.version_a_id, trial.version_b_id = (
            current,
            lesson_versions.save_version(session, trial.lesson_id, other, now),
        )
    return True


def stop(session: Session, now: datetime, lesson_id: int, admin_id: int | None) -> None:
    """Stop a running test without a winner: everybody gets the first subject again."""
    for row in ab_tests.lock_open(session, lesson_id):
        row.winner, row.decided_at = STOPPED, now
        admins.record_change(session, now, admin_id, AuditAction.AB_TEST_STOP, f"lesson:{lesson_id}")


@dataclass(frozen=True, slots=True)
class AbTestPage:
    """The data of the page: the texts by language, and the tests of the lesson, newest first."""

    texts: Mapping[str, LessonText | MessageText]
    held: Sequence[AbTest]


def page(session: Session, lesson_id: int) -> AbTestPage | None:
    """Return the data of the page, or None if there is no such lesson."""
    found = lesson_versions.wording_of(session, lesson_id)
    return AbTestPage(found[1].texts, ab_tests_of(session, [lesson_id])) if found is not None else None


def ab_tests_of(session: Session, lesson_ids: list[int]) -> list[AbTest]:
    """Return the tests of some lessons, newest first.

    A running test shows how many mails arrived, but not the results: seeing a lead tempts people to decide too early.
    """
    return [_shown(session, row) for row in ab_tests.of_lessons(session, lesson_ids)]


def _shown(session: Session, row: AbTestRow) -> AbTest:
    subjects = [
        lesson_versions.subjects_of_version(session, version) for version in (row.version_a_id, row.version_b_id)
    ]
    variants = (Variant(*row.result["a"]), Variant(*row.result["b"])) if "a" in row.result else None
    return AbTest(row, (subjects[0], subjects[1]), variants, row.result.get("confidence"))
