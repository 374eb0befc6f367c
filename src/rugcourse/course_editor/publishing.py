"""Publishes and unpublishes lessons, and decides what existing readers get."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.content import Course
from rugcourse.content.lesson_tags import unknown_lessons
from rugcourse.course_editor.course_draft import place_of
from rugcourse.course_editor.drafts import LessonNotFound, StaleDraft, StalePublication
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check, check_whole
from rugcourse.course_editor.merge import numbered
from rugcourse.course_editor.picture_linter import picture_findings
from rugcourse.course_editor.versions import NONE, newer_version, subject_of
from rugcourse.db.models import AuditAction
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import admins, course_publishing, courses, enrolments, lesson_drafts, lesson_versions
from rugcourse.db.queries.lesson_drafts import DraftContent
from rugcourse.errors import InvalidState


class ExistingReaders(StrEnum):
    """What readers get who are already in the course and have not had the lesson."""

    NEW = "new"  # the new version, from their next lesson on
    OLD = "old"  # the version that was published before


class AlreadyPast(StrEnum):
    """Who gets a new lesson at a position that they have passed."""

    NOBODY = "nobody"
    PASSED = "passed"  # those in the middle of the course
    FINISHED = "finished"  # those, and those who completed it


class SeenVersions(NamedTuple):
    """What the publishing admin had seen: the revision of the draft, and the published version."""

    saved: int
    version: int


class LessonNotReady(InvalidState):
    """The lesson has errors, or can't be unpublished. Nothing was changed."""


def publish_lesson(
    session: Session,
    now: datetime,
    admin_id: int | None,
    lesson_draft: LessonDraft,
    under_way: ExistingReaders = ExistingReaders.NEW,
    behind: AlreadyPast = AlreadyPast.NOBODY,
    seen: SeenVersions | None = None,
) -> int:
    """Publish a lesson and delete its draft. Returns how many readers go back for it.

    `admin_id`: who publishes, for the audit log; None on the command line. Mails being sent keep their lesson version.

    Raises LessonNotReady and LessonNotFound; StaleDraft and StalePublication if anything differs from `seen`.
    """
    published = _locked(session, lesson_draft.course.slug)
    if seen is not None:
        _check_seen(session, published, lesson_draft.slug, seen)
    current = _placed(session, published, lesson_draft)
    if any(one.is_error for one in (*check(current), *picture_findings(session, current.fields))):
        raise LessonNotReady
    course = current.course_with(current.lesson())
    check_whole(course)
    is_new = lesson_draft.slug not in published.lesson_ids
    before = courses.find_lesson(session, published.id, lesson_draft.slug)
    course_publishing.save_course(session, course, now)
    lesson_id, version_id = courses.find_lesson(session, published.id, lesson_draft.slug) or (0, 0)
    if under_way == ExistingReaders.NEW:
        lesson_versions.unpin_versions(session, lesson_id)
    elif before is not None and before[1] != version_id:
        lesson_versions.pin_version(session, lesson_id, before[1])
    went_back = 0
    if is_new and behind != AlreadyPast.NOBODY:
        place = next(one.number for one in course.lessons if one.slug == lesson_draft.slug)
        finished_too = behind == AlreadyPast.FINISHED
        went_back = enrolments.reopen(session, published.id, place, now, finished_too=finished_too)
    lesson_drafts.remove(session, published.id, lesson_draft.slug)
    if lesson_draft.has_other_languages:  # they are published with the course's page in that language
        content = DraftContent(dict(lesson_draft.fields), version_id)
        lesson_drafts.save(session, published.id, lesson_draft.slug, content, 0, admin_id, now)
    after = {"version": version_id, "under way": under_way, "behind": behind, "went back": went_back}
    _note(session, now, admin_id, AuditAction.LESSON_PUBLISH, course.slug, lesson_draft.slug, after)
    return went_back


def unpublish(session: Session, now: datetime, admin_id: int | None, course_slug: str, slug: str) -> None:
    """Remove a lesson from its course. Readers waiting for it get the next one. Its draft is discarded, not deleted.

    Raises LessonNotFound and LessonNotReady.
    """
    published = _locked(session, course_slug)
    rest = [one for one in published.course.lessons if one.slug != slug]
    if not rest or len(rest) == len(published.course.lessons):
        raise LessonNotReady
    course = published.course.model_copy(update={"lessons": numbered(rest)})
    _check_named(course)
    course_publishing.save_course(session, course, now)
    draft = lesson_drafts.find(session, published.id, slug)
    if draft is not None:
        lesson_drafts.discard(session, published.id, slug, draft.saved, admin_id, now)
    _note(session, now, admin_id, AuditAction.LESSON_REMOVE, course_slug, slug, {})


def _locked(session: Session, slug: str) -> PublishedCourse:
    courses.lock(session, slug)
    published = courses.load_course(session, slug)
    if published is None:
        raise LessonNotFound
    return published


def _placed(session: Session, published: PublishedCourse, lesson_draft: LessonDraft) -> LessonDraft:
    """Return the draft in the course of now. A new lesson stands where the course page shows it."""
    current = lesson_draft.in_course(published.course)
    place = place_of(session, published, lesson_draft.slug)
    if place is None or lesson_drafts.find(session, published.id, lesson_draft.slug) is None:
        return current
    return replace(current, place=place)


def _check_seen(session: Session, published: PublishedCourse, slug: str, seen: SeenVersions) -> None:
    draft = lesson_drafts.find(session, published.id, slug)
    if (draft.saved if draft else 0) != seen.saved:
        raise StaleDraft
    if seen.version != NONE and slug not in published.lesson_ids:  # unpublished meanwhile
        raise LessonNotFound
    if newer_version(session, published.id, published.course.slug, slug, seen.version):
        raise StalePublication


def _check_named(course: Course) -> None:
    """Raise LessonNotReady if the landing page or a lesson refers to a lesson that is not in the course."""
    slugs = {one.slug for one in course.lessons}
    bodies = (text.body for lesson in course.lessons for text in lesson.texts.values())
    if any(True for body in bodies for _ in unknown_lessons(body, slugs)):
        raise LessonNotReady
    for text in course.texts.values():
        if any(tile.lesson not in slugs for tile in text.tiles) or (text.sample and text.sample not in slugs):
            raise LessonNotReady


def _note(
    session: Session,
    now: datetime,
    admin_id: int | None,
    action: AuditAction,
    course: str,
    slug: str,
    after: dict[str, object],
) -> None:
    admins.record_change(session, now, admin_id, action, subject_of(course, slug), None, after)
