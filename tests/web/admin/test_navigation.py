"""The navigation of the admin says where one is."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rugcourse.web.access import all_routes
from rugcourse.web.admin.navigation import SECTIONS, current_section

# Pages before somebody is inside, and answers for scripts, have no navigation.
WITHOUT = {"login", "logout", "mfa", "forgot-password", "reset", "invite", "paste"}


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/admin", "/admin"),
        ("/admin/", "/admin"),
        ("/admin/getting-started", "/admin"),
        ("/admin/campaigns/3/review", "/admin/campaigns"),
        ("/admin/courses/back/parts/page", "/admin/lessons"),
        ("/admin/imports/3", "/admin/subscribers"),
        ("/admin/login", ""),
        ("/admin/subscribers-of-mine", ""),
    ],
)
def test_page_belongs_to_a_section(path: str, section: str) -> None:
    assert current_section(path) == section


def test_every_admin_page_belongs_to_one_section(app: FastAPI) -> None:
    first_words = {
        str(getattr(route, "path", "")).split("/")[2]
        for route in all_routes(app.routes)
        if str(getattr(route, "path", "")).startswith("/admin/")
    }
    assert first_words - {word for one in SECTIONS for word in one.pages} == WITHOUT
    assert sum(len(one.pages) for one in SECTIONS) == len({word for one in SECTIONS for word in one.pages})


def test_current_page_is_marked_and_links_of_owners_are_not_shown_to_editors(editor: TestClient) -> None:
    page = editor.get("/admin/pictures", headers={"accept-language": "en"}).text
    nav = page.partition("<nav")[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)" aria-current="([^"]+)"', nav) == [("/admin/lessons", "true")]
    assert "/admin/settings" not in nav
    assert 'href="/admin/lessons" aria-current="page"' in editor.get("/admin/lessons").text
