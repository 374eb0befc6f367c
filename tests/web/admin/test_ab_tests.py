"""The page of an A/B test: it begins, shows and stops one, and hides a lead until it is decided."""

from __future__ import annotations

from datetime import timedelta

from fastapi.testclient import TestClient
from tests.support.ab_tests import ab_test, add_mails, decide_after, lesson_id
from tests.support.admin_pages import log_in, post
from tests.support.builders import COURSE

from rugcourse.bootstrap import Runtime


def test_ab_test_page_starts_shows_and_stops_a_test_and_hides_interim_results(
    editor: TestClient, runtime: Runtime
) -> None:
    path = f"/admin/ab-tests/{lesson_id(runtime)}"
    assert "Write another subject" in post(editor, path)
    assert "no exclamation mark" in post(editor, path, **{"subject.nl": "Nu!"})
    assert post(editor, path, **{"subject.nl": "Anders", "minimum": "150"}) == path
    add_mails(runtime, (10, 90))
    decide_after(runtime, days=4)
    log_in(editor, "editor@x.example")
    page = editor.get(path).text
    assert "150 emails of each" in page
    assert "90 (" not in page
    assert "already running" in post(editor, path, **{"subject.nl": "Nog een"})
    history = f"/admin/lessons/{COURSE}/welkom/history"
    assert editor.get(history).text.count("half of the readers") == 2
    assert "comparison of two subjects" in editor.get(history).text
    post(editor, path, action="stop")
    assert "half of the readers" not in editor.get(history).text
    assert "There is no result" in editor.get(path).text
    assert ab_test(runtime).decided_at == runtime.clock.now()
    assert timedelta(0) < runtime.clock.now() - ab_test(runtime).started_at
