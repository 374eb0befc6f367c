"""Passwords: the weak ones are refused, and what is kept of the others is slow to guess."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from tests.support.admins import PASSWORD
from tests.support.passwords import hasher_of_the_product

from rugcourse.auth import passwords
from rugcourse.auth.passwords import WeakPassword, check_strength, hash_password, verify_password


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
