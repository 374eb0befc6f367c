"""How a book reads: the safety notice first, no half-empty pages, a cover, and no words of a mail."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
import typst
from PIL import Image
from tests.support.builders import COURSE, LESSONS, course_of, shipped_courses
from tests.support.languages import write_courses_in_german_too

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.content import Course, load_course
from rugcourse.content.picture_files import PictureFolder
from rugcourse.db.models import EbookKind
from rugcourse.ebooks import cache, typst_process
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.shown_pictures import ShownPictures, only_with
from rugcourse.ebooks.typesetter import TypesettingFailed, make_cover, make_pdf
from rugcourse.emails.branding import Author, Branding

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUSE = Branding("Practice", Author("Anna", {"nl": "Een regel", "en": "A line"}), "Street 1")
TEMPLATES = paths.folder("templates") / "ebook"
_FILLED = 0.55  # of a page that is not the last
_BODY = 0.9  # of a page: the number of the page is below it
_MAIL_WORDS = re.compile(
    r"\b(?:this e?-?mail|(?:tap|click) (?:here|below|an? )|reply to|"
    r"deze mail|in je (?:mail|inbox)|(?:tik|klik) (?:hier|op|hieronder)|beantwoord deze|"
    r"diese[rs]? (?:e-)?mail|(?:tippen|klicken) sie)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_courses_in_german_too(tmp_path_factory.mktemp("courses") / "lessons") / COURSE)


@pytest.fixture(scope="module")
def shown(course: Course) -> ShownPictures:
    return {one.ref.file_name: one.content for one in PictureFolder(LESSONS / COURSE).files(course)}


def book_in(course: Course, language: str) -> Book:
    return book_of(course, language, HOUSE, f"https://c.example/{language}/rug")


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_no_page_but_the_last_is_half_empty(course: Course, shown: ShownPictures, language: str) -> None:
    files = {name: base64.b64encode(content).decode() for name, content in shown.items()}
    with typst_process._with_pictures(TEMPLATES, files) as folder:
        pages = typst.compile(
            str(folder / "ebook.typ"),
            root=str(folder.parent),
            format="png",
            ppi=24.0,
            sys_inputs={"book": json.dumps(book_in(course, language))},
            ignore_system_fonts=True,
        )
    assert isinstance(pages, list)
    assert len(pages) > 20
    filled = {number: filled_part(png) for number, png in enumerate(pages[1:-1], 1)}
    assert {number: part for number, part in filled.items() if part < _FILLED} == {}


def filled_part(png: bytes) -> float:
    """How far down a page its text or pictures reach, from 0 to 1, without the number of the page."""
    page = Image.open(io.BytesIO(png)).convert("L")
    body = page.crop((0, 0, page.width, int(page.height * _BODY)))
    box = body.point(lambda value: 255 if value < 245 else 0).getbbox()
    return float(box[3]) / page.height if box else 0.0


def test_the_safety_notice_is_the_first_thing_to_read(course: Course) -> None:
    book = book_in(course, "en")
    found = json.loads(
        typst.query(
            str(TEMPLATES / "ebook.typ"),
            "heading.where(level: 1)",
            root=str(TEMPLATES.parent),
            sys_inputs={"book": json.dumps(only_with(book, ()))},
            ignore_system_fonts=True,
        )
    )
    assert found[0]["body"]["text"] == book["safety_notice"]["title"]
    assert spine(make_epub(book, NOW))[:3] == ["title", "safety-notice", "nav"]
    without = book_in(course.model_copy(update={"safety_notices": {}}), "en")
    assert spine(make_epub(without, NOW))[:3] == ["title", "nav", "about"]


def spine(epub: bytes) -> list[str]:
    return [one.attrib["idref"] for one in package(epub).findall("o:spine/o:itemref", SPACE)]


def package(epub: bytes) -> ET.Element:
    with zipfile.ZipFile(io.BytesIO(epub)) as archive:
        return ET.fromstring(archive.read("OEBPS/content.opf"))


SPACE = {"o": "http://www.idpf.org/2007/opf"}


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_a_book_has_no_words_that_only_make_sense_in_a_mail(course: Course, language: str) -> None:
    for one in [course, *(shipped for shipped in shipped_courses() if language in shipped.languages)]:
        with zipfile.ZipFile(io.BytesIO(make_epub(book_in(one, language), NOW))) as archive:
            pages = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xhtml")}
        assert {name: found for name, text in pages.items() if (found := _MAIL_WORDS.findall(text))} == {}


@pytest.mark.parametrize("said", ["Look below this email.", "Onderaan deze mail", "Tik op je antwoord", "Klicken Sie"])
def test_words_of_a_mail_are_noticed(said: str) -> None:
    assert _MAIL_WORDS.search(said)


def test_the_cover_shows_a_picture_of_the_course_and_is_what_libraries_show(
    course: Course, shown: ShownPictures
) -> None:
    book = book_in(course, "nl")
    first = book["cover_picture"]["file"]
    assert first in shown
    cover = make_cover(book, shown)
    with Image.open(io.BytesIO(cover)) as picture:
        assert picture.size == (839, 1191)
    assert make_cover(book, {}) != cover == make_cover(book, shown)
    [item] = package(make_epub(book, NOW, shown, cover)).findall("o:manifest/o:item[@id='cover']", SPACE)
    assert (item.attrib["properties"], item.attrib["media-type"]) == ("cover-image", "image/png")
    assert not package(make_epub(book, NOW, shown)).findall("o:manifest/o:item[@id='cover']", SPACE)


def test_a_long_title_leaves_the_cover_without_a_picture_before_it_covers_anything(
    course: Course, shown: ShownPictures
) -> None:
    book = {**book_in(course, "nl"), "title": "Rückenschmerzbehandlungsmöglichkeiten " * 3, "tagline": "woord " * 60}
    assert make_cover(book, shown) == make_cover(book, {**shown, book["cover_picture"]["file"]: min(shown.values())})


def test_a_cover_with_a_picture_that_cannot_be_read_is_made_without_it(course: Course, shown: ShownPictures) -> None:
    book = book_in(course, "nl")
    assert make_cover(book, dict.fromkeys(shown, b"no picture")) == make_cover(book, {})


def test_a_book_whose_cover_fails_is_built_without_one(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> bytes:
        raise TypesettingFailed("no memory")

    monkeypatch.setattr(cache, "make_cover", failing)
    published = course_of(runtime)
    epub = cache.get_ebook(runtime.database, runtime.clock, runtime.links, HOUSE, published, "nl", EbookKind.EPUB)
    assert spine(epub)[0] == "title"


def test_the_chapters_of_the_pdf_are_bookmarks(course: Course) -> None:
    book = book_in(course, "en")
    marks = len(re.findall(rb"/Title ?\(|/Title ?<", make_pdf(book)))
    assert marks >= len(book["chapters"]) + 4
