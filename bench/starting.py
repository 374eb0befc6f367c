"""How long a newcomer waits: from the command to the first page, and from Ctrl-C to the end."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

from tests.support.servers import free_port

ROUNDS = 3


def time_starts() -> dict[str, Any]:
    """Seconds for `rugcourse demo` (installed): to its first page, with an empty folder, and to end; medians."""
    rounds = [_one_round() for _ in range(ROUNDS)]
    return {
        "first_page_seconds": round(statistics.median(one[0] for one in rounds), 2),
        "ctrl_c_seconds": round(statistics.median(one[1] for one in rounds), 2),
    }


def _one_round() -> tuple[float, float]:
    port = free_port() % 60000
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [
            sys.executable,
            "-c",
            "from rugcourse.cli import main; main()",
            "demo",
            "--port",
            str(port),
            "--dir",
            folder,
        ]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _wait_for_page(f"http://127.0.0.1:{port}/nl/oorzaken-van-rugpijn")
        first_page = time.perf_counter() - begun
        begun = time.perf_counter()
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
        return first_page, time.perf_counter() - begun


def _wait_for_page(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own page on the loopback
                answer.read()
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the demo did not show its first page within 30 seconds")
