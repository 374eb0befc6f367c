"""Passwords, by argon2id with the package's own parameters (RFC 9106)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200


class WeakPassword(Exception):
    """Too short, too long, or no more than the person's own address."""


def check_strength(password: str, email: str) -> None:
    """Raises WeakPassword. Length is what counts (NIST SP 800-63B): no rules about signs and capitals."""
    if not SHORTEST <= len(password) <= LONGEST or password.lower() in {email, email.partition("@")[0]}:
        raise WeakPassword
    if len(set(password)) < 5:
        raise WeakPassword


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password is the one; as slow for who has none, or does not exist."""
    try:
        _hasher().verify(password_hash or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return hash_password("a password that nobody has")
