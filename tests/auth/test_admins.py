"""Admin accounts: invitations, passwords, roles, and what the audit log keeps of changes."""

from __future__ import annotations

import pytest
from tests.support.admins import ORIGIN, PASSWORD, identity_of, make_admin

from rugcourse.auth.admins import (
    BadInvitation,
    LastOwner,
    change_password,
    change_role,
    disable_account,
    invite,
    set_first_password,
)
from rugcourse.auth.passwords import WeakPassword
from rugcourse.auth.sessions import AdminIdentity, LoginFailed, find_identity, log_in
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.db.queries import admins
from rugcourse.enrolment.signup import NotAnAddress


def test_invitation_sets_a_password_once_and_expires_after_a_day(database: Database, clock: VirtualClock) -> None:
    first = database.run(invite, clock, "Owner@X.example", Role.OWNER)
    second = database.run(invite, clock, "owner@x.example", Role.OWNER)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, first.token, PASSWORD)  # the newer link ended it
    with pytest.raises(WeakPassword):
        set_first_password(database, clock, second.token, "short")
    set_first_password(database, clock, second.token, PASSWORD)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, second.token, PASSWORD)
    third = database.run(invite, clock, "owner@x.example", Role.OWNER)
    clock.advance(hours=25)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, third.token, PASSWORD)
    with pytest.raises(NotAnAddress):
        database.run(invite, clock, "nobody", Role.OWNER)


def test_password_change_ends_all_other_sessions(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    mine, other = identity_of(database, clock), log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    change_password(database, clock, admin_id, "seven brass kettles sing", session_id=mine.session_id)
    assert find_identity(database, clock, other.token) is None
    with database.read() as session:
        assert [one.id for one in admins.sessions_of(session, admin_id)] == [mine.session_id]


def test_last_owner_is_kept_and_a_role_change_ends_sessions(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    for attempt in (
        lambda: database.run(disable_account, clock.now(), owner, owner),
        lambda: database.run(change_role, clock.now(), owner, Role.ANALYST, owner),
    ):
        with pytest.raises(LastOwner):
            attempt()
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    token = log_in(database, clock, "editor@x.example", PASSWORD, ORIGIN).token
    database.run(change_role, clock.now(), editor, Role.OWNER, owner)
    assert find_identity(database, clock, token) is None
    database.run(disable_account, clock.now(), owner, editor)
    with pytest.raises(LoginFailed):
        log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)


def test_audit_log_records_who_changed_an_admin_and_the_values_before(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    database.run(change_role, clock.now(), editor, Role.ANALYST, owner)
    with database.read() as session:
        newest, who = admins.changes(session, 1)[0]
        everything = admins.changes(session, 50)
    assert (newest.action, newest.subject, who) == ("admin.change_role", "editor@x.example", "owner@x.example")
    assert newest.before is not None
    assert newest.after is not None
    assert (newest.before["role"], newest.after["role"]) == ("editor", "analyst")
    assert [one.action for one, _ in everything].count("admin.invite") == 2
    assert PASSWORD not in repr([(one.before, one.after) for one, _ in everything])


def test_role_includes_itself_and_lower_roles() -> None:
    def may(role: Role) -> list[Role]:
        identity = AdminIdentity(1, 1, "x", role, second_factor_due=False, has_second_factor=False)
        return [one for one in Role if identity.may(one)]

    assert may(Role.OWNER) == [*Role]
    assert may(Role.EDITOR) == [Role.EDITOR, Role.ANALYST]
    assert may(Role.ANALYST) == [Role.ANALYST]
