"""The page of the team: invitations, roles, accounts that are disabled."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import PASSWORD, make_admin
from tests.support.rows import everything

from rugcourse.auth.admins import invite
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ANALYST])
def test_team_page_is_for_owners_only(browser: TestClient, runtime: Runtime, clock: VirtualClock, role: Role) -> None:
    make_admin(runtime.database, clock)
    make_admin(runtime.database, clock, "low@x.example", role)
    log_in(browser, "low@x.example")
    assert browser.get("/admin").status_code == 200
    assert browser.get("/admin/team").status_code == browser.get("/admin/audit-log").status_code == 404
    before = everything(runtime)
    data = {**form_of(browser), "action": "role", "admin": "2", "role": "owner"}
    assert browser.post("/admin/team", data=data).status_code == 404
    assert everything(runtime) == before


def test_invited_admin_sets_a_password_and_is_logged_in(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    invitation = runtime.database.run(invite, clock, "new@x.example", Role.EDITOR)
    link = f"/admin/invite/{invitation.token}"
    for data in ({"password": PASSWORD, "again": "x"}, {"password": "short", "again": "short"}):
        assert 'role="alert"' in browser.post(link, data=data).text
    assert browser.post(link, data={"password": PASSWORD, "again": PASSWORD}).headers["location"] == "/admin/account"
    assert "new@x.example" in browser.get("/admin").text
    assert browser.get(link).status_code == 404


def test_owner_invites_changes_and_disables_admins_with_audit_log_entries(admin: TestClient) -> None:
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
