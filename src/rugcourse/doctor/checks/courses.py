"""Checks the published courses: signed safety notices, and up-to-date e-books."""

from __future__ import annotations

from collections.abc import Iterator

from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.db.queries import courses
from rugcourse.doctor.report import Finding, _, ok, warning
from rugcourse.ebooks.cache import out_of_date
from rugcourse.emails.branding import Branding
from rugcourse.links import Links


def check_courses(database: Database) -> Iterator[Finding]:
    """Check that a clinician signed the safety notice. Yields nothing if the database can't be read."""
    try:
        if not is_current(database):
            return
        with database.read() as session:
            published = [courses.load_course(session, slug) for _id, slug in courses.course_ids(session)]
    except (DatabaseAway, DatabaseError):
        return
    unsigned = [one.course.slug for one in published if one is not None and one.course.unsigned_notices]
    if not any(one is not None and one.course.safety_notices for one in published):
        return
    if unsigned:
        yield warning(
            "safety-notice",
            _("No clinician has signed off the safety notice of: %(courses)s."),
            _("Have it checked, then fill in who reviewed it and when."),
            courses=", ".join(unsigned),
        )
    else:
        yield ok("safety-notice", _("A clinician has signed it off."))


def check_books(database: Database, links: Links, branding: Branding) -> Iterator[Finding]:
    """Check that each course has its e-books and picture. Yields nothing if the database can't be read."""
    try:
        missing = out_of_date(database, links, branding) if is_current(database) else []
    except (DatabaseAway, DatabaseError):
        return
    if missing:
        yield warning(
            "books",
            _("Missing or out of date: %(books)s."),
            _("They are made when lessons are published or imported. If they stay missing, the log says why."),
            books=", ".join(f"{course}.{language}.{kind}" for course, language, kind in missing),
        )
    else:
        yield ok("books", _("Each course is there as PDF and EPUB."))
