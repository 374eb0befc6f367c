"""Passwords: the weak ones are refused, and what is kept of the others is slow to guess."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from tests.support.admins import PASSWORD
from tests.support.passwords import hasher_of_the_product

from rugcourse.auth import passwords
from rugcourse.auth.passwords import (
    MAX_LENGTH,
    MIN_LENGTH,
    TooBusy,
    WeakPassword,
    check_strength,
    hash_password,
    verify_password,
)


@pytest.fixture
def _as_in_the_product(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(passwords, "_hasher", hasher_of_the_product)
    passwords._dummy_hash.cache_clear()
    yield
    passwords._dummy_hash.cache_clear()


@pytest.mark.parametrize("password", ["", "short", "x" * 300, "owner@x.example", "aaaaaaaaaaaaaaaa"])
def test_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, "owner@x.example")


@pytest.mark.usefixtures("_as_in_the_product")
def test_password_hash_is_argon2id_with_the_parameters_of_rfc_9106() -> None:
    """Also the one that an unknown address is compared with, so that both take as long."""
    for made in (hash_password(PASSWORD), passwords._dummy_hash()):
        assert made.startswith("$argon2id$")
        assert extract_parameters(made) == RFC_9106_LOW_MEMORY


@pytest.mark.usefixtures("_as_in_the_product")
def test_password_matches_its_own_hash_only() -> None:
    kept = hash_password(PASSWORD)
    assert PASSWORD not in kept
    assert hash_password(PASSWORD) != kept  # salted
    assert verify_password(kept, PASSWORD)
    assert not verify_password(kept, f"{PASSWORD} ")
    assert not verify_password(None, "a password that nobody has")


def test_a_password_may_be_as_short_and_as_long_as_is_said() -> None:
    words = "violet kettle arrow 7 marsh piano " * 10
    for length in (MIN_LENGTH, MAX_LENGTH):
        check_strength(words[:length], "owner@x.example")
    for length in (MIN_LENGTH - 1, MAX_LENGTH + 1):
        with pytest.raises(WeakPassword):
            check_strength(words[:length], "owner@x.example")


def test_words_that_anybody_would_try_here_do_not_make_a_password_strong() -> None:
    own = "Maple Road Physio"
    check_strength("Maple Road Physio 2024!", "owner@x.example")
    for password in ("Maple Road Physio 2024!", "mapleroadphysio-maple1", "Owner@x.example2024"):
        with pytest.raises(WeakPassword):
            check_strength(password, "owner@x.example", (own,))
    check_strength("maple kettle 7 piano marsh", "owner@x.example", (own,))


def test_eight_characters_of_their_own_are_enough_and_seven_are_not() -> None:
    check_strength("qv7#Zk2p-mapleroadphysio"[:8] + "mapleroadphysio", "o@x.example", ("Maple Road Physio",))
    with pytest.raises(WeakPassword):
        check_strength("qv7#Zk2mapleroadphysio", "o@x.example", ("Maple Road Physio",))


def test_who_comes_when_too_many_wait_is_turned_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_waiting_threads", waiting)
    monkeypatch.setattr(passwords, "_MAX_WAIT_SECONDS", 0.05)
    with waiting, pytest.raises(TooBusy):
        hash_password(PASSWORD)
    kept = hash_password(PASSWORD)
    hashing = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_hashing", hashing)
    with hashing, pytest.raises(TooBusy):
        verify_password(kept, PASSWORD)
    assert verify_password(kept, PASSWORD)  # both places are free again


def test_what_is_no_hash_fits_no_password() -> None:
    assert verify_password("no hash", PASSWORD) is False
