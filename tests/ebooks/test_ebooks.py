"""The e-book and the picture to share: whole, in all languages, made once, and made of nothing but the course."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from tests.support.builders import COURSE, course_of
from tests.support.languages import write_courses_in_german_too

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.content import Course, load_course
from rugcourse.db.models import EbookKind
from rugcourse.ebooks import cache, typst_process
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.typesetter import make_pdf, make_picture
from rugcourse.emails.branding import Author, Branding

HOUSE = Branding('Fysio #let x = 1 \\ & "Zn" <b>', Author("Stijn", {"nl": "Een regel", "en": "A line"}), "Straat 1")
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_courses_in_german_too(tmp_path_factory.mktemp("courses") / "lessons") / COURSE)


@pytest.fixture(params=["nl", "en", "de"])
def book(request: pytest.FixtureRequest, course: Course) -> Book:
    return book_of(course, request.param, HOUSE, "https://c.example/nl/rug")


def test_the_pdf_is_tagged_names_its_language_and_has_all_lessons(book: Book) -> None:
    pdf = make_pdf(book)
    assert pdf.startswith(b"%PDF-1.7")
    assert b"/StructTreeRoot" in pdf
    assert f"/Lang({book['language']})".encode() in pdf
    short = make_pdf({**book, "chapters": book["chapters"][:1]})
    assert pages(pdf) >= pages(short) + 8


def pages(pdf: bytes) -> int:
    [count] = re.findall(rb"/Type/Pages/Count (\d+)", pdf)
    return int(count)


def test_the_picture_has_the_size_that_messengers_want(book: Book) -> None:
    picture = make_picture(book)
    assert picture.startswith(b"\x89PNG")
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (1200, 630)


def test_a_word_longer_than_a_line_does_not_run_off_the_picture(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typst_process, "_PIXELS_PER_INCH", 24.0)  # a sixth, as reading it takes long
    german = book_of(course, "de", HOUSE, "https://c.example/de/rug")
    titles = ("Rücken verstehen", "Rückenschmerzbehandlungsmöglichkeiten verstehen")
    templates = paths.folder("templates") / "ebook"
    edges = [
        right_edge(typst_process._typeset("share.typ", {**german, "title": title}, templates, "png"))
        for title in titles
    ]
    assert len(edges[0]) == 105
    assert edges[0] == edges[1]


def right_edge(png: bytes) -> list[bytes]:
    """The last pixel of each row of a PNG of 8 bits a channel with transparency (PNG, chapter 9: filters)."""
    chunks, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        chunks += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    data, width = zlib.decompress(chunks), int.from_bytes(png[16:20]) * 4
    above, edge = bytes(width), []
    for begin in range(0, len(data), width + 1):
        row = bytearray(data[begin + 1 : begin + 1 + width])
        for n, up in enumerate(above):
            left, corner = (row[n - 4], above[n - 4]) if n > 3 else (0, 0)
            nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
            row[n] = (row[n] + (0, left, up, (left + up) // 2, nearest)[data[begin]]) % 256
        above = bytes(row)
        edge.append(above[-4:])
    return edge


def test_the_epub_is_what_the_standard_asks_for(book: Book) -> None:
    """EPUB 3.3: mimetype first and unpacked, well-formed XHTML, all that is listed is there and the other way round."""
    epub = make_epub(book, NOW)
    with zipfile.ZipFile(io.BytesIO(epub)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.startswith("OEBPS/")}
    for name, text in texts.items():
        if not name.endswith(".css"):
            ET.fromstring(text)
    package = ET.fromstring(texts["OEBPS/content.opf"])
    space = {"o": "http://www.idpf.org/2007/opf"}
    listed = {item.attrib["id"]: item.attrib["href"] for item in package.findall("o:manifest/o:item", space)}
    assert {f"OEBPS/{one}" for one in listed.values()} == set(texts) - {"OEBPS/content.opf"}
    spine = [one.attrib["idref"] for one in package.findall("o:spine/o:itemref", space)]
    assert [listed[one] for one in spine if one.startswith("lesson")] == [
        f"lesson-{one:02}.xhtml" for one in range(1, 10)
    ]
    links = [one for text in texts.values() for one in text.split('href="')[1:]]
    assert {one.split('"')[0] for one in links} - set(listed.values()) == {"https://c.example/nl/rug"} | (
        {one for one in (other.split('"')[0] for other in links) if one.startswith(("http", "tel:"))}
    )
    assert make_epub(book, NOW) == epub


def test_a_book_greets_nobody_and_holds_every_question_with_its_right_answer(book: Book, course: Course) -> None:
    with zipfile.ZipFile(io.BytesIO(make_epub(book, NOW))) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    answers = text[text.index("<title>" + book["words"]["answers"]) :]
    for lesson in course.lessons:
        for question in lesson.texts[book["language"]].quiz:
            right = question.options[question.right_option].text.replace("&", "&amp;")
            assert right.replace("'", "&#39;") in answers
    assert "{{" not in text
    assert "MERGETAG" not in text


def test_an_edition_is_made_once_and_anew_when_the_course_or_the_practice_changes(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(
        cache, "make_pdf", lambda book, _pictures: made.append(book["practice"]) or b"%PDF of " + book["title"].encode()
    )
    published = course_of(runtime)

    def edition(branding: Branding) -> bytes:
        return cache.get_ebook(runtime.database, runtime.clock, runtime.links, branding, published, "nl", EbookKind.PDF)

    first = edition(HOUSE)
    assert edition(HOUSE) == first == b"%PDF of Begrijp je rugpijn"
    edition(replace(HOUSE, practice="Andere"))
    published = replace(published, course=published.course.model_copy(update={"lessons": published.course.lessons[:2]}))
    edition(HOUSE)
    assert made == [HOUSE.practice, "Andere", HOUSE.practice]
