"""Courses in the admin pages: made, written part by part, ordered, published, archived; and who may."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in, post
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role

MADE = "/admin/courses/better-sleep"
PAGE = {
    "en.title": "Better sleep",
    "en.tagline": "Two lessons about sleep.",
    "en.body": "What sleep **does**.",
    "en.summary": "Why you sleep\nWhat helps",
}


def lesson_form(title: str, number: int) -> dict[str, str]:
    return {
        "en.title": title,
        "en.subject": title,
        "en.preheader": "Today",
        "en.body": "Sleep is rest.",
        "en.highlight": "Sleep comes by itself.",
        "en.today": "Go to bed in time.",
        "en.quiz.0.question": f"What helps {number}?",
        **{f"en.quiz.0.options.{n}.{name}": f"{name} {n}" for n in range(3) for name in ("text", "why")},
        "quiz.0.right": "1",
    }


def revision_on(page: str) -> str:
    found = re.search(r'name="saved" value="(\d+)"', page)
    assert found
    return found[1]


@pytest.fixture
def written(editor: TestClient) -> TestClient:
    """A course with a page and two lessons, all of it written."""
    assert post(editor, "/admin/new-course", title="Better sleep", language="en") == f"{MADE}?done=created"
    part = f"{MADE}/parts/page"
    saved = revision_on(editor.get(part).text)
    assert post(editor, part, **PAGE, language="en", saved=saved, action="back") == f"{MADE}?done=saved"
    for number, title in enumerate(("Why you sleep", "What helps"), 1):
        where = post(editor, f"{MADE}/lessons", title=title)
        form = lesson_form(title, number) | {"saved": revision_on(editor.get(where).text)}
        assert post(editor, where, **form, action="keep") == f"{where}?done=kept"
    return editor


def publish_form(browser: TestClient) -> dict[str, str]:
    page = browser.get(MADE).text
    form = page.partition(f'action="{MADE}/publish"')[2].partition("</form>")[0]
    assert form, "there is nothing to publish"
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))


def publish(browser: TestClient, **changed: str) -> str:
    form = {**publish_form(browser), **changed}
    answer = browser.post(f"{MADE}/publish", data=form)
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def test_a_course_is_made_written_and_published_without_leaving_the_browser(
    written: TestClient, browser: TestClient, runtime: Runtime
) -> None:
    assert "Better sleep" in written.get("/admin/lessons").text
    assert browser.get("/en/better-sleep").status_code == 404
    assert "Better sleep" not in browser.get("/en").text
    assert publish(written) == f"{MADE}?done=published"
    page = browser.get("/en/better-sleep").text
    assert "Two lessons about sleep." in page
    assert "<strong>does</strong>" in page
    assert 'href="/en/better-sleep/lessons/why-you-sleep"' in page
    assert browser.get("/en/better-sleep/lessons/what-helps").status_code == 200
    assert "Better sleep" in browser.get("/en").text
    assert "Readers get exactly this already." in written.get(MADE).text


def test_what_is_missing_leads_to_its_field(editor: TestClient) -> None:
    post(editor, "/admin/new-course", title="Better sleep", language="en")
    page = editor.get(MADE).text
    assert f'href="{MADE}/parts/page?language=en#f-en.tagline"' in page
    assert 'id="f-en.tagline"' in editor.get(f"{MADE}/parts/page?language=en").text
    assert "Write at least one lesson." in page
    assert f'action="{MADE}/publish"' not in page


def test_a_test_and_a_notice_are_written_by_form(written: TestClient, browser: TestClient) -> None:
    test = {
        "en.title": "What do you know?",
        "en.body": "Two questions.",
        "topics.0.lesson": "why-you-sleep",
        "en.topics.0.name": "Sleep",
        **{
            f"en.questions.{q}.options.{n}.{name}": f"{name} {q}{n}"
            for q in range(2)
            for n in range(2)
            for name in ("text", "why")
        },
        **{f"en.questions.{q}.question": f"Question {q}?" for q in range(2)},
        **{f"questions.{q}.topic": "0" for q in range(2)},
        **{f"questions.{q}.right": str(q) for q in range(2)},
    }
    assert post(written, f"{MADE}/parts/test", **test, language="en", saved="0", action="back").endswith("done=saved")
    notice = {
        "en.title": "When to get help",
        "en.line": "Do you stop breathing at night? See your doctor.",
        "en.body": "Most sleep trouble is harmless.",
        "levels.0.urgency": "appointment",
        "en.levels.0.title": "See your doctor",
        "en.levels.0.signs": "You stop breathing\nYou fall asleep at the wheel",
    }
    assert post(written, f"{MADE}/parts/notice", **notice, language="en", saved="0", action="back").endswith("saved")
    assert publish(written) == f"{MADE}?done=published"
    assert "Question 0?" in browser.get("/en/better-sleep/test").text
    shown = browser.get("/en/better-sleep/safety-notice").text
    assert "You fall asleep at the wheel" in shown
    assert "Do you stop breathing at night?" in browser.get("/en/better-sleep").text


def test_the_form_of_a_part_shows_what_was_saved(written: TestClient) -> None:
    page = unescape(written.get(f"{MADE}/parts/page").text)
    assert "Why you sleep\nWhat helps</textarea>" in page
    assert 'value="Two lessons about sleep."' in page


def test_saving_while_typing_tells_the_new_revision_or_that_somebody_else_saved(written: TestClient) -> None:
    part = f"{MADE}/parts/page"
    saved = revision_on(written.get(part).text)
    form = {**form_of(written), **PAGE, "language": "en"}
    first = written.post(f"{part}/autosave", data={**form, "en.tagline": "A", "saved": saved})
    assert (first.status_code, first.text.isdecimal()) == (200, True)
    assert written.post(f"{part}/autosave", data={**form, "en.tagline": "B", "saved": saved}).status_code == 409
    assert written.post(f"{part}/autosave", data={**form, "en.tagline": "C", "saved": first.text}).status_code == 200
    assert 'value="C"' in written.get(part).text
    answer = written.post(part, data={**form, "en.tagline": "D", "saved": saved})
    assert answer.status_code == 409
    assert 'value="D"' in answer.text
    assert "Not saved" in answer.text


def test_lessons_are_moved_by_number_and_all_at_once(written: TestClient, runtime: Runtime) -> None:
    assert post(written, f"{MADE}/order", lesson="what-helps", place="1") == f"{MADE}?done=ordered#lessons"
    page = written.get(MADE).text
    assert page.index('data-lesson="what-helps"') < page.index('data-lesson="why-you-sleep"')
    assert post(written, f"{MADE}/order", order="why-you-sleep nonsense what-helps").startswith(MADE)
    page = written.get(MADE).text
    assert page.index('data-lesson="why-you-sleep"') < page.index('data-lesson="what-helps"')


def test_publishing_what_changed_meanwhile_is_refused(written: TestClient) -> None:
    form = publish_form(written)
    post(written, f"{MADE}/order", lesson="what-helps", place="1")
    answer = written.post(f"{MADE}/publish", data=form)
    assert answer.status_code == 409
    assert "changed or published since you opened this page" in answer.text
    assert written.get("/en/better-sleep").status_code == 404


def test_the_copy_of_a_course_is_a_course_of_its_own(editor: TestClient, runtime: Runtime) -> None:
    before = course_of(runtime)
    where = post(editor, "/admin/new-course", title="Backs at school", language="en", source=COURSE)
    assert where == "/admin/courses/backs-at-school?done=created"
    page = editor.get(where).text
    assert page.count('<li data-lesson="') == 9
    assert "Missing in" not in page
    assert course_of(runtime) == before


def test_the_shipped_course_is_edited_and_published(editor: TestClient, browser: TestClient) -> None:
    part = f"/admin/courses/{COURSE}/parts/page"
    page = unescape(editor.get(f"{part}?language=en").text)
    shown = dict(re.findall(r'<input type="text" name="(en\.[a-z]+)"[^>]* value="([^"]*)"', page))
    assert shown["en.title"]
    answer = post(editor, part, **{"en.title": "A new title"}, language="en", saved="0", action="back")
    assert answer.endswith("done=saved")
    assert "A new title" not in browser.get("/en").text
    page = editor.get(f"/admin/courses/{COURSE}").text
    form = page.partition(f'action="/admin/courses/{COURSE}/publish"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert editor.post(f"/admin/courses/{COURSE}/publish", data=fields).status_code == 303
    assert "A new title" in browser.get(f"/en/{COURSE}").text
    assert browser.get(f"/nl/{COURSE}/test").status_code == 200


def test_an_archived_course_takes_no_new_readers(written: TestClient, browser: TestClient) -> None:
    publish(written)
    assert post(written, f"{MADE}/archive", archived="yes") == MADE
    assert "Better sleep" not in browser.get("/en").text
    page = browser.get("/en/better-sleep")
    assert page.status_code == 200
    assert "You can no longer sign up for this course." in page.text
    assert 'href="/en/better-sleep/signup"' not in page.text
    assert browser.get("/en/better-sleep/signup").status_code == 404
    assert browser.post("/en/better-sleep/signup", data={"email": "a@x.example"}).status_code == 404
    assert post(written, f"{MADE}/archive", archived="no") == MADE
    assert "Better sleep" in browser.get("/en").text


def test_a_course_that_was_never_published_is_deleted_with_all_its_drafts(editor: TestClient, runtime: Runtime) -> None:
    before = everything(runtime, "audit_log")
    post(editor, "/admin/new-course", title="Better sleep", language="en")
    post(editor, f"{MADE}/lessons", title="One")
    assert post(editor, f"{MADE}/delete") == "/admin/lessons"
    after = everything(runtime, "audit_log")
    assert after == before


@pytest.mark.parametrize("title", ["", "   ", "!!!", "Begrijp je rugpijn" * 40, "My page", "privacy"])
def test_a_title_that_gives_no_address_is_refused_with_words(editor: TestClient, title: str) -> None:
    answer = post(editor, "/admin/new-course", title=title, language="en")
    assert 'role="alert"' in answer or answer.startswith("/admin/courses/begrijp-je-rugpijn")


@pytest.mark.parametrize(
    "path", ["/admin/courses/nowhere", f"{MADE}/parts/order", f"{MADE}/parts/nothing", "/admin/courses/../x"]
)
def test_what_there_is_not_is_not_found(editor: TestClient, path: str) -> None:
    assert editor.get(path).status_code in {404, 422}


def test_an_analyst_looks_and_changes_nothing(written: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    written.cookies.clear()
    log_in(written, "analyst@x.example")
    page = written.get(MADE)
    assert page.status_code == 200
    assert f'action="{MADE}' not in page.text
    assert written.get(f"{MADE}/parts/page").status_code == 404
    form = form_of(written)
    for path in ("publish", "order", "lessons", "languages", "archive", "delete", "parts/page"):
        assert written.post(f"{MADE}/{path}", data=form).status_code == 404, path


@pytest.mark.parametrize(
    ("what", "words"),
    [("page", "Two lessons about sleep."), ("lesson?lesson=why-you-sleep", "Sleep comes by itself.")],
)
def test_a_draft_is_seen_as_a_visitor_would_see_it(
    written: TestClient, browser: TestClient, what: str, words: str
) -> None:
    answer = written.get(f"{MADE}/preview/{what}")
    assert (answer.status_code, answer.headers["x-robots-tag"]) == (200, "noindex")
    assert words in answer.text
    assert written.get(f"{MADE}/preview/book").content.startswith(b"%PDF")
    for missing in ("test", "notice", "nothing", "lesson?lesson=none"):
        assert written.get(f"{MADE}/preview/{missing}").status_code == 404


def test_a_preview_works_with_a_half_written_course_and_runs_no_template_code(editor: TestClient) -> None:
    post(editor, "/admin/new-course", title="Better sleep", language="en")
    where = post(editor, f"{MADE}/lessons", title="One")
    evil = {"en.body": "{{ 7*7 }} <script>alert(1)</script>", "saved": revision_on(editor.get(where).text)}
    post(editor, where, **evil, action="keep")
    saved = revision_on(editor.get(f"{MADE}/parts/page").text)
    post(editor, f"{MADE}/parts/page", **{"en.body": "{% x %} **half**"}, language="en", saved=saved)
    for what in ("page", "lesson?lesson=one"):
        answer = editor.get(f"{MADE}/preview/{what}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert ">49" not in answer.text


def test_a_course_is_passed_on_as_a_file(editor: TestClient, browser: TestClient, runtime: Runtime) -> None:
    pack = editor.get(f"/admin/courses/{COURSE}/pack")
    assert pack.headers["content-disposition"] == f'attachment; filename="{COURSE}.zip"'

    def add(content: bytes, slug: str = "") -> str:
        answer = editor.post(
            "/admin/new-course/pack", data={**form_of(editor), "slug": slug}, files={"file": ("a.zip", content)}
        )
        return answer.headers["location"] if answer.status_code == 303 else unescape(answer.text)

    assert "There is a course with this address already." in add(pack.content)
    assert "An address has small letters" in add(pack.content, "../x")
    assert "This is not the file of a course." in add(b"no zip")
    assert "too large" in add(b"x" * 5_100_000)
    assert add(pack.content, "another") == "/admin/courses/another?done=published"
    assert browser.get("/nl/another/test").status_code == 200
    assert editor.get("/admin/courses/nowhere/pack").status_code == 404


def test_an_earlier_publication_comes_back_as_a_draft(written: TestClient, browser: TestClient) -> None:
    publish(written)
    part = f"{MADE}/parts/page"
    post(written, part, **{"en.tagline": "Changed."}, language="en", saved="0", action="back")
    publish(written)
    assert "Changed." in browser.get("/en/better-sleep").text
    page = written.get(MADE).text
    [version] = re.findall(r'name="version" value="(\d+)"', page)
    assert post(written, f"{MADE}/restore", version=version) == f"{MADE}?done=restored"
    assert "Changed." in browser.get("/en/better-sleep").text
    assert post(written, f"{MADE}/restore", version=version) == f"{MADE}?done=has-drafts"
    assert publish(written) == f"{MADE}?done=published"
    assert "Two lessons about sleep." in browser.get("/en/better-sleep").text
    assert "This page does not exist" in post(written, f"{MADE}/restore", version="99999")
