"""Every route says who it is for, and means it: each is asked as everybody who may not, with forms of ours and without.

A new page is in these tests by itself. One that says nothing keeps the application from starting.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Route
from tests.support.admin_pages import form_of
from tests.support.admins import make_admin
from tests.support.builders import ref
from tests.support.pages import CHROME
from tests.support.routes import browser_of, routes
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.links import TokenPurpose
from rugcourse.web.access import Access, MissingAccessRule, access, all_routes, require_rules, rule_of

pytestmark = pytest.mark.usefixtures("answers_at_once")

ROLES = {Access.ANALYST: Role.ANALYST, Access.EDITOR: Role.EDITOR, Access.OWNER: Role.OWNER}
RANK = [Role.ANALYST, Role.EDITOR, Role.OWNER]
# What tells about attacks may change, whatever the answer is.
# A book is made when it is first asked for.
_LOGS = ("security_event", "admin_session", "heartbeat", "ebook", "picture_rendition")


def ask(browser: TestClient, method: str, path: str, places: dict[str, str], **data: str) -> Any:
    address = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: places[match[1]], path)
    return browser.request(method, address, **({"data": data} if method == "POST" else {}))


def unchanged(runtime: Runtime) -> dict[str, list[Any]]:
    return everything(runtime, *_LOGS)


def test_every_route_declares_an_access_rule(app: FastAPI) -> None:
    require_rules(app.routes)
    assert {rule_of(route) for route in all_routes(app.routes)} == {*Access}
    assert len([*routes(app, *Access)]) > 110


def test_application_does_not_start_with_an_undeclared_route(app: FastAPI) -> None:
    app.add_api_route("/admin/new-page", lambda: "x")
    with pytest.raises(MissingAccessRule, match="/admin/new-page"):
        require_rules(app.routes)


def test_admin_routes_are_exactly_those_below_the_path_of_the_admin_cookie(app: FastAPI) -> None:
    """The cookie's path is /admin, so outside of it there is nothing that a foreign form could borrow."""
    inside = {Access.LOGIN, Access.SESSION, *ROLES}
    for route in all_routes(app.routes):
        assert isinstance(route, Route)
        assert (rule_of(route) in inside) == (route.path == "/admin" or route.path.startswith("/admin/")), route.path


def test_admin_pages_redirect_to_login_without_a_session(
    app: FastAPI, runtime: Runtime, places: dict[str, str]
) -> None:
    before = unchanged(runtime)
    for method, path in routes(app, Access.SESSION, *ROLES):
        answer = ask(browser_of(app), method, path, places)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/admin/login"), (method, path)
    assert unchanged(runtime) == before


def test_session_with_only_the_password_reaches_no_admin_page(
    app: FastAPI, runtime: Runtime, places: dict[str, str], clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock, "half@x.example", Role.OWNER)
    with runtime.database.write() as session:
        from rugcourse.db.queries import admins

        admin = admins.by_email(session, "half@x.example")
        assert admin is not None
        admin.totp_secret = "locked with a key that is gone"
    browser = browser_of(app, "half@x.example")
    before = unchanged(runtime)
    for method, path in routes(app, *ROLES):
        answer = ask(browser, method, path, places, **form_of(browser, "/admin/mfa"))
        assert (answer.status_code, answer.headers.get("location")) == (303, "/admin/mfa"), (method, path)
    assert unchanged(runtime) == before


@pytest.mark.parametrize("role", [Role.ANALYST, Role.EDITOR])
def test_roles_cannot_reach_pages_of_higher_roles(
    app: FastAPI, runtime: Runtime, places: dict[str, str], clock: VirtualClock, role: Role
) -> None:
    make_admin(runtime.database, clock, "low@x.example", role)
    browser = browser_of(app, "low@x.example")
    form = form_of(browser)
    before = unchanged(runtime)
    beyond = [rule for rule, needed in ROLES.items() if RANK.index(needed) > RANK.index(role)]
    for method, path in routes(app, *beyond):
        assert ask(browser, method, path, places, **form).status_code == 404, (method, path)
    assert unchanged(runtime) == before
    allowed = [rule for rule in ROLES if rule not in beyond]
    for method, path in routes(app, *allowed):
        if method == "GET":
            assert ask(browser, method, path, places).status_code in {200, 303}, path


def test_admin_forms_need_a_csrf_token_and_the_same_origin(
    app: FastAPI, runtime: Runtime, places: dict[str, str], clock: VirtualClock
) -> None:
    for email in ("owner@x.example", "other@x.example"):
        make_admin(runtime.database, clock, email, Role.OWNER)
    browser, other = browser_of(app, "owner@x.example"), browser_of(app, "other@x.example")
    mine, theirs = form_of(browser), form_of(other)
    before = unchanged(runtime)
    for method, path in routes(app, Access.SESSION, *ROLES):
        if method != "POST":
            continue
        for form in ({}, {"form": "x"}, theirs):
            assert ask(browser, method, path, places, **form).status_code == 403, path
        for header in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}):
            foreign = TestClient(
                app, follow_redirects=False, headers={**CHROME, **header}, cookies=dict(browser.cookies)
            )
            assert ask(foreign, method, path, places, **mine).status_code == 403, (path, header)
    assert unchanged(runtime) == before


def test_login_forms_need_the_same_origin(app: FastAPI, runtime: Runtime, places: dict[str, str]) -> None:
    before = unchanged(runtime)
    for header in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        foreign = TestClient(app, follow_redirects=False, headers={**CHROME, **header})
        for method, path in routes(app, Access.LOGIN):
            if method == "POST":
                assert ask(foreign, method, path, places, email="owner@x.example").status_code == 403, (path, header)
    assert unchanged(runtime) == before


def test_link_token_is_valid_for_its_purpose_only(app: FastAPI, runtime: Runtime, places: dict[str, str]) -> None:
    """A forged token, and one of each other purpose, about a delivery that is there."""
    browser = browser_of(app)
    before = unchanged(runtime)
    forged = ["x", "A" * 500, "%00", "..%2fadmin", "AQAAAAAAAAAAAAAAAAAAAAAA"]
    opened: dict[str, int] = {}
    for method, path in routes(app, Access.LINK):
        if method != "GET":
            continue
        for token in forged:
            assert ask(browser, method, path, {**places, "token": token}).status_code == 404, (path, token)
        purposes = [
            purpose for purpose in TokenPurpose
            if ask(browser, method, path, {**places, "token": runtime.signer.sign_mail(purpose, ref(runtime, 1))}).status_code < 400
        ]  # fmt: skip
        opened[path] = len(purposes)
    assert set(opened.values()) <= {0, 1}, opened
    assert sum(opened.values()) >= 4, "some of them are open to the right one"
    for method, path in routes(app, Access.LINK):
        if method == "POST":
            assert ask(browser, method, path, {**places, "token": "x"}, sure="yes", leave="yes").status_code == 404
    assert unchanged(runtime) == before


def test_webhook_refuses_unauthenticated_requests(app: FastAPI, runtime: Runtime, places: dict[str, str]) -> None:
    before = unchanged(runtime)
    for provider in ("ses", "postmark", "mailgun", "sendgrid", "brevo", "nobody", "../admin"):
        for method, path in routes(app, Access.WEBHOOK):
            answer = ask(browser_of(app), method, path, {**places, "provider": provider}, x="y")
            assert answer.status_code in {403, 404, 405}, provider
    assert unchanged(runtime) == before


def test_reading_a_page_changes_nothing(
    app: FastAPI, runtime: Runtime, places: dict[str, str], clock: VirtualClock, database: Database
) -> None:
    """A scanner that follows every link, and an admin's browser that fetches ahead, change nothing that matters."""
    make_admin(runtime.database, clock, "owner@x.example", Role.OWNER)
    browser = browser_of(app, "owner@x.example")
    before = everything(runtime, *_LOGS, "lesson", "email_event", "counter", "known")
    for method, path in routes(app, *ROLES, Access.PUBLIC, Access.SESSION):
        if method == "GET":
            ask(browser, method, path, places)
    after = everything(runtime, *_LOGS, "lesson", "email_event", "counter", "known")
    assert after == before


def test_access_rule_is_stored_on_the_endpoint() -> None:
    @access(Access.OWNER)
    def page() -> str:
        return "x"

    assert (page(), page.access) == ("x", Access.OWNER)  # type: ignore[attr-defined]
