"""Opens the runtime for commands."""

from __future__ import annotations

from pathlib import Path

from rugcourse.bootstrap import Runtime, open_runtime
from rugcourse.clock import SECONDS_PER_DAY, VirtualClock
from rugcourse.db.engine import DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.dev.saved_clock import CLOCK, DATABASE, open_clock
from rugcourse.enrolment.suppression import check_key
from rugcourse.log_setup import configure_logging
from rugcourse.settings import load_settings


def open_checked(*, own_secret: bool = False) -> Runtime:
    """Open the runtime of this installation, with a database that this version can use.

    `own_secret`: refuse the public default key, and a missing key for suppressed addresses. Raises SettingsError and
    DatabaseError.
    """
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    if own_secret:
        settings.require_own_secret()
    runtime = _checked(open_runtime(settings))
    if own_secret:
        runtime.database.run(check_key, runtime.signer)
    return runtime


def open_demo(folder: Path) -> Runtime:
    """Open the runtime of a demo, which may be running, at its current time. Raises DatabaseError."""
    if not (folder / DATABASE).is_file():
        raise DatabaseError(f"there is no demo in {folder}")
    clock = VirtualClock(open_clock(folder / CLOCK, SECONDS_PER_DAY).now())
    return _checked(open_runtime(load_settings(database_url=f"sqlite:///{folder / DATABASE}"), clock))


def _checked(runtime: Runtime) -> Runtime:
    if not is_current(runtime.database):
        raise DatabaseError("the database is not set up for this version; run: rugcourse db upgrade")
    return runtime
