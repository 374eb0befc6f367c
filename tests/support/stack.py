"""An installation as it runs at scale: the product's own commands as processes, on PostgreSQL and Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_COMMAND = (sys.executable, "-c", "from rugcourse.cli import main; main()")
_END_SECONDS = 30.0

Process = subprocess.Popen[bytes]


def environment(database_url: str, broker_url: str, smtp_url: str, folder: Path, **others: object) -> dict[str, str]:
    """The variables of an installation whose local state is in `folder`; `others` are settings by their names."""
    values: dict[str, object] = {
        "database_url": database_url,
        "broker_url": broker_url,
        "smtp_url": smtp_url,
        "secret_keys": "a-key-for-tests-0123456789",
        "data_dir": folder,
        "ehlo_name": "localhost",
        **others,
    }
    ours = {f"RUGCOURSE_{name.upper()}": str(value) for name, value in values.items()}
    return {**os.environ, "C_FORCE_ROOT": "1", "PYTHONUNBUFFERED": "1", **ours}


class Stack:
    """Starts commands of the product and ends what still runs; all of them write into one log, `log`."""

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._variables = variables
        self._running: list[Process] = []

    def start(self, *command: str, **others: object) -> Process:
        """Start `rugcourse <command>`; `others` are settings of this process only."""
        ours = {f"RUGCOURSE_{name.upper()}": str(value) for name, value in others.items()}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*_COMMAND, *command],
                env={**self._variables, **ours},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def run(self, *command: str) -> str:
        """Run `rugcourse <command>` to its end; returns what it printed. Raises CalledProcessError."""
        return subprocess.run(
            [*_COMMAND, *command], env=dict(self._variables), check=True, capture_output=True, text=True
        ).stdout

    def stop(self) -> list[int]:
        """Ask everything that runs to end well, and return the exit codes; what doesn't is killed."""
        alive = [process for process in self._running if process.poll() is None]
        for process in alive:
            process.send_signal(signal.SIGTERM)
        codes = [_end(process) for process in alive]
        self._running.clear()
        return codes

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _end(process: Process) -> int:
    try:
        return process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
