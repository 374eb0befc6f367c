"""Every admin page leads to its help, which can be read and searched."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.testclient import TestClient

from rugcourse.help_pages.documents import help_document
from rugcourse.web.access import Access, all_routes, rule_of
from rugcourse.web.admin.help_topics import HELP_TOPICS

# What is no page: frames, files, and what is shown inside another page.
NO_PAGES = {
    "/admin/campaigns/{campaign_id}/mail/{mail_language}",
    "/admin/courses/{course}/pack",
    "/admin/courses/{course}/preview/{what}",
    "/admin/settings/mail",
}
INSIDE = {Access.ANALYST, Access.EDITOR, Access.OWNER}


def test_every_admin_page_has_a_topic(app: FastAPI) -> None:
    pages = {
        str(getattr(route, "path", ""))
        for route in all_routes(app.routes)
        if rule_of(route) in INSIDE and "GET" in (getattr(route, "methods", None) or ())
    }
    assert pages - NO_PAGES == HELP_TOPICS.keys()


def test_every_topic_is_a_section_that_exists() -> None:
    for topic in HELP_TOPICS.values():
        name, _, anchor = topic.partition("#")
        assert anchor in {one.anchor for one in help_document(name, "en").sections}, topic


def test_a_page_links_to_its_own_help(editor: TestClient) -> None:
    for path, topic in (("/admin/imports", "admin#import-a-list"), ("/admin/pictures", "pictures#in-the-browser")):
        assert f'href="/admin/help/{topic}">Help with this page</a>' in editor.get(path).text


def test_the_login_has_no_help_as_it_could_not_be_opened(browser: TestClient) -> None:
    assert "/admin/help" not in browser.get("/admin/login").text
    assert browser.get("/admin/help").headers["location"] == "/admin/login"


def test_help_is_in_dutch_where_it_was_translated_and_says_so_elsewhere(editor: TestClient) -> None:
    dutch = {"accept-language": "nl"}
    assert "Een bericht naar een groep sturen" in editor.get("/admin/help/admin", headers=dutch).text
    page = editor.get("/admin/help/bounces", headers=dutch).text
    assert "Deze pagina van de hulp is in het Engels." in page
    assert 'lang="en"' in page
    assert "is in English" not in editor.get("/admin/help/bounces").text


def test_search_shows_what_was_typed_as_text(editor: TestClient) -> None:
    page = editor.get("/admin/help", params={"q": '<script>alert("consent")</script>'}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    page = editor.get("/admin/help", params={"q": "consent comes"}).text
    assert re.search(
        r'<a href="/admin/help/admin#import-a-list">.*<mark>consent</mark> <mark>comes</mark>', page, re.DOTALL
    )


def test_no_other_page_of_the_documentation_is_shown(editor: TestClient) -> None:
    for name in ("security", "nl", "..%2Fadmin", "x"):
        assert editor.get(f"/admin/help/{name}").status_code == 404
