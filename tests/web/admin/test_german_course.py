"""A dietician makes a course in German alone: pages, mails and books speak German, and nothing else."""

from __future__ import annotations

import html
import re
from email import message_from_bytes
from email.policy import default

from fastapi.testclient import TestClient
from tests.support.admin_pages import post
from tests.support.builders import at_eight, lessons_to, plan, send_all
from tests.support.pages import path
from tests.support.signing_up import sign_up
from tests.support.smtp_sink import Sink
from tests.support.written_courses import lesson_form, revision_on

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.typesetter import make_pdf
from rugcourse.links import TokenPurpose

MADE = "/admin/courses/besser-essen"
SITE = "/de/besser-essen"
EMAIL = "leserin@x.example"
PAGE = {
    "de.title": "Besser essen",
    "de.tagline": "Zwei Lektionen über das Essen.",
    "de.body": "Was **hilft**.",
    "de.summary": "Warum du isst\nWas hilft",
}


def in_german(form: dict[str, str]) -> dict[str, str]:
    return {name.replace("en.", "de.", 1): text for name, text in form.items()}


def make_course(browser: TestClient) -> None:
    browser.headers["accept-language"] = "de"
    assert post(browser, "/admin/new-course", title="Besser essen", language="de").startswith(MADE)
    page = browser.get(f"{MADE}/parts/page").text
    assert post(
        browser, f"{MADE}/parts/page", **PAGE, language="de", saved=revision_on(page), action="back"
    ).startswith(MADE)
    for number, title in enumerate(("Langsam essen", "Mehr Gemüse"), 1):
        where = post(browser, f"{MADE}/lessons", title=title)
        fields = in_german(lesson_form(title, number)) | {
            "saved": revision_on(browser.get(where).text),
            "action": "save",
        }
        post(browser, where, **fields)
    form = browser.get(MADE).text.partition(f'action="{MADE}/publish"')[2].partition("</form>")[0]
    assert form, browser.get(MADE).text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert browser.post(f"{MADE}/publish", data=fields).status_code == 303


def test_a_course_in_german_goes_the_whole_way(
    editor: TestClient, browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    make_course(editor)
    landing = html.unescape(browser.get(SITE).text)
    assert '<html lang="de">' in landing
    assert "2 Lektionen per E-Mail von je etwa 3 Minuten: eine pro Tag, zu Ihrer Uhrzeit." in landing
    assert browser.get("/nl/besser-essen").headers["location"] == SITE  # it is in German alone
    sign_up(browser, runtime, SITE, EMAIL)
    send_all(dispatcher)
    browser.post(path(runtime, TokenPurpose.CONFIRM, EMAIL, kind=DeliveryKind.CONFIRM))
    for day in range(2):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, EMAIL)) == 2
    mails = [message_from_bytes(one.raw, policy=default) for one in sink.to(EMAIL)]
    assert len(mails) == 4  # to confirm, a welcome, and two lessons
    for mail in mails:
        body = mail.get_body(("plain",))
        assert body is not None
        assert mail["Content-Language"] == "de"
        assert not re.search(r"\b(you|your|lesson|jouw|les|cursus|vraag)\b", body.get_content()), body.get_content()
    for purpose in (TokenPurpose.LESSON, TokenPurpose.PREFERENCES, TokenPurpose.UNSUBSCRIBE):
        assert '<html lang="de">' in browser.get(path(runtime, purpose, EMAIL)).text
    with runtime.database.read() as session:
        published = runtime.course_cache.course(session, "besser-essen")
    assert published is not None
    book = book_of(published.course, "de", runtime.branding, "https://c.example")
    assert make_pdf(book, {}).startswith(b"%PDF")
    assert len(make_epub(book, published.published_at, {})) > 1000
