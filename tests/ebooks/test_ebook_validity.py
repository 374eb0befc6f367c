"""E-books are valid by the programs that decide that: PDF/UA-1 by veraPDF, EPUB 3.3 by EPUBCheck."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.builders import COURSE, LESSONS
from tests.support.ebook_checkers import epub_problems, pdf_problems
from tests.support.languages import write_courses_in_german_too
from tests.support.pictures import picture_file

from rugcourse.content import Course, load_course
from rugcourse.content.picture_files import PictureFolder
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.shown_pictures import ShownPictures
from rugcourse.ebooks.typesetter import make_cover, make_pdf
from rugcourse.emails.branding import Author, Branding, Logo, NextStep

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOSTILE = "漢字 العربية \u202eabc 👨‍👩‍👧 e\u0301\u0316 𝕬 ﷽ <b>&amp; ]]> \\ #let x = 1 $a$"
LOGO, FACE = picture_file("logo", 300, 60), picture_file("face", 80, 80)
BRANDING = Branding(
    "Fysio & Zn",
    Author("Stijn", {"nl": "Een regel", "en": "A line"}, "MSc", FACE.ref),
    "Straat 1",
    logo=Logo(LOGO.ref, "#1c6a5e"),
    next_steps={"nl": NextStep("Wil je **verder**?", "Maak een afspraak", "https://us.example/a?b=1&c=2")},
)
BOOKS = ["nl", "en", "de", "without a notice", "without pictures", "hostile"]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return load_course(write_courses_in_german_too(tmp_path_factory.mktemp("courses") / "lessons") / COURSE)


@pytest.fixture(scope="module")
def books(course: Course) -> dict[str, tuple[Book, ShownPictures]]:
    shown = {one.ref.file_name: one.content for one in (*PictureFolder(LESSONS / COURSE).files(course), LOGO, FACE)}
    in_languages = {one: book_of(course, one, BRANDING, f"https://c.example/{one}/rug") for one in course.languages}
    bare = course.model_copy(update={"safety_notices": {}})
    return {
        **{language: (book, shown) for language, book in in_languages.items()},
        "without a notice": (book_of(bare, "nl", BRANDING, "https://c.example/nl/rug"), shown),
        "without pictures": (in_languages["nl"], {}),
        "hostile": (hostile(course), shown),
    }


def hostile(course: Course) -> Book:
    """Every text that somebody types is odd, and so are the names of the practice and the author."""
    first = course.lessons[0]
    text = first.texts["nl"]
    body = f"# {HOSTILE}\n\n{HOSTILE}\n\n- {HOSTILE}\n  1. {HOSTILE}\n\n> {HOSTILE}\n\n`{HOSTILE}`\n\n[{HOSTILE}](https://x.example/?a=1&b=%E6)"
    question = text.quiz[0].model_copy(update={"question": HOSTILE})
    odd = text.model_copy(
        update={"title": HOSTILE, "highlight": HOSTILE, "today": HOSTILE, "body": body, "quiz": (question,)}
    )
    page = course.texts["nl"].model_copy(update={"title": HOSTILE, "tagline": HOSTILE, "summary": (HOSTILE,)})
    lessons = (first.model_copy(update={"texts": {**first.texts, "nl": odd}}),)
    changed = course.model_copy(update={"texts": {**course.texts, "nl": page}, "lessons": lessons})
    author = replace(BRANDING.author, name=HOSTILE, lines={"nl": HOSTILE}, qualifications=HOSTILE)
    return book_of(changed, "nl", replace(BRANDING, practice=HOSTILE, author=author), "https://c.example/nl/rug")


@pytest.mark.needs("verapdf")
def test_every_pdf_is_valid_pdf_ua(books: dict[str, tuple[Book, ShownPictures]]) -> None:
    pdfs = {f"{name}.pdf": make_pdf(*book) for name, book in books.items()}
    assert pdf_problems(pdfs) == {name: [] for name in pdfs}


@pytest.mark.needs("verapdf")
def test_the_check_of_pdfs_notices_what_is_missing(books: dict[str, tuple[Book, ShownPictures]]) -> None:
    pdf = make_pdf({**books["nl"][0], "chapters": []})
    broken = pdf.replace(b"/Lang(nl)", b"/Lung(nl)").replace(b"/Marked true", b"/Markid true")
    assert broken != pdf
    assert pdf_problems({"broken.pdf": broken})["broken.pdf"]


@pytest.mark.needs("epubcheck")
@pytest.mark.parametrize("name", BOOKS)
def test_every_epub_is_valid(books: dict[str, tuple[Book, ShownPictures]], name: str) -> None:
    book, shown = books[name]
    assert epub_problems(make_epub(book, NOW, shown, make_cover(book, shown))) == []


@pytest.mark.needs("epubcheck")
def test_the_check_of_epubs_notices_what_is_wrong(books: dict[str, tuple[Book, ShownPictures]]) -> None:
    book = {**books["nl"][0], "language": "no language"}
    assert epub_problems(make_epub(book, NOW)) != []
