"""A course has neither a knowledge test nor a safety notice: everything works, and nothing speaks of either."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import LESSONS, at_eight, lessons_to, plan, send_all
from tests.support.pages import path
from tests.support.signing_up import sign_up
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.typesetter import make_pdf
from rugcourse.links import TokenPurpose

PLAIN = "plain-course"
SITE = f"/en/{PLAIN}"
EMAIL = "sam@x.example"


@pytest.fixture
def runtime(runtime: Runtime, tmp_path: Path) -> Runtime:
    folder = tmp_path / "courses" / PLAIN
    shutil.copytree(LESSONS / "stress-en-rugpijn" / "pictures", folder / "pictures")
    for file in (LESSONS / "stress-en-rugpijn").glob("*.en.md"):
        if not file.name.startswith(("test", "safety-notice")):
            text = file.read_text(encoding="utf-8").replace("retest: true\n", "")
            (folder / file.name).write_text(text, encoding="utf-8")
    import_courses(runtime.database, runtime.clock, folder.parent)
    return runtime


def test_pages_offer_the_signup_and_no_test(browser: TestClient) -> None:
    for page in ("", "/lessons/kringloop"):
        shown = browser.get(SITE + page).text
        assert f'href="{SITE}/signup"' in shown
        assert f"{SITE}/test" not in shown
        assert "safety-notice" not in shown
    assert f'href="{SITE}/signup"' in browser.get("/en").text
    assert f"{SITE}/test" not in browser.get("/en").text
    for page in ("/test", "/safety-notice"):
        assert browser.get(SITE + page).status_code == 404
    assert browser.post(f"{SITE}/test", data={"a": "", "o": "0"}).status_code == 404


def test_a_reader_gets_every_lesson_without_a_notice_or_an_invitation_to_a_test(
    browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    sign_up(browser, runtime, SITE, EMAIL)
    send_all(dispatcher)
    browser.post(path(runtime, TokenPurpose.CONFIRM, EMAIL, kind=DeliveryKind.CONFIRM))
    for day in range(3):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, EMAIL)) == 3
    mails = [one.raw.decode() for one in sink.taken]
    assert len(mails) == 5  # to confirm, a welcome, and three lessons
    for mail in mails:
        assert "safety-notice" not in mail
        assert not re.search(r"/t/|None", mail)
    retest = browser.get(path(runtime, TokenPurpose.RETEST, EMAIL))
    assert retest.status_code == 303
    assert retest.headers["location"].startswith("/p/")
    assert "safety-notice" not in browser.get(path(runtime, TokenPurpose.LESSON, EMAIL)).text


def test_its_books_have_no_page_about_safety(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        published = runtime.course_cache.course(session, PLAIN)
    assert published is not None
    book = book_of(published.course, "en", runtime.branding, "https://c.example")
    assert b"safety-notice" not in make_epub(book, published.published_at)
    assert make_pdf(book).startswith(b"%PDF")


def test_the_notice_of_the_shipped_course_can_be_taken_away(
    tmp_path: Path, runtime: Runtime, browser: TestClient
) -> None:
    """An earlier version of a lesson may still have the tag: it then shows nothing."""
    folder = tmp_path / "again" / PLAIN
    shutil.copytree(tmp_path / "courses" / PLAIN, folder)
    notice = (LESSONS / "stress-en-rugpijn" / "safety-notice.en.md").read_text(encoding="utf-8")
    (folder / "safety-notice.en.md").write_text(notice, encoding="utf-8")
    import_courses(runtime.database, runtime.clock, folder.parent)
    assert browser.get(f"{SITE}/safety-notice").status_code == 200
    (folder / "safety-notice.en.md").unlink()
    import_courses(runtime.database, runtime.clock, folder.parent)
    assert browser.get(f"{SITE}/safety-notice").status_code == 404
