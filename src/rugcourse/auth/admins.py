"""Admin accounts: invitations, first passwords, resets, roles, disabling."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.auth import security_events
from rugcourse.auth.passwords import check_strength, hash_password
from rugcourse.auth.roles import includes
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, AuditAction, Role
from rugcourse.db.queries import admins, api_tokens
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.errors import InvalidState, NotFoundError

INVITATION_SECONDS = 24 * 3600.0  # wall-clock seconds, not the demo's
RESET_SECONDS = 3600.0


class BadInvitation(NotFoundError):
    """The link was used, has expired or never existed."""


class AlreadyAdmin(InvalidState):
    """The address belongs to an admin who has a password or whose account is disabled."""


class LastOwner(InvalidState):
    """The change would leave no active owner."""


class NoSuchAdmin(NotFoundError):
    """There is no admin with this id."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link to set a password. `token` is only in the link; the database has its hash."""

    admin_id: int
    email: str
    token: str


def invite(session: Session, clock: Clock, address: str, role: Role, by: int | None = None) -> Invitation:
    """Create an admin, or send a new link to one who has no password yet; the old link stops working.

    `by`: the id of the inviting admin. None for the command line, which can also restore an account whose owner lost
    everything: using the link then removes their second factor and passkeys. An admin can't do that to another admin;
    see `reset_second_factor`.

    Raises NotAnAddress, AlreadyAdmin.
    """
    now = clock.now()
    email = normalise_email(address)
    if email is None:
        raise NotAnAddress(address)
    token = secrets.token_urlsafe(32)
    admin = admins.by_email(session, email)
    before = _facts(admin) if admin else None
    if admin is None:
        admin = AdminRow(email=email, name="", role=role, created_at=now)
        admins.add(session, admin)
    elif by is None:
        admin.role, admin.disabled_at = role, None
        admin.reset_token_hash, admin.reset_expires_at = None, None  # an older link could set the password first
        api_tokens.revoke_all(session, admin.id, now)
    elif admin.password_hash is not None or admin.disabled_at is not None:
        raise AlreadyAdmin
    else:
        admin.role = role
    admin.invite_token_hash, admin.invite_expires_at = hash_token(token), now + clock.span(INVITATION_SECONDS)
    admins.record_change(session, now, by, AuditAction.ADMIN_INVITE, email, before, _facts(admin))
    return Invitation(admin.id, email, token)


def invited_email(session: Session, now: datetime, token: str) -> str | None:
    """Return the address of the admin whom an invitation link is for, or None if the link is not valid."""
    admin = _invited(session, now, token)
    return admin.email if admin else None


def set_first_password(
    database: Database, clock: Clock, token: str, password: str, context: Sequence[str] = ()
) -> AdminRow:
    """Set a password by an invitation link; ends all sessions, and removes the second factor and passkeys.

    `context`: see `check_strength`. Raises BadInvitation, WeakPassword, TooBusy.
    """
    with database.read() as session:
        invited = _invited(session, clock.now(), token)
    if invited is None:
        raise BadInvitation
    check_strength(password, invited.email, context)
    password_hash = hash_password(password)  # outside the transaction, as it is slow
    with database.write() as session:
        admin = _invited(session, clock.now(), token)
        if admin is None:
            raise BadInvitation
        admin.password_hash, admin.invite_token_hash, admin.invite_expires_at = password_hash, None, None
        _remove_second_factor(session, admin)
        admins.end_sessions(session, admin.id)
        admins.record_change(session, clock.now(), admin.id, AuditAction.ADMIN_SET_PASSWORD, admin.email)
        return admin


def request_reset(session: Session, clock: Clock, address: str, origin: Origin) -> Invitation | None:
    """Create a link to reset a password, valid for one hour. Returns None if no active admin has the address."""
    now = clock.now()
    email = normalise_email(address)
    token = secrets.token_urlsafe(32)
    admin = admins.by_email(session, email) if email else None
    if admin is None or admin.disabled_at is not None:
        return None
    admin.reset_token_hash, admin.reset_expires_at = hash_token(token), now + clock.span(RESET_SECONDS)
    security_events.record(session, now, SecurityEventKind.RESET_ASKED, origin, admin_id=admin.id)
    return Invitation(admin.id, admin.email, token)


def reset_email(session: Session, now: datetime, token: str) -> str | None:
    """Return the address of the admin whom a reset link is for, or None if the link is not valid."""
    admin = _resetting(session, now, token)
    return admin.email if admin else None


def reset_password(
    database: Database, clock: Clock, token: str, password: str, origin: Origin, context: Sequence[str] = ()
) -> AdminRow:
    """Set a new password by a reset link, and end all sessions.

    The second factor stays, so that access to the mailbox alone opens no account. Raises BadInvitation, WeakPassword,
    TooBusy.
    """
    with database.read() as session:
        resetting = _resetting(session, clock.now(), token)
    if resetting is None:
        raise BadInvitation
    check_strength(password, resetting.email, context)
    password_hash = hash_password(password)
    with database.write() as session:
        admin = _resetting(session, clock.now(), token)
        if admin is None:
            raise BadInvitation
        admin.password_hash, admin.reset_token_hash, admin.reset_expires_at = password_hash, None, None
        admin.invite_token_hash, admin.invite_expires_at = None, None
        admins.end_sessions(session, admin.id)
        security_events.record(session, clock.now(), SecurityEventKind.RESET_DONE, origin, admin_id=admin.id)
        admins.record_change(session, clock.now(), admin.id, AuditAction.ADMIN_RESET_PASSWORD, admin.email)
        return admin


def reset_second_factor(session: Session, now: datetime, admin_id: int, by: int | None) -> str:
    """Remove another admin's second factor, passkeys, recovery codes and sessions. The password stays.

    Returns their address. Raises NoSuchAdmin.
    """
    admin = _admin(session, admin_id)
    before = _facts(admin)
    _remove_second_factor(session, admin)
    admin.first_login_at = None  # the grace period for a new factor starts at the next login
    admins.end_sessions(session, admin.id)
    admins.record_change(session, now, by, AuditAction.ADMIN_REMOVE_SECOND_FACTOR, admin.email, before, _facts(admin))
    return admin.email


def change_password(
    database: Database, clock: Clock, admin_id: int, password: str, *, session_id: int, context: Sequence[str] = ()
) -> None:
    """Change a password, and end all sessions but `session_id`. Raises NoSuchAdmin, WeakPassword, TooBusy."""
    with database.read() as session:
        email = _admin(session, admin_id).email
    check_strength(password, email, context)
    password_hash = hash_password(password)
    with database.write() as session:
        admin = _admin(session, admin_id)
        admin.password_hash, admin.reset_token_hash, admin.reset_expires_at = password_hash, None, None
        admin.invite_token_hash, admin.invite_expires_at = None, None
        admins.end_sessions(session, admin.id, but=session_id)
        admins.record_change(session, clock.now(), admin.id, AuditAction.ADMIN_CHANGE_PASSWORD, admin.email)


def choose_language(session: Session, admin_id: int, language: str | None) -> None:
    """Keep the language of an admin's pages; None for that of the site or the browser. Raises NoSuchAdmin."""
    _admin(session, admin_id).language = language


def change_role(session: Session, now: datetime, admin_id: int, role: Role, by: int | None) -> str:
    """Change an admin's role, and end their sessions; if it shrinks their API tokens, too.

    Returns their address. Raises NoSuchAdmin, LastOwner.
    """
    admin = _admin(session, admin_id)
    before = _facts(admin)
    if role != Role.OWNER:
        _require_another_owner(session, admin)
    if not includes(role, Role(admin.role)):
        api_tokens.revoke_all(session, admin.id, now)
    admin.role, admin.reset_token_hash, admin.reset_expires_at = role, None, None
    if admin.password_hash is not None:
        admin.invite_token_hash, admin.invite_expires_at = None, None
    admins.end_sessions(session, admin.id)
    admins.record_change(session, now, by, AuditAction.ADMIN_CHANGE_ROLE, admin.email, before, _facts(admin))
    return admin.email


def disable_account(session: Session, now: datetime, admin_id: int, by: int | None) -> str:
    """Disable an account, and end its sessions and API tokens. Returns its address. Raises NoSuchAdmin, LastOwner."""
    admin = _admin(session, admin_id)
    before = _facts(admin)
    _require_another_owner(session, admin)
    admin.disabled_at, admin.invite_token_hash, admin.invite_expires_at = now, None, None
    admin.reset_token_hash, admin.reset_expires_at = None, None
    admins.end_sessions(session, admin.id)
    api_tokens.revoke_all(session, admin.id, now)
    admins.record_change(session, now, by, AuditAction.ADMIN_DISABLE, admin.email, before, _facts(admin))
    return admin.email


def hash_token(token: str) -> str:
    """Hash a token for the database. Tokens are long and random, so that a fast hash without salt is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _invited(session: Session, now: datetime, token: str) -> AdminRow | None:
    admin = admins.by_invitation(session, hash_token(token))
    if admin is None or admin.disabled_at is not None or admin.invite_expires_at is None:
        return None
    return admin if now <= admin.invite_expires_at else None


def _resetting(session: Session, now: datetime, token: str) -> AdminRow | None:
    admin = admins.by_reset_token(session, hash_token(token))
    if admin is None or admin.disabled_at is not None or admin.reset_expires_at is None:
        return None
    return admin if now <= admin.reset_expires_at else None


def _remove_second_factor(session: Session, admin: AdminRow) -> None:
    """Remove all second factors, and open links: an older link must not open an account without a second factor."""
    admin.reset_token_hash, admin.reset_expires_at = None, None
    admin.invite_token_hash, admin.invite_expires_at = None, None
    admin.totp_secret, admin.totp_step = None, None
    admins.remove_passkeys(session, admin.id)
    admins.replace_recovery_codes(session, admin.id, [])


def _admin(session: Session, admin_id: int) -> AdminRow:
    admin = admins.find(session, admin_id, lock=True)
    if admin is None:
        raise NoSuchAdmin
    return admin


def _require_another_owner(session: Session, admin: AdminRow) -> None:
    if admin.role == Role.OWNER and admin.disabled_at is None and admins.owners(session) <= 1:
        raise LastOwner


def _facts(admin: AdminRow) -> dict[str, object]:
    """Return what the audit log records of an admin: no secrets."""
    return {"role": admin.role, "disabled": admin.disabled_at is not None, "second_factor": bool(admin.totp_secret)}
