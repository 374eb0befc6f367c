"""How long a newcomer waits: from the command to the first page, and from Ctrl-C to the end."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.servers import free_port

ROUNDS = 3
_WAITS = 2400  # of a twentieth of a second


def time_starts() -> dict[str, Any]:
    """Seconds for `rugcourse demo --empty` (installed), in an empty folder: to its first page, and to end; medians."""
    rounds = [_one_round("--empty") for _ in range(ROUNDS)]
    return {
        "first_page_seconds": round(statistics.median(one.first_page for one in rounds), 2),
        "ctrl_c_seconds": round(statistics.median(one.ctrl_c for one in rounds), 2),
    }


def compare_first_starts() -> dict[str, Any]:
    """How many times as much a first start computes where it makes readers and their history, to its first page.

    In seconds of the processor, as other work on the machine slows both; the two are measured in turn.
    """
    rounds = [(_one_round(), _one_round("--empty")) for _ in range(ROUNDS)]
    return {"times_as_much": round(statistics.median(full.processor / empty.processor for full, empty in rounds), 1)}


class Start(NamedTuple):
    """Seconds of one start: to its first page, computed until then, and from Ctrl-C to its end."""

    first_page: float
    processor: float
    ctrl_c: float


def _one_round(*options: str) -> Start:
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
            *options,
        ]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_page(f"http://127.0.0.1:{port}/nl/oorzaken-van-rugpijn")
        first_page, processor = time.perf_counter() - begun, _processor_seconds(demo.pid)
        begun = time.perf_counter()
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
        return Start(first_page, processor, time.perf_counter() - begun)


def _processor_seconds(pid: int) -> float:
    """What a running process has computed so far (Linux: proc(5), user and system time)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_for_page(address: str) -> None:
    for _ in range(_WAITS):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own page on the loopback
                answer.read()
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the demo did not show its first page within two minutes")
