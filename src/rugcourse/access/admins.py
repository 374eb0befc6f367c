"""Admins come and go: created with a link that sets the password once, given roles, disabled."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.access.passwords import check_strength, hash_password
from rugcourse.clock import Clock
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.store import admins
from rugcourse.store.database import Database
from rugcourse.store.tables import AdminRow, Role

INVITED_SECONDS = 24 * 3600.0  # the machine's


class BadInvitation(Exception):
    """The link was used, is too old, or never was one."""


class LastOwner(Exception):
    """Without this one there would be no owner left."""


class NoSuchAdmin(Exception):
    """There is no admin with this id or address."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`token` stands in the link, and nowhere else."""

    admin_id: int
    email: str
    token: str


def invite(database: Database, clock: Clock, address: str, role: Role, by: int | None = None) -> Invitation:
    """Create an admin, or give one that is there a new link; the old one ends. Raises NotAnAddress."""
    email = normalise_email(address)
    if email is None:
        raise NotAnAddress(address)
    token = secrets.token_urlsafe(32)
    with database.write() as session:
        admin = admins.by_email(session, email)
        before = _facts(admin) if admin else None
        if admin is None:
            admin = AdminRow(email=email, name="", role=role, created_at=clock.now())
            admins.add(session, admin)
        elif by is None:
            admin.role, admin.disabled_at = role, None
        admin.invited, admin.invited_until = hash_token(token), clock.now() + clock.span(INVITED_SECONDS)
        admins.log_change(session, clock.now(), by, "admin invited", email, before, _facts(admin))
        return Invitation(admin.id, email, token)


def is_open(database: Database, clock: Clock, token: str) -> str | None:
    """The address whose password a link would set, or None when it sets none."""
    with database.read() as session:
        admin = _invited(session, clock, token)
        return admin.email if admin else None


def set_first_password(database: Database, clock: Clock, token: str, password: str) -> AdminRow:
    """Use a link: set the password; sessions, second factor and passkeys end. Raises BadInvitation, WeakPassword."""
    with database.write() as session:
        admin = _invited(session, clock, token)
        if admin is None:
            raise BadInvitation
        check_strength(password, admin.email)
        admin.password_hash, admin.invited, admin.invited_until = hash_password(password), None, None
        admin.totp_secret, admin.totp_step = None, None
        admins.remove_passkeys(session, admin.id)
        admins.end_sessions(session, admin.id)
        admins.log_change(session, clock.now(), admin.id, "password set", admin.email)
        return admin


def change_password(database: Database, clock: Clock, admin_id: int, password: str, *, session_id: int) -> None:
    """Set another password, and end all other sessions. Raises WeakPassword."""
    with database.write() as session:
        admin = _admin(session, admin_id)
        check_strength(password, admin.email)
        admin.password_hash = hash_password(password)
        admins.end_sessions(session, admin.id, but=session_id)
        admins.log_change(session, clock.now(), admin.id, "password changed", admin.email)


def change_role(database: Database, clock: Clock, admin_id: int, role: Role, by: int | None) -> None:
    """Raises NoSuchAdmin, LastOwner."""
    with database.write() as session:
        admin = _admin(session, admin_id)
        before = _facts(admin)
        if role != Role.OWNER:
            _keep_an_owner(session, admin)
        admin.role = role
        admins.end_sessions(session, admin.id)
        admins.log_change(session, clock.now(), by, "role changed", admin.email, before, _facts(admin))


def disable(database: Database, clock: Clock, admin_id: int, by: int | None) -> None:
    """Let an admin in no more, and end their sessions. Raises NoSuchAdmin, LastOwner."""
    with database.write() as session:
        admin = _admin(session, admin_id)
        before = _facts(admin)
        _keep_an_owner(session, admin)
        admin.disabled_at, admin.invited, admin.invited_until = clock.now(), None, None
        admins.end_sessions(session, admin.id)
        admins.log_change(session, clock.now(), by, "admin disabled", admin.email, before, _facts(admin))


def hash_token(token: str) -> str:
    """How tokens are kept: they are long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _invited(session: Session, clock: Clock, token: str) -> AdminRow | None:
    admin = admins.by_invitation(session, hash_token(token))
    if admin is None or admin.disabled_at is not None or admin.invited_until is None:
        return None
    return admin if clock.now() <= admin.invited_until else None


def _admin(session: Session, admin_id: int) -> AdminRow:
    admin = admins.find(session, admin_id, lock=True)
    if admin is None:
        raise NoSuchAdmin
    return admin


def _keep_an_owner(session: Session, admin: AdminRow) -> None:
    if admin.role == Role.OWNER and admin.disabled_at is None and admins.owners(session) <= 1:
        raise LastOwner


def _facts(admin: AdminRow) -> dict[str, object]:
    """What the log keeps of an admin: nothing that opens anything."""
    return {"role": admin.role, "disabled": admin.disabled_at is not None, "second_factor": bool(admin.totp_secret)}
