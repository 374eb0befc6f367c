"""Finds a Chromium for the tests, or installs one with whatever this machine offers.

`python -m tests.support.browser` does it before the tests, so that none has to be passed over.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_CURE = (
    "The tests need a Chromium and none could be installed. Install one (Debian: apt install chromium; "
    "elsewhere: .venv/bin/playwright install --with-deps chromium), or name one in RUGCOURSE_TEST_CHROMIUM."
)


class NoBrowser(Exception):
    """There is no Chromium; the message holds the cure."""


def find_chromium() -> str:
    """The path of a Chromium that starts. Raises NoBrowser."""
    candidates = [os.environ.get("RUGCOURSE_TEST_CHROMIUM", "")]
    candidates += [shutil.which(name) or "" for name in ("chromium", "chromium-browser", "google-chrome", "chrome")]
    candidates += [str(path) for path in _playwright_folder().glob("chromium-*/chrome-linux*/chrome")]
    for candidate in filter(None, candidates):
        if _starts(candidate):
            return candidate
    raise NoBrowser(_CURE)


def install_chromium() -> None:
    """Try each way in turn until a Chromium starts. Raises NoBrowser."""
    apt = shutil.which("apt-get")
    ways = [[[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]]
    if apt and os.geteuid() == 0:
        ways.insert(0, [[apt, "update", "-qq"], [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium"]])
    for way in ways:
        sys.stdout.write(f"Installing Chromium for the tests: {' '.join(way[-1])}\n")
        sys.stdout.flush()
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if all(_run(step, environment) for step in way):
            try:
                find_chromium()
            except NoBrowser:
                continue
            return
    raise NoBrowser(_CURE)


def _run(step: list[str], environment: dict[str, str]) -> bool:
    try:
        return (
            subprocess.run(step, check=False, env=environment, stdout=subprocess.DEVNULL, timeout=600).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_folder() -> Path:
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))


def main() -> int:
    try:
        find_chromium()
    except NoBrowser:
        try:
            install_chromium()
        except NoBrowser as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
