"""Admins with a password that tests know."""

from __future__ import annotations

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.auth.security_events import Origin
from rugcourse.auth.sessions import AdminIdentity, find_identity, log_in
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role

OWNER = "owner@x.example"


PASSWORD = "three quiet green spines"
ORIGIN = Origin("192.0.2.0/24", "Firefox")


def make_admin(database: Database, clock: VirtualClock, email: str = "owner@x.example", role: Role = Role.OWNER) -> int:
    invitation = database.run(invite, clock, email, role)
    set_first_password(database, clock, invitation.token, PASSWORD)
    return invitation.admin_id


def identity_of(database: Database, clock: VirtualClock, email: str = "owner@x.example") -> AdminIdentity:
    found = find_identity(database, clock, log_in(database, clock, email, PASSWORD, ORIGIN).token)
    assert found is not None
    return found
