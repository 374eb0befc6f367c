"""Owners say who writes the lessons, and a course names its author."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of
from tests.support.pages import inputs
from tests.support.site_settings import save

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.ebooks.document import book_of
from rugcourse.locales import languages


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    log_in(browser)
    return browser


PART = f"/admin/courses/{COURSE}/parts/page"


def publish_form(page: str) -> dict[str, str]:
    form = page.partition(f'action="/admin/courses/{COURSE}/publish"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))


def add(owner: TestClient, number: int = 0, **fields: str) -> None:
    typed = {f"author.{number}.{name.replace('_', '.')}": text for name, text in fields.items()}
    assert save(owner, "/authors", **typed).status_code == 303


def test_course_names_its_author_on_pages_in_mails_and_in_the_book(
    owner: TestClient, browser: TestClient, runtime: Runtime
) -> None:
    add(owner, name="Anna de Vries", line_nl="Kent elke wervel.", qualifications="MSc, BIG 1234")
    assert list(runtime.branding.authors) == ["anna-de-vries"]
    page = owner.get(f"{PART}?language=nl").text
    assert '<option value="anna-de-vries">Anna de Vries</option>' in page
    form = inputs(page) | form_of(owner) | {"author": "anna-de-vries", "action": "back"}
    assert owner.post(PART, data=form).status_code == 303
    fields = publish_form(owner.get(f"/admin/courses/{COURSE}").text)
    assert owner.post(f"/admin/courses/{COURSE}/publish", data=fields).status_code == 303
    course = course_of(runtime).course
    assert course.author == "anna-de-vries"
    lesson = browser.get(f"/nl/{COURSE}/lessons/{course.lessons[0].slug}").text
    assert "Anna de Vries" in lesson
    assert "MSc, BIG 1234" in lesson
    assert "Kent elke wervel." in lesson
    assert '"name": "Anna de Vries"' in browser.get(f"/nl/{COURSE}").text  # for search engines
    assert "Anna de Vries" in owner.get("/admin/settings/mail").text
    assert book_of(course, "nl", runtime.branding, "https://x.example")["author"] == "Anna de Vries"
    assert "Anna de Vries" in browser.get("/nl/imprint").text


def test_author_without_a_line_in_a_language_shows_another_one(owner: TestClient, runtime: Runtime) -> None:
    add(owner, name="Bo", line_en="Writes in English.")
    assert runtime.branding.authors["bo"].line("nl") == "Writes in English."


def test_authors_of_one_name_are_told_apart(owner: TestClient, runtime: Runtime) -> None:
    add(owner, name="Bo", line_en="The first.")
    add(owner, 1, name="Bo", line_en="The second.")
    add(owner, 2, name="Łukasz 😀", line_en="The third.")
    assert [(slug, one.lines["en"]) for slug, one in runtime.branding.authors.items()] == [
        ("bo", "The first."),
        ("bo-2", "The second."),
        ("ukasz", "The third."),
    ]


def test_removed_author_gives_way_to_the_first(owner: TestClient, runtime: Runtime) -> None:
    add(owner, name="Bo", line_en="The first.")
    add(owner, 1, name="Cy", line_en="The second.")
    assert save(owner, "/authors", **{"author.0.remove": "yes"}).status_code == 303
    assert list(runtime.branding.authors) == ["cy"]
    course = course_of(runtime).course
    texts = {language: text.model_copy(update={"author": "bo"}) for language, text in course.texts.items()}
    assert runtime.branding.author_of(course.model_copy(update={"texts": texts})).name == "Stijn"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"author.0.line.en": "No name."}, "author.0.name", "Name of the author: </a>|this is empty."),
        ({"author.0.name": "Bo"}, f"author.0.line.{languages()[0]}", "this is empty."),
        ({"author.0.name": "x" * 81, "author.0.line.en": "A."}, "author.0.name", "81 characters; at most 80."),
        ({"author.0.name": "Bo", "author.0.line.en": "A\u202e"}, "author.0.line.en", "invisible character"),
        ({"author.main.name": ""}, "author.main.name", "this is empty."),
        ({"author.main.line.nl": ""}, "author.main.line.nl", "this is empty."),
    ],
)
def test_what_can_not_be_is_said_at_its_field(
    owner: TestClient, runtime: Runtime, typed: dict[str, str], field: str, sentence: str
) -> None:
    answer = save(owner, "/authors", **typed)
    assert answer.status_code == 400
    assert sentence.rpartition("|")[2] in answer.text
    assert f'href="#f-{field}"' in answer.text
    assert f'id="f-{field}" aria-invalid="true"' in answer.text
    assert runtime.site.revision == 0


def test_settings_of_other_pages_stay(owner: TestClient, runtime: Runtime) -> None:
    save(owner, phone="030")
    add(owner, name="Bo", line_en="The first.")
    save(owner, "/words", **{"privacy.nl": "Onze regel."})
    assert runtime.site.settings.phone == "030"
    assert list(runtime.branding.authors) == ["bo"]
    assert runtime.branding.privacy_lines == {"nl": "Onze regel."}
