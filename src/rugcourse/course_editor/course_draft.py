"""A course as it is written: its parts and lessons, published or not, in all languages it is written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.orm import Session

from rugcourse.content import Course, Lesson
from rugcourse.course_editor.form_fields import fields_of as lesson_fields
from rugcourse.course_editor.part_fields import fields_of
from rugcourse.course_editor.parts import FORMS, CoursePart
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import CourseRow
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import course_drafts, courses, lesson_drafts
from rugcourse.db.queries.course_drafts import PartDraft
from rugcourse.db.queries.lesson_drafts import SavedDraft
from rugcourse.errors import NotFoundError

ORDER_FIELD = "lessons"  # of the draft of the order: slugs with spaces between them
LEFT_OUT_FIELD = "left_out"  # of the same draft: those that the first publication does without
PREDECESSOR_FIELD = "behind"


class CourseNotFound(NotFoundError):
    """There is no course with this slug, published or not."""


@dataclass(frozen=True, slots=True)
class WrittenLesson:
    """A lesson of a course. `fields`: its draft if it has one, or the published lesson, see `form_fields`."""

    slug: str
    fields: Mapping[str, str]
    published: Lesson | None
    draft: SavedDraft | None


@dataclass(frozen=True, slots=True)
class CourseDraft:
    """A course in the course editor. `published` is None if it never was; `lessons` are in their new order.

    `revision` changes with each save of any of its drafts, `content_hash` with each publication.
    """

    id: int
    slug: str
    languages: tuple[str, ...]
    published: PublishedCourse | None
    parts: Mapping[CoursePart, PartDraft]
    lessons: tuple[WrittenLesson, ...]
    revision: int
    content_hash: str
    archived_at: datetime | None

    @property
    def course(self) -> Course:
        """What is published of it: nothing, for one that never was."""
        return self.published.course if self.published else Course(slug=self.slug, texts={}, lessons=())

    def fields(self, part: CoursePart) -> dict[str, str]:
        """Return the fields of a part as they are written: what is published, with the changes of its draft."""
        published = self.published_fields(part)
        changes = self.parts[part].fields if part in self.parts else {}
        return {name: text for name, text in {**published, **changes}.items() if text}

    def changes(self, part: CoursePart, fields: Mapping[str, str]) -> dict[str, str]:
        """Return what differs from what is published, with an empty text for a field that is gone.

        Only that is kept in a draft: what is published of the rest later, from files or by somebody else, stays.
        """
        published = self.published_fields(part)
        names = dict.fromkeys([*published, *fields])
        return {name: fields.get(name, "") for name in names if fields.get(name, "") != published.get(name, "")}

    def published_fields(self, part: CoursePart) -> dict[str, str]:
        return fields_of(part, texts_of(self.course, part), [one.slug for one in self.course.lessons])

    def has(self, part: CoursePart) -> bool:
        """Whether anything is written in a part: a course can do without a test and a notice."""
        return any("." in name for name in self.fields(part))

    def title(self, language: str) -> str:
        """Return the title in a language, in another one if it has none, or its slug."""
        fields = self.fields(CoursePart.PAGE)
        titles = (fields.get(f"{one}.title") for one in (language, *self.languages))
        return next(filter(None, titles), self.slug)

    @property
    def left_out(self) -> frozenset[str]:
        """The slugs of the lessons that the first publication does without: they stay drafts."""
        if self.published is not None or CoursePart.ORDER not in self.parts:
            return frozenset()
        return frozenset(self.parts[CoursePart.ORDER].fields.get(LEFT_OUT_FIELD, "").split())

    @property
    def included(self) -> tuple[WrittenLesson, ...]:
        """The lessons that are published with the course: the first time those that are not left out, later the
        published ones.
        """
        if self.published is None:
            return tuple(one for one in self.lessons if one.slug not in self.left_out)
        return tuple(one for one in self.lessons if one.published is not None)

    @property
    def changed_parts(self) -> tuple[CoursePart, ...]:
        """The parts with a form that were changed since they were published, in the languages that are."""
        new = tuple(f"{one}." for one in self.languages if self.published and one not in self.course.languages)

        def known(fields: Mapping[str, str]) -> dict[str, str]:
            return {name: text for name, text in fields.items() if not new or not name.startswith(new)}

        return tuple(part for part in FORMS if known(self.fields(part)) != known(self.published_fields(part)))

    @property
    def is_changed(self) -> bool:
        """Whether a part was changed since it was published, or the order of the lessons."""
        return bool(self.changed_parts) or self.is_reordered

    @property
    def is_reordered(self) -> bool:
        kept = [one.slug for one in self.lessons if one.published is not None]
        return kept != [one.slug for one in self.course.lessons]


def texts_of(course: Course, part: CoursePart) -> Mapping[str, BaseModel]:
    """Return the texts of a part, by language."""
    match part:
        case CoursePart.PAGE:
            return course.texts
        case CoursePart.TEST:
            return course.tests
        case _:
            return course.safety_notices


def load(session: Session, course_cache: CourseCache, slug: str) -> CourseDraft:
    """Load a course as it is written. Raises CourseNotFound."""
    row = courses.find(session, slug)
    if row is None:
        raise CourseNotFound
    return _draft_of(session, course_cache, row)


def unpublished(session: Session, course_cache: CourseCache) -> list[CourseDraft]:
    """Return the courses that were never published, the newest first."""
    return [_draft_of(session, course_cache, row) for row in courses.unpublished(session)]


def _draft_of(session: Session, course_cache: CourseCache, row: CourseRow) -> CourseDraft:
    published = course_cache.course(session, row.slug)
    parts = {CoursePart(part): draft for part, draft in course_drafts.of_course(session, row.id).items()}
    drafts = {one.slug: one for one in lesson_drafts.of_course(session, row.id)}
    lessons = {one.slug: one for one in published.course.lessons} if published else {}
    wanted = parts[CoursePart.ORDER].fields.get(ORDER_FIELD, "").split() if CoursePart.ORDER in parts else []
    order = lesson_order(list(lessons), {slug: one.fields for slug, one in drafts.items()}, wanted)
    return CourseDraft(
        id=row.id,
        slug=row.slug,
        languages=tuple(row.languages) or (published.course.languages if published else ()),
        published=published,
        parts=parts,
        lessons=tuple(_written(slug, lessons.get(slug), drafts.get(slug)) for slug in order),
        revision=row.draft_revision,
        content_hash=row.content_hash,
        archived_at=row.archived_at,
    )


def _written(slug: str, published: Lesson | None, draft: SavedDraft | None) -> WrittenLesson:
    fields = dict(draft.fields) if draft else lesson_fields(published) if published else {}
    fields.pop(PREDECESSOR_FIELD, None)
    return WrittenLesson(slug, fields, published, draft)


def place_of(session: Session, published: PublishedCourse, slug: str) -> int | None:
    """Return the place of a new lesson among the published ones, from 1, in the order that the course page shows.

    In a course that was never published, its place among all lessons. None for a lesson that is published.
    """
    if slug in published.lesson_ids:
        return None
    known = [one.slug for one in published.course.lessons]
    order = list(lessons_in_order(session, published.id, known))
    before = order[: order.index(slug)] if slug in order else order
    return 1 + sum(one in known or not known for one in before)


def lessons_in_order(session: Session, course_id: int, published: Sequence[str] = ()) -> dict[str, Mapping[str, str]]:
    """Return slug → fields of its draft, of all lessons in the order that the course page shows.

    `published`: the slugs of the published lessons. Those without a draft have no fields here.
    """
    parts = course_drafts.of_course(session, course_id)
    drafts = {one.slug: one.fields for one in lesson_drafts.of_course(session, course_id)}
    wanted = parts[CoursePart.ORDER].fields.get(ORDER_FIELD, "").split() if CoursePart.ORDER in parts else []
    return {slug: drafts.get(slug, {}) for slug in lesson_order(published, drafts, wanted)}


def lesson_order(published: Sequence[str], drafts: Mapping[str, Mapping[str, str]], wanted: Sequence[str]) -> list[str]:
    """Return the slugs of all lessons in order. `published`: as readers get them; `wanted`: as an admin ordered them.

    A lesson that is not in `wanted` stands behind the one that its draft names, or at the end. Slugs that no lesson has
    any more are left out.
    """
    known = {*published, *drafts}
    order = [slug for slug in dict.fromkeys(wanted or published) if slug in known]
    for slug in [*published, *drafts]:
        if slug in order:
            continue
        before = drafts.get(slug, {}).get(PREDECESSOR_FIELD)
        if before == "" and slug in drafts:
            order.insert(0, slug)
        elif before in order:
            order.insert(order.index(before) + 1, slug)
        else:
            order.append(slug)
    return order
