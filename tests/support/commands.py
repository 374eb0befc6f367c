"""Runs commands, in this process or in one of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from rugcourse.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Answer:
    """Run a command as a shell would, in this process: starting another takes ten times as long as most commands."""
    said, warned = io.StringIO(), io.StringIO()
    mask = os.umask(0o022)  # a command changes it, for the whole process
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(warned):
        patch.setattr(sys, "argv", ["rugcourse", *map(str, arguments)])
        for name, value in {**_as_settings(environment), "COLUMNS": "160"}.items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            structlog.reset_defaults()
            os.umask(mask)
    return Answer(code, said.getvalue(), warned.getvalue())


def run_apart(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from rugcourse.cli import main; main()", *arguments],
        check=False, capture_output=True, text=True, cwd=cwd, timeout=120, env={**os.environ, **_as_settings(environment)},
    )  # fmt: skip


def _as_settings(environment: dict[str, str]) -> dict[str, str]:
    return {f"RUGCOURSE_{name}": value for name, value in environment.items()}
