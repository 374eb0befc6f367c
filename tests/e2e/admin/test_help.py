"""An admin who does not know a page reads its help, and finds another by a word."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import become_owner
from tests.e2e.site import Site


@pytest.mark.parametrize(
    ("page", "help_link", "heading", "search", "word", "found"),
    [
        (
            "nl-NL",
            "Hulp bij deze pagina",
            "Een lijst importeren",
            "Zoek in de hulp",
            "uitgeschreven",
            "Een lijst importeren",
        ),
        ("en-GB", "Help with this page", "Import a list", "Search in help", "quiet hours", "What, who and when"),
    ],
    indirect=["page"],
)
def test_help_of_a_page_and_a_search(
    page: Page, site: Site, help_link: str, heading: str, search: str, word: str, found: str
) -> None:
    become_owner(page, site)
    page.goto("/admin/imports")
    with page.expect_event("load"):
        page.get_by_role("link", name=help_link).click()
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_in_viewport()
    assert_good_for_everybody(page)
    page.get_by_label(search).fill(word)
    with page.expect_event("load"):
        page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    assert_good_for_everybody(page)
    with page.expect_event("load"):
        page.get_by_role("link", name=found, exact=True).first.click()
    expect(page.get_by_role("heading", name=found, exact=True)).to_be_in_viewport()
