"""What every page must be for everybody: no violation of WCAG 2.2 AA, and nothing that sticks out of a narrow window."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (320, 1024, 1440)
_LOOK = "(options) => axe.run(options).then(found => found.violations)"
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def assert_accessible(page: Page, *, is_mail: bool = False) -> None:
    """`is_mail`: written for mail programs, where one cell of a table holds it all; judged by WCAG alone.

    The half megabyte of axe is read once per page, and only violations are worked out and brought here: passes cost as
    much, and nobody looks at them.
    """
    only = [one for one in _RULES["runOnly"] if not is_mail or one != "best-practice"]
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_LOOK, {"runOnly": only, "resultTypes": ["violations"]})
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], page.url


def assert_fits(page: Page) -> None:
    """Nothing has to be scrolled sideways (WCAG 1.4.10)."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= window, f"{page.url} is {width} wide in a window of {window}"


def assert_good_for_everybody(page: Page, *, is_mail: bool = False) -> None:
    """In a narrow, a middle and a wide window, and by night: colours don't depend on the width."""
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": width, "height": 800})
        assert_fits(page)
        if width in {WIDTHS[0], WIDTHS[-1]}:
            assert_accessible(page, is_mail=is_mail)
    page.emulate_media(color_scheme="dark")
    assert_accessible(page, is_mail=is_mail)
    page.emulate_media(color_scheme="light")
