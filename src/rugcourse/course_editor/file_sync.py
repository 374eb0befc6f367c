"""Imports courses from files, which publishes them, and exports changes of the database to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import AuthoringErrors, Course, Problem, load_courses
from rugcourse.content.consistency import TextRef, stem_of
from rugcourse.content.fingerprints import Fingerprints, fingerprints_of
from rugcourse.content.picture_files import PictureFile, PictureFolder
from rugcourse.content.places import AmbiguousRename, renamed_lessons, reuses_slugs
from rugcourse.course_editor.email_size import check_email_sizes
from rugcourse.course_editor.folder import FolderChange, change_for
from rugcourse.course_editor.linter import check_whole
from rugcourse.course_editor.merge import MergeConflict, OnConflict, merge
from rugcourse.db.engine import Database
from rugcourse.db.queries import course_publishing, courses, pictures
from rugcourse.picture_library.storing import store_files

_EXPORT = (
    "Nothing was exported. See what differs with `rugcourse courses export --dir` and an empty folder, then export "
    "with `--on-conflict ours` to write what is here (newer files are copied first), or with `--on-conflict theirs` to "
    "leave them"
)


_NEVER_PUBLISHED = (
    "a course with this slug is being written in the admin pages and was never published. Publish or delete it there, "
    "or give this folder another name"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import. `changed`: lessons with new text or position, and other changed parts.

    `newer_here`: parts that were changed in the database only, and stayed.
    """

    course: str
    lessons: int
    changed: tuple[str, ...]
    newer_here: tuple[str, ...] = ()


def import_courses(
    database: Database, clock: Clock, folder: Path, on_conflict: OnConflict = OnConflict.OURS
) -> list[Imported]:
    """Publish every course in `folder`, in one transaction.

    Parts that are newer in the database stay. Mails being sent keep their pinned lesson version. Raises
    AuthoringErrors, and MergeConflict if `on_conflict` says so.
    """
    files = load_courses(folder)
    shown = [one for course in files for one in PictureFolder(folder / course.slug).files(course)]
    return import_course(database, clock, files, on_conflict, shown)


def import_course(
    database: Database,
    clock: Clock,
    files: Sequence[Course],
    on_conflict: OnConflict = OnConflict.OURS,
    shown: Sequence[PictureFile] = (),
) -> list[Imported]:
    """Publish courses that were read from files, see `import_courses`. Raises AuthoringErrors and MergeConflict.

    `shown`: the pictures of their texts.
    """
    with database.write() as session:
        store_files(session, clock.now(), shown)
        return [_import(session, clock.now(), course, on_conflict) for course in files]


def _import(session: Session, now: datetime, files: Course, on_conflict: OnConflict) -> Imported:
    try:
        return _import_in(session, now, files, on_conflict)
    except AmbiguousRename as error:
        gone = ", ".join(f"`{slug}`" for slug in error.gone)
        message = (
            f"this may be a new lesson, or what became of {gone}: slugs were changed, and the ids of the questions "
            "don't tell. Import the new slugs first, with the questions that each lesson had, and the rest in a second "
            "import"
        )
        raise AuthoringErrors([_problem(files, slug, message) for slug in error.new]) from None


def _import_in(session: Session, now: datetime, files: Course, on_conflict: OnConflict) -> Imported:
    in_files = courses.lock(session, files.slug)
    published = courses.load_course(session, files.slug)
    if published is None and courses.find(session, files.slug) is not None:
        raise AuthoringErrors([Problem(Path(files.slug), 1, _NEVER_PUBLISHED)])
    course, newer_here = files, tuple[str, ...]()
    if published is not None:
        merged = merge(published.course, files, in_files, on_conflict)
        course, newer_here = merged.course, merged.newer_here
        if newer_here and in_files != fingerprints_of(files):
            _check_slugs(published.course, files, newer_here)
        check_whole(course)
    check_email_sizes(course)
    changed = course_publishing.save_course(session, course, now)
    if published is not None:
        changed += _changed_parts(published.course, course)
    courses.note_files(session, files)
    return Imported(course.slug, len(course.lessons), tuple(changed), newer_here)


def _check_slugs(here: Course, files: Course, newer_here: Sequence[str]) -> None:
    """Check that slugs identify the same lessons on both sides, as merging needs. Raises AuthoringErrors."""
    old, new = ({lesson.slug: lesson for lesson in side.lessons} for side in (here, files))
    renamed = renamed_lessons(old, {}, new)
    if reuses_slugs(old, renamed):
        message = (
            "this lesson has the slug that another one had, while there is something newer in the admin pages: "
            f"{', '.join(newer_here)}. Export that first (`rugcourse courses export`), and change the slugs after it"
        )
        raise AuthoringErrors([_problem(files, slug, message) for slug in renamed.values() if slug in old])


def _problem(course: Course, slug: str, message: str) -> Problem:
    lesson = course.lesson(slug)
    name = TextRef(stem_of(lesson.number, slug), next(iter(lesson.texts))).file_name if lesson else slug
    return Problem(Path(course.slug) / name, 1, message)


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export.

    `removed`: files of lessons that were removed or renumbered. `set_aside`: backup copies of newer files that were
    overwritten or removed. `newer_in_files`: parts that were changed in the files only, and stayed.
    """

    written: tuple[Path, ...]
    removed: tuple[Path, ...]
    set_aside: tuple[Path, ...]
    newer_in_files: tuple[str, ...]


def export_courses(
    database: Database, folder: Path, on_conflict: OnConflict = OnConflict.FAIL, *, is_source: bool = False
) -> Exported:
    """Write the published courses to files. Unchanged files are not touched, and newer ones stay.

    Either all courses are written, or none. `is_source`: this folder is the source of the installation's lessons, and
    is recorded as in sync afterwards; any other folder is a copy. Raises AuthoringErrors for files that can't be read,
    MergeConflict and OSError.
    """
    with database.write() as session:
        changes = []
        for _, slug in courses.course_ids(session):
            in_files = courses.lock(session, slug)
            published = courses.load_course(session, slug)
            if published is not None:
                changes.append(_change_for(session, published.course, in_files, folder / slug, on_conflict))
                if is_source:
                    courses.note_files(session, published.course)
        todo = [change for change in changes if change is not None]
        set_aside = [file for change in todo for file in change.carry_out()]
    return Exported(
        written=tuple(change.folder / name for change in todo for name in change.written),
        removed=tuple(change.folder / name for change in todo for name in change.removed),
        set_aside=tuple(set_aside),
        newer_in_files=tuple(f"{change.folder.name}: {part}" for change in todo for part in change.newer_in_files),
    )


def _change_for(
    session: Session, course: Course, in_files: Fingerprints | None, folder: Path, on_conflict: OnConflict
) -> FolderChange | None:
    try:
        change = change_for(course, in_files, folder, on_conflict)
    except MergeConflict as error:
        raise MergeConflict(error.course, error.parts, _EXPORT) from None
    if change is None:
        return None
    there = {one.ref.digest for one in PictureFolder(folder).files(course)}
    return replace(change, pictures=pictures.of_course(session, course, without=there))


def _changed_parts(before: Course, after: Course) -> list[str]:
    """Return the names of changed parts other than lessons."""
    found = [
        name
        for name, old, new in (
            ("the landing page", before.texts, after.texts),
            ("the knowledge test", before.tests, after.tests),
            ("the safety notice", before.safety_notices, after.safety_notices),
        )
        if old != new
    ]
    return found + [f"{one.slug} (taken out)" for one in before.lessons if after.lesson(one.slug) is None]
