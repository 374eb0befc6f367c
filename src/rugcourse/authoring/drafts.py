"""Lessons that are being written: kept as they were typed, and nobody's work is written over unsaid."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rugcourse.authoring.fields import clean, fields_of
from rugcourse.authoring.manuscript import Manuscript
from rugcourse.clock import Clock
from rugcourse.store import admins, courses, drafts
from rugcourse.store.courses import PublishedCourse
from rugcourse.store.database import Database
from rugcourse.store.library import Library

PLACE = "place"  # the field that says where in its course a lesson is to stand
LONGEST_SLUG = 60


class NoSuchLesson(Exception):
    """There is no such course, or no lesson and no draft of one."""


class SlugTaken(Exception):
    """A lesson of this course has that name in addresses, or had it."""


class SavedMeanwhile(Exception):
    """Somebody else kept another text since this one was opened."""


class NoSuchDraft(Exception):
    """There is no such discarded draft: it was restored, or its time is over."""


class NewerDraft(Exception):
    """There is another draft of the lesson by now, which is not written over."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A lesson as it lies on the desk. `saved`: how often its draft was kept, 0 without one, with `saved_at` (UTC) and
    `saved_by`; `lesson_id` is None for one that is not in the course.
    """

    published: PublishedCourse
    manuscript: Manuscript
    saved: int
    lesson_id: int | None
    saved_at: datetime | None = None
    saved_by: str | None = None


def open_desk(database: Database, library: Library, course: str, slug: str) -> Desk:
    """The draft of a lesson, or else the lesson as readers get it. Raises NoSuchLesson."""
    with database.read() as session:
        published = library.course(session, course)
        if published is None:
            raise NoSuchLesson
        draft = drafts.find(session, published.id, slug)
    lesson = published.course.lesson(slug)
    if draft is None and lesson is None:
        raise NoSuchLesson
    last = len(published.course.lessons) + 1
    fields = dict(draft.fields) if draft else fields_of(lesson) if lesson else {}
    place = int(fields.pop(PLACE, 0)) or (lesson.number if lesson else last)
    manuscript = Manuscript(published.course, slug, min(place, last), fields)
    lesson_id = published.lesson_ids.get(slug)
    if draft is None:
        return Desk(published, manuscript, 0, lesson_id)
    return Desk(published, manuscript, draft.saved, lesson_id, draft.saved_at, draft.saved_by)


def typed_over(desk: Desk, typed: dict[str, str]) -> Manuscript:
    """What is typed now, in the place of what was kept."""
    fields = clean(typed, desk.published.course.languages)
    last = len(desk.published.course.lessons) + (desk.lesson_id is None)
    place = typed.get(PLACE, "")
    wanted = int(place) if place.isdecimal() and len(place) < 4 else desk.manuscript.place
    return Manuscript(desk.published.course, desk.manuscript.slug, min(max(wanted, 1), max(last, 1)), fields)


def keep(database: Database, clock: Clock, desk: Desk, manuscript: Manuscript, admin_id: int | None, seen: int) -> None:
    """Keep what is typed. `seen`: how often it had been kept when it was opened. Raises SavedMeanwhile."""
    fields = {**manuscript.fields, PLACE: str(manuscript.place)}
    with database.write() as session:
        if not drafts.save(session, desk.published.id, manuscript.slug, fields, seen, admin_id, clock.now()):
            raise SavedMeanwhile


def begin(
    database: Database, clock: Clock, library: Library, course: str, title: str, place: int, admin_id: int | None
) -> str:
    """A draft of a new lesson; returns its slug, made from its title. Raises NoSuchLesson, SlugTaken."""
    slug = slug_from(title)
    with database.write() as session:
        published = library.course(session, course)
        if published is None:
            raise NoSuchLesson
        if not slug or courses.is_slug_used(session, published.id, slug):
            raise SlugTaken
        fields = {f"{published.course.languages[0]}.title": title, PLACE: str(place)}
        if not drafts.save(session, published.id, slug, fields, 0, admin_id, clock.now()):
            raise SlugTaken
    return slug


def discard(database: Database, clock: Clock, desk: Desk, admin_id: int | None, seen: int) -> int:
    """Discard a draft: the lesson is again what readers get. Returns under which id it can be restored.

    `seen`: how often it had been kept when it was opened. Raises SavedMeanwhile.
    """
    course, slug = desk.published.course.slug, desk.manuscript.slug
    with database.write() as session:
        discarded = drafts.discard(session, desk.published.id, slug, seen, admin_id, clock.now())
        if discarded is None:
            raise SavedMeanwhile
        admins.log_change(session, clock.now(), admin_id, "lesson: discard", subject_of(course, slug))
    return discarded


def restore(database: Database, clock: Clock, discarded_id: int, admin_id: int | None) -> tuple[str, str]:
    """Make a discarded draft a draft again; returns the slugs of its course and lesson.

    Raises NoSuchDraft, NewerDraft.
    """
    with database.write() as session:
        row = drafts.find_discarded(session, discarded_id)
        if row is None:
            raise NoSuchDraft
        slug, course = row.slug, courses.slug_of(session, row.course_id)
        if not drafts.restore(session, row, admin_id, clock.now()):
            raise NewerDraft
        admins.log_change(session, clock.now(), admin_id, "lesson: restore", subject_of(course, slug))
    return course, slug


def subject_of(course_slug: str, slug: str) -> str:
    """What the log of changes says that it is about."""
    return f"lesson:{course_slug}/{slug}"


def title_of(slug: str, fields: Mapping[str, str], language: str) -> str:
    """What a draft is called: in a language, or in another one where it has no title yet, or by its slug."""
    titles = {name[:-6]: text for name, text in fields.items() if name.count(".") == 1 and name.endswith(".title")}
    return titles.get(language) or next(filter(None, titles.values()), slug)


def slug_from(title: str) -> str:
    """`Als je rug té veel moet` → `als-je-rug-te-veel-moet`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")
