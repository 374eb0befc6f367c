"""Statistics of each course, for `rugcourse stats`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db.queries import courses, learning, reconciliation


@dataclass(frozen=True, slots=True)
class CourseStats:
    """Readers and mails of one course. `right_before`, `right_after`: mean share of right answers (0 to 1)."""

    course: str
    readers: dict[str, int]
    lessons: dict[str, int]
    answered: int
    answered_right: int
    tests_twice: int
    right_before: float | None
    right_after: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    subscribers: dict[str, int]
    courses: tuple[CourseStats, ...]


def gather(session: Session) -> Stats:
    """Return the statistics of all courses."""
    enrolled = reconciliation.enrolments_by_status(session)
    sent = reconciliation.lessons_by_state(session)
    found = []
    for course_id, slug in courses.course_ids(session):
        answered, right = learning.count_answers_of_course(session, course_id)
        twice, before, after = learning.gain_of_course(session, course_id)
        found.append(
            CourseStats(
                slug,
                {status: count for (course, status), count in enrolled.items() if course == slug},
                {state: count for (course, state), count in sent.items() if course == slug},
                answered,
                right,
                twice,
                before,
                after,
            )
        )
    return Stats(reconciliation.subscribers_by_status(session), tuple(found))
