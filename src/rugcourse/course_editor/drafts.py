"""Lessons that are being written: kept as they were typed, and nobody's work is written over unsaid."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.course_editor.form_fields import clean, fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft, position_after
from rugcourse.course_editor.versions import NONE, NewerVersion, current_version, newer_version, subject_of
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import admins, courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent

# The fields that say behind which lesson one is to stand, and where it stood when the form was opened. A place that
# nobody changes is not kept: the course may be put in another order meanwhile.
BEHIND, STOOD = "behind", "stood"
LONGEST_SLUG = 60


class LessonNotFound(Exception):
    """There is no such course, or no lesson and no draft of one."""


class SlugTaken(Exception):
    """A lesson of this course has that name in addresses, or had it."""


class StaleDraft(Exception):
    """Somebody else kept another text since this one was opened."""


class StalePublication(StaleDraft):
    """Another version of the lesson was published since."""


class NoSuchDraft(Exception):
    """There is no such discarded draft: it was restored, or its time is over."""


class NewerDraft(Exception):
    """There is another draft of the lesson by now, which is not written over."""


@dataclass(frozen=True, slots=True)
class EditorState:
    """A lesson as it lies on the desk. `saved`: the number of its draft, another one each time that it is kept, 0 for
    none; `saved_at` (UTC) and `saved_by`: of the last time. `lesson_id` is None for one that is not in the course.
    `began_from`: the version that readers got when the draft was begun, `version` what they get now; `newer`: what was
    published between the two.
    """

    published: PublishedCourse
    lesson_draft: LessonDraft
    saved: int
    lesson_id: int | None
    began_from: int
    version: int
    newer: NewerVersion | None = None
    saved_at: datetime | None = None
    saved_by: str | None = None


def load_editor(session: Session, course_cache: CourseCache, course: str, slug: str) -> EditorState:
    """The draft of a lesson, or else the lesson as readers get it. Raises LessonNotFound."""
    published = course_cache.course(session, course)
    if published is None:
        raise LessonNotFound
    draft = lesson_drafts.find(session, published.id, slug)
    version = current_version(session, published.id, slug)
    newer = newer_version(session, published.id, course, slug, draft.began_from) if draft else None
    lesson = published.course.lesson(slug)
    if draft is None and lesson is None:
        raise LessonNotFound
    fields = dict(draft.fields) if draft else fields_of(lesson) if lesson else {}
    place = position_after(published.course, slug, fields.pop(BEHIND, None))
    lesson_draft = LessonDraft(published.course, slug, place, fields)
    lesson_id = published.lesson_ids.get(slug)
    if draft is None:
        return EditorState(published, lesson_draft, 0, lesson_id, version, version)
    return EditorState(
        published,
        lesson_draft,
        draft.saved,
        lesson_id,
        draft.began_from,
        version,
        newer,
        draft.saved_at,
        draft.saved_by,
    )


def with_input(state: EditorState, typed: dict[str, str]) -> LessonDraft:
    """What is typed now, in the place of what was kept."""
    course, slug = state.published.course, state.lesson_draft.slug
    place = state.lesson_draft.place
    if BEHIND in typed and typed[BEHIND] != typed.get(STOOD):
        place = position_after(course, slug, typed[BEHIND])
    return LessonDraft(course, slug, place, clean(typed, course.languages))


def save(
    session: Session,
    now: datetime,
    state: EditorState,
    lesson_draft: LessonDraft,
    admin_id: int | None,
    seen: int,
    version: int | None = None,
) -> None:
    """Keep what is typed. `seen`: its number when it was opened; `version`: what readers got
    then, if it is not the one of the desk. Raises SavedMeanwhile, PublishedMeanwhile.
    """
    course_id, course, slug = state.published.id, state.published.course.slug, lesson_draft.slug
    since = state.version if version is None else version
    fields = dict(lesson_draft.fields)
    if lesson_draft.behind is not None:
        fields[BEHIND] = lesson_draft.behind
    courses.lock(session, course)
    if newer_version(session, course_id, course, slug, since):
        raise StalePublication
    content = DraftContent(fields, current_version(session, course_id, slug))
    if not lesson_drafts.save(session, course_id, slug, content, seen, admin_id, now):
        raise StaleDraft


def create(
    session: Session,
    now: datetime,
    course_cache: CourseCache,
    course: str,
    title: str,
    behind: str,
    admin_id: int | None,
) -> str:
    """A draft of a new lesson behind another one; returns its slug, made from its title.

    `behind`: the slug of that other one, empty for the first place. Raises LessonNotFound, SlugTaken.
    """
    slug = slug_from(title)
    published = course_cache.course(session, course)
    if published is None:
        raise LessonNotFound
    if not slug or courses.is_slug_used(session, published.id, slug):
        raise SlugTaken
    fields = {f"{published.course.languages[0]}.title": title, BEHIND: behind}
    if not lesson_drafts.save(session, published.id, slug, DraftContent(fields, NONE), 0, admin_id, now):
        raise SlugTaken
    return slug


def discard(session: Session, now: datetime, state: EditorState, admin_id: int | None, seen: int) -> int:
    """Discard a draft: the lesson is again what readers get. Returns under which id it can be restored.

    `seen`: its number when it was opened. Raises SavedMeanwhile.
    """
    course, slug = state.published.course.slug, state.lesson_draft.slug
    discarded = lesson_drafts.discard(session, state.published.id, slug, seen, admin_id, now)
    if discarded is None:
        raise StaleDraft
    admins.record_change(session, now, admin_id, "lesson: discard", subject_of(course, slug))
    return discarded


def restore(session: Session, now: datetime, discarded_id: int, admin_id: int | None) -> tuple[str, str]:
    """Make a discarded draft a draft again; returns the slugs of its course and lesson.

    Raises NoSuchDraft, NewerDraft.
    """
    row = lesson_drafts.find_discarded(session, discarded_id)
    if row is None:
        raise NoSuchDraft
    slug, course = row.slug, courses.slug_of(session, row.course_id)
    if not lesson_drafts.restore(session, row, admin_id, now):
        raise NewerDraft
    admins.record_change(session, now, admin_id, "lesson: restore", subject_of(course, slug))
    return course, slug


def title_of(slug: str, fields: Mapping[str, str], language: str) -> str:
    """What a draft is called: in a language, or in another one where it has no title yet, or by its slug."""
    titles = {name[:-6]: text for name, text in fields.items() if name.count(".") == 1 and name.endswith(".title")}
    return titles.get(language) or next(filter(None, titles.values()), slug)


def slug_from(title: str) -> str:
    """`Als je rug té veel moet` → `als-je-rug-te-veel-moet`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")
