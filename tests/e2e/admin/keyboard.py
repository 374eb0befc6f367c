"""A browser without a mouse: Tab, arrows, Enter, Space and text."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

_MOST_TABS = 400  # more than any page has of what can have the focus


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what a selector finds has the focus. Fails if the keyboard never comes there."""
    for _ in range(_MOST_TABS):
        if page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} can't be reached by keyboard on {page.url}")


def go(page: Page, selector: str) -> None:
    """Press Enter on a link or a button, and wait for the page that follows."""
    tab_to(page, selector)
    with page.expect_event("load"):
        page.keyboard.press("Enter")


def write(page: Page, field: str, text: str) -> None:
    """Replace the text of a field with this name."""
    tab_to(page, f"[name='{field}']")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def choose_file(page: Page, field: str, file: Path) -> None:
    page.wait_for_load_state("networkidle")  # a page that is still loading opens no window for files
    tab_to(page, f"[name='{field}']")
    for key in ("Enter", "Space", "Enter"):  # a busy browser now and then opens no window for a key
        try:
            with page.expect_file_chooser(timeout=10_000) as chosen:
                page.keyboard.press(key)
        except PlaywrightTimeout:
            continue
        chosen.value.set_files(file)
        return
    raise AssertionError(f"{field} opens no window for files by keyboard")
