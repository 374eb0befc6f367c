"""Queries for admins, their sessions and second factors, and the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from rugcourse.db.models import (
    AdminRow,
    AdminSessionRow,
    AuditAction,
    AuditLogRow,
    ChallengeRow,
    PasskeyRow,
    RecoveryCodeRow,
    Role,
    SecurityEventRow,
)

SECURITY_EVENT_DAYS = 90
LONGEST_SESSION_DAYS = 14


def subject_of(subscriber_id: int) -> str:
    """Return a person's name in the audit log: an id, so that it identifies nobody after erasure."""
    return f"subscriber {subscriber_id}"


def by_email(session: Session, email: str) -> AdminRow | None:
    return session.scalar(select(AdminRow).where(AdminRow.email == email))


def by_invitation(session: Session, token_hash: str) -> AdminRow | None:
    """Return the admin with this open invitation, locked, as the link works once."""
    return session.scalar(select(AdminRow).where(AdminRow.invite_token_hash == token_hash).with_for_update())


def by_reset_token(session: Session, token_hash: str) -> AdminRow | None:
    """Return the admin with this open password reset, locked, as the link works once."""
    return session.scalar(select(AdminRow).where(AdminRow.reset_token_hash == token_hash).with_for_update())


def find(session: Session, admin_id: int, *, lock: bool = False) -> AdminRow | None:
    return session.get(AdminRow, admin_id, with_for_update=lock)


def everyone(session: Session) -> Sequence[AdminRow]:
    return session.scalars(select(AdminRow).order_by(AdminRow.id)).all()


def owners(session: Session) -> int:
    """Count the owners who can log in. Locks the rows, so that two owners can't remove each other."""
    rows = session.scalars(
        select(AdminRow.id).where(AdminRow.role == Role.OWNER, AdminRow.disabled_at.is_(None)).with_for_update()
    )
    return len(rows.all())


def add(session: Session, admin: AdminRow) -> None:
    session.add(admin)
    session.flush()


def session_by_hash(session: Session, token_hash: str) -> tuple[AdminSessionRow, AdminRow, bool] | None:
    """Return a session, its admin, and whether they have a passkey."""
    has_passkey = exists().where(PasskeyRow.admin_id == AdminRow.id)
    row = session.execute(
        select(AdminSessionRow, AdminRow, has_passkey)
        .join(AdminRow, AdminRow.id == AdminSessionRow.admin_id)
        .where(AdminSessionRow.token_hash == token_hash)
    ).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def count_code_attempt(session: Session, session_id: int) -> int:
    """Count an attempt to enter a code; returns the number of attempts in this session."""
    counted = (
        update(AdminSessionRow)
        .where(AdminSessionRow.id == session_id)
        .values(code_attempts=AdminSessionRow.code_attempts + 1)
        .returning(AdminSessionRow.code_attempts)
    )
    return session.execute(counted).scalar_one_or_none() or 0


def add_session(session: Session, row: AdminSessionRow) -> None:
    session.add(row)
    session.flush()


def sessions_of(session: Session, admin_id: int) -> Sequence[AdminSessionRow]:
    return session.scalars(
        select(AdminSessionRow).where(AdminSessionRow.admin_id == admin_id).order_by(AdminSessionRow.id.desc())
    ).all()


def see_session(session: Session, session_id: int, now: datetime) -> None:
    session.execute(update(AdminSessionRow).where(AdminSessionRow.id == session_id).values(seen_at=now))


def end_session(session: Session, admin_id: int, session_id: int) -> None:
    """End a session, if it is this admin's."""
    session.execute(
        delete(AdminSessionRow).where(AdminSessionRow.id == session_id, AdminSessionRow.admin_id == admin_id)
    )


def end_sessions(session: Session, admin_id: int, *, but: int | None = None) -> None:
    """End all sessions of an admin, except `but`."""
    ended = delete(AdminSessionRow).where(AdminSessionRow.admin_id == admin_id)
    session.execute(ended.where(AdminSessionRow.id != but) if but is not None else ended)


def passkeys_of(session: Session, admin_id: int) -> Sequence[PasskeyRow]:
    return session.scalars(select(PasskeyRow).where(PasskeyRow.admin_id == admin_id).order_by(PasskeyRow.id)).all()


def passkey(session: Session, credential: str, *, lock: bool = False) -> PasskeyRow | None:
    query = select(PasskeyRow).where(PasskeyRow.credential_id == credential)
    return session.scalar(query.with_for_update() if lock else query)


def remove_passkey(session: Session, admin_id: int, passkey_id: int) -> bool:
    """Remove a passkey, if it is this admin's; returns whether it was."""
    mine = delete(PasskeyRow).where(PasskeyRow.id == passkey_id, PasskeyRow.admin_id == admin_id)
    return session.scalar(mine.returning(PasskeyRow.id)) is not None


def remove_passkeys(session: Session, admin_id: int) -> None:
    session.execute(delete(PasskeyRow).where(PasskeyRow.admin_id == admin_id))


def has_passkey(session: Session, admin_id: int) -> bool:
    return session.scalars(select(exists().where(PasskeyRow.admin_id == admin_id))).one()


def without_second_factor(session: Session, roles: Sequence[Role]) -> Sequence[str]:
    """Return the addresses of admins with one of these roles who can log in with a password alone."""
    query = select(AdminRow.email).where(
        AdminRow.role.in_(roles),
        AdminRow.disabled_at.is_(None),
        AdminRow.password_hash.is_not(None),
        AdminRow.totp_secret.is_(None),
        ~exists().where(PasskeyRow.admin_id == AdminRow.id),
    )
    return session.scalars(query.order_by(AdminRow.email)).all()


def with_passkeys(session: Session) -> set[int]:
    """Return the ids of admins with a passkey."""
    return set(session.scalars(select(PasskeyRow.admin_id).distinct()))


def replace_recovery_codes(session: Session, admin_id: int, hashes: Sequence[str]) -> None:
    """Replace all recovery codes of an admin."""
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.admin_id == admin_id))
    session.add_all(RecoveryCodeRow(code_hash=one, admin_id=admin_id) for one in hashes)


def use_recovery_code(session: Session, admin_id: int, code_hash: str) -> bool:
    """Use up a recovery code; returns whether it was valid."""
    mine = delete(RecoveryCodeRow).where(RecoveryCodeRow.code_hash == code_hash, RecoveryCodeRow.admin_id == admin_id)
    return session.scalar(mine.returning(RecoveryCodeRow.code_hash)) is not None


def count_recovery_codes(session: Session, admin_id: int) -> int:
    return session.scalars(
        select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.admin_id == admin_id)
    ).one()


def add_challenge(session: Session, challenge: str, bound_to: str, until: datetime, now: datetime) -> None:
    """Store a challenge that is valid until an instant (UTC). Deletes expired ones."""
    session.execute(delete(ChallengeRow).where(ChallengeRow.expires_at < now))
    session.add(ChallengeRow(challenge=challenge, bound_to=bound_to, expires_at=until))


def use_challenge(session: Session, challenge: str, bound_to: str, now: datetime) -> bool:
    """Use up a challenge; returns whether it was made for `bound_to` and is still valid."""
    mine = delete(ChallengeRow).where(
        ChallengeRow.challenge == challenge, ChallengeRow.bound_to == bound_to, ChallengeRow.expires_at >= now
    )
    return session.scalar(mine.returning(ChallengeRow.challenge)) is not None


def add_event(session: Session, event: SecurityEventRow) -> None:
    session.add(event)


def events_of(session: Session, admin_id: int, limit: int) -> Sequence[SecurityEventRow]:
    """Return the newest security events of an admin."""
    mine = select(SecurityEventRow).where(SecurityEventRow.admin_id == admin_id)
    return session.scalars(mine.order_by(SecurityEventRow.id.desc()).limit(limit)).all()


def events(session: Session, limit: int) -> Sequence[tuple[SecurityEventRow, str | None]]:
    """Return the newest security events, with the address of the admin each is about."""
    query = select(SecurityEventRow, AdminRow.email).outerjoin(AdminRow, AdminRow.id == SecurityEventRow.admin_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(SecurityEventRow.id.desc()).limit(limit))]


def forget_sessions(session: Session, before: datetime) -> None:
    """Delete sessions that began before an instant (UTC), which have expired."""
    session.execute(delete(AdminSessionRow).where(AdminSessionRow.created_at < before))


def forget_events(session: Session, before: datetime) -> None:
    session.execute(delete(SecurityEventRow).where(SecurityEventRow.at < before))


def record_change(
    session: Session,
    at: datetime,
    admin_id: int | None,
    action: AuditAction,
    subject: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    session.add(
        AuditLogRow(
            at=at,
            admin_id=admin_id,
            action=action,
            subject=subject[:300],
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )


def changes(session: Session, limit: int, before_id: int | None = None) -> Sequence[tuple[AuditLogRow, str | None]]:
    """Return the newest changes, with the address of the admin who made each; older than `before_id`, if given."""
    query = select(AuditLogRow, AdminRow.email).outerjoin(AdminRow, AdminRow.id == AuditLogRow.admin_id)
    if before_id is not None:
        query = query.where(AuditLogRow.id < before_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(AuditLogRow.id.desc()).limit(limit))]


def changes_of(session: Session, subject: str) -> Sequence[tuple[AuditLogRow, str | None]]:
    """Return the changes of a subject, with the address of the admin who made each, oldest first."""
    query = (
        select(AuditLogRow, AdminRow.email)
        .outerjoin(AdminRow, AdminRow.id == AuditLogRow.admin_id)
        .where(AuditLogRow.subject == subject)
        .order_by(AuditLogRow.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def was_done(session: Session, actions: Collection[AuditAction]) -> bool:
    """Whether an admin has done one of these, as far back as the audit log goes."""
    query = select(AuditLogRow.id).where(AuditLogRow.action.in_(actions), AuditLogRow.admin_id.is_not(None))
    return session.scalar(query.limit(1)) is not None


def addresses(session: Session) -> dict[int, str]:
    """Return admin id → address, including former admins."""
    return dict(iter(session.execute(select(AdminRow.id, AdminRow.email))))


def count_admins(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(AdminRow)).one()
