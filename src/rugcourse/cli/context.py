"""Opens what commands work with."""

from __future__ import annotations

from pathlib import Path

from rugcourse.bootstrap import Runtime, open_runtime
from rugcourse.clock import SECONDS_PER_DAY, VirtualClock
from rugcourse.db.engine import DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.dev.demo import CLOCK, DATABASE
from rugcourse.dev.saved_clock import open_clock
from rugcourse.enrolment.suppression import check_key
from rugcourse.settings import load_settings


def open_checked(*, own_secret: bool = False) -> Runtime:
    """The runtime of this installation, with a database that this version can use.

    `own_secret`: refuse to work with the public default key, or without the one by which suppressed addresses are
    known. Raises SettingsError, DatabaseError.
    """
    settings = load_settings()
    if own_secret:
        settings.require_own_secret()
    runtime = _checked(open_runtime(settings))
    if own_secret:
        runtime.database.run(check_key, runtime.signer)
    return runtime


def open_demo(folder: Path) -> Runtime:
    """The runtime of a demo that may be running, at the time it has come to. Raises DatabaseError."""
    if not (folder / DATABASE).is_file():
        raise DatabaseError(f"there is no demo in {folder}")
    clock = VirtualClock(open_clock(folder / CLOCK, SECONDS_PER_DAY).now())
    return _checked(open_runtime(load_settings(database_url=f"sqlite:///{folder / DATABASE}"), clock))


def _checked(runtime: Runtime) -> Runtime:
    if not is_current(runtime.database):
        raise DatabaseError("the database is not set up for this version; run: rugcourse db upgrade")
    return runtime
