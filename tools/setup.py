"""Makes `.venv` with exactly the versions in a lock file, and rugcourse itself in it.

usage: setup.py LOCKFILE

Needs nothing but Python. uv does it in seconds; where uv can't be had or can't reach the packages (it ignores pip's
configuration), venv and pip do the same more slowly. Hashes are checked either way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def main() -> int:
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:2])
        sys.stderr.write(f"rugcourse needs Python 3.11 or newer; this is {found}. Try: make PYTHON=python3.12 …\n")
        return 2
    lock = sys.argv[1]
    say(f"Setting up .venv from {lock} (once; the first time may take a minute)")
    if with_uv(lock) or with_pip(lock):
        return 0
    sys.stderr.write("The packages could not be installed; the lines above say why.\n")
    return 1


def with_uv(lock: str) -> bool:
    if not TOOLS.is_dir() and not run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target", str(TOOLS), "uv"]
    ):
        return False
    uv = [sys.executable, "-m", "uv", "--quiet"]
    made = VENV_PYTHON.exists() or run([*uv, "venv", "--python", sys.executable, str(VENV)])
    return (
        made
        and run([*uv, "pip", "sync", "--python", str(VENV_PYTHON), lock])
        and run([*uv, "pip", "install", "--python", str(VENV_PYTHON), "--no-deps", "--editable", "."])
    )


def with_pip(lock: str) -> bool:
    say("uv did not do it; going on with venv and pip")
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return (
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        and run([*pip, "--require-hashes", "--requirement", lock])
        and run([*pip, "--no-deps", "--editable", "."])
    )


def run(command: list[str]) -> bool:
    paths = [str(TOOLS), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
