"""Courses in files: importing makes them what readers get, exporting writes what was changed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from rugcourse.authoring.checks import check_whole
from rugcourse.authoring.merge import Clash, merge
from rugcourse.clock import Clock
from rugcourse.content import AuthoringErrors, Course, load_course, load_courses
from rugcourse.content.agreement import Place
from rugcourse.content.writer import file_names, to_file
from rugcourse.store import courses
from rugcourse.store.database import Database


@dataclass(frozen=True, slots=True)
class Imported:
    """A course that was imported. `changed`: lessons whose wording or place is new for readers; `newer_here`: what was
    changed here and not in the files, and stayed as it is.
    """

    course: str
    lessons: int
    changed: tuple[str, ...]
    newer_here: tuple[str, ...] = ()


def import_courses(database: Database, clock: Clock, folder: Path, clash: Clash = Clash.HERE) -> list[Imported]:
    """Make every course in `folder` what readers get: all of them in one transaction, or none.

    What is newer here stays. Mails that are under way keep the wording that was pinned for them. Raises
    AuthoringErrors, and BothChanged where `clash` says so.
    """
    return take_in(database, clock, load_courses(folder), clash)


def take_in(database: Database, clock: Clock, files: Sequence[Course], clash: Clash = Clash.HERE) -> list[Imported]:
    """The same for courses that were read from files. Raises AuthoringErrors, BothChanged."""
    with database.write() as session:
        return [_import(session, clock, course, clash) for course in files]


def _import(session: Session, clock: Clock, files: Course, clash: Clash) -> Imported:
    in_files = courses.lock(session, files.slug)
    published = courses.load_course(session, files.slug)
    course, newer_here = files, tuple[str, ...]()
    if published is not None:
        merged = merge(published.course, files, in_files, clash)
        course, newer_here = merged.course, merged.newer_here
        check_whole(course)
    changed = courses.save_course(session, course, clock.now())
    courses.note_files(session, files)
    return Imported(course.slug, len(course.lessons), tuple(changed), newer_here)


def export_courses(database: Database, folder: Path) -> list[Path]:
    """Write what readers get to files, and return those that were new or changed. What is equal is not touched.

    A file of a lesson that left the course, or that has another number now, is removed. Raises OSError.
    """
    with database.write() as session:
        published = [courses.load_course(session, slug) for _, slug in courses.course_ids(session)]
        written = [file for one in published if one for file in _export(one.course, folder / one.course.slug)]
        for one in published:
            if one is not None:
                courses.note_files(session, one.course)
    return written


def _export(course: Course, folder: Path) -> list[Path]:
    there = _read(folder)
    if there == course:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    wanted, present = file_names(course), file_names(there) if there else {}
    if there is None or there.alarm_signs != course.alarm_signs:
        wanted |= {Place("alarm-signs", language).file_name: text for language, text in course.alarm_signs.items()}
    for name in present.keys() - wanted.keys():
        (folder / name).unlink()
    changed = [folder / name for name, text in wanted.items() if present.get(name) != text]
    for file in changed:
        file.write_text(to_file(wanted[file.name]), encoding="utf-8")
    return changed


def _read(folder: Path) -> Course | None:
    """The course in a folder, or None where there is none that can be read."""
    try:
        return load_course(folder)
    except AuthoringErrors:
        return None
