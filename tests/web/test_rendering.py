"""The language of a page: that of its address, or else the first that the browser names and rugcourse speaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE
from tests.support.languages import MARK, with_french

NONSENSE = ["", ",,;;", "../nl", "xx", "*", "enx", "q=1;en", "\x7f", "x" * 8_000, ",".join(["../en"] * 1_000)]


@pytest.mark.parametrize(
    ("asked", "language"),
    [("en-GB,en;q=0.9", "en"), ("EN", "en"), ("fr-CH, nl;q=0.5, en;q=0.9", "nl"), *((one, "nl") for one in NONSENSE)],
)
def test_the_front_page_is_in_the_language_of_the_browser(browser: TestClient, asked: str, language: str) -> None:
    assert browser.get("/", headers={"accept-language": asked}).headers["location"] == f"/{language}"


def test_a_new_language_has_pages_at_once(browser: TestClient, tmp_path: Path) -> None:
    with with_french(tmp_path):
        assert browser.get("/", headers={"accept-language": "fr-CA,en"}).headers["location"] == "/fr"
        for path in ("", "/my-page", "/privacy", "/imprint", "/accessibility"):
            page = browser.get(f"/fr{path}")
            assert page.status_code == 200
            assert '<html lang="fr">' in page.text
            assert MARK in page.text
        assert 'hreflang="fr" lang="fr">Français</a>' in browser.get("/en").text
    assert browser.get("/fr").status_code == 404


@pytest.mark.parametrize("code", ["..%2Fnl", "%2E%2E", "NL", "nl.po", "xx", "n" * 3_000])
def test_an_address_with_what_is_no_language_is_not_found(browser: TestClient, code: str) -> None:
    for path in (code, f"{code}/privacy", f"{code}/{COURSE}", f"{code}/{COURSE}/signup"):
        assert browser.get(f"/{path}").status_code in {404, 414}, path
