"""What is written down of logging in: for the operator's log, the audit log and the admin's own page.

An address is never written down, only an account's number or a keyed hash; a network without the part that names a
device. They are forgotten after 90 days.
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
LONGEST_SESSION_SECONDS = admins.LONGEST_SESSION_DAYS * 86_400.0  # of the machine's time
log = structlog.get_logger()


class SecurityEventKind(StrEnum):
    """What happened."""

    LOGIN = "login"
    RIGHT_PASSWORD = "right password"  # noqa: S105 - a name; the second factor is still asked for
    REFUSED_PASSKEY = "refused passkey"
    LOGIN_BY_PASSKEY = "login by passkey"
    LOGIN_BY_RECOVERY_CODE = "login by recovery code"
    LOGOUT = "logout"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a name
    WRONG_CODE = "wrong code"
    TOO_MANY_CODES = "too many codes"
    RATE_LIMITED = "rate limited"
    RESET_ASKED = "password reset asked"
    RESET_DONE = "password reset"
    REFUSED_ROLE = "refused role"
    FORGED = "forged form"


# So many come of one attack that they only go to the operator's log.
_ONLY_LOGGED = {SecurityEventKind.RATE_LIMITED, SecurityEventKind.FORGED, SecurityEventKind.REFUSED_PASSKEY}
_ROUTINE = {
    SecurityEventKind.LOGIN,
    SecurityEventKind.RIGHT_PASSWORD,
    SecurityEventKind.LOGIN_BY_PASSKEY,
    SecurityEventKind.LOGOUT,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. `network`: see `rugcourse.web.rate_limits.network`, shortened further."""

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
    """Write an event down. `account`: a keyed hash of the address that was typed, where no admin is known.

    `session` None: in the operator's log alone.
    """
    tell = log.info if kind in _ROUTINE else log.warning
    tell("security_event", kind=kind.value, admin_id=admin_id, account=account[:12] or None, network=origin.network)
    if session is not None and kind not in _ONLY_LOGGED:
        admins.add_event(
            session,
            SecurityEventRow(
                at=now, kind=kind, admin_id=admin_id, network=origin.network[:43], browser=origin.browser[:120]
            ),
        )


def forget(database: Database, clock: Clock) -> None:
    """Forget those whose time has come, and sessions that are over."""
    with database.write() as session:
        admins.forget_events(session, clock.now() - timedelta(days=KEPT_DAYS))
        admins.forget_sessions(session, clock.now() - clock.span(LONGEST_SESSION_SECONDS))
