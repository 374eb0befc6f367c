"""Caches the published courses in memory, until the database has newer ones."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rugcourse.content import Lesson, Message
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import courses, lesson_versions
from rugcourse.db.queries.courses import CourseState

_KEPT_VERSIONS = 256


class CourseCache:
    """Reads a course once after each publication; each look-up costs one small query. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[str, PublishedCourse] = {}
        self._versions: dict[int, Lesson] = {}
        self._messages: dict[int, Message] = {}

    def courses(self, session: Session) -> list[PublishedCourse]:
        """Return all published courses, the oldest first."""
        return [self._current(session, slug, wanted) for slug, wanted in courses.course_states(session).items()]

    def course(self, session: Session, slug: str) -> PublishedCourse | None:
        wanted = courses.course_states(session).get(slug)
        return self._current(session, slug, wanted) if wanted else None

    def of_campaign(self, session: Session, campaign_id: int | None) -> PublishedCourse | None:
        """Return the course of a campaign, or None."""
        slug = courses.slug_of_campaign(session, campaign_id) if campaign_id is not None else None
        return self.course(session, slug) if slug is not None else None

    def version(self, session: Session, version_id: int) -> Lesson:
        """Return a lesson version, which never changes."""
        kept = self._versions.get(version_id)
        if kept is None:
            if len(self._versions) >= _KEPT_VERSIONS:
                self._versions.clear()
            kept = self._versions[version_id] = lesson_versions.load_version(session, version_id)
        return kept

    def message(self, session: Session, version_id: int) -> Message:
        """Return a version of a broadcast's message, which never changes."""
        kept = self._messages.get(version_id)
        if kept is None:
            if len(self._messages) >= _KEPT_VERSIONS:
                self._messages.clear()
            kept = self._messages[version_id] = lesson_versions.load_message(session, version_id)
        return kept

    def _current(self, session: Session, slug: str, wanted: CourseState) -> PublishedCourse:
        kept = self._kept.get(slug)
        if kept is None or (kept.content_hash, kept.is_archived) != wanted:
            kept = courses.load_course(session, slug)
            if kept is None:
                raise LookupError(slug)
            self._kept[slug] = kept
        return kept
