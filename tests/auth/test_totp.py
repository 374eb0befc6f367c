"""Codes of an authenticator, and the secrets behind them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp

from rugcourse.auth import totp
from rugcourse.auth.totp import context_of_admin, context_of_form
from rugcourse.secret_box import SecretBox

VAULT = SecretBox(["a-key-for-tests-0123456789"])


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_totp_code_is_valid_for_its_time_step_and_once() -> None:
    secret = totp.new_secret()
    code = pyotp.TOTP(secret).at(NOW)
    step = totp.matching_step(secret, code, NOW, None)
    assert step is not None
    assert totp.matching_step(secret, f"{code[:3]} {code[3:]}", NOW + timedelta(seconds=30), None) == step
    assert totp.matching_step(secret, code, NOW, step) is None
    assert totp.matching_step(secret, code, NOW + timedelta(minutes=2), None) is None
    assert totp.matching_step(secret, "", NOW, None) is None


def test_secret_is_decrypted_with_an_older_key_and_not_without_it() -> None:
    locked = SecretBox(["the-old-key-0123456789"]).encrypt("JBSWY3DP", "admin 1")
    assert SecretBox(["the-new-key-0123456789", "the-old-key-0123456789"]).decrypt(locked, "admin 1") == "JBSWY3DP"
    assert SecretBox(["the-new-key-0123456789"]).decrypt(locked, "admin 1") is None


def test_secret_is_decrypted_in_its_own_context_only() -> None:
    """What stands in an admin's row is no answer to a form: a reader of the database learns no secret from the page."""
    kept = VAULT.encrypt("JBSWY3DP", context_of_admin(1))
    assert VAULT.decrypt(kept, context_of_admin(1)) == "JBSWY3DP"
    for other in (context_of_admin(2), context_of_form(1, 1), context_of_form(1, 2), ""):
        assert VAULT.decrypt(kept, other) is None
    assert VAULT.decrypt("nonsense", context_of_admin(1)) is None


def test_a_code_is_taken_half_a_minute_early_or_late_and_no_more() -> None:
    secret = totp.new_secret()
    for steps, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=30 * steps))
        assert (totp.matching_step(secret, code, NOW, None) is not None) is taken


def test_after_a_code_only_a_newer_one_is_taken() -> None:
    secret = totp.new_secret()
    before, now, after = (pyotp.TOTP(secret).at(NOW + timedelta(seconds=wait)) for wait in (-30, 0, 30))
    used = totp.matching_step(secret, now, NOW, None)
    assert used is not None
    assert totp.matching_step(secret, before, NOW, used) is None
    assert totp.matching_step(secret, after, NOW, used) == used + 1


def test_an_app_reads_who_the_codes_are_for() -> None:
    address = totp.provisioning_uri("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "owner@x.example", "The Practice")
    assert address.startswith("otpauth://totp/The%20Practice:owner%40x.example?")
    assert "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" in address
