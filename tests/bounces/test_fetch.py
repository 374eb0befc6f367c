"""Bounces that lie in a mailbox: a real Dovecot on loopback, with a mailbox of its own."""

from __future__ import annotations

from tests.bounces.test_take import RAW, back, dispatcher, email, runtime, status_of  # noqa: F401 - fixtures
