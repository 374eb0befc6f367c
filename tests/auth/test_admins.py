"""Admin accounts: invitations, passwords, roles, and what the audit log keeps of changes."""

from __future__ import annotations

import pytest
from tests.support.admins import ORIGIN, PASSWORD, identity_of, make_admin

from rugcourse.auth.admins import (
    INVITATION_SECONDS,
    RESET_SECONDS,
    AlreadyAdmin,
    BadInvitation,
    Invitation,
    LastOwner,
    NoSuchAdmin,
    change_password,
    change_role,
    disable_account,
    invite,
    invited_email,
    request_reset,
    reset_email,
    reset_password,
    reset_second_factor,
    set_first_password,
)
from rugcourse.auth.passwords import WeakPassword
from rugcourse.auth.recovery_codes import make_recovery_codes
from rugcourse.auth.security_events import SecurityEventKind
from rugcourse.auth.sessions import AdminIdentity, LoginFailed, find_identity, log_in
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.db.queries import admins
from rugcourse.enrolment.signup import NotAnAddress

_OTHER_PASSWORD = "seven brass kettles sing"


def _ask_for_reset(database: Database, clock: VirtualClock, email: str = "owner@x.example") -> Invitation:
    asked = database.run(request_reset, clock, email, ORIGIN)
    assert asked is not None
    return asked


def _actions(database: Database) -> list[str]:
    """What the audit log has, newest first."""
    with database.read() as session:
        return [one.action for one, _ in admins.changes(session, 50)]


def test_invitation_sets_a_password_once_and_expires_after_a_day(database: Database, clock: VirtualClock) -> None:
    first = database.run(invite, clock, "Owner@X.example", Role.OWNER)
    second = database.run(invite, clock, "owner@x.example", Role.OWNER)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, first.token, PASSWORD)  # the newer link ended it
    with pytest.raises(WeakPassword):
        set_first_password(database, clock, second.token, "short")
    clock.advance(hours=12)  # they read it in the evening
    set_first_password(database, clock, second.token, PASSWORD)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, second.token, PASSWORD)
    third = database.run(invite, clock, "owner@x.example", Role.OWNER)
    clock.advance(hours=25)
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, third.token, PASSWORD)
    with pytest.raises(NotAnAddress):
        database.run(invite, clock, "nobody", Role.OWNER)


def test_invitation_link_works_until_its_very_end(database: Database, clock: VirtualClock) -> None:
    invitation = database.run(invite, clock, "owner@x.example", Role.OWNER)
    clock.advance(seconds=INVITATION_SECONDS)
    assert database.run(invited_email, clock.now(), invitation.token) == "owner@x.example"
    assert set_first_password(database, clock, invitation.token, PASSWORD).id == invitation.admin_id
    late = database.run(invite, clock, "late@x.example", Role.EDITOR)
    clock.advance(seconds=INVITATION_SECONDS + 1)
    assert database.run(invited_email, clock.now(), late.token) is None
    assert database.run(invited_email, clock.now(), "no-such-link") is None
    with pytest.raises(BadInvitation):
        set_first_password(database, clock, late.token, PASSWORD)


def test_admin_can_invite_again_only_who_has_no_password_yet(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    database.run(invite, clock, "new@x.example", Role.ANALYST, owner)
    again = database.run(invite, clock, "new@x.example", Role.EDITOR, owner)
    with database.read() as session:
        invited = admins.find(session, again.admin_id)
    assert invited is not None
    assert invited.role == Role.EDITOR
    set_first_password(database, clock, again.token, PASSWORD)
    disabled = database.run(invite, clock, "gone@x.example", Role.EDITOR, owner)
    database.run(disable_account, clock.now(), disabled.admin_id, owner)
    for email in ("new@x.example", "gone@x.example"):
        with pytest.raises(AlreadyAdmin):
            database.run(invite, clock, email, Role.OWNER, owner)


def test_invitation_from_the_command_line_restores_an_account_without_its_factors(
    database: Database, clock: VirtualClock
) -> None:
    admin_id = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    make_recovery_codes(database, clock, admin_id, "editor@x.example")
    reset = _ask_for_reset(database, clock, "editor@x.example")
    database.run(disable_account, clock.now(), admin_id, None)
    invitation = database.run(invite, clock, "editor@x.example", Role.OWNER)
    with pytest.raises(BadInvitation):
        reset_password(database, clock, reset.token, _OTHER_PASSWORD, ORIGIN)
    set_first_password(database, clock, invitation.token, _OTHER_PASSWORD)
    assert log_in(database, clock, "editor@x.example", _OTHER_PASSWORD, ORIGIN).admin_id == admin_id
    with database.read() as session:
        assert admins.count_recovery_codes(session, admin_id) == 0
        assert admins.owners(session) == 1


def test_reset_link_sets_a_password_once_and_ends_all_sessions(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    opened = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    first, second = _ask_for_reset(database, clock), _ask_for_reset(database, clock, "Owner@X.example")
    with pytest.raises(BadInvitation):
        reset_password(database, clock, first.token, _OTHER_PASSWORD, ORIGIN)  # the newer link ended it
    with pytest.raises(WeakPassword):
        reset_password(database, clock, second.token, "short", ORIGIN)
    clock.advance(seconds=RESET_SECONDS)
    assert database.run(reset_email, clock.now(), second.token) == "owner@x.example"
    assert reset_password(database, clock, second.token, _OTHER_PASSWORD, ORIGIN).id == admin_id
    assert find_identity(database, clock, opened) is None
    assert database.run(reset_email, clock.now(), second.token) is None
    with pytest.raises(BadInvitation):
        reset_password(database, clock, second.token, _OTHER_PASSWORD, ORIGIN)
    with pytest.raises(LoginFailed):
        log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    assert log_in(database, clock, "owner@x.example", _OTHER_PASSWORD, ORIGIN).admin_id == admin_id
    assert "admin.reset_password" in _actions(database)
    with database.read() as session:
        kinds = [one.kind for one in admins.events_of(session, admin_id, 50)]
    assert (kinds.count(SecurityEventKind.RESET_ASKED), kinds.count(SecurityEventKind.RESET_DONE)) == (2, 1)


def test_reset_link_is_for_active_admins_and_expires(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    late = _ask_for_reset(database, clock)
    clock.advance(seconds=RESET_SECONDS + 1)
    with pytest.raises(BadInvitation):
        reset_password(database, clock, late.token, _OTHER_PASSWORD, ORIGIN)
    asked = _ask_for_reset(database, clock, "editor@x.example")
    database.run(disable_account, clock.now(), editor, owner)
    assert database.run(reset_email, clock.now(), asked.token) is None
    for address in ("editor@x.example", "nobody@x.example", "nobody", ""):
        assert database.run(request_reset, clock, address, ORIGIN) is None


def test_removing_a_second_factor_ends_everything_but_the_password(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    make_recovery_codes(database, clock, editor, "editor@x.example")
    opened = log_in(database, clock, "editor@x.example", PASSWORD, ORIGIN).token
    reset = _ask_for_reset(database, clock, "editor@x.example")
    assert database.run(reset_second_factor, clock.now(), editor, owner) == "editor@x.example"
    assert find_identity(database, clock, opened) is None
    assert database.run(reset_email, clock.now(), reset.token) is None
    assert _actions(database)[0] == "admin.remove_second_factor"
    with database.read() as session:
        found = admins.find(session, editor)
        assert admins.count_recovery_codes(session, editor) == 0
    assert found is not None
    assert (found.totp_secret, found.first_login_at) == (None, None)
    assert log_in(database, clock, "editor@x.example", PASSWORD, ORIGIN).admin_id == editor
    with pytest.raises(NoSuchAdmin):
        database.run(reset_second_factor, clock.now(), editor + 99, owner)


def test_disabled_account_loses_its_sessions_and_open_links(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    opened = log_in(database, clock, "editor@x.example", PASSWORD, ORIGIN).token
    invited = database.run(invite, clock, "new@x.example", Role.EDITOR, owner)
    assert database.run(disable_account, clock.now(), editor, owner) == "editor@x.example"
    assert database.run(disable_account, clock.now(), invited.admin_id, owner) == "new@x.example"
    assert _actions(database)[:2] == ["admin.disable"] * 2
    with database.read() as session:
        assert admins.sessions_of(session, editor) == []
    assert find_identity(database, clock, opened) is None
    assert database.run(invited_email, clock.now(), invited.token) is None


def test_role_change_keeps_the_invitation_of_who_has_no_password_yet(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    invited = database.run(invite, clock, "new@x.example", Role.EDITOR, owner)
    assert database.run(change_role, clock.now(), invited.admin_id, Role.ANALYST, owner) == "new@x.example"
    assert database.run(invited_email, clock.now(), invited.token) == "new@x.example"
    restoring = database.run(invite, clock, "owner@x.example", Role.OWNER)
    database.run(change_role, clock.now(), owner, Role.OWNER, owner)
    assert database.run(invited_email, clock.now(), restoring.token) is None


def test_password_change_ends_all_other_sessions(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    mine, other = identity_of(database, clock), log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    change_password(database, clock, admin_id, _OTHER_PASSWORD, session_id=mine.session_id)
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
