"""Checks that other users of this machine can't read the database, journals, keys and passwords."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from rugcourse.db.engine import Database
from rugcourse.doctor.report import Finding, _, failure, ok
from rugcourse.settings import Settings, secret_files

_OTHERS = stat.S_IRWXO
_IN_A_CONTAINER = Path("/run/secrets")  # a container has no other users, and the modes are those of the host


def check_files(settings: Settings, database: Database) -> Iterator[Finding]:
    kept = [*database.files, settings.data_dir, *settings.dkim_files.values(), *secret_files(), Path(".env")]
    open_ones = [str(path) for path in dict.fromkeys(kept) if _is_open(path)]
    if open_ones:
        yield failure(
            "files",
            _("Every user of this machine can get at: %(paths)s."),
            _("Run: chmod o= %(arguments)s"),
            paths=", ".join(open_ones),
            arguments=" ".join(map(shlex.quote, open_ones)),
        )
    else:
        yield ok("files", _("Other users of this machine can't read them."))


def _is_open(path: Path) -> bool:
    """Whether other users have any permission on a file, and can traverse all folders above it."""
    path = path.absolute()
    if path.is_relative_to(_IN_A_CONTAINER):
        return False
    try:
        return bool(_mode(path) & _OTHERS) and all(_mode(folder) & stat.S_IXOTH for folder in path.parents)
    except OSError:  # it does not exist, which is for another check to report
        return False


def _mode(path: Path) -> int:
    return path.stat().st_mode
