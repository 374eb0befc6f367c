"""Coming in: the first password by a link, the password, the code; and going out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from rugcourse.access import passkeys
from rugcourse.access.admins import BadInvitation, is_open, set_first_password
from rugcourse.access.passkeys import Site
from rugcourse.access.passwords import SHORTEST, WeakPassword
from rugcourse.access.second_factor import Vault
from rugcourse.access.sessions import NotLetIn, come_in, give_code, leave
from rugcourse.web.admin.gate import admin_page, check_form, check_origin, half_inside, let_in, let_out, passkey_site
from rugcourse.web.pages import READ, NotFound, runtime_of

router = APIRouter()

HOME = "/admin"


@router.api_route("/admin/login", methods=READ)
def login_page(request: Request) -> HTMLResponse:
    return _login_page(request)


@router.post("/admin/login")
def login(request: Request, email: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """Wrong address, wrong password and disabled look the same, and take as long."""
    check_origin(request)
    runtime = runtime_of(request)
    account = runtime.signer.digest(email.strip().lower())
    if not request.app.state.limits.may_guess(account, _client(request)):
        return _login_page(request, email, notice="slow", status=429)
    try:
        given = come_in(runtime.database, runtime.clock, email, password[:400], _browser(request))
    except NotLetIn:
        request.app.state.limits.count_guess(account, _client(request))
        return _login_page(request, email, notice="wrong", status=403)
    return let_in(request, given, "/admin/code" if given.second_factor_due else HOME)


@router.post("/admin/login/passkey/begin")
def passkey_begin(request: Request) -> Response:
    """What the browser needs to ask for a passkey."""
    check_origin(request)
    runtime = runtime_of(request)
    return Response(
        passkeys.begin_login(runtime.database, runtime.clock, _site(request)),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.post("/admin/login/passkey")
def passkey_login(request: Request, answer: Annotated[str, Form()] = "") -> Response:
    check_origin(request)
    runtime, site = runtime_of(request), _site(request)
    try:
        given = passkeys.finish_login(runtime.database, runtime.clock, site, answer, _browser(request))
    except NotLetIn:
        return _login_page(request, notice="passkey", status=403)
    return let_in(request, given, HOME)


@router.api_route("/admin/code", methods=READ)
def code_page(request: Request) -> HTMLResponse:
    return admin_page(request, half_inside(request), "code", {"notice": ""})


@router.post("/admin/code")
def code(
    request: Request, typed: Annotated[str, Form(alias="code")] = "", form: Annotated[str, Form()] = ""
) -> Response:
    runtime = runtime_of(request)
    insider = half_inside(request)
    check_form(request, insider, form)
    account = runtime.signer.digest(f"code {insider.email}")
    if not request.app.state.limits.may_guess(account, _client(request)):
        return admin_page(request, insider, "code", {"notice": "slow"}, 429)
    vault = Vault(runtime.settings.secret_keys)
    try:
        given = give_code(runtime.database, runtime.clock, vault, insider, typed[:20], _browser(request))
    except NotLetIn:
        request.app.state.limits.count_guess(account, _client(request))
        return admin_page(request, insider, "code", {"notice": "wrong"}, 403)
    return let_in(request, given, HOME)


@router.post("/admin/logout")
def logout(request: Request, form: Annotated[str, Form()] = "") -> Response:
    insider = half_inside(request)
    check_form(request, insider, form)
    leave(runtime_of(request).database, insider)
    return let_out("/admin/login")


@router.api_route("/admin/welcome/{token}", methods=READ)
def welcome_page(request: Request, token: str) -> HTMLResponse:
    return _welcome_page(request, token)


@router.post("/admin/welcome/{token}")
def welcome(
    request: Request,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set the password, and come in with it."""
    check_origin(request)
    runtime = runtime_of(request)
    if password != again:
        return _welcome_page(request, token, notice="differ")
    try:
        admin = set_first_password(runtime.database, runtime.clock, token, password)
    except BadInvitation:
        raise NotFound from None
    except WeakPassword:
        return _welcome_page(request, token, notice="weak")
    given = come_in(runtime.database, runtime.clock, admin.email, password, _browser(request))
    return let_in(request, given, "/admin/account")


def _login_page(request: Request, email: str = "", *, notice: str = "", status: int = 200) -> HTMLResponse:
    values = {"email": email, "notice": notice, "has_passkeys": passkey_site(request) is not None}
    return admin_page(request, None, "login", values, status)


def _site(request: Request) -> Site:
    site = passkey_site(request)
    if site is None:
        raise NotFound
    return site


def _welcome_page(request: Request, token: str, *, notice: str = "") -> HTMLResponse:
    runtime = runtime_of(request)
    email = is_open(runtime.database, runtime.clock, token)
    if email is None:
        raise NotFound
    return admin_page(request, None, "welcome", {"email": email, "notice": notice, "shortest": SHORTEST})


def _client(request: Request) -> str | None:
    return request.client.host if request.client else None


def _browser(request: Request) -> str:
    return request.headers.get("user-agent", "")
