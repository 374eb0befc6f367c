"""Login and sessions: the password, the second factor, and the session behind a cookie."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.auth import security_events, totp
from rugcourse.auth.admins import hash_token
from rugcourse.auth.passwords import verify_password
from rugcourse.auth.recovery_codes import use_recovery_code
from rugcourse.auth.roles import includes
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.auth.totp import context_of_admin
from rugcourse.clock import Clock, SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, AdminSessionRow, AuditAction, Role
from rugcourse.db.queries import admins
from rugcourse.enrolment.signup import normalise_email
from rugcourse.errors import RugcourseError
from rugcourse.secret_box import SecretBox

# Wall-clock seconds: the demo's fast clock must not end an admin's session every few minutes.
IDLE_SECONDS = 12 * 3600.0
MAX_SESSION_SECONDS = security_events.MAX_SESSION_SECONDS
CODE_SECONDS = 300.0  # from the password to the code
MAX_CODE_ATTEMPTS = 5  # for each session, from all networks together
_DAY_SECONDS = 86_400.0
_SEEN_SECONDS = 60.0  # to not write on every request


MUST_HAVE_SECOND_FACTOR = (Role.OWNER, Role.EDITOR)


class LoginFailed(RugcourseError):
    """Wrong address, password or code, or a disabled account. The client is not told which."""


class TooManyCodes(LoginFailed):
    """Too many wrong codes; the session has ended. Somebody who knows the password is guessing the code."""


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """A new session. `token`: the value of the cookie; `second_factor_due`: a code or passkey is still required."""

    token: str
    second_factor_due: bool
    admin_id: int


@dataclass(frozen=True, slots=True)
class AdminIdentity:
    """An admin with a valid session.

    `has_second_factor`: an authenticator or a passkey. `set_up_by`: the deadline (UTC) to set one up; None if they have
    one, or their role needs none. `language`: that they chose for these pages, empty for none.
    """

    admin_id: int
    session_id: int
    email: str
    role: Role
    second_factor_due: bool
    has_second_factor: bool
    has_authenticator: bool = False
    set_up_by: datetime | None = None
    language: str = ""

    def may(self, role: Role) -> bool:
        """Return whether the admin's role includes a role."""
        return includes(self.role, role)


def find_admin_id(database: Database, address: str) -> int | None:
    """Return the id of the admin with an address, or None."""
    email = normalise_email(address)
    with database.read() as session:
        admin = admins.by_email(session, email) if email else None
    return admin.id if admin else None


def log_in(database: Database, clock: Clock, address: str, password: str, origin: Origin) -> IssuedSession:
    """Start a session for the right password. Takes as long for unknown addresses. Raises LoginFailed, TooBusy."""
    email = normalise_email(address) or ""
    with database.read() as session:
        admin = admins.by_email(session, email)
    right = verify_password(admin.password_hash if admin else None, password)
    if admin is None or not right or admin.disabled_at is not None:
        if admin is not None:
            with database.write() as session:
                security_events.record(
                    session, clock.now(), SecurityEventKind.WRONG_PASSWORD, origin, admin_id=admin.id
                )
        raise LoginFailed
    with database.write() as session:
        due = admin.totp_secret is not None or admins.has_passkey(session, admin.id)
        kept = admins.find(session, admin.id, lock=True)
        if kept is not None and kept.first_login_at is None:
            kept.first_login_at = clock.now()
        kind = SecurityEventKind.RIGHT_PASSWORD if due else SecurityEventKind.LOGIN
        security_events.record(session, clock.now(), kind, origin, admin_id=admin.id)
        return open_session(session, clock.now(), admin.id, origin.browser, second_factor_due=due)


def knows_password(database: Database, identity: AdminIdentity, password: str) -> bool:
    """Return whether a password is the admin's. Raises TooBusy."""
    with database.read() as session:
        admin = admins.find(session, identity.admin_id)
    return verify_password(admin.password_hash if admin else None, password)


def verify_code(
    database: Database, clock: Clock, secret_box: SecretBox, identity: AdminIdentity, code: str, origin: Origin
) -> IssuedSession:
    """Replace the session that has only the password by a full one. `code`: a TOTP code or a recovery code.

    The attempt is counted in its own transaction before the code is checked, so that parallel requests can't exceed the
    limit. Raises LoginFailed, TooManyCodes.
    """
    with database.write() as session:
        tried = admins.count_code_attempt(session, identity.session_id)
    if not 1 <= tried <= MAX_CODE_ATTEMPTS:
        raise TooManyCodes
    with database.write() as session:
        admin = admins.find(session, identity.admin_id, lock=True)
        used = _use_code(session, admin, secret_box, code) if admin and admin.disabled_at is None else None
        if used is not None:
            security_events.record(session, clock.now(), used, origin, admin_id=identity.admin_id)
            admins.end_session(session, identity.admin_id, identity.session_id)
            return open_session(session, clock.now(), identity.admin_id, origin.browser, second_factor_due=False)
        security_events.record(session, clock.now(), SecurityEventKind.WRONG_CODE, origin, admin_id=identity.admin_id)
        if tried == MAX_CODE_ATTEMPTS:
            admins.end_session(session, identity.admin_id, identity.session_id)
            security_events.record(
                session, clock.now(), SecurityEventKind.TOO_MANY_CODES, origin, admin_id=identity.admin_id
            )
    if tried == MAX_CODE_ATTEMPTS:
        raise TooManyCodes
    raise LoginFailed


def find_identity(database: Database, clock: Clock, token: str, grace_days: int = 0) -> AdminIdentity | None:
    """Return the admin whose session a cookie names, or None if it has ended or never existed.

    `grace_days`: for how long after their first login owners and editors may work without a second factor.
    """
    now = clock.now()
    with database.read() as session:
        found = admins.session_by_hash(session, hash_token(token))
    if found is None or not _is_valid(found[0], found[1], clock, now):
        return None
    row, admin, has_passkey = found
    if now - row.seen_at > clock.span(_SEEN_SECONDS):
        with database.write() as session:
            admins.see_session(session, row.id, now)
    has_authenticator = admin.totp_secret is not None
    must = admin.role in MUST_HAVE_SECOND_FACTOR and not (has_authenticator or has_passkey)
    return AdminIdentity(
        admin_id=admin.id,
        session_id=row.id,
        email=admin.email,
        role=Role(admin.role),
        second_factor_due=row.second_factor_due,
        has_second_factor=has_authenticator or has_passkey,
        has_authenticator=has_authenticator,
        set_up_by=(admin.first_login_at or now) + clock.span(grace_days * _DAY_SECONDS) if must else None,
        language=admin.language or "",
    )


def log_out(database: Database, clock: Clock, identity: AdminIdentity, origin: Origin) -> None:
    with database.write() as session:
        admins.end_session(session, identity.admin_id, identity.session_id)
        security_events.record(session, clock.now(), SecurityEventKind.LOGOUT, origin, admin_id=identity.admin_id)


def confirm_second_factor(
    database: Database, clock: Clock, secret_box: SecretBox, identity: AdminIdentity, secret: str, code: str
) -> None:
    """Require TOTP codes of a secret from now on, if `code` proves that the app has it; end all other sessions.

    Raises LoginFailed.
    """
    step = totp.matching_step(secret, code, SystemClock().now(), None)
    if step is None:
        raise LoginFailed
    with database.write() as session:
        admin = admins.find(session, identity.admin_id, lock=True)
        if admin is None:
            raise LoginFailed
        admin.totp_secret, admin.totp_step = secret_box.encrypt(secret, context_of_admin(admin.id)), step
        admins.end_sessions(session, admin.id, but=identity.session_id)
        admins.record_change(session, clock.now(), admin.id, AuditAction.ADMIN_SET_SECOND_FACTOR, admin.email)


def _use_code(session: Session, admin: AdminRow, secret_box: SecretBox, code: str) -> SecurityEventKind | None:
    """Return the event of a successful login by this code, or None for a wrong code."""
    if use_recovery_code(session, admin.id, code):
        return SecurityEventKind.LOGIN_BY_RECOVERY_CODE
    secret = secret_box.decrypt(admin.totp_secret, context_of_admin(admin.id)) if admin.totp_secret else None
    step = totp.matching_step(secret, code, SystemClock().now(), admin.totp_step) if secret else None
    if step is None:
        return None
    admin.totp_step = step
    return SecurityEventKind.LOGIN


def open_session(
    session: Session, now: datetime, admin_id: int, browser: str, *, second_factor_due: bool
) -> IssuedSession:
    """Create a session. Runs in the caller's transaction."""
    token = secrets.token_urlsafe(32)
    admins.add_session(
        session,
        AdminSessionRow(
            token_hash=hash_token(token),
            admin_id=admin_id,
            second_factor_due=second_factor_due,
            user_agent=browser[:120],
            created_at=now,
            seen_at=now,
        ),
    )
    return IssuedSession(token, second_factor_due, admin_id)


def _is_valid(row: AdminSessionRow, admin: AdminRow, clock: Clock, now: datetime) -> bool:
    if admin.disabled_at is not None:
        return False
    if row.second_factor_due:
        return now - row.created_at <= clock.span(CODE_SECONDS)
    return now - row.seen_at <= clock.span(IDLE_SECONDS) and now - row.created_at <= clock.span(MAX_SESSION_SECONDS)


def end_session(session: Session, admin_id: int, session_id: int) -> None:
    """End one of an admin's own sessions."""
    admins.end_session(session, admin_id, session_id)
