"""Saves drafts of lessons as they were typed, and detects conflicting edits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content import Course
from rugcourse.course_editor.course_draft import ORDER_FIELD, PREDECESSOR_FIELD, lessons_in_order, place_of
from rugcourse.course_editor.form_fields import clean, fields_of, wrapped_as
from rugcourse.course_editor.lesson_draft import LessonDraft, position_after
from rugcourse.course_editor.lesson_source import source_of
from rugcourse.course_editor.parts import CoursePart
from rugcourse.course_editor.versions import NONE, NewerVersion, current_version, newer_version, subject_of
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import AuditAction
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import admins, course_drafts, courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent
from rugcourse.errors import ConflictError, InvalidState, NotFoundError

# The field with the lesson that this one followed when the form was opened, beside `PREDECESSOR_FIELD`. An
# unchanged position is not saved, as the course may be reordered meanwhile.
LOADED_PREDECESSOR_FIELD = "stood"
LONGEST_SLUG = 60
MOST_LESSONS = 200  # of a course, drafts included


class LessonNotFound(NotFoundError):
    """There is no such course, or neither a lesson nor a draft with this slug."""


class SlugTaken(ConflictError):
    """A lesson of this course has or had this slug."""


class TooManyLessons(InvalidState):
    """A course has at most 200 lessons, drafts included."""


class StaleDraft(ConflictError):
    """Somebody else has saved the draft since it was opened."""


class StalePublication(StaleDraft):
    """Another version of the lesson was published since the draft was opened."""


class NoSuchDraft(NotFoundError):
    """There is no such discarded draft: it was restored, or has expired."""


class NewerDraft(ConflictError):
    """The lesson has a newer draft, which must not be overwritten."""


@dataclass(frozen=True, slots=True)
class EditorState:
    """A lesson in the course editor.

    `saved`: the revision number of its draft, 0 for none; `saved_at` (UTC) and `saved_by`: when and by whom it was last
    saved. `lesson_id` is None if it is not in the course. `began_from`: the version that was published when the draft
    was begun; `version`: the one published now; `newer`: set if these differ.
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
    """Load the draft of a lesson, or the published lesson if there is none. Raises LessonNotFound."""
    published = course_cache.course(session, course) or _unpublished(session, course)
    if published is None:
        raise LessonNotFound
    draft = lesson_drafts.find(session, published.id, slug)
    version = current_version(session, published.id, slug)
    newer = newer_version(session, published.id, course, slug, draft.began_from) if draft else None
    lesson = published.course.lesson(slug)
    if draft is None and lesson is None:
        raise LessonNotFound
    fields = dict(draft.fields) if draft else fields_of(lesson) if lesson else {}
    predecessor = fields.pop(PREDECESSOR_FIELD, None)
    place = place_of(session, published, slug) or position_after(published.course, slug, predecessor)
    parts = course_drafts.of_course(session, published.id)
    page = parts.get(CoursePart.PAGE)
    source = source_of(parts[CoursePart.ARTICLE].fields, slug) if CoursePart.ARTICLE in parts else None
    written_in = courses.languages_of(session, published.id)
    titles = {one: page.fields.get(f"{one}.title", "") for one in written_in} if page else {}
    unpublished = {} if published.course.lessons else lessons_in_order(session, published.id)
    lesson_draft = LessonDraft(published.course, slug, place, fields, written_in, titles, source, unpublished)
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


def _unpublished(session: Session, slug: str) -> PublishedCourse | None:
    """Return a course that was never published: nothing but its languages."""
    row = courses.find(session, slug)
    if row is None or row.published_at is not None:
        return None
    empty = Course(slug=slug, texts={}, lessons=())
    return PublishedCourse(row.id, 0, empty, {}, row.content_hash, row.created_at)


def with_input(state: EditorState, typed: dict[str, str]) -> LessonDraft:
    """Return the draft with the fields that are typed now instead of the saved ones."""
    course, slug = state.published.course, state.lesson_draft.slug
    place = state.lesson_draft.place
    if PREDECESSOR_FIELD in typed and typed[PREDECESSOR_FIELD] != typed.get(LOADED_PREDECESSOR_FIELD):
        place = position_after(course, slug, typed[PREDECESSOR_FIELD])
    before = state.lesson_draft
    lesson = course.lesson(slug)
    fields = wrapped_as(clean(typed, before.all_languages), fields_of(lesson) if lesson else {}, before.fields)
    return replace(before, place=place, fields=fields)


def save(
    session: Session,
    now: datetime,
    state: EditorState,
    lesson_draft: LessonDraft,
    admin_id: int | None,
    seen: int,
    version: int | None = None,
) -> int:
    """Save a draft; returns its new revision. Raises StaleDraft and StalePublication.

    `seen`: its revision when it was opened; `version`: the version published then, if it is not that of `state`.
    """
    course_id, course, slug = state.published.id, state.published.course.slug, lesson_draft.slug
    since = state.version if version is None else version
    fields = dict(lesson_draft.fields)
    courses.lock(session, course)
    saved = lesson_drafts.find(session, course_id, slug)
    if lesson_draft.place == state.lesson_draft.place and state.lesson_id is None:
        # Not moved: it stays behind the lesson that it was made behind, which may be a draft too.
        fields |= {name: text for name, text in (saved.fields if saved else {}).items() if name == PREDECESSOR_FIELD}
    elif lesson_draft.behind is not None:
        fields[PREDECESSOR_FIELD] = lesson_draft.behind
        forget_place(session, now, course_id, slug, admin_id)
    if newer_version(session, course_id, course, slug, since):
        raise StalePublication
    content = DraftContent(fields, current_version(session, course_id, slug))
    if not lesson_drafts.save(session, course_id, slug, content, seen, admin_id, now):
        raise StaleDraft
    return lesson_drafts.revision_of(session, course_id, slug)


def forget_place(session: Session, now: datetime, course_id: int, slug: str, admin_id: int | None) -> None:
    """Take a lesson out of the draft of the order, as its form says where it stands."""
    order = course_drafts.of_course(session, course_id).get(CoursePart.ORDER)
    slugs = order.fields.get(ORDER_FIELD, "").split() if order else []
    if order and slug in slugs:
        fields = {**order.fields, ORDER_FIELD: " ".join(one for one in slugs if one != slug)}
        course_drafts.save(session, course_id, CoursePart.ORDER, fields, order.saved, admin_id, now)


def create(
    session: Session,
    now: datetime,
    course_cache: CourseCache,
    course: str,
    title: str,
    behind: str,
    admin_id: int | None,
) -> str:
    """Create a draft of a new lesson; returns its slug, derived from its title.

    `behind`: the slug of the lesson before it, empty for the first position. Raises LessonNotFound, SlugTaken and
    TooManyLessons.
    """
    slug = slug_from(title)
    published = course_cache.course(session, course)
    if published is None:
        raise LessonNotFound
    if not slug or courses.is_slug_used(session, published.id, slug):
        raise SlugTaken
    drafts = (one.slug for one in lesson_drafts.of_course(session, published.id))
    if len({*published.lesson_ids, *drafts}) >= MOST_LESSONS:
        raise TooManyLessons
    fields = {f"{published.course.languages[0]}.title": title, PREDECESSOR_FIELD: behind}
    if not lesson_drafts.save(session, published.id, slug, DraftContent(fields, NONE), 0, admin_id, now):
        raise SlugTaken
    return slug


def discard(session: Session, now: datetime, state: EditorState, admin_id: int | None, seen: int) -> int:
    """Discard a draft and return to the published lesson. Returns the id by which the draft can be restored.

    `seen`: its revision when it was opened. Raises StaleDraft.
    """
    course, slug = state.published.course.slug, state.lesson_draft.slug
    discarded = lesson_drafts.discard(session, state.published.id, slug, seen, admin_id, now)
    if discarded is None:
        raise StaleDraft
    admins.record_change(session, now, admin_id, AuditAction.LESSON_DISCARD_DRAFT, subject_of(course, slug))
    return discarded


def restore(session: Session, now: datetime, discarded_id: int, admin_id: int | None) -> tuple[str, str]:
    """Restore a discarded draft; returns the slugs of its course and lesson. Raises NoSuchDraft and NewerDraft."""
    row = lesson_drafts.find_discarded(session, discarded_id)
    if row is None:
        raise NoSuchDraft
    slug, course = row.slug, courses.slug_of(session, row.course_id)
    if not lesson_drafts.restore(session, row, admin_id, now):
        raise NewerDraft
    admins.record_change(session, now, admin_id, AuditAction.LESSON_RESTORE_DRAFT, subject_of(course, slug))
    return course, slug


def title_of(slug: str, fields: Mapping[str, str], language: str) -> str:
    """Return the title of a draft in a language, or in another one if it has none yet, or its slug."""
    titles = {name[:-6]: text for name, text in fields.items() if name.count(".") == 1 and name.endswith(".title")}
    return titles.get(language) or next(filter(None, titles.values()), slug)


def slug_from(title: str) -> str:
    """Derive a slug from a title: `Als je rug té veel moet` → `als-je-rug-te-veel-moet`, `Spaß` → `spass`."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")
