"""Takes a published course out as a pack, and adds the course of a pack to the published ones."""

from __future__ import annotations

import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rugcourse.content import AuthoringErrors, Course, Problem, load_course
from rugcourse.content.loader import RESERVED_SLUGS
from rugcourse.content.model import SLUG, SLUG_LIMIT
from rugcourse.content.picture_files import PictureFile, PictureFolder
from rugcourse.content.writer import files_of
from rugcourse.course_editor.course_draft import CourseNotFound
from rugcourse.course_editor.course_edits import CourseSlugTaken
from rugcourse.course_editor.email_size import check_email_sizes
from rugcourse.course_editor.pack import MANIFEST, InvalidPack, Pack, read_pack, write_pack
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, course_publishing, courses, pictures
from rugcourse.errors import InvalidInput
from rugcourse.picture_library.storing import store_files
from rugcourse.pictures.reference import FOLDER


class InvalidSlug(InvalidInput):
    """A course can't have this slug."""


def pack_of(session: Session, slug: str) -> bytes:
    """Return a published course as a pack. Raises CourseNotFound, and InvalidPack if it is too large for one."""
    published = courses.load_course(session, slug)
    if published is None:
        raise CourseNotFound(f"there is no course {slug!r}")
    course = published.course
    return write_pack(files_of(course), slug, course.languages, pictures.of_course(session, course))


class PackedCourse(NamedTuple):
    """The course of a pack. `product_version`: of the rugcourse that made it."""

    course: Course
    product_version: str
    pictures: tuple[PictureFile, ...] = ()


def course_of_pack(data: bytes, slug: str | None = None) -> PackedCourse:
    """Read the course of a pack, without a database: hostile YAML may take a minute. `slug`: its slug here, if another.

    Raises InvalidPack, InvalidSlug, and AuthoringErrors for mistakes in its files.
    """
    pack = read_pack(data)
    slug = slug or pack.slug
    _check_slug(slug)
    course, shown = _course_in(pack, slug)
    return PackedCourse(course, pack.product_version, shown)


def add_course(session: Session, now: datetime, packed: PackedCourse, admin_id: int | None = None) -> Course:
    """Publish the course of a pack as a new one. E-books are made apart.

    `admin_id`: who adds it, for the audit log; None on the command line. Raises CourseSlugTaken, and AuthoringErrors
    for lessons whose mail is too large.
    """
    course = packed.course
    check_email_sizes(course)
    if courses.find(session, course.slug) is not None:
        raise _slug_taken(course.slug)
    try:
        course_publishing.add_course(session, course, now)
    except IntegrityError:  # somebody else added it meanwhile
        raise _slug_taken(course.slug) from None
    store_files(session, now, packed.pictures)
    after = {"lessons": len(course.lessons), "made by": packed.product_version}
    admins.record_change(session, now, admin_id, AuditAction.COURSE_ADD, course.slug, None, after)
    return course


def _check_slug(slug: str) -> None:
    """Raise InvalidSlug. Only then may the slug be the name of a folder."""
    if len(slug) > SLUG_LIMIT or not re.fullmatch(SLUG, slug):
        raise InvalidSlug(
            f"a course can't be called {slug[:80]!r}: use a-z, 0-9 and single dashes, at most {SLUG_LIMIT} characters"
        )
    if slug in RESERVED_SLUGS:
        raise InvalidSlug(f"a course can't be called {slug!r}: that is the address of a page; choose another slug")


def _slug_taken(slug: str) -> CourseSlugTaken:
    return CourseSlugTaken(f"there is a course {slug!r} already; choose another slug")


def _course_in(pack: Pack, slug: str) -> tuple[Course, tuple[PictureFile, ...]]:
    """Parse the files of a pack; the languages stay in its order. Returns the course and its pictures.

    Raises AuthoringErrors with places such as `slug/01-welkom.nl.md`, and InvalidPack.
    """
    with tempfile.TemporaryDirectory(prefix="rugcourse-pack-") as outside:
        folder = Path(outside) / slug
        folder.mkdir()
        for name, text in pack.files.items():  # checked by `read_pack`: plain names of files of a course
            (folder / name).write_text(text, encoding="utf-8", newline="")
        (folder / FOLDER).mkdir()
        for name, content in pack.pictures.items():
            (folder / FOLDER / name).write_bytes(content)
        try:
            course = load_course(folder)
            shown = tuple(PictureFolder(folder).files(course))
        except AuthoringErrors as error:
            raise AuthoringErrors(
                [Problem(one.file.relative_to(outside), one.line, one.message) for one in error.problems]
            ) from None
    if sorted(course.languages) != sorted(pack.languages):
        said, found = ", ".join(pack.languages), ", ".join(course.languages)
        raise InvalidPack("manifest", f"{MANIFEST} says that the course is in {said}, but its files are in {found}")
    in_order = {language: course.texts[language] for language in pack.languages}
    return course.model_copy(update={"texts": in_order}), shown
