"""A language that has a catalogue and one course: everything a visitor, a reader and an admin meet works at once.

The shipped courses are not in it. Whoever reads it gets those in their own first language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import make_draft, post
from tests.support.builders import COURSE, at_eight, lessons_to, plan, send_all
from tests.support.languages import FRENCH_COURSE, MARK, with_french, write_french_course
from tests.support.pages import path
from tests.support.signing_up import sign_up
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.links import TokenPurpose

EMAIL = "sam@x.example"
TITLE = "Stress and your back"


@pytest.fixture(autouse=True)
def _french(tmp_path: Path) -> Iterator[None]:
    with with_french(tmp_path):
        yield


@pytest.fixture
def runtime(runtime: Runtime, tmp_path: Path) -> Runtime:
    write_french_course(tmp_path / "courses")
    import_courses(runtime.database, runtime.clock, tmp_path / "courses")
    french = {"default_language": "fr", "author_lines": {"fr": "Explique le dos."}}
    return replace(runtime, settings=runtime.settings.model_copy(update=french))


def mailed(sink: Sink) -> tuple[str, str]:
    """The language and text of the newest mail."""
    message = message_from_bytes(sink.taken[-1].raw, policy=policy.default)
    text = message.get_body(("plain",))
    return message["Content-Language"], str(text.get_content()) if text else ""


def test_a_reader_follows_a_course_in_the_new_language(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    site = f"/fr/{FRENCH_COURSE}"
    for page in ("", "/test", "/signup", "/safety-notice", "/lessons/kringloop", "/share.png"):
        assert browser.get(f"{site}{page}").status_code == 200, page
    sign_up(browser, runtime, site, EMAIL)
    send_all(dispatcher)
    language, text = mailed(sink)
    assert language == "fr"
    assert MARK in text
    confirmed = browser.post(
        path(runtime, TokenPurpose.CONFIRM, EMAIL, kind=DeliveryKind.CONFIRM), data={"measuring": "yes"}
    )
    assert "lundi 23 novembre, 08:00" in confirmed.text
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    language, text = mailed(sink)
    assert (language, lessons_to(runtime, EMAIL)[0].language) == ("fr", "fr")
    assert f"http://courses.example/fr/{FRENCH_COURSE}/safety-notice" in text
    assert "Explique le dos." in text
    for purpose in (TokenPurpose.LESSON, TokenPurpose.PREFERENCES, TokenPurpose.UNSUBSCRIBE):
        page = browser.get(path(runtime, purpose, EMAIL))
        assert page.status_code == 200
        assert '<html lang="fr">' in page.text
    assert '<html lang="fr">' in browser.post(path(runtime, TokenPurpose.ANSWER, EMAIL, 0, 0)).text
    book = browser.get(f"{path(runtime, TokenPurpose.BOOK, EMAIL)}.epub")
    assert (book.status_code, book.content[:2]) == (200, b"PK")
    assert browser.get(f"{path(runtime, TokenPurpose.BOOK, EMAIL)}.pdf").content[:4] == b"%PDF"


def test_a_course_that_is_in_other_languages_only_is_shown_in_its_first(browser: TestClient, runtime: Runtime) -> None:
    page = browser.get("/fr").text
    assert page.index(f'href="/fr/{FRENCH_COURSE}"') < page.index(f'<h2 lang="en"><a href="/en/{COURSE}"')
    assert f"{MARK}This course is in another language: English." in page
    assert browser.get(f"/fr/{COURSE}").headers["location"] == f"/en/{COURSE}"
    assert browser.get(f"/nl/{FRENCH_COURSE}").headers["location"] == f"/fr/{FRENCH_COURSE}"
    for page in ("test", "signup", "safety-notice", "lessons/welkom"):
        assert browser.get(f"/fr/{COURSE}/{page}").status_code == 404
    assert f'href="/fr/{COURSE}' not in browser.get(f"/en/{COURSE}").text


def test_a_reader_of_one_language_gets_mails_of_a_course_in_another(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    """They were on a list that says how they speak, or chose it in another course."""
    sign_up(browser, runtime, f"/en/{COURSE}", EMAIL)
    send_all(dispatcher)
    browser.post(path(runtime, TokenPurpose.CONFIRM, EMAIL, kind=DeliveryKind.CONFIRM))
    with runtime.database.write() as session:
        from rugcourse.db.queries import subscribers

        person = subscribers.by_email(session, EMAIL)
        assert person is not None
        person.language = "fr"
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert mailed(sink)[0] == "en"
    for purpose in (TokenPurpose.LESSON, TokenPurpose.PREFERENCES):
        assert '<html lang="en">' in browser.get(path(runtime, purpose, EMAIL)).text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_admin_page_shows_courses_that_lack_the_language_of_the_admin(
    editor: TestClient, runtime: Runtime, language: str
) -> None:
    draft = make_draft(editor, runtime)
    editor.headers["accept-language"] = language
    pages = (
        *("/admin", "/admin/lessons", "/admin/subscribers", "/admin/campaigns", "/admin/campaigns/compare"),
        *("/admin/imports", "/admin/bulk-actions", "/admin/account", f"{draft}/what", f"{draft}/who"),
        *(f"/admin/lessons/{FRENCH_COURSE}/kringloop{more}" for more in ("", "/history")),
        *(f"/admin/lessons/{COURSE}/stress{more}" for more in ("", "/history")),
    )
    for page in pages:
        answer = editor.get(page)
        assert answer.status_code == 200, page
        assert f'<html lang="{language}">' in answer.text
    message = {"title.fr": "Soirée", "subject.fr": "Bienvenue", "preheader.fr": "Lundi", "body.fr": "Venez."}
    assert post(editor, f"{draft}/what", name="Soirée", **message).endswith("/who")
    sample = editor.get(f"{draft}/mail/fr")  # of a course that is not in French
    assert "Bienvenue" in sample.text or "Venez." in sample.text
    assert TITLE in editor.get("/admin/lessons").text
