"""The data of the admin page that lists courses and lessons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.course_editor import course_draft
from rugcourse.course_editor.course_draft import CourseDraft
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DiscardedDraft, SavedDraft


@dataclass(frozen=True, slots=True)
class LessonList:
    """Every course, those never published apart; drafts by slug, and discarded ones, both by the course's number."""

    courses: Sequence[PublishedCourse]
    unpublished: Sequence[CourseDraft]
    being_written: Mapping[int, Mapping[str, SavedDraft]]
    discarded: Mapping[int, Sequence[DiscardedDraft]]


def lessons(session: Session, course_cache: CourseCache) -> LessonList:
    """What the page shows."""
    published = course_cache.courses(session)
    return LessonList(
        published,
        course_draft.unpublished(session, course_cache),
        {one.id: {draft.slug: draft for draft in lesson_drafts.of_course(session, one.id)} for one in published},
        {one.id: lesson_drafts.discarded_of_course(session, one.id) for one in published},
    )


def discarded_lessons(session: Session, course_id: int) -> list[DiscardedDraft]:
    """Return the discarded drafts of a course's lessons, the newest first."""
    return lesson_drafts.discarded_of_course(session, course_id)


MOST_VERSIONS = 50


def course_history(session: Session, course_id: int) -> list[tuple[int, datetime]]:
    """Return the id of each publication of a course's parts and when it was (UTC), the newest first."""
    return [(row.id, row.published_at) for row in courses.versions(session, course_id, MOST_VERSIONS)]


def all_courses(session: Session, course_cache: CourseCache) -> list[CourseDraft]:
    """Every course, those that were never published first."""
    drafts = course_draft.unpublished(session, course_cache)
    return [*drafts, *(course_draft.load(session, course_cache, slug) for _, slug in courses.course_ids(session))]
