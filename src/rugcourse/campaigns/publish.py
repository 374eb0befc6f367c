"""Makes the courses in a folder what readers get."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rugcourse.clock import Clock
from rugcourse.content import load_courses
from rugcourse.store import courses
from rugcourse.store.database import Database


@dataclass(frozen=True, slots=True)
class Published:
    """A course that was published; `changed` names the lessons whose wording is new."""

    course: str
    lessons: int
    changed: tuple[str, ...]


def publish(database: Database, clock: Clock, folder: Path) -> list[Published]:
    """Publish every course in `folder`: all of them in one transaction, or none. Raises AuthoringErrors.

    Mails that are under way keep the wording that was pinned for them.
    """
    found = load_courses(folder)
    with database.write() as session:
        return [
            Published(course.slug, len(course.lessons), tuple(courses.save_course(session, course, clock.now())))
            for course in found
        ]
