"""The data of the admin pages about accounts: an admin's own account, the team and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.db.models import AdminRow, AdminSessionRow, AuditLogRow, PasskeyRow, SecurityEventRow
from rugcourse.db.queries import admins

_EVENTS_OF_ACCOUNT, _EVENTS_OF_ALL = 20, 50


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An admin's sessions, passkeys, latest security events, and the number of unused recovery codes."""

    sessions: Sequence[AdminSessionRow]
    passkeys: Sequence[PasskeyRow]
    recovery_codes_left: int
    events: Sequence[SecurityEventRow]


@dataclass(frozen=True, slots=True)
class Team:
    """All admins, and the ids of those with a passkey."""

    admins: Sequence[AdminRow]
    with_passkeys: set[int]


@dataclass(frozen=True, slots=True)
class AuditLog:
    """A page of the audit log, newest first. `entries`: (entry, address of the admin).

    `more`: the id of the last entry, if there are older ones. `events`: the latest security events; on the first page
    only.
    """

    entries: Sequence[tuple[AuditLogRow, str | None]]
    more: int | None
    events: Sequence[tuple[SecurityEventRow, str | None]]


def account(session: Session, admin_id: int) -> AccountDetails:
    """Return the data of an admin's account page."""
    return AccountDetails(
        admins.sessions_of(session, admin_id),
        admins.passkeys_of(session, admin_id),
        admins.count_recovery_codes(session, admin_id),
        admins.events_of(session, admin_id, _EVENTS_OF_ACCOUNT),
    )


def team(session: Session) -> Team:
    """Return the data of the team page."""
    return Team(admins.everyone(session), set(admins.with_passkeys(session)))


def audit_log(session: Session, limit: int, before_id: int | None) -> AuditLog:
    """Return up to `limit` entries, older than the entry `before_id` or the newest."""
    entries = admins.changes(session, limit + 1, before_id)
    return AuditLog(
        entries=entries[:limit],
        more=entries[limit - 1][0].id if len(entries) > limit else None,
        events=[] if before_id else admins.events(session, _EVENTS_OF_ALL),
    )
