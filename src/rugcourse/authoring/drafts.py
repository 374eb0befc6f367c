"""Lessons that are being written: kept as they were typed, and nobody's work is written over unsaid."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from rugcourse.authoring.fields import clean, fields_of
from rugcourse.authoring.manuscript import Manuscript
from rugcourse.clock import Clock
from rugcourse.store import courses, drafts
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


def throw_away(database: Database, course_id: int, slug: str) -> None:
    """Forget a draft: the lesson is again what readers get."""
    with database.write() as session:
        drafts.remove(session, course_id, slug)


def slug_from(title: str) -> str:
    """`Als je rug té veel moet` → `als-je-rug-te-veel-moet`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")
