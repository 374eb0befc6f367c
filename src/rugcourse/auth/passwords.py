"""Passwords: argon2id with the package's own parameters (RFC 9106), and how hard one is to guess (zxcvbn).

Each hash takes 64 MiB and some tens of milliseconds, so only a few are made at the same time: who sends many passwords
at once must not take the memory, or the threads, of everybody else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rugcourse.errors import InvalidInput, UnavailableError

SHORTEST, LONGEST = 12, 200
_ESTIMATED = 72  # characters that are looked at; zxcvbn takes long over more
_HARD_ENOUGH = 3  # of 0 to 4: 10^8 guesses and more
_OF_THEIR_OWN = 8  # characters that must be left without the words that anybody would try here

_AT_ONCE = 2  # hashes
_WAITING = 4
_LONGEST_WAIT_SECONDS = 2.0
_hashing = threading.BoundedSemaphore(_AT_ONCE)
_waiting_threads = threading.BoundedSemaphore(_AT_ONCE + _WAITING)


class WeakPassword(InvalidInput):
    """Too short, too long, or easy to guess."""


class TooBusy(UnavailableError):
    """Too many passwords are being checked at this moment. Nothing was done; it can be tried again."""


def check_strength(password: str, email: str, context: Sequence[str] = ()) -> None:
    """Raises WeakPassword. Length and guessing count (NIST SP 800-63B): no rules about signs and capitals.

    `context`: words that anybody would try here, such as the name of the practice.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword
    from zxcvbn import zxcvbn  # noqa: PLC0415 - word lists of 15 MB, for those who choose a password

    words = [word for text in (email, *context) for word in _words(text)]
    if zxcvbn(password[:_ESTIMATED], user_inputs=words)["score"] < _HARD_ENOUGH:
        raise WeakPassword
    rest = password.lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(rest) < _OF_THEIR_OWN:
        raise WeakPassword


def hash_password(password: str) -> str:
    """Raises TooBusy."""
    with _hashing_slot():
        return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether a password is the one; as slow for who has none, or does not exist. Raises TooBusy."""
    known = password_hash or _dummy_hash()
    with _hashing_slot():
        try:
            _hasher().verify(known, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@contextmanager
def _hashing_slot() -> Iterator[None]:
    """Wait until it is this one's turn. Raises TooBusy where too many wait already."""
    if not _waiting_threads.acquire(blocking=False):
        raise TooBusy
    try:
        if not _hashing.acquire(timeout=_LONGEST_WAIT_SECONDS):
            raise TooBusy
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _waiting_threads.release()


def _words(text: str) -> list[str]:
    """The text and its words, in small letters, and the words as one."""
    lower = text.lower()
    parts = re.findall(r"\w{3,}", lower.replace("'", "").replace("’", ""))
    joined = "".join(re.findall(r"\w+", lower))
    return [one for one in dict.fromkeys((lower, joined, *parts)) if len(one) >= 3]


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    return hash_password("a password that nobody has")
