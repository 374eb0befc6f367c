"""Debian packages whose programs some tests need: a mail server, a mailbox, a spam filter, web
servers that stand before ours, and Java with two checkers of e-books. None is a Python package.

`python -m tests.support.packages` installs what `make test` uses where that can be done. Tests of what is missing are left out,
and the report says so; with RUGCOURSE_TEST_ALL set, as `.ci/run` does, that is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ebook_checkers

PACKAGES = {
    "dovecot": "dovecot-imapd",
    "spamassassin": "spamassassin",
    "nginx": "nginx-light",
    "postfix": "postfix",
    "caddy": "caddy",
    "pg_trgm": "postgresql",  # the wheel has no extensions
    "java": "default-jre-headless",
    "mvn": "maven",
    **dict.fromkeys(ebook_checkers.NAMES, "maven"),  # which fetches them
}
FOR_EVERY_RUN = ("dovecot", "spamassassin", "nginx", "java", "mvn", *ebook_checkers.NAMES)
_ONLY_AS_ROOT = {"dovecot", "postfix"}


def is_here(program: str) -> bool:
    """Whether a program is installed and may be started."""
    if program in ebook_checkers.NAMES:
        return shutil.which("java") is not None and ebook_checkers.is_fetched(program)
    if program == "pg_trgm":
        return postgres_of_debian() is not None
    return shutil.which(program) is not None and (program not in _ONLY_AS_ROOT or os.geteuid() == 0)


def postgres_of_debian() -> Path | None:
    """The folder of the newest PostgreSQL from a package, such as /usr/lib/postgresql/15, if it has pg_trgm."""
    there = Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control")
    versions = [Path("/usr/lib/postgresql", file.parents[1].name) for file in there]
    return max((one for one in versions if (one / "bin" / "initdb").is_file()), default=None)


def must_be_here() -> bool:
    return bool(os.environ.get("RUGCOURSE_TEST_ALL"))


def main() -> int:
    needed = [one for one in FOR_EVERY_RUN if one not in ebook_checkers.NAMES]
    missing = [PACKAGES[program] for program in needed if not is_here(program)]
    apt = shutil.which("apt-get")
    if missing and apt and os.geteuid() == 0:
        sys.stdout.write(f"Installing for the tests: {', '.join(missing)}\n")
        sys.stdout.flush()
        install = [apt, "install", "-y", "-qq", "--no-install-recommends", *missing]
        if not _run(install):
            _run([apt, "update", "-qq"])
            _run(install)
    for command in ebook_checkers.fetching():
        _run(command)
    return 0


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return (
            subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL, timeout=600).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
