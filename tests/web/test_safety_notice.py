"""The same signs and numbers everywhere, from one source; and a wrong answer about safety is never told lightly."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from html import unescape

import pytest
from fastapi.testclient import TestClient
from tests.support.answers import next_lesson
from tests.support.builders import COURSE, course_of, lessons_to, make_reader, ref

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, Lesson
from rugcourse.content.markdown import words_of
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.typesetter import make_pdf
from rugcourse.email_preview.sample import parts_of
from rugcourse.links import TokenPurpose

LESSON = "specifieke-oorzaak"
LANGUAGES = ["nl", "en"]


@pytest.fixture
def course(runtime: Runtime) -> Course:
    return course_of(runtime).course


@pytest.fixture
def lesson(course: Course) -> Lesson:
    found = course.lesson(LESSON)
    assert found is not None
    return found


def seen(markup: str) -> str:
    """The words of a text or of HTML, each apart by one space."""
    return " ".join(words_of(unescape(re.sub(r"<[^>]+>", " ", markup))))


def lines_of(course: Course, language: str) -> list[str]:
    """Everything that the safety notice says, in words."""
    notice = course.safety_notices[language]
    found = [notice.title, *notice.good_to_know]
    for level in notice.levels:
        found += [level.title, level.action or "", *level.signs]
    found += [number.number for numbers in notice.numbers.values() for number in numbers]
    return [" ".join(words_of(one)) for one in found]


def addresses_of(course: Course, language: str) -> set[str]:
    numbers = course.safety_notices[language].numbers
    return {f"tel:{re.sub('[ -]', '', one.number)}" for several in numbers.values() for one in several}


def mail_of(runtime: Runtime, course: Course, lesson: Lesson, language: str) -> tuple[str, str]:
    return parts_of(runtime.sample_emails.of_lesson(course, lesson, language, runtime.clock.now()))


def epub_of(runtime: Runtime, course: Course, language: str) -> dict[str, str]:
    epub = make_epub(book_of(course, language, runtime.branding, "https://c.example"), datetime(2026, 1, 1, tzinfo=UTC))
    with zipfile.ZipFile(io.BytesIO(epub)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_lesson_mail_and_ebook_contain_every_sign(
    browser: TestClient, runtime: Runtime, course: Course, lesson: Lesson, language: str
) -> None:
    html, text = mail_of(runtime, course, lesson, language)
    book = epub_of(runtime, course, language)
    shown = {
        "page": browser.get(f"/{language}/{COURSE}/safety-notice").text,
        "lesson": browser.get(f"/{language}/{COURSE}/lessons/{LESSON}").text,
        "mail": html,
        "text": text,
        "book": book["OEBPS/safety-notice.xhtml"],
        "chapter": book["OEBPS/lesson-06.xhtml"],
    }
    lines = lines_of(course, language)
    assert len(lines) > 40
    for where, markup in shown.items():
        words = f" {seen(markup)} "
        assert [one for one in lines if f" {one} " not in words and one] == [], where
        if where != "text":
            assert set(re.findall(r'href="(tel:[^"]+)"', markup)) == addresses_of(course, language), where


@pytest.mark.parametrize("language", LANGUAGES)
def test_added_sign_appears_everywhere(runtime: Runtime, course: Course, lesson: Lesson, language: str) -> None:
    notice = course.safety_notices[language]
    first = notice.levels[0].model_copy(update={"signs": ("Een nieuw {{ 7*7 }} <b>signaal",)})
    changed = notice.model_copy(update={"levels": (first, *notice.levels[1:])})
    other = course.model_copy(update={"safety_notices": {**course.safety_notices, language: changed}})
    html, text = mail_of(runtime, other, lesson, language)
    book = epub_of(runtime, other, language)
    for markup in (
        unescape(html),
        text,
        *(unescape(book[f"OEBPS/{one}.xhtml"]) for one in ("safety-notice", "lesson-06")),
    ):
        assert "Een nieuw {{ 7*7 }} <b>signaal" in markup  # as it was typed: no code, no markup
    assert "<b>signaal" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_ebook_starts_with_the_safety_notice_and_phone_links(runtime: Runtime, course: Course, language: str) -> None:
    pages = epub_of(runtime, course, language)
    spine = re.findall(r'idref="([^"]+)"', pages["OEBPS/content.opf"])
    assert spine[:4] == ["title", "safety-notice", "nav", "about"]
    assert pages["OEBPS/nav.xhtml"].index("safety-notice.xhtml") < pages["OEBPS/nav.xhtml"].index("about.xhtml")
    pdf = make_pdf(book_of(course, language, runtime.branding, "https://c.example"))
    assert all(one.encode() in pdf for one in addresses_of(course, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_safety_notice_page_states_date_and_source_and_no_review(browser: TestClient, language: str) -> None:
    page = browser.get(f"/{language}/{COURSE}/safety-notice").text
    assert {"nl": "Deze tekst is van 26 november 2026.", "en": "This page was last updated on 26 November 2026."}[
        language
    ] in page
    assert "KNGF" in page
    assert not re.search("nagekeken|reviewed", page, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_footer_names_safety_notice_and_links_all(runtime: Runtime, course: Course, language: str) -> None:
    for one in course.lessons:
        html, text = mail_of(runtime, course, one, language)
        for part in (html, text):
            assert seen(course.safety_notices[language].line) in seen(part)
            assert runtime.links.safety_notice(language, COURSE) in part


def answer_page(
    browser: TestClient,
    runtime: Runtime,
    dispatcher: Dispatcher,
    clock: VirtualClock,
    number: int,
    option: int,
    lessons: int = 6,
) -> str:
    """What a reader is told who chose `option` at question `number` of the last of so many lessons."""
    email = make_reader(runtime)
    for _ in range(lessons):
        delivery = next_lesson(runtime, dispatcher, email)
        clock.advance(minutes=1)
    assert len(lessons_to(runtime, email)) == lessons
    token = runtime.signer.sign_mail(TokenPurpose.ANSWER, ref(runtime, delivery.id), number, option)
    return browser.post(f"/a/{token}", data={"o": str(option)}).text


def test_wrong_answer_about_safety_links_the_safety_notice(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, lesson: Lesson
) -> None:
    page = answer_page(browser, runtime, dispatcher, clock, 1, 0)
    right = lesson.texts["nl"].quiz[1]
    assert "Dit is belangrijk om te weten" in page
    main = page[page.index("<main") : page.index("</main")]
    assert f'href="/nl/{COURSE}/safety-notice"' in main
    assert right.options[right.right_option].why in unescape(main)
    assert "Dat klopt niet" not in page
    assert "Geen probleem" not in page


def test_wrong_answer_about_other_topics_has_no_warning(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    wrong = course_of(runtime).course.lessons[0].texts["nl"].quiz[0].right_option - 1
    page = answer_page(browser, runtime, dispatcher, clock, 0, wrong, lessons=1)
    assert "Dat klopt niet" in page
    assert "Geen probleem" in page


def test_web_lesson_warns_about_wrong_safety_answers_too(browser: TestClient, lesson: Lesson) -> None:
    page = browser.get(f"/en/{COURSE}/lessons/{LESSON}").text
    wrong = sum(len(one.options) - 1 for one in lesson.texts["en"].quiz if one.safety)
    assert page.count("This is important to know.") == wrong
