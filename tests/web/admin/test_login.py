"""Logging in to the admin pages: password, code, session and cookie."""

from __future__ import annotations

import re
import time

import pyotp
import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import OWNER, PASSWORD, make_admin
from tests.support.pages import CHROME
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.web import forms
from rugcourse.web.app import create_app


@pytest.mark.parametrize("path", ["/admin", "/admin/account", "/admin/team", "/admin/audit-log", "/admin/mfa"])
def test_admin_page_redirects_to_login_when_logged_out(browser: TestClient, path: str) -> None:
    assert browser.get(path).headers["location"] == "/admin/login"
    assert browser.post(path, data={"action": "invite"}).status_code in {303, 405}


def test_login_starts_a_new_session_and_ignores_the_old_cookie(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    browser.cookies.set("rugcourse_admin", "fixed-by-somebody", path="/admin")
    answer = log_in(browser)
    cookie = answer.headers["set-cookie"]  # type: ignore[attr-defined]
    assert "fixed-by-somebody" not in cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/admin"))
    assert (
        TestClient(browser.app, cookies={"rugcourse_admin": "fixed-by-somebody"}, follow_redirects=False)
        .get("/admin")
        .status_code
        == 303
    )


def test_ended_session_is_invalid_for_copied_cookies(admin: TestClient) -> None:
    stolen = TestClient(admin.app, cookies=dict(admin.cookies), follow_redirects=False, headers=CHROME)
    assert stolen.get("/admin").status_code == 200
    admin.post("/admin/logout", data=form_of(admin))
    assert stolen.get("/admin").headers["location"] == "/admin/login"


def test_password_guessing_is_limited_without_locking_out_the_owner(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    guesser = TestClient(browser.app, follow_redirects=False, client=("10.6.6.6", 1))
    statuses = [log_in(guesser, password=f"guess {number}").status_code for number in range(8)]  # type: ignore[attr-defined]
    assert statuses == [403] * 5 + [429] * 3
    assert log_in(guesser).status_code == 429  # type: ignore[attr-defined]
    assert log_in(browser).status_code == 303  # type: ignore[attr-defined]


def test_login_response_is_the_same_for_unknown_addresses_and_wrong_passwords(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    wrong = log_in(browser, password="wrong")
    unknown = log_in(browser, "nobody@x.example")
    assert wrong.status_code == unknown.status_code == 403  # type: ignore[attr-defined]
    assert wrong.text.replace(OWNER, "") == unknown.text.replace("nobody@x.example", "")  # type: ignore[attr-defined]


def test_failed_login_takes_the_same_time_for_unknown_addresses(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    """For an account that exists it is written down before the answer: longer than that is waited in any case."""
    make_admin(runtime.database, clock)
    log_in(browser, password="warm-up")
    took = []
    for email in (OWNER, "nobody@x.example", "", "no address"):
        begun = time.monotonic()
        assert log_in(browser, email, "guess").status_code == 403  # type: ignore[attr-defined]
        took.append(time.monotonic() - begun)
    assert min(took) >= forms._MIN_RESPONSE_SECONDS


def test_second_factor_cannot_be_skipped(admin: TestClient, runtime: Runtime) -> None:
    page = admin.get("/admin/account").text
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page)[1]  # type: ignore[index]
    wrong = admin.post(
        "/admin/account", data={**form_of(admin), "action": "second-factor", "code": "000000", "old": PASSWORD}
    )
    assert 'role="alert"' in wrong.text
    kept = dict(re.findall(r'name="(form|locked)" value="([^"]+)"', page))
    admin.post(
        "/admin/account", data={**kept, "action": "second-factor", "code": pyotp.TOTP(secret).now(), "old": PASSWORD}
    )
    browser = TestClient(admin.app, follow_redirects=False, headers=CHROME)
    assert log_in(browser).headers["location"] == "/admin/mfa"  # type: ignore[attr-defined]
    before = everything(runtime)
    for path in ("/admin", "/admin/account", "/admin/team", "/admin/audit-log"):
        assert browser.get(path).headers["location"] == "/admin/mfa"
        assert browser.post(
            path, data={**form_of(browser, "/admin/mfa"), "action": "invite", "email": "e@x.example", "role": "owner"}
        ).status_code in {303, 405}
    assert everything(runtime) == before
    codes = [
        browser.post("/admin/mfa", data={**form_of(browser, "/admin/mfa"), "code": "000000"}).status_code
        for _ in range(6)
    ]
    assert codes == [403] * 4 + [303] * 2
    assert browser.get("/admin/mfa").headers["location"] == "/admin/login"


def test_password_change_requires_the_current_password(admin: TestClient) -> None:
    new = {"new": "seven brass kettles sing", "again": "seven brass kettles sing", "action": "password"}
    assert (
        "Je wachtwoord klopt niet" in admin.post("/admin/account", data={**form_of(admin), **new, "old": "guess"}).text
    )
    assert "Bewaard" in admin.post("/admin/account", data={**form_of(admin), **new, "old": PASSWORD}).text
    assert log_in(TestClient(admin.app, follow_redirects=False), password="seven brass kettles sing").status_code == 303  # type: ignore[attr-defined]


def test_session_cookie_is_secure_on_https_sites(runtime: Runtime, clock: VirtualClock) -> None:
    from dataclasses import replace

    make_admin(runtime.database, clock)
    secure = replace(runtime, settings=runtime.settings.model_copy(update={"base_url": "https://courses.example"}))
    answer = log_in(TestClient(create_app(secure), follow_redirects=False))
    for cookie in answer.headers.get_list("set-cookie"):  # type: ignore[attr-defined]
        assert "Secure" in cookie
        assert cookie.startswith("__Secure-rugcourse_")
    assert "max-age=63072000" in answer.headers["strict-transport-security"]  # type: ignore[attr-defined]
