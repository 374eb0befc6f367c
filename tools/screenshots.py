"""Takes the pictures of the documentation: `make screenshots`.

Those of the README come from a demo with the shipped courses, those of docs/own-course.md from the browser test that
does its steps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tests.support.browser import ARGUMENTS, find_chromium
from tests.support.doc_pictures import FOLDER
from tests.support.servers import HOST, free_ports

from rugcourse.dev.demo import ADMIN

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_COURSE = "oorzaken-van-rugpijn"
_STEPS = "tests/e2e/admin/test_own_course.py"
_EDITOR = f"/admin/lessons/{_COURSE}/stress"
_WIDE, _PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
_SECONDS = 60


def take(folder: Path) -> list[Path]:
    """Take all pictures into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with _demo() as (site, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        pictures = [
            _picture(browser, folder / "landing.png", _PHONE, f"{site}/en/{_COURSE}", ""),
            _picture(browser, folder / "lesson-editor.png", _WIDE, f"{site}{_EDITOR}", password),
            _picture(browser, folder / "results.png", _WIDE, f"{site}/admin/campaigns/1/results", password),
        ]
        browser.close()
    return pictures


def take_own_course(folder: Path) -> list[Path]:
    """Take the pictures of docs/own-course.md, with the test of its steps; returns the files."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", "keyboard_alone and not postgresql", _STEPS]
    run = subprocess.run(command, env={**os.environ, FOLDER: str(folder)}, check=False, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stdout)
    return sorted(folder.glob("*.webp"))


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """A demo in an empty folder: its address, and the password of its admin."""
    port = free_ports(3)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from rugcourse.cli import main; main()", "demo"]
        demo = subprocess.Popen([*command, "--port", str(port), "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            _wait_for(f"http://{HOST}:{port}/en")
            yield f"http://{HOST}:{port}", (Path(folder) / "admin").read_text(encoding="ascii")
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(30)


def _picture(browser: Browser, file: Path, size: dict[str, int], address: str, password: str) -> Path:
    context = browser.new_context(viewport=size, locale="en-GB", device_scale_factor=1)  # type: ignore[arg-type]
    page = context.new_page()
    if password:
        _log_in(page, address, password)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    context.close()
    return file


def _log_in(page: Page, address: str, password: str) -> None:
    page.goto(f"{address.partition('/admin')[0]}/admin/login")
    page.fill("input[name=email]", ADMIN)
    page.fill("input[name=password]", password)
    page.click("form button")
    page.wait_for_load_state()


def _wait_for(address: str) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own page on the loopback
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


if __name__ == "__main__":
    for picture in (*take(PICTURES), *take_own_course(PICTURES / "own-course")):
        sys.stdout.write(f"{picture}\n")
