"""Where editions are taken from: the store, and where it has none yet, the press."""

from __future__ import annotations

import hashlib
import json

from rugcourse.clock import Clock
from rugcourse.editions.book import Book, book_of
from rugcourse.editions.epub import make_epub
from rugcourse.editions.pdf import make_pdf, make_picture
from rugcourse.links import Links
from rugcourse.rendering.mails import House
from rugcourse.store import editions
from rugcourse.store.courses import PublishedCourse
from rugcourse.store.database import Database
from rugcourse.store.editions import EditionKey, EditionKind
from rugcourse.store.library import Library

_SETTING = 2  # one more when a template or the code that sets a book changes what comes out
MEDIA_TYPES = {
    EditionKind.PDF: "application/pdf",
    EditionKind.EPUB: "application/epub+zip",
    EditionKind.SHARE: "image/png",
}


def edition_of(
    database: Database,
    clock: Clock,
    links: Links,
    house: House,
    published: PublishedCourse,
    language: str,
    kind: EditionKind,
) -> bytes:
    """A course as a file: from the store, or made now and kept. Two who make the same one at once do no harm."""
    book = book_of(published.course, language, house, links.course(language, published.course.slug))
    key, fingerprint = EditionKey(published.id, language, kind), _fingerprint(book)
    with database.read() as session:
        found = editions.find_edition(session, key, fingerprint)
    if found is not None:
        return found
    made = _make(book, published, kind)
    with database.write() as session:
        editions.save_edition(session, key, fingerprint, made, clock.now())
    return made


def fill_shelf(database: Database, clock: Clock, links: Links, house: House, library: Library) -> None:
    """Make each edition of each published course that is not there yet."""
    with database.read() as session:
        courses = library.courses(session)
    for published in courses:
        for language in published.course.languages:
            for kind in EditionKind:
                edition_of(database, clock, links, house, published, language, kind)


def _make(book: Book, published: PublishedCourse, kind: EditionKind) -> bytes:
    match kind:
        case EditionKind.PDF:
            return make_pdf(book)
        case EditionKind.EPUB:
            return make_epub(book, published.published_at)
        case EditionKind.SHARE:
            return make_picture(book)


def _fingerprint(book: Book) -> str:
    return hashlib.sha256(json.dumps([_SETTING, book], sort_keys=True).encode()).hexdigest()
