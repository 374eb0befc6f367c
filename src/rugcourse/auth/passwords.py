"""Hashes passwords (argon2id, parameters of RFC 9106), and estimates how hard they are to guess (zxcvbn).

A hash takes 64 MiB and tens of milliseconds, so that only a few are computed at a time: a client that sends many
passwords at once must not use up memory or threads.
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

MIN_LENGTH, MAX_LENGTH = 12, 200
_ESTIMATED_LENGTH = 72  # characters; zxcvbn is slow for longer texts
_MIN_SCORE = 3  # of 0 to 4: at least 10^8 guesses
_MIN_REST_LENGTH = 8  # characters that remain without the words that are easy to guess here

_MAX_CONCURRENT = 2  # hashes
_MAX_WAITING = 4
_MAX_WAIT_SECONDS = 2.0
_hashing = threading.BoundedSemaphore(_MAX_CONCURRENT)
_waiting_threads = threading.BoundedSemaphore(_MAX_CONCURRENT + _MAX_WAITING)


class WeakPassword(InvalidInput):
    """The password is too short, too long or easy to guess."""


class TooBusy(UnavailableError):
    """Too many passwords are being checked. Nothing was changed; the client can retry."""


def check_strength(password: str, email: str, context: Sequence[str] = ()) -> None:
    """Raise WeakPassword for a bad password. Length and guessability count, no composition rules (NIST SP 800-63B).

    `context`: words that are easy to guess here, such as the name of the practice.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword
    from zxcvbn import zxcvbn  # noqa: PLC0415 - loads word lists of 15 MB, which only this function needs

    words = [word for text in (email, *context) for word in _words(text)]
    if zxcvbn(password[:_ESTIMATED_LENGTH], user_inputs=words)["score"] < _MIN_SCORE:
        raise WeakPassword
    rest = password.lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(rest) < _MIN_REST_LENGTH:
        raise WeakPassword


def hash_password(password: str) -> str:
    """Return an argon2id hash. Raises TooBusy."""
    with _hashing_slot():
        return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether a password matches its hash. `password_hash` None: no account; takes as long. Raises TooBusy."""
    known = password_hash or _dummy_hash()
    with _hashing_slot():
        try:
            _hasher().verify(known, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@contextmanager
def _hashing_slot() -> Iterator[None]:
    """Wait for a free slot. Raises TooBusy if too many are waiting, or the wait is too long."""
    if not _waiting_threads.acquire(blocking=False):
        raise TooBusy
    try:
        if not _hashing.acquire(timeout=_MAX_WAIT_SECONDS):
            raise TooBusy
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _waiting_threads.release()


def _words(text: str) -> list[str]:
    """Return the text, its words of three or more letters, and the words joined; all in lower case."""
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
