"""Whatever signs authors write, there is a book: what no font of it has is left out, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE, LESSONS, course_of, mails_to, make_reader, ref

from rugcourse.bootstrap import Runtime, import_lessons, make_ebooks
from rugcourse.content import Course, load_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check, left_out_of_books
from rugcourse.course_editor.publishing import publish_lesson
from rugcourse.db.models import DeliveryKind
from rugcourse.doctor.checks.courses import check_books
from rugcourse.ebooks import cache
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.signs import left_out, showable
from rugcourse.ebooks.typesetter import TypesettingFailed, make_pdf
from rugcourse.emails.branding import Author, Branding
from rugcourse.web.app import create_app

HOUSE = Branding("Practice", Author("Stijn", {"nl": "Een regel", "en": "A line"}), "Straat 1")
SIGNS = "Goed 🙂, ✅ en 你好, 👨‍👩‍👧 1️⃣ klaar"


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(LESSONS / COURSE)


def book_with(course: Course, **texts: object) -> Book:
    lesson = course.lessons[0]
    changed = {code: text.model_copy(update=texts) for code, text in lesson.texts.items()}
    lessons = (lesson.model_copy(update={"texts": changed}), *course.lessons[1:])
    return book_of(course.model_copy(update={"lessons": lessons}), "nl", HOUSE, "https://c.example")


def shown(book: Book) -> Book:
    return showable(book, lambda sign: not left_out(sign))


def publish(runtime: Runtime, **typed: str) -> None:
    course = course_of(runtime).course
    fields = {**fields_of(course.lessons[0]), **{name.replace("__", "."): text for name, text in typed.items()}}
    runtime.database.run(
        publish_lesson, runtime.clock.now(), None, LessonDraft(course, course.lessons[0].slug, 1, fields)
    )


def test_letters_of_many_scripts_stay_and_what_no_font_has_is_left_out() -> None:
    for text in ("é → ✓ ½ ₂ ≥ ° € „ “ ‑ … ‰", "Привет Γειά ğşİ łąę", "שלום", "مرحبا", "e\u0301e\u0301n", "(o_o) #1 *2"):
        assert left_out(text) == []
    assert left_out(SIGNS) == ["🙂", "✅", "你", "好", "👨‍👩‍👧", "1\ufe0f\u20e3"]
    assert shown({"title": SIGNS, "language": "nl"})["title"] == "Goed ,  en ,  1 klaar"
    assert shown({"title": "0\u1ab6 👍🏽!"})["title"] == "0 !"
    assert shown({"title": "🙂"})["title"] == "–"


@pytest.mark.parametrize("field", ["title", "highlight", "today", "body"])
def test_a_book_is_set_by_the_standard_whatever_signs_are_in_it(course: Course, field: str) -> None:
    for text in (SIGNS, "🙂"):
        assert b"pdfuaid" in make_pdf(book_with(course, **{field: text}))


def test_pdf_is_made_without_the_standard_when_the_text_breaks_it(course: Course) -> None:
    assert make_pdf(book_with(course, body="#\n\nEen kop zonder woorden.")).startswith(b"%PDF")


def test_an_editor_is_told_what_the_pdf_leaves_out_and_of_headings_and_tags_that_say_nothing(course: Course) -> None:
    lesson = course.lessons[0]
    body = lesson.texts["nl"].body
    typed = {"nl.body": f"{body}\n\n#\n\nGoed gedaan 🙂", "nl.highlight": "Onthoud dit, {{ naam }}.", "en.today": "✅"}
    found = check(LessonDraft(course, lesson.slug, 1, {**fields_of(lesson), **typed}))
    assert {(one.kind, one.where, one.is_error) for one in found} == {
        ("empty-heading", "nl.body", True),
        ("tag-in-line", "nl.highlight", True),
        ("left-out", "nl.body", False),
        ("left-out", "en.today", False),
    }


def test_an_author_of_files_is_told_on_which_line_the_pdf_leaves_a_sign_out(tmp_path: Path) -> None:
    (tmp_path / "01-a.nl.md").write_text(
        "---\ntitle: Één €\nhighlight: Goed ✅ en 🙂\n---\n\nKlaar.\n", encoding="utf-8"
    )
    [remark] = left_out_of_books(tmp_path)
    assert (remark.file.name, remark.line) == ("01-a.nl.md", 3)
    assert "✅ 🙂" in remark.message


def test_emoji_are_published_and_the_product_starts_with_them(runtime: Runtime) -> None:
    publish(runtime, nl__highlight="Onthoud dit ✅", nl__quiz__0__options__0__text="Ja 🙂", nl__title="你好")
    import_lessons(runtime)
    make_ebooks(runtime)
    assert cache.out_of_date(runtime.database, runtime.links, runtime.branding) == []


def test_a_book_that_can_not_be_made_stops_nothing_and_is_said(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = make_reader(runtime)
    link = runtime.links.book(ref(runtime, mails_to(runtime, reader, DeliveryKind.WELCOME)[0].id), "pdf")

    def fail(_: Book) -> bytes:
        raise TypesettingFailed("too much")

    with monkeypatch.context() as patched:
        patched.setattr(cache, "make_pdf", fail)
        import_lessons(runtime)
        make_ebooks(runtime)
        client = TestClient(create_app(runtime))
        answer = client.get(link.removeprefix("http://courses.example"))
        assert (answer.status_code, "boek is er nu niet" in answer.text or "book is not available" in answer.text) == (
            503,
            True,
        )
        [finding] = check_books(runtime.database, runtime.links, runtime.branding)
        assert f"{COURSE}.nl.pdf" in str(finding.values["books"])
        assert "epub" not in str(finding.values["books"])
    make_ebooks(runtime)
    assert client.get(link.removeprefix("http://courses.example")).content.startswith(b"%PDF")
    with monkeypatch.context() as patched:
        patched.setattr(cache, "make_pdf", fail)
        publish(runtime, nl__highlight="Nieuw")
        older = client.get(link.removeprefix("http://courses.example"))
        assert older.content.startswith(b"%PDF")
