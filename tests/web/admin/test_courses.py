"""Courses in the admin pages: made, written part by part, ordered, published, archived; and who may."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in, post
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of
from tests.support.pages import inputs
from tests.support.rows import everything
from tests.support.written_courses import (
    MADE,
    PAGE,
    order,
    publish,
    publish_form,
    revision_on,
    write_lesson,
)

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.db.queries import course_publishing


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
    assert "Readers already get this version." in written.get(MADE).text


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
    assert order(written, lesson="what-helps", place="1") == f"{MADE}?done=ordered#lessons"
    page = written.get(MADE).text
    assert page.index('data-lesson="what-helps"') < page.index('data-lesson="why-you-sleep"')
    assert order(written, order="why-you-sleep nonsense what-helps").startswith(MADE)
    page = written.get(MADE).text
    assert page.index('data-lesson="why-you-sleep"') < page.index('data-lesson="what-helps"')


def test_publishing_what_changed_meanwhile_is_refused(written: TestClient) -> None:
    form = publish_form(written)
    order(written, lesson="what-helps", place="1")
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
    post(editor, where, **evil, action="save")
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
    assert "too large" in add(b"x" * 40_100_000)
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


def test_lessons_of_a_new_course_stay_in_the_order_in_which_they_were_made(
    editor: TestClient, browser: TestClient
) -> None:
    post(editor, "/admin/new-course", title="Better sleep", language="en")
    post(editor, f"{MADE}/parts/page", **PAGE, language="en", saved="1", action="back")
    for number, title in enumerate(("Alpha", "Beta", "Gamma"), 1):
        where = post(editor, f"{MADE}/lessons", title=title)
        write_lesson(editor, where, title, number)
    assert publish(editor) == f"{MADE}?done=published"
    page = browser.get("/en/better-sleep").text
    assert page.index("Alpha") < page.index("Beta") < page.index("Gamma")


def test_new_lessons_of_a_published_course_stand_where_the_page_shows_them(
    written: TestClient, runtime: Runtime
) -> None:
    publish(written)
    made = []
    for number, title in enumerate(("Four", "Five"), 4):
        where = post(written, f"{MADE}/lessons", title=title)
        write_lesson(written, where, title, number)
        made.append(where)
    order(written, lesson="five", place="1")
    shown = re.findall(r'data-lesson="([^"]+)"', written.get(MADE).text)
    for where in made:
        assert post(written, f"{where}/publish", under_way="new", behind="nobody").endswith("done=published")
    assert re.findall(r'data-lesson="([^"]+)"', written.get(MADE).text) == shown
    with runtime.database.read() as session:
        published = runtime.course_cache.course(session, "better-sleep")
    assert published is not None
    assert [one.slug for one in published.course.lessons] == shown


def test_saving_while_typing_never_moves_the_questions_of_another_language(editor: TestClient) -> None:
    part = f"/admin/courses/{COURSE}/parts/test"
    before = inputs(editor.get(f"{part}?language=nl").text)
    form = inputs(editor.get(f"{part}?language=en").text) | form_of(editor) | {"language": "en"}
    form |= {name: "" for name in form if name.startswith("en.questions.0.")}
    for _ in range(3):
        answer = editor.post(f"{part}/autosave", data=form)
        assert answer.status_code == 200
        form["saved"] = answer.text
    after = inputs(editor.get(f"{part}?language=nl").text)
    dutch = {name: text for name, text in before.items() if name.startswith("nl.")}
    assert {name: text for name, text in after.items() if name.startswith("nl.") and text} == {
        name: text for name, text in dutch.items() if text
    }


def test_a_draft_keeps_only_what_differs_from_what_is_published(editor: TestClient, runtime: Runtime) -> None:
    part = f"/admin/courses/{COURSE}/parts/notice"
    form = inputs(editor.get(f"{part}?language=en").text)
    post(editor, part, **{**form, "en.title": "Help", "action": "back"})
    course = course_of(runtime).course
    notice = course.safety_notices["nl"].model_copy(update={"line": "Nieuwe regel: bel 112."})
    newer = course.model_copy(update={"safety_notices": {**course.safety_notices, "nl": notice}})
    with runtime.database.write() as session:
        course_publishing.save_course(session, newer, runtime.clock.now())
    page = editor.get(f"/admin/courses/{COURSE}").text
    form = page.partition(f'action="/admin/courses/{COURSE}/publish"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert editor.post(f"/admin/courses/{COURSE}/publish", data=fields).status_code == 303
    shown = course_of(runtime).course.safety_notices
    assert (shown["en"].title, shown["nl"].line) == ("Help", "Nieuwe regel: bel 112.")


def test_a_form_that_was_opened_before_something_else_was_published_is_not_taken(
    editor: TestClient, runtime: Runtime
) -> None:
    part = f"/admin/courses/{COURSE}/parts/page"
    form = inputs(editor.get(f"{part}?language=en").text)
    course = course_of(runtime).course
    texts = {**course.texts, "en": course.texts["en"].model_copy(update={"tagline": "From files."})}
    with runtime.database.write() as session:
        course_publishing.save_course(session, course.model_copy(update={"texts": texts}), runtime.clock.now())
    assert "Not saved" in post(editor, part, **form)
    assert editor.post(f"{part}/autosave", data=form_of(editor) | form).status_code == 409


def test_a_new_question_gets_an_id_that_no_question_ever_had(editor: TestClient) -> None:
    part = f"/admin/courses/{COURSE}/parts/test"
    form = inputs(editor.get(f"{part}?language=en").text)
    last = max(int(name.split(".")[1]) for name, text in form.items() if re.match(r"questions\.\d+\.id", name) and text)
    post(editor, part, **{**form, f"en.questions.{last + 1}.question": "New?", "action": "en"})
    first = inputs(editor.get(f"{part}?language=en").text)[f"questions.{last + 1}.id"]
    assert re.fullmatch(r"test-[0-9a-f]{8}", first)


def test_discarding_and_ordering_from_an_old_page_is_refused(written: TestClient) -> None:
    publish(written)
    part = f"{MADE}/parts/page"
    post(written, part, **{"en.tagline": "A."}, language="en", saved="0", action="back")
    assert post(written, part, action="discard", saved="1") == f"{MADE}?done=meanwhile"
    assert 'value="A."' in written.get(part).text
    assert post(written, part, action="discard", saved=revision_on(written.get(part).text)).endswith("done=discarded")
    assert order(written, lesson="what-helps", place="1").endswith("#lessons")
    assert order(written, seen="0", lesson="why-you-sleep", place="1") == f"{MADE}?done=meanwhile"


def test_a_discarded_lesson_of_an_unpublished_course_comes_back(editor: TestClient) -> None:
    post(editor, "/admin/new-course", title="Better sleep", language="en")
    where = post(editor, f"{MADE}/lessons", title="One")
    post(editor, f"{where}/discard", saved=revision_on(editor.get(where).text))
    page = editor.get(MADE).text
    draft = re.search(r'name="draft" value="(\d+)"', page)
    assert draft
    post(editor, "/admin/lessons/restore", draft=draft[1])
    assert 'data-lesson="one"' in editor.get(MADE).text


def test_questions_that_can_be_guessed_are_told_beside_the_test_and_stop_no_publication(written: TestClient) -> None:
    assert "What could be better" not in written.get(MADE).text
    questions = {
        f"en.questions.{q}.{name}": f"{name} {q}"
        for q in range(3)
        for name in ("question", *(f"options.{n}.{part}" for n in range(3) for part in ("text", "why")))
    }
    places = {f"questions.{q}.{name}": "0" for q in range(3) for name in ("topic", "right")}
    test = {"en.title": "T", "en.body": "B", "topics.0.lesson": "why-you-sleep", "en.topics.0.name": "Sleep"}
    post(written, f"{MADE}/parts/test", **test, **questions, **places, language="en", saved="0", action="back")
    sentence = (
        "someone who knows nothing and always chooses the first answer gets 3 of 3 right; by chance it would be 1."
    )
    assert sentence in written.get(f"{MADE}/parts/test?language=en").text
    page = written.get(MADE).text
    assert sentence in page
    assert f'action="{MADE}/publish"' in page


def test_saving_a_part_as_it_is_shown_changes_nothing(editor: TestClient, runtime: Runtime) -> None:
    part = f"/admin/courses/{COURSE}/parts/page"
    form = inputs(editor.get(f"{part}?language=en").text)
    assert "\n" in course_of(runtime).course.texts["en"].body
    post(editor, part, **{**form, "action": "back"})
    assert "Readers already get this version." in editor.get(f"/admin/courses/{COURSE}").text


def test_questions_of_the_test_are_folded_but_for_those_with_a_mistake_and_a_new_one(editor: TestClient) -> None:
    part = f"/admin/courses/{COURSE}/parts/test"
    form = inputs(editor.get(f"{part}?language=en").text)
    rows = re.findall(
        r'<details class="row-of"( open)?><summary>(.*?)</summary>', editor.get(f"{part}?language=en").text
    )
    first = form["en.questions.0.question"]
    assert unescape(rows[0][1]) == f"Question 1: {first}"
    assert [number for number, (is_open, _) in enumerate(rows) if is_open] == [len(rows) - 1]
    post(editor, part, **{**form, "en.questions.1.options.0.why": "", "action": "en"})
    rows = re.findall(r'<details class="row-of"( open)?>', editor.get(f"{part}?language=en").text)
    assert [number for number, is_open in enumerate(rows) if is_open] == [1, len(rows) - 1]


def test_each_language_says_on_its_tab_how_far_it_is(editor: TestClient) -> None:
    def tabs(page: str) -> list[tuple[str, str]]:
        return re.findall(r'>(\w+) <span class="status [a-z]*">(\w+)</span></(?:b|a|label)>', page)

    part, lesson = f"/admin/courses/{COURSE}/parts/page", f"/admin/lessons/{COURSE}/stress"
    post(editor, f"/admin/courses/{COURSE}/languages", language="de")
    expected = {"Nederlands": "published", "English": "published", "Deutsch": "missing"}
    for page in (part, lesson):
        assert dict(tabs(editor.get(page).text)) == expected
    post(editor, part, **{"de.title": "Rücken", "en.tagline": "New."}, language="de", saved="0", action="de")
    form = inputs(editor.get(lesson).text)
    post(editor, lesson, **{**form, "de.title": "Stress", "en.title": "Stress again", "action": "save"})
    for page in (part, lesson):
        found = dict(tabs(editor.get(page).text))
        assert found == {"Nederlands": "published", "English": "draft", "Deutsch": "draft"}
