"""The data of the admin page that lists courses and lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db.course_cache import CourseCache
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import lesson_drafts
from rugcourse.db.queries.lesson_drafts import DiscardedDraft, SavedDraft


@dataclass(frozen=True, slots=True)
class LessonList:
    """Every course, with its drafts by slug and those that were discarded, both by the course's number."""

    courses: Sequence[PublishedCourse]
    being_written: Mapping[int, Mapping[str, SavedDraft]]
    discarded: Mapping[int, Sequence[DiscardedDraft]]


def lessons(session: Session, course_cache: CourseCache) -> LessonList:
    """What the page shows."""
    courses = course_cache.courses(session)
    return LessonList(
        courses,
        {one.id: {draft.slug: draft for draft in lesson_drafts.of_course(session, one.id)} for one in courses},
        {one.id: lesson_drafts.discarded_of_course(session, one.id) for one in courses},
    )
