"""The way through the whole product in a real browser on a phone-sized window, with a demo that runs in a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.accessibility import assert_accessible
from tests.e2e.clicks import press
from tests.support.builders import shipped_courses
from tests.support.servers import free_port

from rugcourse.web.forms import MIN_SECONDS

COURSE = "oorzaken-van-rugpijn"
RUN = [sys.executable, "-c", "from rugcourse.cli import main; main()"]


def is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


class Demo:
    """`rugcourse demo` in a process."""

    def __init__(self, folder: Path, day_seconds: float) -> None:
        self.folder = folder
        self.port = free_port()
        while not is_free(self.port + 1):  # of the inbox
            self.port = free_port()
        self.day_seconds = day_seconds
        self.process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        command = [
            *RUN,
            "demo",
            "--port",
            str(self.port),
            "--day",
            str(self.day_seconds),
            "--dir",
            str(self.folder),
            *options,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in range(5)]
        assert f"http://127.0.0.1:{self.port}" in lines[0], lines

    def stop(self) -> float:
        """Press Ctrl-C; returns how many seconds it took to end well."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0
        return time.monotonic() - begun

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def inbox(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path / "demo", 3.0)
    running.start("--empty")
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()
        running.process.wait(20)


def open_mail(page: Page, demo: Demo, subject: str) -> None:
    """Wait for a mail in the inbox and show its HTML."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page.goto(demo.inbox)
        for link in page.locator("ol a").all():
            if re.search(subject, link.inner_text()):
                page.goto(f"{demo.inbox}{link.get_attribute('href')}/html")
                return
        time.sleep(0.3)
    raise AssertionError(f"no mail about {subject}")


def follow(page: Page, selector: str, number: int = 0) -> None:
    address = page.locator(selector).nth(number).get_attribute("href")
    assert address is not None
    page.goto(address)


def answer_all(page: Page, options: list[int]) -> None:
    for option in options:
        page.locator("input[name=o]").nth(option).check()
        press(page, "button.button")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("Bevestig", "Je doet mee", r"\(les {}\)", "8 van de 8 goed")),
        # tests/e2e/test_reader.py goes the same way in English, in a process that needs no half minute of days.
        pytest.param("en", ("confirm", "You have signed up", r"\({}/", "8 of 8 right"), marks=pytest.mark.long_drill),
    ],
)
def test_from_the_test_to_the_last_lesson_and_the_second_test(
    browser: Browser, demo: Demo, language: str, words: tuple[str, str, str, str]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, timezone_id="America/New_York")
    page = context.new_page()
    page.goto(f"{demo.site}/{language}/{COURSE}")
    assert_accessible(page)
    press(page, "a.button")
    assert_accessible(page)
    answer_all(page, [0] * 8)
    assert_accessible(page)
    press(page, "a.button")
    expect(page.locator("select[name=zone]")).to_have_value("America/New_York")
    assert_accessible(page)
    page.fill("input[name=email]", "sam@example.org")
    page.fill("input[name=name]", "Sam")
    page.check("input[name=consent]")
    time.sleep(MIN_SECONDS + 0.5)
    press(page, "button.button")
    open_mail(page, demo, words[0])
    follow(page, "a.button")
    press(page, "button.button")
    assert_accessible(page)
    open_mail(page, demo, words[1])
    follow(page, "a[href*='/p/']")
    assert_accessible(page)
    for number in range(1, 10):
        open_mail(page, demo, words[2].format(number))
        assert page.locator("h1").count() == 1
        retest = page.locator("a.button").get_attribute("href") if number == 9 else None
        follow(page, "a.option")
        press(page, "button.button")
    assert_accessible(page)
    assert retest is not None
    page.goto(retest)
    answer_all(page, [one.right_option for one in shipped_courses()[0].tests["nl"].questions])
    assert words[3] in page.inner_text("main")
    assert page.locator("table.gain").count() == 1
    assert_accessible(page)
    context.close()
    audited = subprocess.run([*RUN, "audit", "--demo", str(demo.folder)], check=False, capture_output=True, text=True)
    assert (audited.returncode, audited.stdout.splitlines()[-1]) == (0, "the books balance")


def test_demo_works_without_javascript_and_looking_changes_nothing(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.site}/nl/{COURSE}/signup")
    page.fill("input[name=email]", "kim@example.org")
    page.check("input[name=consent]")
    time.sleep(MIN_SECONDS + 0.5)
    press(page, "button.button")
    assert "kim@example.org" in page.inner_text(".address")
    open_mail(page, demo, "Bevestig")
    confirm = page.locator("a.button").get_attribute("href")
    assert confirm is not None
    scanner = browser.new_context().new_page()  # runs every script, presses nothing
    scanner.goto(confirm)
    scanner.wait_for_timeout(1000)
    shown = subprocess.run(
        [*RUN, "audit", "--demo", str(demo.folder), "--json"], check=False, capture_output=True, text=True
    )
    assert '"welcome"' not in shown.stdout
    page.goto(confirm)
    press(page, "button.button")
    assert "Je doet mee" in page.inner_text("h1")
    context.close()


def test_ctrl_c_ends_the_demo_soon_and_it_goes_on_where_it_was(browser: Browser, demo: Demo) -> None:
    page = browser.new_page()
    page.goto(f"{demo.site}/nl/{COURSE}/signup")
    page.fill("input[name=email]", "mo@example.org")
    page.check("input[name=consent]")
    time.sleep(MIN_SECONDS + 0.5)
    press(page, "button.button")
    open_mail(page, demo, "Bevestig")
    before = (demo.folder / "clock").read_text()
    assert demo.stop() < 10  # 2 seconds on a quiet machine; the README has the measurement
    after_stop = (demo.folder / "clock").read_text()
    demo.start()
    open_mail(page, demo, "Bevestig")
    follow(page, "a.button")
    press(page, "button.button")
    assert "Je doet mee" in page.inner_text("h1")
    assert before <= after_stop
    demo.stop()
    demo.start("--fresh", "--empty")
    page.goto(demo.inbox)
    assert "No mail yet" in page.inner_text("body")
    assert people_of(demo) == 0


def test_first_start_makes_readers_and_the_second_keeps_them(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", 3600.0)
    demo.start()
    assert people_of(demo) > 70
    demo.stop()
    before = people_of(demo)
    demo.start()
    demo.stop()
    assert people_of(demo) == before
    audited = subprocess.run([*RUN, "audit", "--demo", str(demo.folder)], check=False, capture_output=True, text=True)
    assert (audited.returncode, audited.stdout.splitlines()[-1]) == (0, "the books balance")


def people_of(demo: Demo) -> int:
    with closing(sqlite3.connect(demo.folder / "rugcourse.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM subscriber").fetchone()[0])


def test_a_busy_port_is_one_clear_line_with_the_cure(demo: Demo, tmp_path: Path) -> None:
    second = subprocess.run(
        [*RUN, "demo", "--port", str(demo.port), "--dir", str(tmp_path / "other")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 2
    assert re.fullmatch(r"error: port \d+ \(the web pages\) can't be used: .* --port \d+\n", second.stderr)
    assert not (tmp_path / "other").exists()
