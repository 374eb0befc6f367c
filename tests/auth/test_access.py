"""Passwords, codes and sessions: what opens, what does not, and what is logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select
from tests.support.admins import ORIGIN, PASSWORD, identity_of, make_admin

from rugcourse.auth import totp
from rugcourse.auth.admins import (
    BadInvitation,
    LastOwner,
    change_password,
    change_role,
    disable,
    invite,
    set_first_password,
)
from rugcourse.auth.passwords import WeakPassword, check_strength
from rugcourse.auth.sessions import (
    CODE_SECONDS,
    IDLE_SECONDS,
    LONGEST_SECONDS,
    AdminIdentity,
    LoginFailed,
    confirm_second_factor,
    find_identity,
    log_in,
    verify_code,
)
from rugcourse.auth.totp import SecretBox, context_of_admin, context_of_form
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, AdminSessionRow, AuditLogRow, Role
from rugcourse.db.queries import admins
from rugcourse.enrolment.signup import NotAnAddress

VAULT = SecretBox(["a-key-for-tests-0123456789"])
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_invitation_sets_a_password_once_and_for_a_day(database: Database, clock: VirtualClock) -> None:
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


@pytest.mark.parametrize("password", ["", "short", "x" * 300, "owner@x.example", "aaaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, "owner@x.example")


@pytest.mark.parametrize(
    ("email", "password"),
    [("owner@x.example", "wrong"), ("owner@x.example", ""), ("nobody@x.example", PASSWORD), ("", ""), ("a@b@c", PASSWORD), ("owner@x.example\0", "x")],
)  # fmt: skip
def test_only_the_right_password_lets_in(database: Database, clock: VirtualClock, email: str, password: str) -> None:
    make_admin(database, clock)
    with pytest.raises(LoginFailed):
        log_in(database, clock, email, password, ORIGIN)
    assert identity_of(database, clock).role == Role.OWNER


def test_who_was_invited_and_never_came_cant_come_in_with_anything(database: Database, clock: VirtualClock) -> None:
    database.run(invite, clock, "new@x.example", Role.EDITOR)
    for password in ("", "a password that nobody has"):
        with pytest.raises(LoginFailed):
            log_in(database, clock, "new@x.example", password, ORIGIN)


def test_a_session_ends_when_nobody_is_there_and_in_any_case_after_two_weeks(
    database: Database, clock: VirtualClock
) -> None:
    make_admin(database, clock)
    token = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    for _ in range(int(LONGEST_SECONDS // IDLE_SECONDS) * 2 - 1):
        clock.advance(seconds=IDLE_SECONDS / 2)
        assert find_identity(database, clock, token) is not None
    clock.advance(seconds=IDLE_SECONDS)
    assert find_identity(database, clock, token) is None
    idle = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    clock.advance(seconds=IDLE_SECONDS + 1)
    assert find_identity(database, clock, idle) is None
    assert find_identity(database, clock, "no such token") is None


def test_the_store_holds_nothing_that_opens_anything(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    identity = identity_of(database, clock)
    token = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    secret = totp.new_secret()
    confirm_second_factor(database, clock, VAULT, identity, secret, pyotp.TOTP(secret).now())
    with database.read() as session:
        tables = (AdminRow.__table__, AdminSessionRow.__table__, AuditLogRow.__table__)
        rows = repr([session.execute(select(table)).all() for table in tables])
    for secret_text in (PASSWORD, token, secret):
        assert secret_text not in rows


def test_with_a_second_factor_the_password_alone_opens_nothing(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    secret = totp.new_secret()
    first = identity_of(database, clock)
    begun = datetime.now(UTC)  # of one moment: between two calls the half minute of a code may end
    code, later = (pyotp.TOTP(secret).at(begun + timedelta(seconds=wait)) for wait in (0, 30))
    confirm_second_factor(database, clock, VAULT, first, secret, code)
    given = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    half = find_identity(database, clock, given.token)
    assert given.second_factor_due
    assert half is not None
    assert half.second_factor_due
    with pytest.raises(LoginFailed):  # the code that set it up does not work a second time
        verify_code(database, clock, VAULT, half, code, ORIGIN)
    with pytest.raises(LoginFailed):
        verify_code(database, clock, VAULT, half, "000000", ORIGIN)
    full = verify_code(database, clock, VAULT, half, later, ORIGIN)
    assert not full.second_factor_due
    assert full.token != given.token
    assert find_identity(database, clock, given.token) is None
    again = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    clock.advance(seconds=CODE_SECONDS + 1)
    assert find_identity(database, clock, again.token) is None


def test_a_code_belongs_to_its_moment_and_works_once() -> None:
    secret = totp.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    step = totp.used_step(secret, code, NOW, None)
    assert step is not None
    assert totp.used_step(secret, f"{code[:3]} {code[3:]}", NOW + timedelta(seconds=30), None) == step
    assert totp.used_step(secret, code, NOW, step) is None
    assert totp.used_step(secret, code, NOW + timedelta(minutes=2), None) is None
    assert totp.used_step(secret, "", NOW, None) is None


def test_a_secret_can_be_read_with_an_older_key_and_not_without_it() -> None:
    locked = SecretBox(["the-old-key-0123456789"]).lock("JBSWY3DP", "admin 1")
    assert SecretBox(["the-new-key-0123456789", "the-old-key-0123456789"]).open(locked, "admin 1") == "JBSWY3DP"
    assert SecretBox(["the-new-key-0123456789"]).open(locked, "admin 1") is None


def test_a_secret_opens_only_where_it_was_locked_for() -> None:
    """What stands in an admin's row is no answer to a form: a reader of the database learns no secret from the page."""
    kept = VAULT.lock("JBSWY3DP", context_of_admin(1))
    assert VAULT.open(kept, context_of_admin(1)) == "JBSWY3DP"
    for other in (context_of_admin(2), context_of_form(1, 1), context_of_form(1, 2), ""):
        assert VAULT.open(kept, other) is None
    assert VAULT.open("nonsense", context_of_admin(1)) is None


def test_another_password_ends_all_other_sessions(database: Database, clock: VirtualClock) -> None:
    admin_id = make_admin(database, clock)
    mine, other = identity_of(database, clock), log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)
    change_password(database, clock, admin_id, "seven brass kettles sing", session_id=mine.session_id)
    assert find_identity(database, clock, other.token) is None
    with database.read() as session:
        assert [one.id for one in admins.sessions_of(session, admin_id)] == [mine.session_id]


def test_there_is_always_an_owner_and_a_change_of_role_ends_sessions(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    for attempt in (
        lambda: database.run(disable, clock.now(), owner, owner),
        lambda: database.run(change_role, clock.now(), owner, Role.ANALYST, owner),
    ):
        with pytest.raises(LastOwner):
            attempt()
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    token = log_in(database, clock, "editor@x.example", PASSWORD, ORIGIN).token
    database.run(change_role, clock.now(), editor, Role.OWNER, owner)
    assert find_identity(database, clock, token) is None
    database.run(disable, clock.now(), owner, editor)
    with pytest.raises(LoginFailed):
        log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN)


def test_every_change_is_logged_with_who_and_how_it_was_before(database: Database, clock: VirtualClock) -> None:
    owner = make_admin(database, clock)
    editor = make_admin(database, clock, "editor@x.example", Role.EDITOR)
    database.run(change_role, clock.now(), editor, Role.ANALYST, owner)
    with database.read() as session:
        newest, who = admins.changes(session, 1)[0]
        everything = admins.changes(session, 50)
    assert (newest.action, newest.subject, who) == ("role changed", "editor@x.example", "owner@x.example")
    assert newest.before is not None
    assert newest.after is not None
    assert (newest.before["role"], newest.after["role"]) == ("editor", "analyst")
    assert [one.action for one, _ in everything].count("admin invited") == 2
    assert PASSWORD not in repr([(one.before, one.after) for one, _ in everything])


def test_roles_reach_no_further_than_themselves() -> None:
    def may(role: Role) -> list[Role]:
        identity = AdminIdentity(1, 1, "x", role, second_factor_due=False, has_second_factor=False)
        return [one for one in Role if identity.may(one)]

    assert may(Role.OWNER) == [*Role]
    assert may(Role.EDITOR) == [Role.EDITOR, Role.ANALYST]
    assert may(Role.ANALYST) == [Role.ANALYST]
