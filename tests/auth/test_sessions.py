"""Sessions: what opens one, what ends one, and what the database holds of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select
from tests.support.admins import ORIGIN, PASSWORD, identity_of, make_admin

from rugcourse.auth import totp
from rugcourse.auth.admins import invite
from rugcourse.auth.sessions import (
    CODE_SECONDS,
    IDLE_SECONDS,
    MAX_SESSION_SECONDS,
    LoginFailed,
    confirm_second_factor,
    find_identity,
    log_in,
    verify_code,
)
from rugcourse.auth.totp import SecretBox
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, AdminSessionRow, AuditLogRow, Role

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
