"""Makes courses, and saves what is written in them: parts, order, languages. Nothing of it reaches readers yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.content import Course
from rugcourse.content.loader import RESERVED_SLUGS
from rugcourse.course_editor.course_draft import (
    LEFT_OUT_FIELD,
    ORDER_FIELD,
    PREDECESSOR_FIELD,
    CourseDraft,
    CourseNotFound,
    texts_of,
)
from rugcourse.course_editor.drafts import MOST_LESSONS, StaleDraft, TooManyLessons, slug_from
from rugcourse.course_editor.form_fields import wrapped_as
from rugcourse.course_editor.part_fields import clean, fields_of, with_question_ids
from rugcourse.course_editor.parts import FORMS, CoursePart
from rugcourse.course_editor.versions import NONE
from rugcourse.db.models import AuditAction, CourseRow
from rugcourse.db.queries import admins, course_drafts, courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent
from rugcourse.errors import ConflictError, InvalidInput, InvalidState
from rugcourse.locales import languages as known_languages

MOST_LANGUAGES = 8


class CourseSlugTaken(ConflictError):
    """There is a course with this title already, or its address is that of a page."""


class NoTitle(InvalidInput):
    """The title has no letters or digits, so that no address can be made from it."""


class UnknownLanguage(InvalidInput):
    """The interface has no such language, so a course can't be in it."""


class CourseIsPublished(InvalidState):
    """A course that was published can't be deleted, nor do without a lesson: readers may have had it."""


class PartEdit(NamedTuple):
    """What was typed in a part. `seen`: the revision of its draft when the form was opened, 0 for none.

    `close_up`: see `part_fields.clean`.
    """

    typed: Mapping[str, str]
    seen: int
    close_up: bool = True


def create(
    session: Session,
    now: datetime,
    title: str,
    language: str,
    admin_id: int | None,
    parts: Mapping[CoursePart, Mapping[str, str]] | None = None,
    lessons: Sequence[tuple[str, Mapping[str, str]]] = (),
) -> str:
    """Make a course that nobody gets yet; returns its slug, derived from its title.

    `parts` and `lessons` (slug and fields, in order): what it begins with. Raises NoTitle, UnknownLanguage and
    CourseSlugTaken.
    """
    slug = slug_from(title)
    if not slug:
        raise NoTitle
    if language not in known_languages():
        raise UnknownLanguage
    if slug in RESERVED_SLUGS or courses.find(session, slug) is not None:
        raise CourseSlugTaken
    row = CourseRow(slug=slug, document={}, languages=[language], created_at=now)
    session.add(row)
    session.flush()
    page = {f"{language}.title": title, **(parts or {}).get(CoursePart.PAGE, {})}
    for part, fields in {**(parts or {}), CoursePart.PAGE: page}.items():
        course_drafts.save(session, row.id, part, clean(fields, FORMS[part], [language]), 0, admin_id, now)
    for lesson, fields in lessons[:MOST_LESSONS]:
        lesson_drafts.save(session, row.id, lesson, DraftContent(dict(fields), NONE), 0, admin_id, now)
    if lessons:
        order = {ORDER_FIELD: " ".join(lesson for lesson, _ in lessons)}
        course_drafts.save(session, row.id, CoursePart.ORDER, order, 0, admin_id, now)
    admins.record_change(session, now, admin_id, AuditAction.COURSE_CREATE, slug)
    return slug


def id_of(session: Session, slug: str) -> int:
    """Return the id of a course. Raises CourseNotFound."""
    row = courses.find(session, slug)
    if row is None:
        raise CourseNotFound
    return row.id


def copy(session: Session, now: datetime, source: CourseDraft, title: str, language: str, admin_id: int | None) -> str:
    """Make a course with everything that another one has in one language, as drafts. Raises what `create` does."""

    def only(fields: Mapping[str, str]) -> dict[str, str]:
        others = tuple(f"{one}." for one in source.languages if one != language)
        return {name: text for name, text in fields.items() if not name.startswith(others)}

    if language not in source.languages:
        raise UnknownLanguage
    parts = {part: only(source.fields(part)) for part in FORMS}
    parts[CoursePart.PAGE][f"{language}.title"] = title
    lessons = [(one.slug, only(one.fields)) for one in source.lessons]
    return create(session, now, title, language, admin_id, parts, lessons)


def save_part(
    session: Session,
    now: datetime,
    draft: CourseDraft,
    part: CoursePart,
    edit: PartEdit,
    admin_id: int | None,
) -> int:
    """Save what is typed in a part; fields that the form did not have stay. Returns the new revision.

    Raises StaleDraft.
    """
    fields = clean({**draft.fields(part), **edit.typed}, FORMS[part], draft.languages, close_up=edit.close_up)
    fields = wrapped_as(fields, draft.published_fields(part), draft.fields(part))
    if part == CoursePart.TEST:
        fields = with_question_ids(fields)
    if not course_drafts.save(session, draft.id, part, draft.changes(part, fields), edit.seen, admin_id, now):
        raise StaleDraft
    return course_drafts.of_course(session, draft.id)[part].saved


def discard_part(session: Session, draft: CourseDraft, part: CoursePart, seen: int) -> None:
    """Go back to what is published of a part. Raises StaleDraft if it was saved since `seen`."""
    if not course_drafts.remove(session, draft.id, part, seen):
        raise StaleDraft


def restore_parts(session: Session, now: datetime, draft: CourseDraft, version_id: int, admin_id: int | None) -> None:
    """Take page, test and notice of an earlier publication as drafts. Raises CourseNotFound, and StaleDraft.

    A draft that is there already is not overwritten: it has to be published or discarded first.
    """
    row = courses.version(session, draft.id, version_id)
    if row is None:
        raise CourseNotFound
    if any(part in draft.parts for part in FORMS):
        raise StaleDraft
    course = Course.model_validate({**row.document, "lessons": []})
    slugs = [one.slug for one in draft.lessons]
    for part in FORMS:
        fields = fields_of(part, texts_of(course, part), slugs)
        if changes := draft.changes(part, fields):
            course_drafts.save(session, draft.id, part, changes, 0, admin_id, now)


def save_order(
    session: Session, now: datetime, draft: CourseDraft, slugs: Sequence[str], admin_id: int | None, seen: int
) -> None:
    """Save the order of the lessons. Unknown slugs are ignored; lessons that are left out follow at the end.

    `seen`: the revision of the order when the page was opened, 0 for none. Raises StaleDraft.
    """
    known = {one.slug for one in draft.lessons}
    order = list(dict.fromkeys([one for one in slugs if one in known] + [one.slug for one in draft.lessons]))
    _save_order_field(session, now, draft, (ORDER_FIELD, order), admin_id, seen)


def leave_out_lesson(
    session: Session, now: datetime, draft: CourseDraft, slug: str, admin_id: int | None, seen: int, *, left_out: bool
) -> None:
    """Publish a course for the first time without a lesson, which stays a draft; or with it. `seen`: see `save_order`.

    Raises CourseIsPublished, and StaleDraft.
    """
    if draft.published is not None:
        raise CourseIsPublished
    slugs = draft.left_out | {slug} if left_out else draft.left_out - {slug}
    known = [one.slug for one in draft.lessons if one.slug in slugs]
    _save_order_field(session, now, draft, (LEFT_OUT_FIELD, known), admin_id, seen)


def _save_order_field(
    session: Session,
    now: datetime,
    draft: CourseDraft,
    field: tuple[str, Sequence[str]],
    admin_id: int | None,
    seen: int,
) -> None:
    """Save one field of the order, and keep the others. Raises StaleDraft."""
    saved = draft.parts[CoursePart.ORDER].fields if CoursePart.ORDER in draft.parts else {}
    name, slugs = field
    fields = {**saved, name: " ".join(slugs)}
    if not course_drafts.save(session, draft.id, CoursePart.ORDER, fields, seen, admin_id, now):
        raise StaleDraft


def move(
    session: Session, now: datetime, draft: CourseDraft, slug: str, place: int, admin_id: int | None, seen: int
) -> None:
    """Put a lesson at a place, from 1. `seen`: see `save_order`."""
    order = [one.slug for one in draft.lessons if one.slug != slug]
    order.insert(min(max(place, 1), len(order) + 1) - 1, slug)
    save_order(session, now, draft, order, admin_id, seen)


def add_lesson(session: Session, now: datetime, draft: CourseDraft, title: str, admin_id: int | None) -> str:
    """Add a draft of a lesson at the end; returns its slug. Raises NoTitle, CourseSlugTaken and TooManyLessons."""
    slug = slug_from(title)
    if not slug:
        raise NoTitle
    if len(draft.lessons) >= MOST_LESSONS:
        raise TooManyLessons
    if courses.is_slug_used(session, draft.id, slug):
        raise CourseSlugTaken
    last = draft.lessons[-1].slug if draft.lessons else ""
    fields = {f"{draft.languages[0]}.title": title, PREDECESSOR_FIELD: last}
    if not lesson_drafts.save(session, draft.id, slug, DraftContent(fields, NONE), 0, admin_id, now):
        raise CourseSlugTaken
    return slug


def add_language(session: Session, draft: CourseDraft, language: str) -> None:
    """Begin to write a course in one more language. Raises UnknownLanguage."""
    if language not in known_languages() or len(draft.languages) >= MOST_LANGUAGES:
        raise UnknownLanguage
    if language not in draft.languages:
        courses.set_languages(session, draft.id, [*draft.languages, language])


def archive(session: Session, now: datetime, draft: CourseDraft, admin_id: int | None, *, archived: bool) -> None:
    """Archive a published course, or bring it back. Who follows it goes on."""
    if draft.published is None:
        raise CourseNotFound
    courses.set_archived(session, draft.id, now if archived else None)
    action = AuditAction.COURSE_ARCHIVE if archived else AuditAction.COURSE_UNARCHIVE
    admins.record_change(session, now, admin_id, action, draft.slug)


def delete(session: Session, now: datetime, draft: CourseDraft, admin_id: int | None) -> None:
    """Delete a course that was never published. Raises CourseIsPublished."""
    if draft.published is not None:
        raise CourseIsPublished
    course_drafts.delete_unpublished(session, draft.id)
    admins.record_change(session, now, admin_id, AuditAction.COURSE_DELETE, draft.slug)
