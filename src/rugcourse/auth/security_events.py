"""Records logins and what else matters to security, in the operator's log and on admin pages.

Events contain no e-mail address: an account's id, or a keyed hash. Networks are shortened, so that they identify
nobody. Events are deleted after 90 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import SecurityEventRow
from rugcourse.db.queries import admins

KEPT_DAYS = admins.SECURITY_EVENT_DAYS
MAX_SESSION_SECONDS = admins.LONGEST_SESSION_DAYS * 86_400.0  # wall-clock seconds
log = structlog.get_logger()


class SecurityEventKind(StrEnum):
    """The kind of an event, as it is stored."""

    LOGIN = "login"
    RIGHT_PASSWORD = "right password"  # noqa: S105 - a label; the second factor is still required
    REFUSED_PASSKEY = "refused passkey"
    LOGIN_BY_PASSKEY = "login by passkey"
    LOGIN_BY_RECOVERY_CODE = "login by recovery code"
    LOGOUT = "logout"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a label
    WRONG_CODE = "wrong code"
    TOO_MANY_CODES = "too many codes"
    RATE_LIMITED = "rate limited"
    RESET_ASKED = "password reset asked"
    RESET_DONE = "password reset"
    REFUSED_ROLE = "refused role"
    FORGED = "forged form"


# One attack causes so many of these that they are not stored.
_ONLY_LOGGED = {SecurityEventKind.RATE_LIMITED, SecurityEventKind.FORGED, SecurityEventKind.REFUSED_PASSKEY}
_ROUTINE = {
    SecurityEventKind.LOGIN,
    SecurityEventKind.RIGHT_PASSWORD,
    SecurityEventKind.LOGIN_BY_PASSKEY,
    SecurityEventKind.LOGOUT,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. `network`: from `rugcourse.web.rate_limits.shortened`; `browser`: the user agent."""

    network: str = ""
    browser: str = ""


def record(
    session: Session | None,
    now: datetime,
    kind: SecurityEventKind,
    origin: Origin,
    *,
    admin_id: int | None,
    account: str = "",
) -> None:
    """Record an event in the operator's log, and in the database if a session is given and the kind is stored.

    `account`: a keyed hash of the address that was typed, if it belongs to no known admin.
    """
    tell = log.info if kind in _ROUTINE else log.warning
    tell("security_event", kind=kind.value, admin_id=admin_id, account=account[:12] or None, network=origin.network)
    if session is not None and kind not in _ONLY_LOGGED:
        admins.add_event(
            session,
            SecurityEventRow(
                at=now, kind=kind, admin_id=admin_id, network=origin.network[:43], user_agent=origin.browser[:120]
            ),
        )


def delete_expired(database: Database, clock: Clock) -> None:
    """Delete old events, and sessions that have ended."""
    with database.write() as session:
        admins.forget_events(session, clock.now() - timedelta(days=KEPT_DAYS))
        admins.forget_sessions(session, clock.now() - clock.span(MAX_SESSION_SECONDS))
