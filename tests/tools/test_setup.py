"""Setting up takes what the locks name and nothing else, the tools that do it included."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.setup import without_uv

ROOT = Path(__file__).parents[2]
TOOLS_LOCK = (ROOT / "requirements-tools.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(lock: str) -> set[tuple[str, str]]:
    """Packages, by their normal names, and versions; some have one for each Python."""
    found = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found}


def test_the_tools_are_locked_with_hashes_and_the_build_takes_that_very_hatchling() -> None:
    assert {"uv", "hatchling", "editables"} <= dict(locked(TOOLS_LOCK)).keys()
    entries = re.findall(r"^[\w.-]+==.*(?:\n    .*)*", TOOLS_LOCK, re.MULTILINE)
    assert len(entries) == len(locked(TOOLS_LOCK))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert PROJECT["build-system"]["requires"] == [f"hatchling=={dict(locked(TOOLS_LOCK))['hatchling']}"]
    assert PROJECT["build-system"]["requires"][0] in PROJECT["dependency-groups"]["tools"]


def test_lock_without_uv_keeps_all_other_tools_and_their_hashes() -> None:
    rest = without_uv(TOOLS_LOCK)
    assert [name for name, _version in locked(TOOLS_LOCK) - locked(rest)] == ["uv"]
    assert rest.count("--hash=") < TOOLS_LOCK.count("--hash=")


def test_a_clean_checkout_gets_exactly_the_locked_packages(tmp_path: Path) -> None:
    for name in ("tools", "src", "lessons", "templates", "locales", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock", "requirements-tools.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = Path(sys.base_prefix) / "bin" / "python3"  # as a fresh machine has it: this one may be without pip
    setup = [python, tmp_path / "tools" / "setup.py", "requirements.lock"]
    done = subprocess.run(setup, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    python = tmp_path / ".venv" / "bin" / "python"
    listing = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    theirs = locked(subprocess.run([python, "-c", listing], check=True, capture_output=True, text=True).stdout)
    wanted = locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    theirs = {one for one in theirs if one[0] != "rugcourse"}
    # a lock for all systems names some that only another one needs
    assert theirs <= wanted
    assert {"fastapi", "celery", "sqlalchemy"} <= dict(theirs).keys()
    assert (tmp_path / ".tools" / "made-from.lock").read_text(encoding="utf-8") == TOOLS_LOCK
