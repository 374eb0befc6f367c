"""`make stack` runs what docker-compose.yml describes, for real, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import HOST, free_ports
from tools.stack import preparation, services

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 90.0


@contextmanager
def running_stack(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`make stack` without make, on three ports from `port`, ready; ended where the test did not do so."""
    stack = subprocess.Popen(
        [sys.executable, "-m", "tools.stack", "--port", str(port), "--dir", folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stack.stdout is not None
    try:
        for line in stack.stdout:
            if line.startswith("Ctrl-C"):
                break
        yield stack
    finally:
        if stack.poll() is None:
            stack.send_signal(signal.SIGINT)  # killed, it would leave its servers behind
        stack.stdout.close()
        stack.wait(60)


def page(port: int, path: str) -> str:
    """What the web process answers, once it does."""
    end = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def descendants(pid: int) -> set[int]:
    """The processes that one started, those that they started, and so on."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
    found, generation = set[int](), {pid}
    while generation := {child for child, parent in parents.items() if parent in generation}:
        found |= generation
    return found


def test_all_services_run_and_a_signal_ends_them_all(tmp_path: Path) -> None:
    port = free_ports(3)
    with running_stack(tmp_path / "stack", port) as stack:
        assert "Begrijp je rugpijn" in page(port, "/nl")
        assert "Stress en je rug" in page(port, "/nl")
        assert "No mail yet" in page(port + 1, "/")
        started = descendants(stack.pid)
        assert len(started) >= sum(replicas for _command, replicas in services().values()) + len(["postgres", "redis"])
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 0
    assert {pid for pid in started if Path(f"/proc/{pid}").exists()} == set()


def test_stack_prepares_the_database_as_the_migrate_service_does() -> None:
    assert [command[:2] for command in preparation()] == [["db", "upgrade"], ["courses", "import"]]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, free_ports(3)))
        taken.listen()
        port = taken.getsockname()[1]
        refused = subprocess.run(
            [sys.executable, "-m", "tools.stack", "--port", str(port), "--dir", tmp_path],
            check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert refused.returncode == 2
    assert f"error: port {port} (the web pages)" in refused.stderr
