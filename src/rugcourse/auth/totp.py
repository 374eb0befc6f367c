"""The second factor: one-time codes of an authenticator app (TOTP, RFC 6238)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime

import pyotp

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # steps; clocks may differ by half a minute


class SecretBox:
    """Encrypts secrets, so that a copy of the database does not reveal them. `keys`: the secret keys, newest first.

    The context is authenticated: a secret copied from an admin's row is not accepted in a form, nor for another admin.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        # cryptography takes 7 MB, and only admins who log in with a code need it
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def encrypt(self, secret: str, context: str) -> str:
        return self._fernet.encrypt(f"{context}\0{secret}".encode()).decode()

    def decrypt(self, locked: str, context: str) -> str | None:
        """Return the secret, or None if it was encrypted for another context or with a key that was removed."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - loaded already by __init__

        try:
            found, _, secret = self._fernet.decrypt(locked.encode()).decode().partition("\0")
        except InvalidToken:
            return None
        return secret if hmac.compare_digest(found.encode(), context.encode()) else None


def context_of_admin(admin_id: int) -> str:
    """Return the context of the secret stored for an admin."""
    return f"admin {admin_id}"


def context_of_form(admin_id: int, session_id: int) -> str:
    """Return the context of a new secret that passes through a form."""
    return f"form {admin_id} {session_id}"


def new_secret() -> str:
    return pyotp.random_base32()


def provisioning_uri(secret: str, email: str, practice: str) -> str:
    """Return the URI that an authenticator app reads from a QR code. `practice`: the issuer that the app shows."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=practice)


def matching_step(secret: str, code: str, at: datetime, last_step: int | None) -> int | None:
    """Return the time step of a valid code, or None if it is wrong or not newer than `last_step`, the last one used.

    `at`: wall-clock time, whatever the product's clock: it is what authenticator apps use.
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
