"""Codes to keep on paper: each stands for the second factor once, when the phone is lost."""

from __future__ import annotations

import base64
import secrets

from sqlalchemy.orm import Session

from rugcourse.auth.admins import hash_token
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.queries import admins

COUNT = 10
_BYTES = 15  # 120 random bits: nobody finds one by trying, in the store either (ASVS 5.0, 6.5.2)


def make_recovery_codes(database: Database, clock: Clock, admin_id: int, email: str) -> list[str]:
    """New codes; those that were left end. They are shown this once: the store has only their hashes."""
    codes = [_new_code() for _ in range(COUNT)]
    with database.write() as session:
        admins.replace_recovery_codes(session, admin_id, [hash_token(_plain(code)) for code in codes])
        admins.record_change(session, clock.now(), admin_id, "recovery codes made", email)
    return codes


def use_recovery_code(session: Session, admin_id: int, typed: str) -> bool:
    """Whether this is one of an admin's codes; it is used up."""
    plain = _plain(typed)
    return len(plain) == len(_plain(_new_code())) and admins.use_recovery_code(session, admin_id, hash_token(plain))


def _new_code() -> str:
    """Six groups of four letters and digits that can't be taken for each other (RFC 4648, section 6)."""
    letters = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(letters[begin : begin + 4] for begin in range(0, len(letters), 4))


def _plain(code: str) -> str:
    return "".join(one for one in code.lower() if one.isalnum())
