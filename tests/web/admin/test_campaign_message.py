"""The message of a broadcast beside its form: the mail as it will be, whatever is typed."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import MESSAGE, make_draft, post

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import CampaignKind


def preview(editor: TestClient, draft: str, **typed: str) -> str:
    return post(editor, f"{draft}/what/preview", **{"shown": "en", **typed})


def test_preview_is_the_mail_as_far_as_it_is_written(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    assert "Open evening" not in preview(editor, draft)
    page = preview(editor, draft, **{"subject.en": "Open evening", "body.en": "Hi **{{ first_name }}**"})
    assert "Open evening" in page
    assert re.search(r"<strong[^>]*>Sam</strong>", page)
    assert "Open evening" in preview(editor, draft, **{"subject.en": "Open evening"}, look="text")
    assert "(prefers-color-scheme: dark)" not in preview(editor, draft, look="dark")


def test_preview_saves_nothing(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    preview(editor, draft, **MESSAGE)
    assert MESSAGE["body.en"] not in editor.get(f"{draft}/what").text


def test_frame_of_the_preview_runs_nothing(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    form = {"form": re.findall(r'name="form" value="([^"]+)"', editor.get("/admin/account").text)[0]}
    answer = editor.post(f"{draft}/what/preview", data={**form, "shown": "en", "body.en": "<script>alert(1)</script>"})
    assert "<script>alert" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data: ")
    assert policy.endswith("; sandbox; frame-ancestors 'self'")
    assert (
        '<iframe class="mail" name="preview" title="The email" sandbox=""></iframe>' in editor.get(f"{draft}/what").text
    )


@pytest.mark.parametrize("body", ["{{ surname }}", "{% for x in range(10**9) %}", "{{ ''.__class__ }}"])
def test_what_can_not_be_filled_in_is_told_in_the_frame(editor: TestClient, runtime: Runtime, body: str) -> None:
    page = preview(editor, make_draft(editor, runtime), **{"body.en": body})
    assert "can&#39;t be used here" in page or "can't be used here" in page


@pytest.mark.parametrize("language", ["", "xx", "../en", "en.body"])
def test_there_is_no_preview_in_a_language_that_does_not_exist(
    editor: TestClient, runtime: Runtime, language: str
) -> None:
    draft = make_draft(editor, runtime)
    assert "<iframe" not in preview(editor, draft, shown=language)
    assert MESSAGE["subject.en"] not in preview(editor, draft, **{**MESSAGE, "shown": language})


def test_a_course_has_no_message_to_preview(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime, CampaignKind.COHORT)
    assert MESSAGE["subject.en"] not in preview(editor, draft, **MESSAGE)


def test_checks_say_what_is_missing_while_it_is_written(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    found = post(editor, f"{draft}/what/checks", **{"subject.en": "Come!"})
    assert 'href="#f-en.subject"' in found
    assert 'href="#f-en.body"' in found
    assert "No problems found" in post(editor, f"{draft}/what/checks", **MESSAGE)


def test_characters_are_counted_without_a_script(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **MESSAGE)
    page = editor.get(f"{draft}/what").text
    assert f'data-counter="f-en.subject" data-most="50"><b>{len(MESSAGE["subject.en"])}</b> of 50 characters' in page
    wrong = post(editor, f"{draft}/what", **{**MESSAGE, "subject.en": "x" * 66})
    assert 'class="quiet counter wrong" data-counter="f-en.subject" data-most="50"><b>66</b> of 50' in wrong
    assert 'id="shown-en" checked' in wrong  # the tab with the mistake is open
