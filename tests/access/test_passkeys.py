"""Passkeys: where they work, and answers that open nothing."""

from __future__ import annotations

import json

import pytest
from tests.access.test_access import make_admin
from webauthn.helpers import bytes_to_base64url

from rugcourse.access import passkeys
from rugcourse.access.passkeys import BadPasskey, Site, site_of
from rugcourse.access.sessions import Insider, NotLetIn
from rugcourse.clock import VirtualClock
from rugcourse.store import admins
from rugcourse.store.database import Database
from rugcourse.store.tables import Role

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
def test_what_is_no_answer_to_a_challenge_of_ours_opens_nothing(
    database: Database, clock: VirtualClock, text: str
) -> None:
    passkeys.begin_login(database, clock, SITE)
    with pytest.raises(NotLetIn):
        passkeys.finish_login(database, clock, SITE, text, "browser")
    admin = make_admin(database, clock, "owner@x.example", Role.OWNER)
    insider = Insider(getattr(admin, "id", 1), 1, "owner@x.example", Role.OWNER, False, False)
    with pytest.raises(BadPasskey):
        passkeys.finish_registration(database, clock, SITE, insider, text, "phone")


def test_a_challenge_is_answered_once_and_within_minutes(database: Database, clock: VirtualClock) -> None:
    challenge = json.loads(passkeys.begin_login(database, clock, SITE))["challenge"]
    late = json.loads(passkeys.begin_login(database, clock, SITE))["challenge"]
    with database.write() as session:
        assert admins.use_challenge(session, challenge, clock.now())
        assert not admins.use_challenge(session, challenge, clock.now())
    clock.advance(minutes=6)
    with database.write() as session:
        assert not admins.use_challenge(session, late, clock.now())
    passkeys.begin_login(database, clock, SITE)
    with database.write() as session:
        assert not admins.use_challenge(session, late, clock.now())  # it is forgotten
