"""What a DKIM signature costs a lesson of the course: on one core, beside the bare RSA signature in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from bench.rendering import lesson_message
from rugcourse.emails.dkim import DkimSigner
from rugcourse.emails.dkim_keys import SigningKey

_ROUNDS = 7
_EACH = 200
_DOMAIN = "courses.example"


def measure_signing() -> dict[str, Any]:
    """Milliseconds a message, the best of some rounds."""
    message = lesson_message()
    one = SigningKey("a", rsa.generate_private_key(65537, 2048))
    two = SigningKey("b", ed25519.Ed25519PrivateKey.generate())
    return {
        "message_bytes": len(message),
        "rsa_2048_ms": _milliseconds(lambda: DkimSigner(_DOMAIN, (one,)).sign(message)),
        "with_ed25519_ms": _milliseconds(lambda: DkimSigner(_DOMAIN, (one, two)).sign(message)),
        "bare_rsa_ms": _milliseconds(lambda: one.sign(b"x" * 1000)),
        "target_rsa_ms": 1.5,
    }


def _milliseconds(work: Callable[[], object]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        for _ in range(_EACH):
            work()
        rounds.append((time.perf_counter() - begun) / _EACH)
    return round(1000 * min(rounds), 3)
