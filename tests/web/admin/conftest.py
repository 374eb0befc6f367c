"""An owner who is logged in."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import log_in, post
from tests.support.admins import make_admin
from tests.support.written_courses import MADE, PAGE, lesson_form, revision_on

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock


@pytest.fixture
def admin(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    """A browser in which an owner is inside."""
    make_admin(runtime.database, clock)
    assert log_in(browser).status_code == 303
    return browser


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
        assert post(editor, where, **form, action="save") == f"{where}?done=saved"
    return editor
