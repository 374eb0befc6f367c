"""What the page of a course says before it is published: who notices what. And where its editor says no."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from tests.support.ab_tests import begin
from tests.support.admin_pages import form_of, post
from tests.support.builders import COURSE
from tests.support.bulk_readers import add_crowd
from tests.support.pages import inputs
from tests.support.written_courses import MADE, PAGE, lesson_form, publish, publish_form, revision_on

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor import drafts, publishing_effects
from rugcourse.db.models import SubscriberRow
from rugcourse.db.published_course import PublishedCourse
from rugcourse.scheduling import Schedule

SHIPPED = f"/admin/courses/{COURSE}"


def effects(browser: TestClient, path: str = MADE) -> str:
    """The list of what changes for people."""
    return unescape(browser.get(path).text.partition('<ul class="effects">')[2].partition("</ul>")[0])


def write_german(browser: TestClient, course: str, lessons: dict[str, str]) -> None:
    """Write the page and the lessons of a course in German. `lessons`: slug → title."""
    where = f"/admin/courses/{course}"
    post(browser, f"{where}/languages", language="de")
    page = {name.replace("en.", "de."): text for name, text in PAGE.items()}
    saved = revision_on(browser.get(f"{where}/parts/page?language=de").text)
    post(browser, f"{where}/parts/page", **page, language="de", saved=saved, action="back")
    for number, (slug, title) in enumerate(lessons.items(), 1):
        lesson = f"/admin/lessons/{course}/{slug}"
        english = lesson_form(title, number)
        german = {f"de.{name[3:]}": text for name, text in english.items() if name.startswith("en.")}
        saved = revision_on(browser.get(lesson).text)
        assert post(browser, lesson, **english, **german, saved=saved, action="save").endswith("done=saved")


def add_readers(runtime: Runtime, count: int) -> None:
    """Readers of the course, in English and Dutch by turns."""
    due = runtime.clock.now()
    add_crowd(runtime.database, published(runtime).campaign_id, count, Schedule("Europe/Amsterdam", 8), due)


def published(runtime: Runtime) -> PublishedCourse:
    with runtime.database.read() as session:
        found = runtime.course_cache.course(session, "better-sleep")
    assert found is not None
    return found


def test_a_new_language_says_who_gets_it_before_the_button(written: TestClient, runtime: Runtime) -> None:
    publish(written)
    add_readers(runtime, 3)
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).where(SubscriberRow.id < 3).values(language="de"))
    write_german(written, "better-sleep", {"why-you-sleep": "Why you sleep", "what-helps": "What helps"})
    assert 'name="publish.de"' in written.get(MADE).text
    said = effects(written)
    assert "3 readers are taking this course." in said
    assert "2 readers chose Deutsch. Their next lesson comes in that language." in said
    assert "comparison" not in said
    assert "course page" not in said  # nothing changes in English


def test_more_readers_than_are_counted_are_said_to_be_more(
    written: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(written)
    add_readers(runtime, 3)
    monkeypatch.setattr(publishing_effects, "MOST_COUNTED", 2)
    post(written, f"{MADE}/parts/page", **{"en.tagline": "A."}, language="en", saved="0", action="back")
    assert "More than 1 readers are taking this course." in effects(written)
    assert "Visitors see the new course page immediately." in effects(written)


def test_another_cadence_says_that_it_is_for_all_readers(written: TestClient) -> None:
    publish(written)
    part = f"{MADE}/parts/page"
    post(written, part, **{**inputs(written.get(part).text), "en.tagline": "A.", "action": "back"})
    assert "How often lessons come changes" not in effects(written)
    post(written, part, **{**inputs(written.get(part).text), "cadence_every_days": "7", "action": "back"})
    assert "How often lessons come changes for all readers" in effects(written)


def test_a_language_that_ends_a_comparison_of_subjects_says_so(written: TestClient, runtime: Runtime) -> None:
    publish(written)
    lesson_id = published(runtime).lesson_ids["what-helps"]
    assert post(written, f"/admin/ab-tests/{lesson_id}", **{"subject.en": "Another"}, minimum="150").endswith(
        str(lesson_id)
    )
    post(written, f"{MADE}/parts/page", **{"en.tagline": "A."}, language="en", saved="0", action="back")
    assert "comparison" not in effects(written)
    write_german(written, "better-sleep", {"why-you-sleep": "Why you sleep", "what-helps": "What helps"})
    said = effects(written)
    assert "The comparison of two subjects for the lesson “What helps” ends without a result" in said
    assert f'href="/admin/ab-tests/{lesson_id}"' in said
    assert said.count("comparison of two subjects") == 1


def test_a_lesson_that_ends_its_comparison_of_subjects_says_so(editor: TestClient, runtime: Runtime) -> None:
    begin(runtime)
    where = f"/admin/lessons/{COURSE}/welkom"
    assert "ends without a result" not in editor.get(f"{where}/publish").text
    page = unescape(editor.get(where).text)
    fields = dict(re.findall(r'<textarea[^>]* name="(nl\.highlight)"[^>]*>([^<]*)</textarea>', page))
    form = {**_whole_form(page), **fields, "nl.highlight": "Je rug is sterk.", "action": "save"}
    assert post(editor, where, **form).endswith("done=saved")
    assert "The comparison of two subjects for this lesson ends without a result" in editor.get(f"{where}/publish").text


def _whole_form(page: str) -> dict[str, str]:
    """Every field of the form of a lesson."""
    found = dict(re.findall(r'<input type="(?:text|hidden)" name="([^"]+)"[^>]*? value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>([^<]*)</textarea>', page))
    return found | dict(re.findall(r'<input type="radio" name="(quiz[^"]+)" value="([^"]*)" checked', page))


def test_one_lesson_too_many_is_told_apart_from_a_title_that_is_taken(
    written: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(written, f"{MADE}/lessons", title="What helps") == f"{MADE}?done=taken"
    monkeypatch.setattr("rugcourse.course_editor.course_edits.MOST_LESSONS", 2)
    assert post(written, f"{MADE}/lessons", title="Another one") == f"{MADE}?done=too-many"
    assert "A course has at most 200 lessons" in written.get(f"{MADE}?done=too-many").text
    publish(written)
    monkeypatch.setattr(drafts, "MOST_LESSONS", 2)
    assert post(written, "/admin/lessons/new", course="better-sleep", title="Another", behind="").endswith("too-many")
    assert "A course has at most" in written.get("/admin/lessons?notice=too-many").text


def test_an_unfinished_lesson_is_named_and_the_course_published_without_it(
    written: TestClient, browser: TestClient
) -> None:
    post(written, f"{MADE}/lessons", title="Test")  # called like a part of the course
    page = written.get(MADE).text
    assert f'action="{MADE}/publish"' not in page
    missing = page.partition("Still missing")[2].partition("</section>")[0]
    assert '<a href="/admin/lessons/better-sleep/test">Test</a>' in missing
    assert 'href="/admin/lessons/better-sleep/test#f-en.subject"' in missing
    assert "/parts/test" not in missing
    assert written.get("/admin/lessons/better-sleep/test").text.count('id="f-en.subject"') == 1
    assert order_form(written, "left-out", lesson="test", left_out="yes") == f"{MADE}?done=left-out"
    order_form(written, "order", order="test what-helps why-you-sleep")
    page = written.get(MADE).text
    assert "One lesson is not published with the course." in page
    assert "The course has 2 lessons." in page
    assert order_form(written, "left-out", lesson="test", left_out="no").endswith("included")
    assert f'action="{MADE}/publish"' not in written.get(MADE).text
    order_form(written, "left-out", lesson="test", left_out="yes")
    assert 'lessons/test"' not in written.get(f"{MADE}/preview/page").text
    assert publish(written) == f"{MADE}?done=published"
    shown = browser.get("/en/better-sleep").text
    assert shown.index("What helps") < shown.index("lessons/why-you-sleep")
    assert browser.get("/en/better-sleep/lessons/test").status_code == 404
    page = written.get(MADE).text
    assert re.findall(r'data-lesson="([^"]+)"', page) == ["test", "what-helps", "why-you-sleep"]
    assert "new, not published" in page


def test_no_lesson_is_left_out_of_a_published_course_or_from_an_old_page(written: TestClient) -> None:
    assert order_form(written, "left-out", lesson="what-helps", left_out="yes", seen="99") == f"{MADE}?done=meanwhile"
    publish(written)
    assert order_form(written, "left-out", lesson="what-helps", left_out="yes") == f"{MADE}?done=meanwhile"
    assert written.get("/en/better-sleep/lessons/what-helps").status_code == 200


def order_form(browser: TestClient, path: str, **fields: str) -> str:
    """Send a form of the list of lessons, with what it showed."""
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(MADE).text)
    assert seen
    return post(browser, f"{MADE}/{path}", **{"seen": seen[1], **fields})


def test_the_mail_of_a_lesson_that_was_never_published_says_its_place(written: TestClient) -> None:
    for slug, place in (("why-you-sleep", "lesson 1 of 2"), ("what-helps", "lesson 2 of 2")):
        where = f"/admin/lessons/better-sleep/{slug}"
        form = {**form_of(written), **lesson_form("A title", 1), "en.body": "lesson {{ number }} of {{ total }}"}
        shown = written.post(f"{where}/preview", data={**form, "shown": "en", "look": "text"}).text
        assert place in shown
    publish_form(written)


def test_a_form_that_is_too_large_is_answered_with_a_page_that_says_the_limit(written: TestClient) -> None:
    written.headers["accept-language"] = "nl"
    answer = written.post(f"{MADE}/parts/page", data={"en.body": "x" * 1_000_001})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert "groter dan 1 MB" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.text.count("</html>") == 1
    assert "the form is too large" in written.post("/nl/my-page", data={"email": "x" * 64_001}).text
