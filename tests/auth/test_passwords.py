"""Passwords: the weak ones are refused."""

from __future__ import annotations

import pytest

from rugcourse.auth.passwords import WeakPassword, check_strength


@pytest.mark.parametrize("password", ["", "short", "x" * 300, "owner@x.example", "aaaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_strength(password, "owner@x.example")
