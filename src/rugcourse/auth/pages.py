"""The data of the admin pages about accounts: one's own, the team, the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db.models import AdminRow, AdminSessionRow, AuditLogRow, PasskeyRow, SecurityEventRow
from rugcourse.db.queries import admins

_EVENTS_OF_ACCOUNT, _EVENTS_OF_ALL = 20, 50


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An admin's own sessions, passkeys and newest security events, and how many recovery codes are left."""

    sessions: Sequence[AdminSessionRow]
    passkeys: Sequence[PasskeyRow]
    recovery_codes_left: int
    events: Sequence[SecurityEventRow]


@dataclass(frozen=True, slots=True)
class Team:
    """All admins, and the numbers of those who have a passkey."""

    admins: Sequence[AdminRow]
    with_passkeys: set[int]


@dataclass(frozen=True, slots=True)
class AuditLog:
    """A page of the audit log: (entry, address of the admin). `more`: the number of the last one, if there are more;
    `events`: the newest security events, on the first page.
    """

    entries: Sequence[tuple[AuditLogRow, str | None]]
    more: int | None
    events: Sequence[tuple[SecurityEventRow, str | None]]


def account(session: Session, admin_id: int) -> AccountDetails:
    """What the account page shows."""
    return AccountDetails(
        admins.sessions_of(session, admin_id),
        admins.passkeys_of(session, admin_id),
        admins.count_recovery_codes(session, admin_id),
        admins.events_of(session, admin_id, _EVENTS_OF_ACCOUNT),
    )


def team(session: Session) -> Team:
    """What the team page shows."""
    return Team(admins.everyone(session), set(admins.with_passkeys(session)))


def audit_log(session: Session, limit: int, before_id: int | None) -> AuditLog:
    """The newest entries, or those older than one."""
    entries = admins.changes(session, limit + 1, before_id)
    return AuditLog(
        entries=entries[:limit],
        more=entries[limit - 1][0].id if len(entries) > limit else None,
        events=[] if before_id else admins.events(session, _EVENTS_OF_ALL),
    )
