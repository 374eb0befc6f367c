"""Lessons in the admin pages: kept as typed, previewed without running anything, published, restored; and who may."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.support.admin_pages import LESSON, form_of, log_in, post, typed
from tests.support.admins import make_admin
from tests.support.answers import answer_question, next_lesson
from tests.support.builders import COURSE, course_of, make_reader, signed_courses
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import publish_lesson
from rugcourse.db.models import AuditLogRow, Role
from rugcourse.db.queries import lesson_drafts
from rugcourse.delivery.dispatcher import Dispatcher


def test_lesson_is_saved_published_and_restored(editor: TestClient, runtime: Runtime) -> None:
    where = post(editor, LESSON, **typed(runtime, nl__title="Anders"), action="publish")
    assert where == f"{LESSON}/publish"
    assert course_of(runtime).course.lessons[3].texts["nl"].title != "Anders"
    page = editor.get(where).text
    assert "<ins>Anders</ins>" in page
    assert post(editor, where, under_way="old") == f"{LESSON}?done=published"
    assert course_of(runtime).course.lessons[3].texts["nl"].title == "Anders"
    page = editor.get(f"{LESSON}/history").text
    assert "editor@x.example" in page
    oldest = page.rsplit("?version=", 1)[1].split('"')[0]
    assert "first one" in editor.get(f"{LESSON}/history?version={oldest}").text
    assert post(editor, f"{LESSON}/history", version=oldest) == f"{LESSON}?done=restored"
    assert "Anders" not in editor.get(LESSON).text
    with runtime.database.read() as session:
        change = session.scalars(select(AuditLogRow).where(AuditLogRow.action == "lesson.publish")).one()
    assert (change.subject, (change.after or {})["under way"]) == (f"lesson:{COURSE}/stress", "old")


def test_an_earlier_version_is_not_laid_over_a_draft_that_was_kept_meanwhile(
    editor: TestClient, runtime: Runtime
) -> None:
    post(editor, post(editor, LESSON, **typed(runtime, nl__title="Anders"), action="publish"), under_way="new")
    version = editor.get(f"{LESSON}/history").text.rsplit("?version=", 1)[1].split('"')[0]
    post(editor, LESSON, **typed(runtime, nl__title="Van een collega"), action="save")
    answer = post(editor, f"{LESSON}/history", version=version, saved="0")
    assert "done=restored" not in answer
    assert "Van een collega" in editor.get(LESSON).text
    assert 'name="saved" value="2"' in editor.get(f"{LESSON}/history?version={version}").text
    assert post(editor, f"{LESSON}/history", version=version, saved="2") == f"{LESSON}?done=restored"


def test_editors_are_told_that_nobody_has_signed_the_safety_notice_until_somebody_has(
    editor: TestClient, runtime: Runtime
) -> None:
    told = "The safety notice for this course has not been signed off by a clinician yet (English, Nederlands)"
    assert editor.get("/admin/lessons").text.count(told) == 2
    import_course(runtime.database, runtime.clock, signed_courses())
    assert "No clinician" not in editor.get("/admin/lessons").text


def test_a_question_is_made_one_about_safety_in_the_form(editor: TestClient, runtime: Runtime) -> None:
    where = post(editor, LESSON, **typed(runtime, quiz__1__safety="yes"), action="publish")
    assert "Question 2 is about safety" in editor.get(where).text
    assert post(editor, where, under_way="new") == f"{LESSON}?done=published"
    texts = course_of(runtime).course.lessons[3].texts.values()
    assert [[question.safety for question in text.quiz] for text in texts] == [[False, True]] * 2


def test_lesson_with_mistakes_is_saved_and_not_published(editor: TestClient, runtime: Runtime) -> None:
    before = course_of(runtime).course
    where = post(editor, LESSON, **typed(runtime, nl__subject="Nu!", quiz__0__right=""), action="publish")
    page = editor.get(where).text
    assert "no exclamation mark" in page
    assert "choose the right answer" in page
    assert "Not published" in post(editor, where, under_way="new")
    assert course_of(runtime).course == before
    assert "Nu!" in editor.get(LESSON).text


def test_a_preview_runs_nothing_and_shows_what_is_typed(editor: TestClient, runtime: Runtime) -> None:
    form = {
        **typed(runtime, nl__title="<img src=x onerror=alert(1)>", nl__body="<script>x</script>"),
        **form_of(editor),
    }
    answer = editor.post(f"{LESSON}/preview", data={**form, "look": "dark"})
    assert "&lt;img src=x onerror" in answer.text
    assert "<script" not in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "@media all" in answer.text
    text = editor.post(f"{LESSON}/preview", data={**form, "look": "text"}).text
    assert "<script" not in text
    for body in ("{{ config }}", "{% for x in range(10**9) %}x{% endfor %}"):
        answer = editor.post(f"{LESSON}/preview", data={**form, "nl.body": body})
        assert "can&#39;t be used here" in answer.text


def test_the_preview_is_what_a_reader_would_get_with_their_name_and_what_they_missed(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 1, right=False)
    missed = course_of(runtime).course.lessons[0].texts["nl"].quiz[1].question
    clock.advance(days=1)
    log_in(editor, "editor@x.example")
    form = {**typed(runtime), **form_of(editor)}
    told = editor.post(f"{LESSON}/preview", data={**form, "reader": email.upper()}).text
    assert missed in unescape(told)
    assert "Sam" in told
    assert missed not in unescape(editor.post(f"{LESSON}/preview", data=form).text)
    assert missed not in unescape(editor.post(f"{LESSON}/preview", data={**form, "reader": "nobody@x.example"}).text)


def test_checks_come_while_it_is_written(editor: TestClient, runtime: Runtime) -> None:
    form = {**typed(runtime, en__title=""), **form_of(editor)}
    assert "this is empty" in editor.post(f"{LESSON}/checks", data=form).text
    assert "No problems found" in editor.post(f"{LESSON}/checks", data={**form, "en.title": "T"}).text


def test_pictures_and_html_are_told_at_their_field_in_the_editors_language_and_not_published(
    editor: TestClient, runtime: Runtime
) -> None:
    body = "Kijk\n\n![Een rug](https://example.org/rug.png)\n\n<video src='x'></video>"
    where = post(editor, LESSON, **typed(runtime, nl__body=body), action="publish")
    page = editor.get(where).text
    assert (
        "line 3: a picture of another site can't be used, as that site would see who reads this. Upload a copy, or remove ![Een rug](https://example.org/rug.png)."
        in unescape(page)
    )
    assert "line 5: HTML can't be used. Remove &lt;video" in page
    assert 'href="#f-nl.body"' in page
    assert "Not published" in post(editor, where, under_way="new")
    dutch = editor.get(where, headers={"accept-language": "nl"}).text
    assert "regel 3: een afbeelding van een andere site kan niet" in dutch
    assert "regel 5: HTML kan hier niet." in dutch


def test_a_lesson_goes_to_the_editor_alone(editor: TestClient, runtime: Runtime, sink: Sink) -> None:
    assert post(editor, LESSON, **typed(runtime), action="test") == f"{LESSON}?done=test"
    assert [one.recipient for one in sink.taken] == ["editor@x.example"]


def test_another_who_kept_meanwhile_is_not_written_over_unsaid(editor: TestClient, runtime: Runtime) -> None:
    post(editor, LESSON, **typed(runtime, nl__title="Eerst"))
    page = post(editor, LESSON, **typed(runtime, nl__title="Later"))
    assert "editor@x.example saved changes after" in page
    assert "Later" in page
    assert post(editor, LESSON, **typed(runtime, nl__title="Later", saved="1")) == f"{LESSON}?done=saved"


def test_a_new_lesson_is_begun_and_a_title_twice_is_refused(editor: TestClient, runtime: Runtime) -> None:
    where = post(editor, "/admin/lessons/new", course=COURSE, title="Slapen", behind="onderbelasting")
    assert where == f"/admin/lessons/{COURSE}/slapen"
    assert "this language is still empty" in editor.get(where).text
    assert "taken" in post(editor, "/admin/lessons/new", course=COURSE, title="Slapen", after="3")
    assert "lesson 4. Who else" not in editor.get(f"{where}/publish").text  # not ready


def test_a_discarded_draft_is_listed_and_brought_back_with_one_press(editor: TestClient, runtime: Runtime) -> None:
    post(editor, LESSON, **typed(runtime, nl__title="Anders"))
    assert "Yes, discard the draft" in editor.get(LESSON).text
    where = post(editor, f"{LESSON}/discard", saved="1")
    assert where.startswith("/admin/lessons?notice=discarded&draft=")
    draft = where.rpartition("=")[2]
    page = editor.get(where).text
    assert "You can restore it for 30 days" in page
    assert page.count(f'name="draft" value="{draft}"') == 2  # in the notice and in the list
    assert "Discarded drafts" in page
    assert "Yes, discard the draft" not in editor.get(LESSON).text
    assert post(editor, "/admin/lessons/restore", draft=draft) == f"{LESSON}?done=draft-restored"
    assert "Anders" in editor.get(f"{LESSON}?done=draft-restored").text
    for gone in (draft, "0", "x", "9" * 30):
        assert post(editor, "/admin/lessons/restore", draft=gone) == "/admin/lessons?notice=no-draft"
    with runtime.database.read() as session:
        logged = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()
    assert logged[-2:] == ["lesson.discard_draft", "lesson.restore_draft"]


def test_a_draft_is_not_restored_over_a_newer_one(editor: TestClient, runtime: Runtime) -> None:
    post(editor, LESSON, **typed(runtime, nl__title="Oud"))
    draft = post(editor, f"{LESSON}/discard", saved="1").rpartition("=")[2]
    post(editor, LESSON, **typed(runtime, nl__title="Nieuw"))
    where = post(editor, "/admin/lessons/restore", draft=draft)
    assert "there is a newer draft of this lesson" in editor.get(where).text
    assert "Nieuw" in editor.get(LESSON).text


def test_a_draft_that_another_kept_meanwhile_is_not_discarded(editor: TestClient, runtime: Runtime) -> None:
    post(editor, LESSON, **typed(runtime, nl__title="Eerst"))
    post(editor, LESSON, **typed(runtime, nl__title="Later", saved="1"))
    assert "Not discarded" in post(editor, f"{LESSON}/discard", saved="1")
    assert "Later" in editor.get(LESSON).text


@pytest.mark.parametrize(
    "path",
    [
        LESSON,
        f"{LESSON}/preview",
        f"{LESSON}/checks",
        f"{LESSON}/publish",
        f"{LESSON}/unpublish",
        f"{LESSON}/discard",
        "/admin/lessons/restore",
        f"{LESSON}/history",
        "/admin/lessons/new",
    ],
)
def test_analysts_strangers_and_other_sites_change_nothing(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, path: str
) -> None:
    form = typed(runtime, nl__title="Fout")
    assert browser.post(path, data=form).headers["location"] == "/admin/login"
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    log_in(browser, "analyst@x.example")
    before = everything(runtime, "admin_session")
    assert browser.post(path, data={**form, **form_of(browser)}).status_code == 404
    assert browser.get("/admin/lessons").status_code == 200
    assert browser.post(path, data=form, headers={"sec-fetch-site": "cross-site"}).status_code in {403, 404}
    assert everything(runtime, "admin_session") == before


def test_a_form_without_its_token_or_too_large_is_refused(editor: TestClient, runtime: Runtime) -> None:
    assert editor.post(LESSON, data=typed(runtime)).status_code == 403
    assert editor.post(LESSON, data={"nl.body": "x" * 1_100_000}).status_code == 413
    for path in ("/admin/lessons/none/stress", f"/admin/lessons/{COURSE}/none"):
        assert editor.get(path).status_code == 404


def test_stale_lesson_form_is_told_on_saving_and_publishing(editor: TestClient, runtime: Runtime) -> None:
    opened = editor.get(LESSON).text
    version = re.search(r'name="version" value="(\d+)"', opened)[1]  # type: ignore[index]
    post(editor, LESSON, **typed(runtime, nl__title="Theirs"), action="publish")
    post(editor, f"{LESSON}/publish", under_way="new")
    mine = {**typed(runtime, nl__title="Mine"), "saved": "0", "version": version}
    answer = editor.post(LESSON, data={**mine, **form_of(editor), "action": "save"})
    assert answer.status_code == 409
    assert "Not saved: someone published another version" in answer.text
    assert 'value="Mine"' in answer.text
    again = re.search(r'name="version" value="(\d+)"', answer.text)[1]  # type: ignore[index]
    assert post(editor, LESSON, **{**mine, "version": again}, action="save") == f"{LESSON}?done=saved"
    stale = editor.post(
        f"{LESSON}/publish", data={**form_of(editor), "under_way": "new", "saved": "1", "version": version}
    )
    assert stale.status_code == 409
    assert "Not published: another draft was saved" in stale.text


def test_a_lesson_saves_itself_while_it_is_typed_and_two_who_type_are_told(
    editor: TestClient, runtime: Runtime
) -> None:
    opened = editor.get(LESSON).text
    version = re.search(r'name="version" value="(\d+)"', opened)[1]  # type: ignore[index]
    form = {**typed(runtime, nl__title="First"), **form_of(editor), "version": version}
    first = editor.post(f"{LESSON}/autosave", data={**form, "saved": "0"})
    assert (first.status_code, first.text.isdecimal()) == (200, True)
    assert editor.post(f"{LESSON}/autosave", data={**form, "saved": "0", "nl.title": "Other"}).status_code == 409
    second = editor.post(f"{LESSON}/autosave", data={**form, "saved": first.text, "nl.title": "Second"})
    assert int(second.text) > int(first.text)
    page = editor.get(LESSON).text
    assert 'value="Second"' in page
    assert page.count(f'name="saved" value="{second.text}"') == 2  # also of the form that discards it
    assert "Second" not in course_of(runtime).course.lessons[3].texts["nl"].title
    stale = editor.post(LESSON, data={**form, "saved": first.text, "action": "save"})
    assert stale.status_code == 409


def test_a_text_is_shown_without_hard_line_breaks_and_kept_with_those_of_its_file(
    editor: TestClient, runtime: Runtime
) -> None:
    body = course_of(runtime).course.lessons[3].texts["nl"].body
    box = unescape(editor.get(LESSON).text.partition('name="nl.body"')[2].partition(">")[2].partition("</textarea>")[0])
    assert (box.count("\n") < body.count("\n"), box.split()) == (True, body.split())
    changed = box.replace(box.split("\n\n")[1], "Eén nieuwe zin.").replace("\n", "\r\n")
    post(editor, LESSON, **{**typed(runtime), "nl.body": changed}, action="publish")
    post(editor, f"{LESSON}/publish", under_way="new")
    after = course_of(runtime).course.lessons[3].texts["nl"].body
    assert after == body.replace(body.split("\n\n")[1], "Eén nieuwe zin.")


def test_a_lesson_that_is_published_while_it_is_typed_stops_saving_itself(editor: TestClient, runtime: Runtime) -> None:
    version = re.search(r'name="version" value="(\d+)"', editor.get(LESSON).text)[1]  # type: ignore[index]
    post(editor, LESSON, **typed(runtime, nl__title="Theirs"), action="publish")
    post(editor, f"{LESSON}/publish", under_way="new")
    form = {**typed(runtime, nl__title="Mine"), **form_of(editor), "version": version, "saved": "0"}
    assert editor.post(f"{LESSON}/autosave", data=form).status_code == 409
    assert "Mine" not in editor.get(LESSON).text


def test_the_pages_of_a_draft_say_whose_version_it_would_replace(editor: TestClient, runtime: Runtime) -> None:
    post(editor, LESSON, **typed(runtime, nl__title="Draft"), action="save")
    course = course_of(runtime).course
    fields = {**fields_of(course.lessons[3]), "nl.highlight": "Theirs"}
    with runtime.database.write() as session:
        draft = lesson_drafts.find(session, course_of(runtime).id, "stress")
        assert draft is not None
        lesson_drafts.remove(session, course_of(runtime).id, "stress")
        publish = LessonDraft(course, "stress", 4, fields)
    runtime.database.run(publish_lesson, runtime.clock.now(), None, publish)
    with runtime.database.write() as session:
        kept = lesson_drafts.DraftContent(draft.fields, draft.began_from)
        assert lesson_drafts.save(session, course_of(runtime).id, "stress", kept, 0, None, runtime.clock.now())
    for page in (LESSON, f"{LESSON}/publish"):
        assert "Since this draft was begun, someone published another version" in editor.get(page).text
