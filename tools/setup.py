"""Makes `.venv` with exactly the versions in a lock file, and rugcourse itself in it.

usage: setup.py LOCKFILE | --tools

Needs nothing but Python. uv does it in seconds; where uv can't be had or can't reach the packages (it ignores pip's
configuration), venv and pip do the same more slowly. Both, and hatchling, which builds rugcourse, come from
requirements-tools.lock into `.tools`; `--tools` only sees to that. Hashes are checked of everything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
TOOLS_LOCK = ROOT / "requirements-tools.lock"
TOOLS_MADE = TOOLS / "made-from.lock"  # a copy of the lock that they were made from
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def main() -> int:
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:2])
        sys.stderr.write(f"rugcourse needs Python 3.11 or newer; this is {found}. Try: make PYTHON=python3.12 …\n")
        return 2
    if sys.argv[1:] == ["--tools"]:
        return 0 if has_tools(sys.executable, TOOLS_LOCK.read_text(encoding="utf-8")) else 1
    lock = sys.argv[1]
    say(f"Setting up .venv from {lock} (once; the first time may take a minute)")
    if with_uv(lock) or with_pip(lock):
        return 0
    sys.stderr.write("The packages could not be installed; the lines above say why.\n")
    return 1


def with_uv(lock: str) -> bool:
    if not has_tools(sys.executable, TOOLS_LOCK.read_text(encoding="utf-8")):
        return False
    uv = [sys.executable, "-m", "uv", "--quiet"]
    made = VENV_PYTHON.exists() or run([*uv, "venv", "--python", sys.executable, str(VENV)])
    install = [*uv, "pip", "install", "--python", str(VENV_PYTHON), "--no-deps", "--no-build-isolation"]
    return (
        made
        and run([*uv, "pip", "sync", "--require-hashes", "--python", str(VENV_PYTHON), lock])
        and run([*install, "--editable", "."])
    )


def with_pip(lock: str) -> bool:
    say("uv did not do it; going on with venv and pip")
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    tools = TOOLS_LOCK.read_text(encoding="utf-8")
    return (
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        and (is_made_from(tools) or has_tools(str(VENV_PYTHON), without_uv(tools)))
        and run([*pip, "--require-hashes", "--requirement", lock])
        and run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    )


def has_tools(python: str, lock: str) -> bool:
    """Make `.tools` anew where it is not from this lock, with the pip of `python`."""
    if is_made_from(lock):
        return True
    shutil.rmtree(TOOLS, ignore_errors=True)
    TOOLS.mkdir()
    requirements = TOOLS / "wanted.lock"
    requirements.write_text(lock, encoding="utf-8")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    if not run([*install, "--target", str(TOOLS), "--require-hashes", "--requirement", str(requirements)]):
        return False
    requirements.rename(TOOLS_MADE)
    return True


def is_made_from(lock: str) -> bool:
    return TOOLS_MADE.is_file() and TOOLS_MADE.read_text(encoding="utf-8") == lock


def without_uv(lock: str) -> str:
    """A lock without uv, for machines that no uv is made for."""
    entries = re.split(r"^(?=\w)", lock, flags=re.MULTILINE)
    return "".join(entry for entry in entries if not entry.startswith("uv=="))


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
