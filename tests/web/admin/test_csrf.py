"""Forms from elsewhere, or without the token of their page, do nothing."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.pages import CHROME
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
def test_form_from_another_origin_is_refused(admin: TestClient, runtime: Runtime, headers: dict[str, str]) -> None:
    form = form_of(admin, "/admin/team")
    before = everything(runtime, "admin_session")
    answer = admin.post(
        "/admin/team", data={**form, "action": "invite", "email": "evil@x.example", "role": "owner"}, headers=headers
    )
    assert answer.status_code == 403
    assert log_in(admin, **headers).status_code == 403  # type: ignore[attr-defined]
    assert everything(runtime, "admin_session") == before


def test_form_without_its_own_csrf_token_is_refused(admin: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, "other@x.example", Role.OWNER)
    other = TestClient(admin.app, follow_redirects=False, headers=CHROME)
    log_in(other, "other@x.example")
    before = everything(runtime, "admin_session")
    for form in ({}, {"form": "x"}, form_of(other, "/admin/team")):
        data = {**form, "action": "invite", "email": "evil@x.example", "role": "owner"}
        assert admin.post("/admin/team", data=data).status_code == 403
    assert everything(runtime, "admin_session") == before
