"""Coming in and staying in: the password, the code, and the session that a cookie names."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.access import second_factor
from rugcourse.access.admins import hash_token
from rugcourse.access.passwords import is_right
from rugcourse.access.second_factor import Vault
from rugcourse.clock import Clock, SystemClock
from rugcourse.enrolment.signup import normalise_email
from rugcourse.store import admins
from rugcourse.store.database import Database
from rugcourse.store.tables import AdminRow, AdminSessionRow, Role

# The machine's seconds: on the demo's fast clock an admin must not be thrown out every other minute.
IDLE_SECONDS = 12 * 3600.0
LONGEST_SECONDS = 14 * 86_400.0
CODE_SECONDS = 300.0  # from the password to the code
_SEEN_SECONDS = 60.0  # no write for each page
_RANKS = {Role.OWNER: 3, Role.EDITOR: 2, Role.ANALYST: 1}


class NotLetIn(Exception):
    """Wrong address, password or code, or disabled: which of them is not told."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a browser gets: the cookie's value, and whether a code is still asked for."""

    token: str
    second_factor_due: bool


@dataclass(frozen=True, slots=True)
class Insider:
    """An admin in a session."""

    admin_id: int
    session_id: int
    email: str
    role: Role
    second_factor_due: bool
    has_second_factor: bool

    def may(self, role: Role) -> bool:
        """Whether what needs a role is theirs to do."""
        return _RANKS[self.role] >= _RANKS[role]


def come_in(database: Database, clock: Clock, address: str, password: str, browser: str) -> Pass:
    """A new session for the right password. Raises NotLetIn, as slowly for an address that nobody has."""
    email = normalise_email(address) or ""
    with database.read() as session:
        admin = admins.by_email(session, email)
    right = is_right(admin.password_hash if admin else None, password)
    if admin is None or not right or admin.disabled_at is not None:
        raise NotLetIn
    due = admin.totp_secret is not None
    with database.write() as session:
        return open_session(session, clock, admin.id, browser, second_factor_due=due)


def knows_password(database: Database, insider: Insider, password: str) -> bool:
    with database.read() as session:
        admin = admins.find(session, insider.admin_id)
    return is_right(admin.password_hash if admin else None, password)


def give_code(database: Database, clock: Clock, vault: Vault, insider: Insider, code: str, browser: str) -> Pass:
    """Exchange the session of the password for a full one. Raises NotLetIn."""
    with database.write() as session:
        admin = admins.find(session, insider.admin_id, lock=True)
        if admin is None or admin.disabled_at is not None or not _use_code(admin, vault, code):
            raise NotLetIn
        admins.end_session(session, admin.id, insider.session_id)
        return open_session(session, clock, admin.id, browser, second_factor_due=False)


def find_insider(database: Database, clock: Clock, token: str) -> Insider | None:
    """Whose session a cookie names; None when it is over, or never was one."""
    now = clock.now()
    with database.read() as session:
        found = admins.session_by_hash(session, hash_token(token))
    if found is None or not _is_valid(*found, clock, now):
        return None
    row, admin = found
    if now - row.seen_at > clock.span(_SEEN_SECONDS):
        with database.write() as session:
            admins.see_session(session, row.id, now)
    return Insider(
        admin.id, row.id, admin.email, Role(admin.role), row.second_factor_due, admin.totp_secret is not None
    )


def leave(database: Database, insider: Insider) -> None:
    with database.write() as session:
        admins.end_session(session, insider.admin_id, insider.session_id)


def confirm_second_factor(
    database: Database, clock: Clock, vault: Vault, insider: Insider, secret: str, code: str
) -> None:
    """Ask for codes of this secret from now on, if the app shows the right one; end all other sessions.

    Raises NotLetIn.
    """
    step = second_factor.used_step(secret, code, SystemClock().now(), None)
    if step is None:
        raise NotLetIn
    with database.write() as session:
        admin = admins.find(session, insider.admin_id, lock=True)
        if admin is None:
            raise NotLetIn
        admin.totp_secret, admin.totp_step = vault.lock(secret), step
        admins.end_sessions(session, admin.id, but=insider.session_id)
        admins.log_change(session, clock.now(), admin.id, "second factor set", admin.email)


def _use_code(admin: AdminRow, vault: Vault, code: str) -> bool:
    secret = vault.open(admin.totp_secret) if admin.totp_secret else None
    step = second_factor.used_step(secret, code, SystemClock().now(), admin.totp_step) if secret else None
    if step is None:
        return False
    admin.totp_step = step
    return True


def open_session(session: Session, clock: Clock, admin_id: int, browser: str, *, second_factor_due: bool) -> Pass:
    """A new session of an admin, in a transaction of the caller."""
    token = secrets.token_urlsafe(32)
    admins.add_session(
        session,
        AdminSessionRow(
            token_hash=hash_token(token),
            admin_id=admin_id,
            second_factor_due=second_factor_due,
            browser=browser[:120],
            created_at=clock.now(),
            seen_at=clock.now(),
        ),
    )
    return Pass(token, second_factor_due)


def _is_valid(row: AdminSessionRow, admin: AdminRow, clock: Clock, now: datetime) -> bool:
    if admin.disabled_at is not None:
        return False
    if row.second_factor_due:
        return now - row.created_at <= clock.span(CODE_SECONDS)
    return now - row.seen_at <= clock.span(IDLE_SECONDS) and now - row.created_at <= clock.span(LONGEST_SECONDS)
