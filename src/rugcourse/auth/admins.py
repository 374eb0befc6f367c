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
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import AdminRow, Role
from rugcourse.db.queries import admins
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.errors import InvalidState, NotFoundError

INVITED_SECONDS = 24 * 3600.0  # the machine's
RESET_SECONDS = 3600.0


class BadInvitation(NotFoundError):
    """The link was used, is too old, or never was one."""


class AlreadyAdmin(InvalidState):
    """This address belongs to an admin who has a password."""


class LastOwner(InvalidState):
    """Without this one there would be no owner left."""


class NoSuchAdmin(NotFoundError):
    """There is no admin with this id or address."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`token` stands in the link, and nowhere else."""

    admin_id: int
    email: str
    token: str


def invite(session: Session, clock: Clock, address: str, role: Role, by: int | None = None) -> Invitation:
    """Create an admin, or give one who never came in a new link; the old one ends. Raises NotAnAddress, AlreadyAdmin.

    `by` None, at the command line, helps an admin back in who has lost everything: using the link ends their second
    factor and passkeys. An admin can't do that to another; see `reset_second_factor`.
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
        admin.reset_token, admin.reset_until = None, None  # else it would set the password before this one does
    elif admin.password_hash is not None or admin.disabled_at is not None:
        raise AlreadyAdmin
    else:
        admin.role = role
    admin.invited, admin.invited_until = hash_token(token), now + clock.span(INVITED_SECONDS)
    admins.record_change(session, now, by, "admin invited", email, before, _facts(admin))
    return Invitation(admin.id, email, token)


def is_open(session: Session, now: datetime, token: str) -> str | None:
    """The address whose password a link would set, or None when it sets none."""
    admin = _invited(session, now, token)
    return admin.email if admin else None


def set_first_password(
    database: Database, clock: Clock, token: str, password: str, context: Sequence[str] = ()
) -> AdminRow:
    """Use a link: set the password; sessions, second factor and passkeys end. `context`: see `check_strength`.

    Raises BadInvitation, WeakPassword, TooBusy.
    """
    with database.read() as session:
        invited = _invited(session, clock.now(), token)
    if invited is None:
        raise BadInvitation
    check_strength(password, invited.email, context)
    password_hash = hash_password(password)  # outside the transaction: it takes a while
    with database.write() as session:
        admin = _invited(session, clock.now(), token)
        if admin is None:
            raise BadInvitation
        admin.password_hash, admin.invited, admin.invited_until = password_hash, None, None
        _remove_second_factor(session, admin)
        admins.end_sessions(session, admin.id)
        admins.record_change(session, clock.now(), admin.id, "password set", admin.email)
        return admin


def request_reset(session: Session, clock: Clock, address: str, origin: Origin) -> Invitation | None:
    """A link for who forgot the password, good for an hour; None where there is nobody to send it to."""
    now = clock.now()
    email = normalise_email(address)
    token = secrets.token_urlsafe(32)
    admin = admins.by_email(session, email) if email else None
    if admin is None or admin.disabled_at is not None:
        return None
    admin.reset_token, admin.reset_until = hash_token(token), now + clock.span(RESET_SECONDS)
    security_events.record(session, now, SecurityEventKind.RESET_ASKED, origin, admin_id=admin.id)
    return Invitation(admin.id, admin.email, token)


def reset_is_open(session: Session, now: datetime, token: str) -> str | None:
    """The address whose password a link would change, or None when it changes none."""
    admin = _resetting(session, now, token)
    return admin.email if admin else None


def reset_password(
    database: Database, clock: Clock, token: str, password: str, origin: Origin, context: Sequence[str] = ()
) -> AdminRow:
    """Use a link: change the password and end all sessions. The second factor stays, and is asked for at the login.

    Raises BadInvitation, WeakPassword, TooBusy.
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
        admin.password_hash, admin.reset_token, admin.reset_until = password_hash, None, None
        admin.invited, admin.invited_until = None, None
        admins.end_sessions(session, admin.id)
        security_events.record(session, clock.now(), SecurityEventKind.RESET_DONE, origin, admin_id=admin.id)
        admins.record_change(session, clock.now(), admin.id, "password reset", admin.email)
        return admin


def reset_second_factor(session: Session, now: datetime, admin_id: int, by: int | None) -> str:
    """End another admin's second factor, passkeys, recovery codes and sessions; returns their address. The password
    stays. Raises NoSuchAdmin.
    """
    admin = _admin(session, admin_id)
    before = _facts(admin)
    _remove_second_factor(session, admin)
    admin.first_login_at = None  # the days to set up a new one begin with the next login
    admins.end_sessions(session, admin.id)
    admins.record_change(session, now, by, "second factor removed", admin.email, before, _facts(admin))
    return admin.email


def change_password(
    database: Database, clock: Clock, admin_id: int, password: str, *, session_id: int, context: Sequence[str] = ()
) -> None:
    """Set another password, and end all other sessions. Raises NoSuchAdmin, WeakPassword, TooBusy."""
    with database.read() as session:
        email = _admin(session, admin_id).email
    check_strength(password, email, context)
    password_hash = hash_password(password)
    with database.write() as session:
        admin = _admin(session, admin_id)
        admin.password_hash, admin.reset_token, admin.reset_until = password_hash, None, None
        admin.invited, admin.invited_until = None, None
        admins.end_sessions(session, admin.id, but=session_id)
        admins.record_change(session, clock.now(), admin.id, "password changed", admin.email)


def change_role(session: Session, now: datetime, admin_id: int, role: Role, by: int | None) -> str:
    """Returns the admin's address. Raises NoSuchAdmin, LastOwner."""
    admin = _admin(session, admin_id)
    before = _facts(admin)
    if role != Role.OWNER:
        _require_another_owner(session, admin)
    admin.role, admin.reset_token, admin.reset_until = role, None, None
    if admin.password_hash is not None:
        admin.invited, admin.invited_until = None, None
    admins.end_sessions(session, admin.id)
    admins.record_change(session, now, by, "role changed", admin.email, before, _facts(admin))
    return admin.email


def disable_account(session: Session, now: datetime, admin_id: int, by: int | None) -> str:
    """Let an admin in no more, and end their sessions; returns their address. Raises NoSuchAdmin, LastOwner."""
    admin = _admin(session, admin_id)
    before = _facts(admin)
    _require_another_owner(session, admin)
    admin.disabled_at, admin.invited, admin.invited_until = now, None, None
    admin.reset_token, admin.reset_until = None, None
    admins.end_sessions(session, admin.id)
    admins.record_change(session, now, by, "admin disabled", admin.email, before, _facts(admin))
    return admin.email


def hash_token(token: str) -> str:
    """How tokens are kept: they are long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _invited(session: Session, now: datetime, token: str) -> AdminRow | None:
    admin = admins.by_invitation(session, hash_token(token))
    if admin is None or admin.disabled_at is not None or admin.invited_until is None:
        return None
    return admin if now <= admin.invited_until else None


def _resetting(session: Session, now: datetime, token: str) -> AdminRow | None:
    admin = admins.by_reset_token(session, hash_token(token))
    if admin is None or admin.disabled_at is not None or admin.reset_until is None:
        return None
    return admin if now <= admin.reset_until else None


def _remove_second_factor(session: Session, admin: AdminRow) -> None:
    """And links for a new password: one of before must not let in where nothing else is asked for any more."""
    admin.reset_token, admin.reset_until = None, None
    admin.invited, admin.invited_until = None, None
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
    """What the log keeps of an admin: nothing that opens anything."""
    return {"role": admin.role, "disabled": admin.disabled_at is not None, "second_factor": bool(admin.totp_secret)}
