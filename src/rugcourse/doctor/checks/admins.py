"""Checks for admins who can log in with a password alone."""

from __future__ import annotations

from collections.abc import Iterator

from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.db.models import Role
from rugcourse.db.queries import admins
from rugcourse.doctor.report import Finding, _, ok, warning


def check_admins(database: Database) -> Iterator[Finding]:
    """Yields nothing if the database can't be read: another check reports that."""
    try:
        if not is_current(database):
            return
        with database.read() as session:
            found = admins.without_second_factor(session, (Role.OWNER, Role.EDITOR))
    except (DatabaseAway, DatabaseError):
        return
    if found:
        yield warning(
            "admins",
            _("These owners and editors have not set up two-step verification: %(addresses)s."),
            _("Let each of them set up an authenticator app or a passkey under “My account”."),
            addresses=", ".join(found),
        )
    else:
        yield ok("admins", _("Every owner and editor has two-step verification, or has not logged in yet."))
