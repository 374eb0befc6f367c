"""The second factor: one-time codes of an authenticator app (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # steps; clocks may differ by half a minute


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
