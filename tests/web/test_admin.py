"""Drills "Admin": forged forms, fixed and old sessions, guessing, a skipped code, a role that reaches beyond itself."""

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

from rugcourse import paths
from rugcourse.auth.admins import invite
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.db.queries import admins
from rugcourse.web import forms
from rugcourse.web.app import create_app


@pytest.fixture
def admin(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    """A browser in which an owner is inside."""
    make_admin(runtime.database, clock)
    assert log_in(browser).status_code == 303
    return browser


def _template(name: str) -> str:
    return (paths.folder("templates") / "web" / "admin" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["/admin", "/admin/account", "/admin/team", "/admin/audit-log", "/admin/mfa"])
def test_nobody_sees_a_page_without_coming_in(browser: TestClient, path: str) -> None:
    assert browser.get(path).headers["location"] == "/admin/login"
    assert browser.post(path, data={"action": "invite"}).status_code in {303, 405}


def test_coming_in_gives_a_new_session_whatever_cookie_was_there(
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


def test_a_session_that_was_ended_is_over_wherever_its_cookie_is(admin: TestClient) -> None:
    stolen = TestClient(admin.app, cookies=dict(admin.cookies), follow_redirects=False, headers=CHROME)
    assert stolen.get("/admin").status_code == 200
    admin.post("/admin/logout", data=form_of(admin))
    assert stolen.get("/admin").headers["location"] == "/admin/login"


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
def test_a_form_from_elsewhere_does_nothing(admin: TestClient, runtime: Runtime, headers: dict[str, str]) -> None:
    form = form_of(admin, "/admin/team")
    before = everything(runtime, "admin_session")
    answer = admin.post(
        "/admin/team", data={**form, "action": "invite", "email": "evil@x.example", "role": "owner"}, headers=headers
    )
    assert answer.status_code == 403
    assert log_in(admin, **headers).status_code == 403  # type: ignore[attr-defined]
    assert everything(runtime, "admin_session") == before


def test_a_form_without_its_token_or_with_anothers_does_nothing(
    admin: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock, "other@x.example", Role.OWNER)
    other = TestClient(admin.app, follow_redirects=False, headers=CHROME)
    log_in(other, "other@x.example")
    before = everything(runtime, "admin_session")
    for form in ({}, {"form": "x"}, form_of(other, "/admin/team")):
        data = {**form, "action": "invite", "email": "evil@x.example", "role": "owner"}
        assert admin.post("/admin/team", data=data).status_code == 403
    assert everything(runtime, "admin_session") == before


def test_guessing_is_slowed_and_the_owner_is_not_locked_out(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    guesser = TestClient(browser.app, follow_redirects=False, client=("10.6.6.6", 1))
    statuses = [log_in(guesser, password=f"guess {number}").status_code for number in range(8)]  # type: ignore[attr-defined]
    assert statuses == [403] * 5 + [429] * 3
    assert log_in(guesser).status_code == 429  # type: ignore[attr-defined]
    assert log_in(browser).status_code == 303  # type: ignore[attr-defined]


def test_an_unknown_address_and_a_wrong_password_look_the_same(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock)
    wrong = log_in(browser, password="wrong")
    unknown = log_in(browser, "nobody@x.example")
    assert wrong.status_code == unknown.status_code == 403  # type: ignore[attr-defined]
    assert wrong.text.replace(OWNER, "") == unknown.text.replace("nobody@x.example", "")  # type: ignore[attr-defined]


def test_a_failed_login_takes_as_long_whoever_it_is_about(
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
    assert min(took) >= forms._SAME_SECONDS


def test_the_code_cant_be_skipped(admin: TestClient, runtime: Runtime) -> None:
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


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ANALYST])
def test_a_role_does_not_reach_beyond_itself(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, role: Role
) -> None:
    make_admin(runtime.database, clock)
    make_admin(runtime.database, clock, "low@x.example", role)
    log_in(browser, "low@x.example")
    assert browser.get("/admin").status_code == 200
    assert browser.get("/admin/team").status_code == browser.get("/admin/audit-log").status_code == 404
    before = everything(runtime)
    data = {**form_of(browser), "action": "role", "admin": "2", "role": "owner"}
    assert browser.post("/admin/team", data=data).status_code == 404
    assert everything(runtime) == before


def test_an_invited_admin_sets_a_password_and_is_inside(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    invitation = runtime.database.run(invite, clock, "new@x.example", Role.EDITOR)
    link = f"/admin/invite/{invitation.token}"
    for data in ({"password": PASSWORD, "again": "x"}, {"password": "short", "again": "short"}):
        assert 'role="alert"' in browser.post(link, data=data).text
    assert browser.post(link, data={"password": PASSWORD, "again": PASSWORD}).headers["location"] == "/admin/account"
    assert "new@x.example" in browser.get("/admin").text
    assert browser.get(link).status_code == 404


def test_an_owner_invites_changes_and_disables_and_all_of_it_is_in_the_log(admin: TestClient) -> None:
    form = {**form_of(admin, "/admin/team"), "password": PASSWORD}
    page = admin.post("/admin/team", data={**form, "action": "invite", "email": "ed@x.example", "role": "editor"}).text
    assert "http://courses.example/admin/invite/" in page
    assert (
        "geen e-mailadres"
        in admin.post("/admin/team", data={**form, "action": "invite", "email": "<b>", "role": "editor"}).text
    )
    admin.post("/admin/team", data={**form, "action": "role", "admin": "2", "role": "analyst"})
    admin.post("/admin/team", data={**form, "action": "disable", "admin": "2"})
    assert "geen eigenaar meer" in admin.post("/admin/team", data={**form, "action": "disable", "admin": "1"}).text
    for nonsense in (
        {"admin": "99", "action": "disable"},
        {"admin": "9" * 15, "action": "disable"},
        {"admin": "x", "action": "role", "role": "king"},
        {"action": "x"},
    ):
        assert admin.post("/admin/team", data={**form, **nonsense}).status_code in {200, 400}
    log = admin.get("/admin/audit-log").text
    for words in (
        *("beheerder uitgenodigd", "veranderd wat een beheerder mag", "beheerder niet meer binnengelaten"),
        *("ed@x.example", "account uitgezet: ja"),
    ):
        assert words in log


def test_the_log_says_in_words_what_was_done_to_whom(admin: TestClient, runtime: Runtime) -> None:
    known = set(re.findall(r'"([a-z -]+(?:: [a-z ]+)?)": _\(', _template("audit-log-labels.html")))
    for change in ("subscriber: tag", "address: lift", "campaign: start", "lesson: take out", "act: stop"):
        assert change in known
    with runtime.database.write() as session:
        for change, subject in ((one, "campaign:3") for one in sorted(known)):
            admins.record_change(
                session, runtime.clock.now(), None, change, subject, None, {"audience": {"tags": ["knee"]}}
            )
        for subject in ("subscriber 12", "lesson:stress-en-rugpijn/kringloop", "job:4", "domain:x.example", "<b>"):
            admins.record_change(session, runtime.clock.now(), None, "subscriber: tag", subject)
    page = admin.get("/admin/audit-log").text
    for words in (
        *('<a href="/admin/campaigns/3">campagne 3</a>', '<a href="/admin/subscribers/12">abonnee 12</a>'),
        *('href="/admin/lessons/stress-en-rugpijn/kringloop"', "klus 4", "Mail naar x.example", "&lt;b&gt;"),
        *("campagne gestart", "Wie: tags", "gaf een abonnee een label"),
    ):
        assert words in page, words
    assert "campaign: start" not in page


def test_an_open_screen_is_not_enough_for_another_password(admin: TestClient) -> None:
    new = {"new": "seven brass kettles sing", "again": "seven brass kettles sing", "action": "password"}
    assert (
        "Je wachtwoord klopt niet" in admin.post("/admin/account", data={**form_of(admin), **new, "old": "guess"}).text
    )
    assert "Bewaard" in admin.post("/admin/account", data={**form_of(admin), **new, "old": PASSWORD}).text
    assert log_in(TestClient(admin.app, follow_redirects=False), password="seven brass kettles sing").status_code == 303  # type: ignore[attr-defined]


def test_the_cookie_is_secure_where_the_site_is(runtime: Runtime, clock: VirtualClock) -> None:
    from dataclasses import replace

    make_admin(runtime.database, clock)
    secure = replace(runtime, settings=runtime.settings.model_copy(update={"base_url": "https://courses.example"}))
    answer = log_in(TestClient(create_app(secure), follow_redirects=False))
    for cookie in answer.headers.get_list("set-cookie"):  # type: ignore[attr-defined]
        assert "Secure" in cookie
        assert cookie.startswith("__Secure-rugcourse_")
    assert "max-age=63072000" in answer.headers["strict-transport-security"]  # type: ignore[attr-defined]
