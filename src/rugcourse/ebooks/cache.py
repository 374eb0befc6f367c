"""Returns cached e-books, or builds and caches them."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rugcourse.clock import Clock
from rugcourse.content import Course
from rugcourse.content.picture_search import pictures_in
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.engine import Database
from rugcourse.db.models import EbookKind
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import courses, ebooks, pictures
from rugcourse.db.queries.ebooks import EbookKey
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.shown_pictures import ShownPictures
from rugcourse.ebooks.typesetter import TypesettingFailed, make_cover, make_pdf, make_picture
from rugcourse.emails.branding import Branding
from rugcourse.errors import NotFoundError
from rugcourse.links import Links

_log = logging.getLogger(__name__)
_SETTING = 6  # increase when a change of a template or of the typesetting code changes the output
MEDIA_TYPES = {
    EbookKind.PDF: "application/pdf",
    EbookKind.EPUB: "application/epub+zip",
    EbookKind.SHARE: "image/png",
}


# One file is built at a time. A book that takes for ever must not take all threads of the pages: few wait, not long.
_building = threading.Lock()
_waiting = threading.BoundedSemaphore(8)
_WAIT_SECONDS = 10.0


class EbookNotFound(NotFoundError):
    """There is no such file: it could not be built, now or before."""


def get_ebook(
    database: Database,
    clock: Clock,
    links: Links,
    branding: Branding,
    published: PublishedCourse,
    language: str,
    kind: EbookKind,
) -> bytes:
    """Return a course as a file from the cache, or build and cache it. Building the same file twice does no harm.

    If it can't be built, returns the previous file. Raises EbookNotFound when there is none.
    """
    book = _document(published, language, links, branding)
    key, fingerprint = EbookKey(published.id, language, kind), _fingerprint(book)
    with database.read() as session:
        found = ebooks.find_ebook(session, key, fingerprint)
    if found is not None:
        return found
    try:
        with _turn():
            with database.read() as session:
                found = ebooks.find_ebook(session, key, fingerprint)  # somebody else may have built it meanwhile
            shown = book_pictures(database, published.course, branding) if found is None else {}
            made = _make(book, published, kind, shown) if found is None else found
    except Exception as error:  # no content of a course may break the page or the worker that asks for it
        _log.exception("%s, %s: the %s can't be built", published.course.slug, language, kind)
        with database.read() as session:
            before = ebooks.find_ebook(session, key)
        if before is None:
            raise EbookNotFound from error
        return before
    if found is None:
        with database.write() as session:
            ebooks.save_ebook(session, key, fingerprint, made, clock.now())
    return made


def refresh_ebooks(
    database: Database, clock: Clock, links: Links, branding: Branding, course_cache: CourseCache
) -> None:
    """Build each missing e-book of each published course. Logs those that can't be built."""
    with database.read() as session:
        published_courses = course_cache.courses(session)
    for published in published_courses:
        for language in published.course.languages:
            for kind in EbookKind:
                with suppress(EbookNotFound):
                    get_ebook(database, clock, links, branding, published, language, kind)


def out_of_date(database: Database, links: Links, branding: Branding) -> list[tuple[str, str, EbookKind]]:
    """Return (course, language, kind) of each e-book that is missing or older than the published lessons."""
    with database.read() as session:
        found = [courses.load_course(session, slug) for _, slug in courses.course_ids(session)]
        return [
            (published.course.slug, language, kind)
            for published in found
            if published is not None
            for language in published.course.languages
            for kind in EbookKind
            if ebooks.find_ebook(
                session,
                EbookKey(published.id, language, kind),
                _fingerprint(_document(published, language, links, branding)),
            )
            is None
        ]


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until no other file is being built. Raises TypesettingFailed if that takes long, or too many wait."""
    if not _waiting.acquire(blocking=False):
        raise TypesettingFailed("too many wait for books at once")
    try:
        if not _building.acquire(timeout=_WAIT_SECONDS):
            raise TypesettingFailed("another book is still being built")
        try:
            yield
        finally:
            _building.release()
    finally:
        _waiting.release()


def _document(published: PublishedCourse, language: str, links: Links, branding: Branding) -> Book:
    return book_of(published.course, language, branding, links.course(language, published.course.slug))


def book_pictures(database: Database, course: Course, branding: Branding) -> ShownPictures:
    """Return file name → content of the pictures of a course, and of those of who sends it."""
    logo, photo = branding.logo, branding.author_of(course).photo
    mine = [*([logo.picture] if logo else []), *([photo] if photo else [])]
    mine += [ref for step in branding.next_steps.values() for ref in pictures_in(step.text)]
    with database.read() as session:
        return {**pictures.of_course(session, course), **pictures.contents(session, mine)}


def _make(book: Book, published: PublishedCourse, kind: EbookKind, shown: ShownPictures) -> bytes:
    match kind:
        case EbookKind.PDF:
            return make_pdf(book, shown)
        case EbookKind.EPUB:
            return make_epub(book, published.published_at, shown, _cover(book, shown))
        case EbookKind.SHARE:
            return make_picture(book)


def _cover(book: Book, shown: ShownPictures) -> bytes | None:
    """Build the cover of an EPUB. A book without one can be read as well."""
    try:
        return make_cover(book, shown)
    except TypesettingFailed as error:
        _log.warning("%s: a book is built without a cover: %s", book["title"], error)
        return None


def _fingerprint(book: Book) -> str:
    made_of = [_SETTING, book]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
