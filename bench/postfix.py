"""Postfix's own load generator and sink (Debian package postfix): the bar for the pipeline."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Sink

SOURCE_MESSAGES = 20_000
_NAMES = ("smtp-sink", "smtp-source")


def is_here() -> bool:
    return all(shutil.which(name) for name in _NAMES)


class RunningSink(NamedTuple):
    """Where a sink listens, and its process, if it is one of its own."""

    port: int
    pid: int | None


@contextmanager
def sink() -> Iterator[RunningSink]:
    """A server that throws away what it gets: `smtp-sink`, or the tests' own where Postfix is not."""
    if not is_here():
        with Sink(keep=False) as own:
            yield RunningSink(own.port, None)
        return
    port = free_port()
    process = subprocess.Popen(
        ["smtp-sink", "-u", "nobody", f"{HOST}:{port}", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        yield RunningSink(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def source_rate(port: int, message_bytes: int) -> float | None:
    """Messages a second of `smtp-source -d -s 10`; None without Postfix."""
    if not is_here():
        return None
    size = str(message_bytes)
    begun = time.perf_counter()
    subprocess.run(
        ["smtp-source", "-d", "-s", "10", "-m", str(SOURCE_MESSAGES), "-l", size, f"{HOST}:{port}"],
        check=True,
        capture_output=True,
    )
    return SOURCE_MESSAGES / (time.perf_counter() - begun)
