"""Login and logout, invitations, second factor and password reset."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from rugcourse.auth import passkeys, security_events
from rugcourse.auth.account_emails import AccountNotice
from rugcourse.auth.admins import (
    BadInvitation,
    invited_email,
    request_reset,
    reset_email,
    reset_password,
    set_first_password,
)
from rugcourse.auth.passkeys import RelyingParty
from rugcourse.auth.passwords import MIN_LENGTH, WeakPassword
from rugcourse.auth.security_events import SecurityEventKind
from rugcourse.auth.sessions import (
    AdminIdentity,
    IssuedSession,
    LoginFailed,
    TooManyCodes,
    find_admin_id,
    log_in,
    log_out,
    verify_code,
)
from rugcourse.enrolment.signup import normalise_email
from rugcourse.secret_box import SecretBox
from rugcourse.web.access import Access, access
from rugcourse.web.admin.auth import (
    PasswordLogin,
    admin_page,
    check_origin,
    clear_session,
    client_of,
    cookie_name,
    device_of,
    notify_admin,
    origin_of,
    passkey_site,
    password_context,
    set_cookie,
    start_session,
)
from rugcourse.web.forms import pad_response_time
from rugcourse.web.rendering import READ, NotFound, runtime_of

router = APIRouter()

HOME = "/admin"
_PASSKEY_LOGIN = "rugcourse_passkey_login"
_PASSKEY_SECONDS = 300


@router.api_route("/admin/login", methods=READ)
@access(Access.LOGIN)
def login_page(request: Request) -> HTMLResponse:
    return _login_page(request)


@router.post("/admin/login")
@access(Access.LOGIN)
def login(request: Request, email: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """Log in. Wrong addresses, wrong passwords and disabled accounts get the same response after the same time."""
    begun = time.monotonic()
    check_origin(request)
    runtime = runtime_of(request)
    account = _account(request, email)
    device = device_of(request, find_admin_id(runtime.database, email))
    limits = request.app.state.limits
    if not limits.allows_login(account, client_of(request), device):
        security_events.record(
            None,
            runtime.clock.now(),
            SecurityEventKind.RATE_LIMITED,
            origin_of(request),
            admin_id=None,
            account=account,
        )
        return _login_page(request, email, notice="slow", status=429)
    try:
        given = log_in(runtime.database, runtime.clock, email, password[:400], origin_of(request))
    except LoginFailed:
        security_events.record(
            None,
            runtime.clock.now(),
            SecurityEventKind.WRONG_PASSWORD,
            origin_of(request),
            admin_id=None,
            account=account,
        )
        pad_response_time(begun)
        return _login_page(request, email, notice="wrong", status=403)
    limits.logged_in(account, client_of(request), device)
    return start_session(request, given, "/admin/mfa" if given.second_factor_due else HOME)


@router.post("/admin/login/passkey/begin")
@access(Access.LOGIN)
def passkey_begin(request: Request) -> Response:
    """Return the options to log in by passkey, as JSON; a cookie binds the challenge to this browser."""
    check_origin(request)
    runtime = runtime_of(request)
    if not request.app.state.limits.allows_challenge(client_of(request)):
        return Response("slow", 429, media_type="text/plain")
    token = secrets.token_urlsafe(24)
    response = _options(passkeys.begin_login(runtime.database, runtime.clock, _site(request), token))
    set_cookie(request, response, _PASSKEY_LOGIN, token, _PASSKEY_SECONDS)
    return response


@router.post("/admin/login/passkey")
@access(Access.LOGIN)
def passkey_login(request: Request, answer: Annotated[str, Form()] = "") -> Response:
    check_origin(request)
    runtime, site = runtime_of(request), _site(request)
    token = request.cookies.get(cookie_name(request, _PASSKEY_LOGIN), "")
    try:
        given = passkeys.finish_login(runtime.database, runtime.clock, site, answer, token, origin_of(request))
    except LoginFailed:
        security_events.record(
            None, runtime.clock.now(), SecurityEventKind.REFUSED_PASSKEY, origin_of(request), admin_id=None
        )
        return _login_page(request, notice="passkey", status=403)
    return start_session(request, given, HOME)


@router.api_route("/admin/mfa", methods=READ)
def second_factor_page(request: Request, identity: PasswordLogin) -> HTMLResponse:
    return _second_factor_page(request, identity)


@router.post("/admin/mfa")
def second_factor(
    request: Request,
    identity: PasswordLogin,
    typed: Annotated[str, Form(alias="code")] = "",
) -> Response:
    """Verify a TOTP code or a recovery code. After five wrong ones the login starts again."""
    runtime = runtime_of(request)
    if not request.app.state.limits.allows_code(_account(request, identity.email)):
        security_events.record(
            None, runtime.clock.now(), SecurityEventKind.RATE_LIMITED, origin_of(request), admin_id=identity.admin_id
        )
        if request.app.state.limits.allows_reset(f"told {identity.email}"):
            notify_admin(request, AccountNotice.CODES_GUESSED, identity.email)
        return _second_factor_page(request, identity, notice="slow", status=429)
    secret_box = SecretBox(runtime.settings.secret_keys)
    try:
        given = verify_code(runtime.database, runtime.clock, secret_box, identity, typed[:40], origin_of(request))
    except TooManyCodes:
        notify_admin(request, AccountNotice.CODES_GUESSED, identity.email)
        return clear_session(request, "/admin/login")
    except LoginFailed:
        return _second_factor_page(request, identity, notice="wrong", status=403)
    return start_session(request, given, HOME)


@router.post("/admin/mfa/passkey/begin")
def second_factor_passkey_begin(request: Request, identity: PasswordLogin) -> Response:
    """Return the options to use a passkey as second factor, as JSON."""
    runtime = runtime_of(request)
    return _options(passkeys.begin_second_factor(runtime.database, runtime.clock, _site(request), identity))


@router.post("/admin/mfa/passkey")
def second_factor_passkey(request: Request, identity: PasswordLogin, answer: Annotated[str, Form()] = "") -> Response:
    runtime = runtime_of(request)
    try:
        given = passkeys.finish_second_factor(
            runtime.database, runtime.clock, _site(request), identity, answer, origin_of(request)
        )
    except LoginFailed:
        security_events.record(
            None, runtime.clock.now(), SecurityEventKind.REFUSED_PASSKEY, origin_of(request), admin_id=identity.admin_id
        )
        return _second_factor_page(request, identity, notice="passkey", status=403)
    return start_session(request, given, HOME)


@router.post("/admin/logout")
def logout(request: Request, identity: PasswordLogin) -> Response:
    runtime = runtime_of(request)
    log_out(runtime.database, runtime.clock, identity, origin_of(request))
    return clear_session(request, "/admin/login")


@router.api_route("/admin/forgot-password", methods=READ)
@access(Access.LOGIN)
def forgotten_page(request: Request) -> HTMLResponse:
    return admin_page(request, None, "forgot-password", {"notice": ""})


@router.post("/admin/forgot-password")
@access(Access.LOGIN)
def forgotten(request: Request, email: Annotated[str, Form()] = "") -> HTMLResponse:
    """Mail a reset link. The response and its time are the same whether or not the address is known."""
    begun = time.monotonic()
    check_origin(request)
    runtime, limits = runtime_of(request), request.app.state.limits
    if not limits.allows_forgotten(client_of(request)):
        return admin_page(request, None, "forgot-password", {"notice": "slow"}, 429)
    # Only known addresses are counted: else strangers could fill the rate limiter's memory with invented ones.
    if find_admin_id(runtime.database, email) is not None and limits.allows_reset(_account(request, email)):
        asked = runtime.database.run(request_reset, runtime.clock, email, origin_of(request))
        if asked is not None:
            notify_admin(request, AccountNotice.RESET_LINK, asked.email, runtime.links.admin_reset(asked.token))
    pad_response_time(begun)
    return admin_page(request, None, "forgot-password", {"notice": "sent"})


@router.api_route("/admin/reset/{token}", methods=READ)
@access(Access.LOGIN)
def reset_page(request: Request, token: str) -> HTMLResponse:
    return _reset_page(request, token)


@router.post("/admin/reset/{token}")
@access(Access.LOGIN)
def reset(
    request: Request,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set a new password. The admin then logs in with it and the second factor."""
    check_origin(request)
    runtime = runtime_of(request)
    if password != again:
        return _reset_page(request, token, notice="differ")
    try:
        admin = reset_password(
            runtime.database, runtime.clock, token, password, origin_of(request), password_context(request)
        )
    except BadInvitation:
        return _ended_page(request)
    except WeakPassword:
        return _reset_page(request, token, notice="weak")
    notify_admin(request, AccountNotice.PASSWORD_CHANGED, admin.email)
    return clear_session(request, "/admin/login?done=reset")


@router.api_route("/admin/invite/{token}", methods=READ)
@access(Access.LOGIN)
def welcome_page(request: Request, token: str) -> HTMLResponse:
    return _welcome_page(request, token)


@router.post("/admin/invite/{token}")
@access(Access.LOGIN)
def welcome(
    request: Request,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Set the first password, and log in."""
    check_origin(request)
    runtime = runtime_of(request)
    if password != again:
        return _welcome_page(request, token, notice="differ")
    try:
        admin = set_first_password(runtime.database, runtime.clock, token, password, password_context(request))
    except BadInvitation:
        return _ended_page(request)
    except WeakPassword:
        return _welcome_page(request, token, notice="weak")
    given: IssuedSession = log_in(runtime.database, runtime.clock, admin.email, password, origin_of(request))
    return start_session(request, given, "/admin/account")


def _account(request: Request, email: str) -> str:
    """Return a keyed hash of an address, which identifies the account in rate limits and logs."""
    return runtime_of(request).signer.digest(normalise_email(email) or email.strip().lower()[:400])


def _login_page(request: Request, email: str = "", *, notice: str = "", status: int = 200) -> HTMLResponse:
    values = {
        "email": email[:254],
        "notice": notice or ("reset" if request.query_params.get("done") == "reset" else ""),
        "has_passkeys": passkey_site(request) is not None,
    }
    return admin_page(request, None, "login", values, status)


def _second_factor_page(
    request: Request, identity: AdminIdentity, *, notice: str = "", status: int = 200
) -> HTMLResponse:
    values = {"notice": notice, "has_passkeys": passkey_site(request) is not None}
    return admin_page(request, identity, "mfa", values, status)


def _site(request: Request) -> RelyingParty:
    site = passkey_site(request)
    if site is None:
        raise NotFound
    return site


def _options(options: str) -> Response:
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


def _welcome_page(request: Request, token: str, *, notice: str = "") -> HTMLResponse:
    runtime = runtime_of(request)
    return _password_page(
        request, "invitation", runtime.database.query(invited_email, runtime.clock.now(), token), notice
    )


def _reset_page(request: Request, token: str, *, notice: str = "") -> HTMLResponse:
    runtime = runtime_of(request)
    return _password_page(
        request, "reset-password", runtime.database.query(reset_email, runtime.clock.now(), token), notice
    )


def _password_page(request: Request, template: str, email: str | None, notice: str) -> HTMLResponse:
    if email is None:
        return _ended_page(request)
    values = {"email": email, "notice": notice, "shortest": MIN_LENGTH}
    return admin_page(request, None, template, values, 400 if notice else 200)


def _ended_page(request: Request) -> HTMLResponse:
    """Tell that a link is not valid, without saying whether it was used, has expired or never existed."""
    return admin_page(request, None, "link-ended", status=404)
