"""What search engines may fetch and show: robots.txt, the sitemap, and the addresses in the head of pages."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update
from tests.support.builders import COURSE, lessons_to, ref
from tests.support.routes import routes

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CourseRow
from rugcourse.links import TokenPurpose
from rugcourse.web.access import Access

_NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
_LINK = re.compile(r'<link rel="(canonical|alternate)"(?: hreflang="([\w-]+)")? href="([^"]+)">')


def disallowed(browser: TestClient) -> list[re.Pattern[str]]:
    """The rules of robots.txt, with `*` for any characters (RFC 9309, 2.2.3)."""
    found = re.findall(r"^Disallow: (\S+)$", browser.get("/robots.txt").text, re.MULTILINE)
    return [re.compile(re.escape(rule).replace(r"\*", ".*")) for rule in found]


def links(page: str) -> dict[str, str]:
    """The addresses in the head of a page: `canonical`, and one per language."""
    return {language or rel: url for rel, language, url in _LINK.findall(page)}


def listed(browser: TestClient) -> dict[str, dict[str, str]]:
    """Each address in the sitemap, with its other languages."""
    root = ET.fromstring(browser.get("/sitemap.xml").content)
    return {
        one.findtext("s:loc", "", _NAMES): {
            link.attrib["hreflang"]: link.attrib["href"] for link in one.iterfind("x:link", _NAMES)
        }
        for one in root.iterfind("s:url", _NAMES)
    }


def test_crawlers_are_kept_from_every_page_that_is_not_public(app: FastAPI, browser: TestClient) -> None:
    rules = disallowed(browser)
    inside = {*Access} - {Access.PUBLIC}
    for _, path in routes(app, *inside):
        assert any(rule.match(path) for rule in rules), path
    assert any(rule.match(f"/nl/{COURSE}/result/token") for rule in rules)


@pytest.mark.parametrize("path", ["/", "/nl", f"/nl/{COURSE}", f"/nl/{COURSE}/test", "/nl/privacy", "/static/1/a.css"])
def test_crawlers_may_fetch_public_pages(browser: TestClient, path: str) -> None:
    assert not any(rule.match(path) for rule in disallowed(browser))


def test_robots_txt_says_where_the_sitemap_is(browser: TestClient, runtime: Runtime) -> None:
    answer = browser.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert f"Sitemap: {runtime.settings.base_url}/sitemap.xml" in answer.text.splitlines()


def test_the_sitemap_lists_pages_of_courses_in_their_languages_and_all_exist(
    browser: TestClient, runtime: Runtime
) -> None:
    base_url, pages = runtime.settings.base_url, listed(browser)
    assert {f"{base_url}/{language}" for language in ("nl", "en", "de")} < pages.keys()
    assert {
        f"{base_url}/{language}/{COURSE}{below}" for language in ("nl", "en") for below in ("", "/test")
    } < pages.keys()
    assert f"{base_url}/de/{COURSE}" not in pages
    for url, others in pages.items():
        page = browser.get(url.removeprefix(base_url))
        assert page.status_code == 200
        assert url in others.values()
        assert links(page.text) == {"canonical": url, **others}


def test_a_course_that_takes_no_new_readers_is_not_in_the_sitemap(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    with runtime.database.write() as session:
        session.execute(update(CourseRow).where(CourseRow.slug == COURSE).values(archived_at=clock.now()))
    assert not [url for url in listed(browser) if COURSE in url]


@pytest.mark.parametrize("below", ["", "/test", "/lessons/stress", "/safety-notice", "/signup"])
def test_a_page_names_one_address_and_its_other_languages(browser: TestClient, runtime: Runtime, below: str) -> None:
    urls = {language: f"{runtime.settings.base_url}/{language}/{COURSE}{below}" for language in ("nl", "en")}
    page = browser.get(f"/en/{COURSE}{below}?a=0&t=x&utm_source=mail").text
    assert links(page) == {"canonical": urls["en"], **urls, "x-default": urls["nl"]}


def test_the_list_of_courses_leaves_the_language_to_the_front_page(browser: TestClient, runtime: Runtime) -> None:
    assert links(browser.get("/en").text)["x-default"] == f"{runtime.settings.base_url}/"


@pytest.mark.parametrize("path", ["p", "u", "w", "t"])
def test_a_personal_page_is_not_to_be_indexed_and_names_no_address(
    browser: TestClient, runtime: Runtime, email: str, path: str
) -> None:
    purposes = {
        "p": TokenPurpose.PREFERENCES,
        "u": TokenPurpose.UNSUBSCRIBE,
        "w": TokenPurpose.LESSON,
        "t": TokenPurpose.RETEST,
    }
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    page = browser.get(f"/{path}/{runtime.signer.sign_mail(purposes[path], mail)}")
    assert page.status_code == 200
    assert page.headers["x-robots-tag"] == "noindex"
    assert links(page.text) == {}


def test_a_result_is_not_to_be_indexed(browser: TestClient) -> None:
    finished = browser.post(f"/nl/{COURSE}/test", data={"a": "0.0.0.0.0.0.0", "o": "0"})
    page = browser.get(finished.headers["location"])
    assert page.headers["x-robots-tag"] == "noindex"
    assert links(page.text) == {}
