"""Passkeys: where they work, and answers that open nothing."""

from __future__ import annotations

import json

import pytest
from tests.auth.soft_passkey import SoftPasskey
from tests.support.admins import identity_of, make_admin
from webauthn.helpers import bytes_to_base64url

from rugcourse.auth import passkeys
from rugcourse.auth.admins import disable_account
from rugcourse.auth.passkeys import BadPasskey, RelyingParty, relying_party_of
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.auth.sessions import AdminIdentity, IssuedSession, LoginFailed, find_identity
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.db.queries import admins

SITE = RelyingParty("courses.example", "https://courses.example", "Practice")


@pytest.mark.parametrize(
    ("address", "works"),
    [
        ("https://courses.example", True), ("https://courses.example:8443/x", True), ("http://localhost:8025", True),
        ("http://courses.example", False), ("https://127.0.0.1:8000", False), ("https://[::1]", False), ("", False),
    ],
)  # fmt: skip
def test_passkeys_are_offered_where_browsers_allow_them(address: str, works: bool) -> None:
    found = relying_party_of(address, "Practice")
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


def _add(database: Database, clock: VirtualClock, mine: AdminIdentity, name: str = "phone") -> SoftPasskey:
    """A device that is registered for an admin."""
    device = SoftPasskey(SITE)
    begun = json.loads(passkeys.begin_registration(database, clock, SITE, mine))["challenge"]
    passkeys.finish_registration(database, clock, SITE, mine, device.made(begun), name)
    return device


def _log_in(database: Database, clock: VirtualClock, device: SoftPasskey) -> IssuedSession:
    challenge = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    return passkeys.finish_login(database, clock, SITE, device.asked(challenge), "browser", Origin())


def _sessions(database: Database, admin_id: int) -> list[int]:
    with database.read() as session:
        return [one.id for one in admins.sessions_of(session, admin_id)]


def _actions(database: Database) -> list[str]:
    """What the audit log has, newest first."""
    with database.read() as session:
        return [one.action for one, _ in admins.changes(session, 50)]


def test_passkey_opens_nothing_when_it_is_unknown_or_its_admin_is_disabled(
    database: Database, clock: VirtualClock
) -> None:
    make_admin(database, clock)
    second = make_admin(database, clock, "second@x.example", Role.OWNER)
    device = _add(database, clock, identity_of(database, clock, "second@x.example"))
    assert _log_in(database, clock, device).admin_id == second
    with pytest.raises(LoginFailed):
        _log_in(database, clock, SoftPasskey(SITE))
    database.run(disable_account, clock.now(), second, None)
    with pytest.raises(LoginFailed):
        _log_in(database, clock, device)
    assert _sessions(database, second) == []


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "A" * 5000, 1, None])
def test_passkey_whose_name_cant_be_stored_opens_nothing(database: Database, clock: VirtualClock, name: object) -> None:
    challenge = json.loads(passkeys.begin_login(database, clock, SITE, "browser"))["challenge"]
    with pytest.raises(LoginFailed):
        passkeys.finish_login(database, clock, SITE, answer(challenge, id=name, rawId=name), "browser", Origin())


def test_passkey_as_second_factor_replaces_the_session_that_had_only_the_password(
    database: Database, clock: VirtualClock
) -> None:
    admin = make_admin(database, clock)
    device = _add(database, clock, identity_of(database, clock))
    half = identity_of(database, clock)
    begun = json.loads(passkeys.begin_second_factor(database, clock, SITE, half))["challenge"]
    passkeys.finish_second_factor(database, clock, SITE, half, device.asked(begun), Origin())
    assert half.session_id not in _sessions(database, admin)
    with database.read() as session:
        [newest, *_] = admins.events_of(session, admin, 5)
        [row] = admins.passkeys_of(session, admin)
    assert newest.kind == SecurityEventKind.LOGIN_BY_PASSKEY
    assert (row.sign_count, row.used_at) == (1, clock.now())


def test_adding_and_removing_a_passkey_ends_all_other_sessions_and_is_in_the_audit_log(
    database: Database, clock: VirtualClock
) -> None:
    admin = make_admin(database, clock)
    identity_of(database, clock)
    mine = identity_of(database, clock)
    device = _add(database, clock, mine, "  my phone ")
    assert _sessions(database, admin) == [mine.session_id]
    assert _actions(database)[0] == "admin.add_passkey"
    with database.read() as session:
        [row] = admins.passkeys_of(session, admin)
    assert (row.name, row.created_at) == ("my phone", clock.now())
    _log_in(database, clock, device)
    other = make_admin(database, clock, "second@x.example", Role.OWNER)
    passkeys.remove(database, clock, identity(other), row.id)  # somebody else's
    assert len(_sessions(database, admin)) == 2
    assert "admin.remove_passkey" not in _actions(database)
    passkeys.remove(database, clock, mine, row.id)
    assert _sessions(database, admin) == [mine.session_id]
    assert _actions(database)[0] == "admin.remove_passkey"
    with pytest.raises(LoginFailed):
        _log_in(database, clock, device)


def test_passkey_is_registered_once(database: Database, clock: VirtualClock) -> None:
    make_admin(database, clock)
    mine = identity_of(database, clock)
    device = _add(database, clock, mine)
    begun = json.loads(passkeys.begin_registration(database, clock, SITE, mine))
    assert [one["id"] for one in begun["excludeCredentials"]] == [json.loads(device.made("AAAA"))["id"]]
    with pytest.raises(BadPasskey):
        passkeys.finish_registration(database, clock, SITE, mine, device.made(begun["challenge"]), "again")


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
