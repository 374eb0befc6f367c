"""Tokens of the API: made, shown once, and revoked (owners)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from rugcourse.auth import api_tokens
from rugcourse.auth.api_tokens import InvalidTokenRequest, Scope, TokenNotFound
from rugcourse.auth.sessions import AdminIdentity
from rugcourse.web.admin.auth import Owner, admin_page, check_password
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_DAYS = (30, 90, 365, 0)  # the last is for ever


class TokenForm(BaseModel):
    """A form of the page. `action`: the button; `password`: of the owner, as a token gives lasting access."""

    action: str = ""
    name: str = ""
    scopes: tuple[str, ...] = ()
    days: str = ""
    token: str = ""
    password: str = ""


@router.api_route("/admin/api-tokens", methods=READ)
def tokens_page(request: Request, identity: Owner) -> HTMLResponse:
    return _page(request, identity, TokenForm())


@router.post("/admin/api-tokens")
def tokens_submit(request: Request, identity: Owner, fields: Annotated[TokenForm, Form()]) -> HTMLResponse:
    """Create a token, which the answer shows once, or revoke one. Requires the owner's password."""
    refusal = check_password(request, identity, fields.password)
    if refusal:
        return _page(request, identity, fields, notice=refusal, status=403)
    runtime = runtime_of(request)
    now = runtime.clock.now()
    if fields.action == "revoke":
        try:
            runtime.database.run(api_tokens.revoke, now, whole_number(fields.token, 9), identity.admin_id)
        except TokenNotFound:
            return _page(request, identity, TokenForm(), notice="gone", status=404)
        return _page(request, identity, TokenForm(), notice="revoked")
    days = next((one for one in _DAYS if str(one) == fields.days), -1)
    try:
        made = runtime.database.run(api_tokens.create, now, identity.email, fields.name, fields.scopes, days or None)
    except InvalidTokenRequest:
        return _page(request, identity, fields, notice="incomplete", status=400)
    return _page(request, identity, TokenForm(), secret=made.secret)


def _page(
    request: Request,
    identity: AdminIdentity,
    typed: TokenForm,
    *,
    notice: str = "",
    secret: str = "",
    status: int = 200,
) -> HTMLResponse:
    values = {
        "tokens": runtime_of(request).database.query(api_tokens.listed),
        "typed": typed,
        "scopes": [*Scope],
        "days": _DAYS,
        "notice": notice,
        "secret": secret,
        "now": runtime_of(request).clock.now(),
        "part": "api-tokens",
        "longest_name": api_tokens.LONGEST_NAME,
    }
    return admin_page(request, identity, "api-tokens", values, status)
