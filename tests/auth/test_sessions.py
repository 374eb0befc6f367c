"""Sessions: what opens one, what ends one, and what the database holds of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select
from tests.support.admins import ORIGIN, PASSWORD, identity_of, make_admin

from rugcourse.auth import totp
from rugcourse.auth.admins import invite
from rugcourse.auth.recovery_codes import make_recovery_codes
from rugcourse.auth.security_events import Origin
from rugcourse.auth.sessions import (
    CODE_SECONDS,
    IDLE_SECONDS,
    MAX_CODE_ATTEMPTS,
    MAX_SESSION_SECONDS,
    AdminIdentity,
    LoginFailed,
    TooManyCodes,
    confirm_second_factor,
    end_session,
    find_admin_id,
    find_identity,
    knows_password,
    log_in,
    log_out,
    verify_code,
)
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, AdminSessionRow, AuditLogRow, Role, SecurityEventRow
from rugcourse.secret_box import SecretBox

VAULT = SecretBox(["a-key-for-tests-0123456789"])


@pytest.mark.parametrize(
    ("email", "password"),
    [("owner@x.example", "wrong"), ("owner@x.example", ""), ("nobody@x.example", PASSWORD), ("", ""), ("a@b@c", PASSWORD), ("owner@x.example\0", "x")],
)  # fmt: skip
def test_login_fails_for_wrong_passwords(database: Database, clock: VirtualClock, email: str, password: str) -> None:
    make_admin(database, clock)
    with pytest.raises(LoginFailed):
        log_in(database, clock, email, password, ORIGIN)
    assert identity_of(database, clock).role == Role.OWNER


def test_login_fails_for_invited_admins_without_a_password(database: Database, clock: VirtualClock) -> None:
    database.run(invite, clock, "new@x.example", Role.EDITOR)
    for password in ("", "a password that nobody has"):
        with pytest.raises(LoginFailed):
            log_in(database, clock, "new@x.example", password, ORIGIN)


def test_session_ends_when_idle_and_after_two_weeks_at_the_latest(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    token = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    for _ in range(int(MAX_SESSION_SECONDS // IDLE_SECONDS) * 2 - 1):
        clock.advance(seconds=IDLE_SECONDS / 2)
        assert find_identity(database, clock, token) is not None
    clock.advance(seconds=IDLE_SECONDS)
    assert find_identity(database, clock, token) is None
    idle = log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token
    clock.advance(seconds=IDLE_SECONDS + 1)
    assert find_identity(database, clock, idle) is None
    assert find_identity(database, clock, "no such token") is None


def test_database_stores_no_plain_password_token_or_totp_secret(database: Database, clock: VirtualClock) -> None:
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


def test_password_alone_is_not_enough_with_a_second_factor(database: Database, clock: VirtualClock) -> None:
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


def token_of(database: Database, clock: VirtualClock) -> str:
    return log_in(database, clock, "owner@x.example", PASSWORD, ORIGIN).token


def with_authenticator(database: Database, clock: VirtualClock) -> str:
    """Set one up for the owner; return its secret."""
    secret = totp.new_secret()
    first = identity_of(database, clock)
    confirm_second_factor(database, clock, VAULT, first, secret, pyotp.TOTP(secret).at(datetime.now(UTC)))
    return secret


def half_a_login(database: Database, clock: VirtualClock) -> tuple[str, AdminIdentity]:
    token = token_of(database, clock)
    half = find_identity(database, clock, token)
    assert half is not None
    return token, half


def events(database: Database) -> list[str]:
    with database.read() as session:
        return [one.kind for one in session.scalars(select(SecurityEventRow).order_by(SecurityEventRow.id))]


def disable(database: Database, clock: VirtualClock, admin_id: int) -> None:
    with database.write() as session:
        session.get_one(AdminRow, admin_id).disabled_at = clock.now()


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.ANALYST, {Role.ANALYST}),
        (Role.EDITOR, {Role.ANALYST, Role.EDITOR}),
        (Role.OWNER, {Role.ANALYST, Role.EDITOR, Role.OWNER}),
    ],
)
def test_a_role_may_what_it_names_and_what_a_lower_one_may(role: Role, may: set[Role]) -> None:
    identity = AdminIdentity(1, 1, "x@x.example", role, second_factor_due=False, has_second_factor=False)
    assert {one for one in Role if identity.may(one)} == may


def test_an_admin_is_found_by_their_address_however_it_is_written(database: Database, clock: VirtualClock) -> None:
    number = make_admin(database, clock)
    assert find_admin_id(database, " Owner@X.example") == number
    assert find_admin_id(database, "nobody@x.example") is None
    assert find_admin_id(database, "no address") is None


def test_owners_and_editors_get_days_to_set_up_a_second_factor_from_their_first_login(
    database: Database, clock: VirtualClock
) -> None:
    make_admin(database, clock)
    make_admin(database, clock, "analyst@x.example", Role.ANALYST)
    make_admin(database, clock, "editor@x.example", Role.EDITOR)
    begun = clock.now()
    for email, by in (
        ("owner@x.example", begun + timedelta(days=3)),
        ("editor@x.example", begun + timedelta(days=3)),
        ("analyst@x.example", None),
    ):
        log_in(database, clock, email, PASSWORD, ORIGIN)
        later = find_identity(database, clock, log_in(database, clock, email, PASSWORD, ORIGIN).token, grace_days=3)
        assert later is not None
        assert later.set_up_by == by
    clock.advance(days=2)
    now = find_identity(database, clock, token_of(database, clock), grace_days=3)
    assert now is not None
    assert now.set_up_by == begun + timedelta(days=3)
    without_days = find_identity(database, clock, token_of(database, clock))
    assert without_days is not None
    assert without_days.set_up_by == begun


def test_who_has_an_authenticator_need_not_set_one_up(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    assert not identity_of(database, clock).has_second_factor
    assert not identity_of(database, clock).has_authenticator
    with_authenticator(database, clock)
    found = identity_of(database, clock)
    assert (found.has_authenticator, found.has_second_factor, found.set_up_by) == (True, True, None)


def test_a_session_lasts_for_its_whole_time_and_no_longer(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    token = token_of(database, clock)
    clock.advance(seconds=IDLE_SECONDS)
    assert find_identity(database, clock, token) is not None
    with_authenticator(database, clock)
    half, _ = half_a_login(database, clock)
    clock.advance(seconds=CODE_SECONDS)
    assert find_identity(database, clock, half) is not None
    clock.advance(microseconds=1)
    assert find_identity(database, clock, half) is None


def test_a_visit_is_noted_once_a_minute(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    token = token_of(database, clock)
    begun = clock.now()

    def seen() -> datetime:
        assert find_identity(database, clock, token) is not None
        with database.read() as session:
            return session.scalars(select(AdminSessionRow.seen_at)).one()

    clock.advance(seconds=60)
    assert seen() == begun
    clock.advance(seconds=1)
    assert seen() == clock.now()


def test_a_disabled_admin_has_no_session_and_gets_none(database: Database, clock: VirtualClock) -> None:
    number = make_admin(database, clock)
    token = token_of(database, clock)
    disable(database, clock, number)
    assert find_identity(database, clock, token) is None
    with pytest.raises(LoginFailed):
        token_of(database, clock)


def test_an_admin_who_was_disabled_meanwhile_is_not_let_in_by_a_right_code(
    database: Database, clock: VirtualClock
) -> None:
    number = make_admin(database, clock)
    secret = with_authenticator(database, clock)
    _, half = half_a_login(database, clock)
    disable(database, clock, number)
    with pytest.raises(LoginFailed):
        verify_code(
            database, clock, VAULT, half, pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30)), ORIGIN
        )


def test_logging_out_ends_this_session_alone_and_is_written_down(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    other = token_of(database, clock)
    token, identity = half_a_login(database, clock)
    log_out(database, clock, identity, ORIGIN)
    assert find_identity(database, clock, token) is None
    assert events(database) == ["login", "login", "logout"]
    mine = find_identity(database, clock, other)
    assert mine is not None
    database.run(end_session, mine.admin_id, mine.session_id)
    assert find_identity(database, clock, other) is None


def test_setting_up_a_second_factor_takes_its_code_and_ends_other_sessions(
    database: Database, clock: VirtualClock
) -> None:
    make_admin(database, clock)
    other = token_of(database, clock)
    token, identity = half_a_login(database, clock)
    with pytest.raises(LoginFailed):
        confirm_second_factor(database, clock, VAULT, identity, totp.new_secret(), "000000")
    assert find_identity(database, clock, other) is not None
    secret = totp.new_secret()
    confirm_second_factor(database, clock, VAULT, identity, secret, pyotp.TOTP(secret).at(datetime.now(UTC)))
    assert find_identity(database, clock, token) is not None
    assert find_identity(database, clock, other) is None
    with database.read() as session:
        assert "admin.set_second_factor" in [one.action for one in session.scalars(select(AuditLogRow))]


def test_who_guesses_at_codes_loses_the_session_and_a_right_code_comes_too_late(
    database: Database, clock: VirtualClock
) -> None:
    make_admin(database, clock)
    with_authenticator(database, clock)
    [code, *_] = make_recovery_codes(database, clock, identity_of(database, clock).admin_id, "owner@x.example")
    token, half = half_a_login(database, clock)
    for _ in range(MAX_CODE_ATTEMPTS - 1):
        with pytest.raises(LoginFailed) as wrong:
            verify_code(database, clock, VAULT, half, "000000", ORIGIN)
        assert wrong.type is LoginFailed
    assert find_identity(database, clock, token) is not None
    with pytest.raises(TooManyCodes):
        verify_code(database, clock, VAULT, half, "000000", ORIGIN)
    assert find_identity(database, clock, token) is None
    with pytest.raises(TooManyCodes):
        verify_code(database, clock, VAULT, half, code, ORIGIN)
    assert events(database)[-6:] == ["wrong code"] * MAX_CODE_ATTEMPTS + ["too many codes"]


def test_what_happens_at_the_door_is_written_down(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    secret = with_authenticator(database, clock)
    with pytest.raises(LoginFailed):
        log_in(database, clock, "owner@x.example", "wrong", ORIGIN)
    with pytest.raises(LoginFailed):
        log_in(database, clock, "nobody@x.example", "wrong", ORIGIN)
    _, half = half_a_login(database, clock)
    verify_code(database, clock, VAULT, half, pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30)), ORIGIN)
    assert events(database) == ["login", "wrong password", "right password", "login"]


def test_an_admin_is_asked_for_their_own_password(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    identity = identity_of(database, clock)
    assert knows_password(database, identity, PASSWORD) is True
    assert knows_password(database, identity, "wrong") is False


def test_what_a_browser_says_of_itself_is_kept_short(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    log_in(database, clock, "owner@x.example", PASSWORD, Origin("192.0.2.0/24", "B" * 500))
    with database.read() as session:
        assert session.scalars(select(AdminSessionRow.user_agent)).one() == "B" * 120
