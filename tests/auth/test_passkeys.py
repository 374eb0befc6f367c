"""Passkeys: where they work, and answers that open nothing."""

from __future__ import annotations

import json

import pytest
from tests.auth.soft_passkey import SoftPasskey
from tests.support.admins import identity_of, make_admin
from webauthn.helpers import bytes_to_base64url

from rugcourse.auth import passkeys
from rugcourse.auth.passkeys import BadPasskey, Site, site_of
from rugcourse.auth.security_events import Origin
from rugcourse.auth.sessions import AdminIdentity, LoginFailed, find_identity
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.db.queries import admins

SITE = Site("courses.example", "https://courses.example", "Practice")


@pytest.mark.parametrize(
    ("address", "works"),
    [
        ("https://courses.example", True), ("https://courses.example:8443/x", True), ("http://localhost:8025", True),
        ("http://courses.example", False), ("https://127.0.0.1:8000", False), ("https://[::1]", False), ("", False),
    ],
)  # fmt: skip
def test_passkeys_are_offered_where_browsers_allow_them(address: str, works: bool) -> None:
    found = site_of(address, "Practice")
    assert (found is not None) == works
    if found and address.endswith("/x"):
        assert (found.id, found.origin) == ("courses.example", "https://courses.example:8443")


def answer(challenge: str, **others: object) -> str:
    said = bytes_to_base64url(
        json.dumps({"type": "webauthn.get", "challenge": challenge, "origin": SITE.origin}).encode()
    )
    response = {"clientDataJSON": said, "authenticatorData": "AAAA", "signature": "AAAA"}
    return json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response, **others})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"response": 1}',
        '{"response": {"clientDataJSON": "!"}}',
        "x" * 30_000,
        answer("bm90IG91cnM"),
    ],
)
def test_passkey_login_fails_for_answers_to_foreign_challenges(
    database: Database, clock: VirtualClock, text: str
) -> None:
    passkeys.begin_login(database, clock, SITE, "browser")
    with pytest.raises(LoginFailed):
        passkeys.finish_login(database, clock, SITE, text, "browser", Origin())
    admin = make_admin(database, clock, "owner@x.example", Role.OWNER)
    with pytest.raises(BadPasskey):
        passkeys.finish_registration(database, clock, SITE, identity(admin), text, "phone")


def test_passkey_challenge_is_valid_once_and_for_five_minutes(database: Database, clock: VirtualClock) -> None:
    bound_to = passkeys._login_of("browser")
    challenge = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    late = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    with database.write() as session:
        assert admins.use_challenge(session, challenge, bound_to, clock.now())
        assert not admins.use_challenge(session, challenge, bound_to, clock.now())
    clock.advance(minutes=6)
    with database.write() as session:
        assert not admins.use_challenge(session, late, bound_to, clock.now())
    passkeys.begin_login(database, clock, SITE, "browser")
    with database.write() as session:
        assert not admins.use_challenge(session, late, bound_to, clock.now())  # it is forgotten


def identity(admin_id: int, session_id: int = 1) -> AdminIdentity:
    return AdminIdentity(admin_id, session_id, "owner@x.example", Role.OWNER, False, False)


def test_passkey_challenge_is_bound_to_purpose_admin_and_browser(database: Database, clock: VirtualClock) -> None:
    """One from the public login page must not add a passkey to somebody's account, whose password nobody asked for."""
    first = make_admin(database, clock)
    second = make_admin(database, clock, "second@x.example", Role.OWNER)
    device = SoftPasskey(SITE)
    public = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    others = json.loads(passkeys.begin_registration(database, clock, SITE, identity(second)))["challenge"]
    elsewhere = json.loads(passkeys.begin_registration(database, clock, SITE, identity(first, 2)))["challenge"]
    for challenge in (public, others, elsewhere):
        with pytest.raises(BadPasskey):
            passkeys.finish_registration(database, clock, SITE, identity(first), device.made(challenge), "phone")
    mine = json.loads(passkeys.begin_registration(database, clock, SITE, identity(first)))["challenge"]
    passkeys.finish_registration(database, clock, SITE, identity(first), device.made(mine), "phone")

    stolen = json.loads(passkeys.begin_login(database, clock, SITE, "one browser"))["challenge"]
    with pytest.raises(LoginFailed):
        passkeys.finish_login(database, clock, SITE, device.asked(stolen), "another browser", Origin())
    known = json.loads(passkeys.begin_login(database, clock, SITE, "one browser"))["challenge"]
    given = passkeys.finish_login(database, clock, SITE, device.asked(known), "one browser", Origin())
    assert given.admin_id == first
    assert not given.second_factor_due


def test_passkey_is_a_second_factor_for_its_owner_only(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    make_admin(database, clock, "second@x.example", Role.OWNER)
    mine, theirs = identity_of(database, clock), identity_of(database, clock, "second@x.example")
    device = SoftPasskey(SITE)
    begun = json.loads(passkeys.begin_registration(database, clock, SITE, mine))["challenge"]
    passkeys.finish_registration(database, clock, SITE, mine, device.made(begun), "phone")
    half = identity_of(database, clock)
    assert half.second_factor_due, "a password alone opens nothing for who has a passkey"
    wrong = json.loads(passkeys.begin_second_factor(database, clock, SITE, theirs))["challenge"]
    with pytest.raises(LoginFailed):
        passkeys.finish_second_factor(database, clock, SITE, theirs, device.asked(wrong), Origin())
    right = json.loads(passkeys.begin_second_factor(database, clock, SITE, half))["challenge"]
    given = passkeys.finish_second_factor(database, clock, SITE, half, device.asked(right), Origin())
    found = find_identity(database, clock, given.token)
    assert found is not None
    assert not found.second_factor_due


@pytest.mark.parametrize(
    "garbage", ["", "AA", "_____w", bytes_to_base64url(b"\xa3" * 500), bytes_to_base64url(b"\x9f" * 3000), "A" * 9000]
)
def test_passkey_registration_refuses_invalid_responses(database: Database, clock: VirtualClock, garbage: str) -> None:
    admin = make_admin(database, clock)
    device = SoftPasskey(SITE)
    begun = json.loads(passkeys.begin_registration(database, clock, SITE, identity(admin)))["challenge"]
    made = json.loads(device.made(begun))
    made["response"]["attestationObject"] = garbage
    with pytest.raises(BadPasskey):
        passkeys.finish_registration(database, clock, SITE, identity(admin), json.dumps(made), "phone")
    again = json.loads(passkeys.begin_registration(database, clock, SITE, identity(admin)))["challenge"]
    passkeys.finish_registration(database, clock, SITE, identity(admin), device.made(again), "phone")
    known = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    asked = json.loads(device.asked(known))
    asked["response"]["authenticatorData"] = garbage
    with pytest.raises(LoginFailed):
        passkeys.finish_login(database, clock, SITE, json.dumps(asked), "browser", Origin())


def test_passkey_login_refuses_deeply_nested_json(database: Database, clock: VirtualClock) -> None:
    with pytest.raises(LoginFailed):
        passkeys.finish_login(database, clock, SITE, '{"a":' * 3_000, "browser", Origin())
