"""The API: who may use it, what it answers, and that a repeated or hostile request does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.admins import make_admin
from tests.support.api import EMAIL, client_of, make_client, make_token
from tests.support.builders import COURSE, mails_to, make_reader
from tests.support.routes import routes
from tests.support.rows import everything

from rugcourse.auth import api_tokens
from rugcourse.auth.admins import change_role, disable_account, invite
from rugcourse.auth.api_tokens import InvalidTokenRequest, Scope
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, Role
from rugcourse.db.queries import admins, subscribers
from rugcourse.privacy.retention import forget
from rugcourse.web.access import Access

NEW = {"email": "new@x.example", "course": COURSE, "language": "nl", "time_zone": "Europe/Amsterdam", "hour": 9}


@pytest.fixture
def program(app: FastAPI, runtime: Runtime, clock: VirtualClock) -> TestClient:
    """A program that may do everything."""
    return make_client(app, runtime, clock)


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert {"type", "title", "detail"} <= set(said)
    return said


# Who may


def test_every_endpoint_needs_a_token_with_its_scope(
    app: FastAPI, runtime: Runtime, clock: VirtualClock, places: dict[str, str]
) -> None:
    make_admin(runtime.database, clock, EMAIL, Role.OWNER)
    found = [*routes(app, Access.API)]
    assert len(found) >= 15
    for scope in Scope:
        client = client_of(app, make_token(runtime, scope))
        allowed = 0
        for method, path in found:
            address = path.format(**{**places, "tag": "winter", "subscriber_id": "999999", "campaign_id": "999999"})
            problem(TestClient(app).request(method, address), 401)
            answer = client.request(method, address, json={})
            if answer.status_code == 403:
                assert 'scope="' in answer.headers["www-authenticate"]
            else:
                allowed += 1
        assert 0 < allowed < len(found), scope


def test_token_ends_when_it_expires_is_revoked_or_its_admin_goes(
    app: FastAPI, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock, EMAIL, Role.OWNER)
    make_admin(runtime.database, clock, "other@x.example", Role.OWNER)
    expiring, revoked, kept = (make_token(runtime, days=days) for days in (1, None, None))
    assert client_of(app, expiring).get("/api/v1/courses").status_code == 200
    clock.advance(days=1, seconds=1)
    problem(client_of(app, expiring).get("/api/v1/courses"), 401)
    runtime.database.run(api_tokens.revoke, clock.now(), 2, None)
    problem(client_of(app, revoked).get("/api/v1/courses"), 401)
    client = client_of(app, kept)
    assert client.get("/api/v1/suppressions").status_code == 200
    with runtime.database.read() as session:
        admin = admins.by_email(session, EMAIL)
    assert admin is not None
    runtime.database.run(change_role, clock.now(), admin.id, Role.OWNER, None)
    assert client.get("/api/v1/suppressions").status_code == 200
    runtime.database.run(change_role, clock.now(), admin.id, Role.ANALYST, None)
    problem(client.get("/api/v1/courses"), 401)
    runtime.database.run(change_role, clock.now(), admin.id, Role.OWNER, None)
    problem(client.get("/api/v1/courses"), 401)
    again = client_of(app, make_token(runtime, Scope.COURSES_READ))
    assert again.get("/api/v1/courses").status_code == 200
    runtime.database.run(disable_account, clock.now(), admin.id, None)
    runtime.database.run(invite, clock, EMAIL, Role.OWNER, None)
    problem(again.get("/api/v1/courses"), 401)


def test_an_analyst_reads_no_lists_of_people(app: FastAPI, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, EMAIL, Role.ANALYST)
    for scope in (Scope.SUBSCRIBERS_READ, Scope.SUPPRESSIONS_READ):
        with pytest.raises(InvalidTokenRequest, match="may not have"):
            make_token(runtime, scope)
    assert client_of(app, make_token(runtime, Scope.CAMPAIGNS_READ)).get("/api/v1/campaigns").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dTpw",
        "Bearer rc_" + "a" * 43,
        "Bearer " + "ü" * 9,
        "Bearer " + "a" * 5000,
    ],
)
def test_what_is_no_token_of_ours_is_refused(app: FastAPI, header: str) -> None:
    answer = TestClient(app).get("/api/v1/courses", headers={"authorization": header.encode()})
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_token_in_an_address_is_refused_even_if_it_is_right(
    app: FastAPI, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock, EMAIL, Role.OWNER)
    secret = make_token(runtime)
    problem(client_of(app, secret).get("/api/v1/courses", params={"access_token": secret}), 400)


def test_token_is_kept_as_a_hash_and_its_use_is_written_down(
    runtime: Runtime, program: TestClient, clock: VirtualClock
) -> None:
    secret = program.headers["authorization"].removeprefix("Bearer ")
    assert program.get("/api/v1/courses").status_code == 200
    [(row, email)] = runtime.database.query(api_tokens.listed)
    assert (email, row.used_at, row.hint) == (EMAIL, clock.now(), secret[:8])
    assert secret not in {row.token_hash, row.name, row.scopes}


@pytest.mark.parametrize(
    ("email", "name", "scopes", "days", "said"),
    [
        ("nobody@x.example", "a", ["courses:read"], 1, "No admin"),
        ("analyst@x.example", "a", ["subscribers:write"], 1, "may not have the scope"),
        ("analyst@x.example", " ", ["courses:read"], 1, "a name"),
        ("analyst@x.example", "a" * 81, ["courses:read"], 1, "a name"),
        ("analyst@x.example", "a", ["everything"], 1, "'everything' is no scope"),
        ("analyst@x.example", "a", [], 1, "needs a scope"),
        ("analyst@x.example", "a", ["courses:read"], 0, "lasts 1 to"),
        ("analyst@x.example", "a", ["courses:read"], 99999, "lasts 1 to"),
    ],
)
def test_token_that_can_not_be_is_refused_with_the_reason(
    runtime: Runtime, clock: VirtualClock, email: str, name: str, scopes: list[str], days: int, said: str
) -> None:
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    with pytest.raises(InvalidTokenRequest, match=said):
        runtime.database.run(api_tokens.create, clock.now(), email, name, scopes, days)


# What it answers


def test_subscribers_come_in_pages_whose_cursors_are_signed(runtime: Runtime, program: TestClient) -> None:
    emails = [make_reader(runtime) for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = program.get("/api/v1/subscribers", params={"limit": 2, "cursor": cursor}).json()
        seen += [one["email"] for one in page["data"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == emails
    for wrong in (cursor + "x", "x", cursor[::-1], "0"):
        problem(program.get("/api/v1/subscribers", params={"cursor": wrong}), 400)
    problem(program.get("/api/v1/suppressions", params={"cursor": cursor}), 400)
    found = program.get("/api/v1/subscribers", params={"search": emails[2]}).json()["data"]
    assert [one["email"] for one in found] == [emails[2]]


def test_a_subscriber_is_shown_with_schedule_and_courses_and_not_again_if_nothing_changed(
    runtime: Runtime, program: TestClient
) -> None:
    make_reader(runtime)
    answer = program.get("/api/v1/subscribers/1")
    shown = answer.json()
    assert shown["enrolments"][0]["course"] == COURSE
    assert shown["schedule"]["time_zone"]
    again = program.get("/api/v1/subscribers/1", headers={"if-none-match": f'"x", {answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert program.put("/api/v1/subscribers/1/tags/winter").json() == {"accepted": True}
    changed = program.get("/api/v1/subscribers/1", headers={"if-none-match": answer.headers["etag"]})
    assert changed.json()["tags"] == ["winter"]
    program.delete("/api/v1/subscribers/1/tags/winter")
    assert program.get("/api/v1/subscribers/1").json()["tags"] == []


def test_a_signup_asks_to_confirm_and_the_answer_tells_nothing_of_the_address(
    runtime: Runtime, program: TestClient
) -> None:
    known = make_reader(runtime)
    answers = {program.post("/api/v1/subscribers", json={**NEW, "email": one}).text for one in ("new@x.example", known)}
    assert answers == {'{"accepted":true}'}
    assert len(mails_to(runtime, "new@x.example", DeliveryKind.CONFIRM)) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"course": "none"}, "/course"),
        ({"language": "fr"}, "/language"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"hour": 24}, "/hour"),
        ({"weekdays": []}, "/weekdays"),
        ({"weekdays": [9]}, "/weekdays"),
        ({"name": "https://spam.example"}, "/name"),
        ({"name": "a" * 81}, "/name"),
        ({"surname": "X"}, "/surname"),
    ],
)
def test_a_field_that_can_not_be_used_is_named(program: TestClient, change: dict[str, Any], pointer: str) -> None:
    said = problem(program.post("/api/v1/subscribers", json={**NEW, **change}), 422)
    assert pointer in [one["pointer"] for one in said["errors"]]


def test_actions_and_erasure_are_those_of_the_admin_pages_with_their_audit_log(
    runtime: Runtime, program: TestClient
) -> None:
    email = make_reader(runtime)
    act = "/api/v1/subscribers/1/actions"
    assert program.post(act, json={"action": "pause", "reason": "on holiday"}).status_code == 200
    assert program.get("/api/v1/subscribers/1").json()["schedule"]["paused"]
    assert program.post(act, json={"action": "resume", "reason": "back"}).status_code == 200
    with runtime.database.read() as session:
        assert {one.action for one, _ in admins.changes(session, 9)} >= {"subscriber.resume", "subscriber.pause"}
    assert program.delete("/api/v1/subscribers/1").status_code == 200
    problem(program.get("/api/v1/subscribers/1"), 404)
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email) is None
        assert "subscriber.erase" in {one.action for one, _ in admins.changes(session, 9)}


def test_courses_campaigns_and_suppressions_are_shown_and_changed(program: TestClient) -> None:
    [*courses] = program.get("/api/v1/courses").json()
    assert COURSE in [one["slug"] for one in courses]
    assert program.get(f"/api/v1/courses/{COURSE}").json()["lessons"][0]["number"] == 1
    problem(program.get("/api/v1/courses/none"), 404)
    campaign = program.get("/api/v1/campaigns").json()[0]
    assert program.get(f"/api/v1/campaigns/{campaign['id']}").json()["readers"]["active"] == 0
    assert program.get(f"/api/v1/campaigns/{campaign['id']}/results").json()["tested_twice"] == 0
    assert program.post(f"/api/v1/campaigns/{campaign['id']}/actions", json={"action": "pause"}).status_code == 200
    problem(program.post(f"/api/v1/campaigns/{campaign['id']}/actions", json={"action": "pause"}), 409)
    suppressed = {"email": "no@x.example", "reason": "asked"}
    assert program.post("/api/v1/suppressions", json=suppressed).status_code == 200
    assert program.delete("/api/v1/suppressions", params=suppressed).status_code == 200
    problem(program.delete("/api/v1/suppressions", params=suppressed), 409)
    problem(program.post("/api/v1/suppressions", json={"email": "no", "reason": "x"}), 422)


# Repeats and hostile requests


def test_a_repeated_request_with_its_key_changes_nothing_and_another_with_it_is_refused(
    runtime: Runtime, program: TestClient, clock: VirtualClock
) -> None:
    make_reader(runtime)
    act, key = "/api/v1/subscribers/1/actions", {"idempotency-key": "one"}
    pause = {"action": "pause", "reason": "asked"}
    assert program.post(act, json=pause, headers=key).status_code == 200
    assert program.post(act, json={"action": "resume", "reason": "back"}).status_code == 200
    assert program.post(act, json=pause, headers=key).status_code == 200
    assert not program.get("/api/v1/subscribers/1").json()["schedule"]["paused"]
    problem(program.post(act, json={**pause, "reason": "other"}, headers=key), 409)
    clock.advance(days=1, seconds=1)
    assert program.post(act, json=pause, headers=key).status_code == 200
    assert program.get("/api/v1/subscribers/1").json()["schedule"]["paused"]


def test_a_key_of_a_request_that_failed_can_be_used_again(runtime: Runtime, program: TestClient) -> None:
    act, key = "/api/v1/subscribers/1/actions", {"idempotency-key": "one"}
    pause = {"action": "pause", "reason": "asked"}
    problem(program.post(act, json=pause, headers=key), 404)
    make_reader(runtime)
    assert program.post(act, json=pause, headers=key).status_code == 200


@pytest.mark.parametrize("key", ["x" * 201, "a\x01b"])
def test_a_key_that_is_none_is_refused(runtime: Runtime, program: TestClient, key: str) -> None:
    make_reader(runtime)
    act = "/api/v1/subscribers/1/actions"
    problem(program.post(act, json={"action": "pause", "reason": "x"}, headers={"idempotency-key": key}), 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"email": "a@x.example\\u0000"}', 422),
        (b"\xff\xfe", 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
        (b"{" + b" " * 70_000 + b"}", 413),
    ],
)
def test_a_body_that_is_no_request_is_a_problem_and_no_error(program: TestClient, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    problem(program.post("/api/v1/subscribers", content=body, headers=headers), status)


def test_what_is_not_there_is_told_in_json(app: FastAPI, program: TestClient) -> None:
    problem(program.get("/api/v1/nothing"), 404)
    problem(TestClient(app).get("/api"), 404)
    problem(TestClient(app).get("/api/v1/subscribers/"), 404)
    answer = program.patch("/api/v1/subscribers")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_signups_of_a_token_are_limited(program: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    from limits import RateLimitItemPerHour

    from rugcourse.web import rate_limits

    monkeypatch.setattr(rate_limits, "_API_SIGNUPS_PER_HOUR", RateLimitItemPerHour(2))
    sent = [program.post("/api/v1/subscribers", json={**NEW, "email": f"a{one}@x.example"}) for one in range(3)]
    assert [one.status_code for one in sent] == [202, 202, 429]


@pytest.mark.parametrize("tag", ["%00", "%E2%80%8B", "a%0Ab", "%1b"])
def test_a_tag_that_nobody_sees_is_refused(program: TestClient, runtime: Runtime, tag: str) -> None:
    make_reader(runtime)
    problem(program.put(f"/api/v1/subscribers/1/tags/{tag}"), 422)


def test_keys_are_kept_as_hashes_and_for_a_day(program: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    program.post("/api/v1/subscribers", json=NEW, headers={"idempotency-key": "sam@x.example"})
    [kept] = everything(runtime)["idempotency_key"]
    assert "sam@x.example" not in str(kept)
    clock.advance(days=2)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    assert everything(runtime)["idempotency_key"] == []


def test_a_token_that_asks_too_often_has_to_wait(
    program: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from limits import RateLimitItemPerMinute

    from rugcourse.web import rate_limits

    monkeypatch.setattr(rate_limits, "_API_PER_MINUTE", RateLimitItemPerMinute(2))
    assert [program.get("/api/v1/courses").status_code for _ in range(3)] == [200, 200, 429]
    assert int(program.get("/api/v1/courses").headers["retry-after"]) > 0


# Its description


def test_description_names_every_endpoint_its_scope_and_problems(app: FastAPI) -> None:
    browser = TestClient(app)
    found = browser.get("/api/v1/openapi.json").json()
    assert found["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, one in found["paths"].items() for method in one}
    assert described == {*routes(app, Access.API)}
    for one in found["paths"].values():
        for operation in one.values():
            assert operation["x-scope"] in {*Scope}
            assert operation["responses"]["401"]["content"].keys() == {"application/problem+json"}
    conditional = {
        path for path, one in found["paths"].items() for answer in one.values() if "304" in answer["responses"]
    }
    assert conditional == {"/api/v1/subscribers/{subscriber_id}"}
    page = browser.get("/api/v1/reference")
    assert page.status_code == 200
    for method, path in described:
        assert f"<code>{method} {path}</code>" in page.text
    refused = browser.get("/api/v1/courses").json()["type"]
    assert refused == "/api/v1/reference#problem-401"
    assert 'id="problem-401"' in page.text
