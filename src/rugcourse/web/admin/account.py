"""An admin's own account: the password, the second factor, and where they are inside. Any role."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.access import passkeys, second_factor
from rugcourse.access.admins import change_password
from rugcourse.access.passkeys import BadPasskey
from rugcourse.access.passwords import SHORTEST, WeakPassword
from rugcourse.access.second_factor import Vault
from rugcourse.access.sessions import Insider, NotLetIn, confirm_second_factor, knows_password
from rugcourse.store import admins
from rugcourse.web.admin.gate import admin_page, check_form, insider_of, passkey_site
from rugcourse.web.forms import whole_number
from rugcourse.web.pages import READ, NotFound, runtime_of

router = APIRouter()


class Fields(BaseModel):
    """A form of the account page; `action` is its button. `locked`: a new secret, encrypted, there and
    back; `answer`: what a device said when it made a passkey.
    """

    form: str = ""
    action: str = ""
    old: str = ""
    new: str = ""
    again: str = ""
    code: str = ""
    locked: str = ""
    session: str = ""
    answer: str = ""
    name: str = ""
    passkey: str = ""


@router.api_route("/admin/account", methods=READ)
def account_page(request: Request) -> HTMLResponse:
    return _account_page(request, insider_of(request), "")


@router.post("/admin/account/passkey/begin")
def passkey_begin(request: Request, form: Annotated[str, Form()] = "", old: Annotated[str, Form()] = "") -> Response:
    """What the browser needs to make a passkey; for who knows the password."""
    insider = insider_of(request)
    check_form(request, insider, form)
    runtime, site = runtime_of(request), passkey_site(request)
    if site is None:
        raise NotFound
    refusal = _check_password(request, insider, old)
    if refusal:
        return Response(refusal, 403, media_type="text/plain")
    options = passkeys.begin_registration(runtime.database, runtime.clock, site, insider)
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/admin/account")
def account_press(request: Request, fields: Annotated[Fields, Form()]) -> Response:
    insider = insider_of(request)
    check_form(request, insider, fields.form)
    match fields.action:
        case "password":
            notice = _change_password(request, insider, fields)
        case "second-factor":
            notice = _set_second_factor(request, insider, fields)
        case "passkey":
            notice = _add_passkey(request, insider, fields)
        case "passkey-out":
            passkeys.remove(
                runtime_of(request).database, runtime_of(request).clock, insider, whole_number(fields.passkey)
            )
            notice = "saved"
        case "end":
            notice = _end_session(request, insider, fields.session)
            if fields.session == str(insider.session_id):
                return RedirectResponse("/admin/login", 303)
        case _:
            notice = ""
    return _account_page(request, insider_of(request), notice, fields.locked if notice == "wrong-code" else "")


def _change_password(request: Request, insider: Insider, fields: Fields) -> str:
    runtime = runtime_of(request)
    if fields.new != fields.again:
        return "differ"
    refusal = _check_password(request, insider, fields.old)
    if refusal:
        return refusal
    try:
        change_password(runtime.database, runtime.clock, insider.admin_id, fields.new, session_id=insider.session_id)
    except WeakPassword:
        return "weak"
    return "saved"


def _check_password(request: Request, insider: Insider, password: str) -> str:
    """Who sits down at an open screen must not be able to take the account over: the notice, or nothing."""
    runtime = runtime_of(request)
    account = runtime.signer.digest(insider.email)
    client = request.client.host if request.client else None
    if not request.app.state.limits.may_guess(account, client):
        return "slow"
    if not knows_password(runtime.database, insider, password[:400]):
        request.app.state.limits.count_guess(account, client)
        return "wrong-password"
    return ""


def _add_passkey(request: Request, insider: Insider, fields: Fields) -> str:
    runtime, site = runtime_of(request), passkey_site(request)
    if fields.answer in {"slow", "wrong-password"}:
        return fields.answer  # what the first step said
    try:
        if site is None:
            return "no-passkey"
        passkeys.finish_registration(runtime.database, runtime.clock, site, insider, fields.answer, fields.name)
    except BadPasskey:
        return "no-passkey"
    return "saved"


def _set_second_factor(request: Request, insider: Insider, fields: Fields) -> str:
    runtime = runtime_of(request)
    vault = Vault(runtime.settings.secret_keys)
    secret = vault.open(fields.locked)
    if secret is None:
        return ""
    try:
        confirm_second_factor(runtime.database, runtime.clock, vault, insider, secret, fields.code[:20])
    except NotLetIn:
        return "wrong-code"
    return "saved"


def _end_session(request: Request, insider: Insider, session_id: str) -> str:
    if not whole_number(session_id):
        return ""
    with runtime_of(request).database.write() as session:
        admins.end_session(session, insider.admin_id, whole_number(session_id))
    return "saved"


def _account_page(request: Request, insider: Insider, notice: str, locked: str = "") -> HTMLResponse:
    runtime = runtime_of(request)
    vault = Vault(runtime.settings.secret_keys)
    secret = (vault.open(locked) if locked else None) or second_factor.new_secret()
    address = second_factor.address_of(secret, insider.email, runtime.settings.practice)
    with runtime.database.read() as session:
        sessions = admins.sessions_of(session, insider.admin_id)
        theirs = admins.passkeys_of(session, insider.admin_id)
    values = {
        "notice": notice,
        "shortest": SHORTEST,
        "sessions": sessions,
        "passkeys": theirs,
        "has_passkeys": passkey_site(request) is not None,
        "secret": secret,
        "locked": vault.lock(secret),
        "picture": segno.make(address, error="m").svg_data_uri(scale=5, border=2, dark="#000", light="#fff"),
    }
    return admin_page(request, insider, "account", values)
