"""Encrypts the secrets that are stored in the database and have to be used again: of authenticators and webhooks."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence


class SecretBox:
    """Encrypts secrets, so that a copy of the database does not reveal them. `keys`: the secret keys, newest first.

    The context is authenticated: a secret copied from an admin's row is not accepted in a form, nor for another admin.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        # cryptography takes 7 MB, and few processes need it
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


def _derived(key: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - see SecretBox
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    kdf = HKDF(SHA256(), 32, salt=None, info=b"rugcourse second factor")
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
