"""The navigation of the admin says where one is."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of

from rugcourse.bootstrap import Runtime
from rugcourse.site_settings import SiteSettings, store
from rugcourse.web.access import all_routes
from rugcourse.web.admin.navigation import ACCOUNT, SECTIONS, current_section

# Pages before somebody is inside, answers for scripts, and files have no navigation; help belongs to all sections.
WITHOUT = {"help", "login", "logout", "mfa", "forgot-password", "reset", "invite", "paste", "lists"}
EVERY = (*SECTIONS, ACCOUNT)


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
    assert first_words - {word for one in EVERY for word in one.pages} == WITHOUT
    assert sum(len(one.pages) for one in EVERY) == len({word for one in EVERY for word in one.pages})


def test_current_page_is_marked_and_links_of_owners_are_not_shown_to_editors(editor: TestClient) -> None:
    page = editor.get("/admin/pictures", headers={"accept-language": "en"}).text
    nav = page.partition("<nav")[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)" aria-current="([^"]+)"', nav) == [("/admin/lessons", "true")]
    assert "/admin/settings" not in nav
    assert 'href="/admin/lessons" aria-current="page"' in editor.get("/admin/lessons").text


def test_account_menu_has_the_account_and_the_way_out(editor: TestClient) -> None:
    menu = editor.get("/admin/account").text.partition('<details class="account">')[2].partition("</details>")[0]
    assert 'href="/admin/account" aria-current="page"' in menu
    assert 'action="/admin/logout"' in menu


def language_of(browser: TestClient, spoken: str) -> str:
    page = browser.get("/admin/lessons", headers={"accept-language": spoken}).text
    return page.partition('<html lang="')[2][:2]


def test_language_is_the_admins_choice_then_that_of_the_site_then_that_of_the_browser(
    editor: TestClient, runtime: Runtime
) -> None:
    assert language_of(editor, "de") == "de"
    saved = SiteSettings(admin_language="en")
    runtime.database.run(store.save, runtime.clock.now(), None, saved, 0)
    runtime.current.refresh(runtime.database, now=True)
    assert language_of(editor, "de") == "en"
    chosen = {**form_of(editor), "own_language": "nl", "page": "/admin/lessons"}
    answer = editor.post("/admin/account/language", data=chosen, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/lessons")
    assert language_of(editor, "de") == "nl"
    editor.post("/admin/account/language", data={**chosen, "own_language": "xx"})
    assert language_of(editor, "de") == "en"
    assert editor.get("/nl").text.partition('<html lang="')[2][:2] == "nl"


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example",
        "/admin//evil.example",
        "/admin\\evil",
        "/nl",
        "",
        "/admin/a?b=c",
        "/admin\n",
    ],
)
def test_language_form_leads_to_no_other_site(editor: TestClient, page: str) -> None:
    chosen = {**form_of(editor), "own_language": "nl", "page": page}
    answer = editor.post("/admin/account/language", data=chosen, follow_redirects=False)
    assert answer.headers["location"] == "/admin"
