"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each of which works once."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime

import pyotp

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # a clock may be half a minute off


class SecretBox:
    """Keeps secrets out of copies of the database. `keys`: the secret keys of the settings, newest first.

    What is locked for one context opens in no other: a secret that was copied from an admin's row is no answer to a
    form, and one person's is not another's.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        # cryptography takes 7 MB, and only admins who log in with a code need it
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def lock(self, secret: str, context: str) -> str:
        return self._fernet.encrypt(f"{context}\0{secret}".encode()).decode()

    def open(self, locked: str, context: str) -> str | None:
        """None when it was locked for another context, or by a key that is no longer in the settings."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded already by __init__

        try:
            found, _, secret = self._fernet.decrypt(locked.encode()).decode().partition("\0")
        except InvalidToken:
            return None
        return secret if hmac.compare_digest(found.encode(), context.encode()) else None


def context_of_admin(admin_id: int) -> str:
    """Where an admin's secret is kept."""
    return f"admin {admin_id}"


def context_of_form(admin_id: int, session_id: int) -> str:
    """A new secret on its way through a form, there and back."""
    return f"form {admin_id} {session_id}"


def new_secret() -> str:
    return pyotp.random_base32()


def address_of(secret: str, email: str, practice: str) -> str:
    """What an authenticator app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=practice)


def used_step(secret: str, code: str, at: datetime, last_step: int | None) -> int | None:
    """The time step that a code belongs to, or None: it is wrong, or no newer than the last one that was used.

    `at` is the machine's time, whatever clock the product runs on: authenticator apps know no other.
    """
    typed = "".join(code.split())
    now = int(at.timestamp()) // _STEP_SECONDS
    for drift in _DRIFT:
        right = pyotp.TOTP(secret).at((now + drift) * _STEP_SECONDS)
        if hmac.compare_digest(right.encode(), typed.encode()) and (last_step is None or now + drift > last_step):
            return now + drift
    return None


def _derived(key: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - see SecretBox
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    kdf = HKDF(SHA256(), 32, salt=None, info=b"rugcourse second factor")
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
