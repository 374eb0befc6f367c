"""Owners make tokens of the API in the browser: shown once, with their password, and revoked there."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.admin_pages import PASSWORD, form_of
from tests.support.api import client_of

PAGE = "/admin/api-tokens"
NEW = {"action": "create", "name": "website", "scopes": ["courses:read"], "days": "30", "password": PASSWORD}


def shown_secret(page: str) -> str:
    found = re.search(r"<code>(rc_[\w-]{43})</code>", page)
    return found[1] if found else ""


def test_token_is_shown_once_works_and_is_revoked(admin: TestClient, app: FastAPI) -> None:
    made = admin.post(PAGE, data={**form_of(admin), **NEW})
    secret = shown_secret(made.text)
    assert client_of(app, secret).get("/api/v1/courses").status_code == 200
    assert client_of(app, secret).get("/api/v1/subscribers").status_code == 403
    page = admin.get(PAGE).text
    assert secret not in page
    assert f"{secret[:8]}…" in page
    revoke = {**form_of(admin), "action": "revoke", "token": "1", "password": PASSWORD}
    assert admin.post(PAGE, data=revoke).status_code == 200
    assert client_of(app, secret).get("/api/v1/courses").status_code == 401
    assert admin.post(PAGE, data={**revoke, "token": "99"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"password": "wrong"}, 403),
        ({"name": " "}, 400),
        ({"scopes": []}, 400),
        ({"scopes": ["all"]}, 400),
        ({"days": "9999"}, 400),
        ({"days": ""}, 400),
        ({"days": "abc"}, 400),
        ({"days": "-1"}, 400),
    ],
)
def test_nothing_is_made_without_the_password_a_name_and_something_to_do(
    admin: TestClient, change: dict[str, str], status: int
) -> None:
    answer = admin.post(PAGE, data={**form_of(admin), **NEW, **change})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert not shown_secret(answer.text)
    assert "rc_" not in admin.get(PAGE).text


def test_editors_have_no_tokens(editor: TestClient) -> None:
    assert editor.get(PAGE).status_code == 404
