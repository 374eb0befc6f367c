"""Recovery codes: each replaces the second factor once, for example when the phone is lost."""

from __future__ import annotations

import base64
import secrets

from sqlalchemy.orm import Session

from rugcourse.auth.admins import hash_token
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins

COUNT = 10
_BYTES = 15  # 120 random bits can't be guessed, nor found from the hash (ASVS 5.0, 6.5.2)


def make_recovery_codes(database: Database, clock: Clock, admin_id: int, email: str) -> list[str]:
    """Create new codes and delete the old ones. The caller must show them now: only hashes are stored."""
    codes = [_new_code() for _ in range(COUNT)]
    with database.write() as session:
        admins.replace_recovery_codes(session, admin_id, [hash_token(_plain(code)) for code in codes])
        admins.record_change(session, clock.now(), admin_id, AuditAction.ADMIN_MAKE_RECOVERY_CODES, email)
    return codes


def use_recovery_code(session: Session, admin_id: int, typed: str) -> bool:
    """Return whether a text is one of an admin's unused codes, and mark it as used."""
    plain = _plain(typed)
    return len(plain) == len(_plain(_new_code())) and admins.use_recovery_code(session, admin_id, hash_token(plain))


def _new_code() -> str:
    """Return six groups of four characters that can't be confused with each other (base32: RFC 4648, section 6)."""
    letters = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(letters[begin : begin + 4] for begin in range(0, len(letters), 4))


def _plain(code: str) -> str:
    return "".join(one for one in code.lower() if one.isalnum())
