"""An admin's own account: password, second factor, passkeys and sessions. For any role."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.auth import admins, page_data, passkeys, totp
from rugcourse.auth.account_emails import AccountNotice
from rugcourse.auth.admins import change_password
from rugcourse.auth.passkeys import BadPasskey
from rugcourse.auth.passwords import MIN_LENGTH, WeakPassword
from rugcourse.auth.recovery_codes import make_recovery_codes
from rugcourse.auth.sessions import AdminIdentity, LoginFailed, confirm_second_factor, end_session
from rugcourse.auth.totp import context_of_form
from rugcourse.locales import languages
from rugcourse.secret_box import SecretBox
from rugcourse.web.admin.auth import (
    SettingUp,
    admin_page,
    check_password,
    notify_admin,
    passkey_site,
    password_context,
    require_admin,
)
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, runtime_of

router = APIRouter()

_PATH = "/admin"
_PAGE = re.compile(rf"{_PATH}(?:/[a-z0-9-]{{1,80}}){{0,8}}")  # of this site, without a query


class AccountForm(BaseModel):
    """A form of the account page. `action`: the button.

    `old`: the current password. `locked`: a new TOTP secret, encrypted, which passes through the form. `answer`: the
    device's response when it created a passkey.
    """

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
def account_page(request: Request, identity: SettingUp) -> HTMLResponse:
    return _account_page(request, identity, "")


@router.post("/admin/account/passkey/begin")
def passkey_begin(request: Request, identity: SettingUp, old: Annotated[str, Form()] = "") -> Response:
    """Return the options to create a passkey, as JSON. Requires the password."""
    runtime, site = runtime_of(request), passkey_site(request)
    if site is None:
        raise NotFound
    refusal = check_password(request, identity, old)
    if refusal:
        return Response(refusal, 403, media_type="text/plain")
    options = passkeys.begin_registration(runtime.database, runtime.clock, site, identity)
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/admin/account/language")
def choose_language(
    request: Request, identity: SettingUp, own_language: Annotated[str, Form()] = "", page: Annotated[str, Form()] = ""
) -> Response:
    """Keep the language of the admin's pages, and lead back to the page where they chose it."""
    chosen = own_language if own_language in languages() else None
    runtime_of(request).database.run(admins.choose_language, identity.admin_id, chosen)
    return RedirectResponse(page if _PAGE.fullmatch(page) else _PATH, 303)


@router.post("/admin/account")
def account_submit(request: Request, identity: SettingUp, fields: Annotated[AccountForm, Form()]) -> Response:
    if fields.action == "end":
        notice = _end_session(request, identity, fields.session)
        if fields.session == str(identity.session_id):
            return RedirectResponse("/admin/login", 303)
        return _account_page(request, identity, notice)
    change = _CHANGES.get(fields.action)
    if change is None:
        return _account_page(request, identity, "")
    # For passkeys the password was verified before the options were sent.
    notice = "" if fields.action == "passkey" else check_password(request, identity, fields.old)
    if notice:
        return _account_page(request, identity, notice, status=403)
    changed = change(request, identity, fields)
    if changed.tells is not None:
        notify_admin(request, changed.tells, identity.email)
    now = require_admin(request, setting_up=True)
    locked = fields.locked if changed.notice == "wrong-code" else ""
    return _account_page(request, now, changed.notice, locked, changed.codes, status=200 if changed.tells else 400)


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """The result of a form. `codes`: new recovery codes, which are shown only now; `tells`: the mail to send."""

    notice: str
    tells: AccountNotice | None = None
    codes: tuple[str, ...] = ()


def _change_password(request: Request, identity: AdminIdentity, fields: AccountForm) -> ChangeResult:
    runtime = runtime_of(request)
    if fields.new != fields.again:
        return ChangeResult("differ")
    try:
        change_password(
            runtime.database,
            runtime.clock,
            identity.admin_id,
            fields.new,
            session_id=identity.session_id,
            context=password_context(request),
        )
    except WeakPassword:
        return ChangeResult("weak")
    return ChangeResult("saved", AccountNotice.PASSWORD_CHANGED)


def _add_passkey(request: Request, identity: AdminIdentity, fields: AccountForm) -> ChangeResult:
    runtime, site = runtime_of(request), passkey_site(request)
    if fields.answer in {"slow", "wrong-password"}:
        return ChangeResult(fields.answer)  # the result of the first step
    try:
        if site is None:
            return ChangeResult("no-passkey")
        passkeys.finish_registration(runtime.database, runtime.clock, site, identity, fields.answer, fields.name)
    except BadPasskey:
        return ChangeResult("no-passkey")
    return ChangeResult("saved", AccountNotice.FACTOR_CHANGED, _first_codes(request, identity))


def _remove_passkey(request: Request, identity: AdminIdentity, fields: AccountForm) -> ChangeResult:
    runtime = runtime_of(request)
    passkeys.remove(runtime.database, runtime.clock, identity, whole_number(fields.passkey))
    return ChangeResult("saved", AccountNotice.FACTOR_CHANGED)


def _set_second_factor(request: Request, identity: AdminIdentity, fields: AccountForm) -> ChangeResult:
    runtime = runtime_of(request)
    secret_box = SecretBox(runtime.settings.secret_keys)
    secret = secret_box.decrypt(fields.locked, context_of_form(identity.admin_id, identity.session_id))
    if secret is None:
        return ChangeResult("wrong-code")
    try:
        confirm_second_factor(runtime.database, runtime.clock, secret_box, identity, secret, fields.code[:20])
    except LoginFailed:
        return ChangeResult("wrong-code")
    return ChangeResult("saved", AccountNotice.FACTOR_CHANGED, _first_codes(request, identity))


def _new_codes(request: Request, identity: AdminIdentity, _fields: AccountForm) -> ChangeResult:
    runtime = runtime_of(request)
    codes = make_recovery_codes(runtime.database, runtime.clock, identity.admin_id, identity.email)
    return ChangeResult("saved", AccountNotice.FACTOR_CHANGED, tuple(codes))


_CHANGES: dict[str, Callable[[Request, AdminIdentity, AccountForm], ChangeResult]] = {
    "password": _change_password,
    "second-factor": _set_second_factor,
    "passkey": _add_passkey,
    "passkey-out": _remove_passkey,
    "recovery-codes": _new_codes,
}


def _first_codes(request: Request, identity: AdminIdentity) -> tuple[str, ...]:
    """Return recovery codes for an admin who has none; else nothing."""
    runtime = runtime_of(request)
    if runtime.database.query(page_data.account, identity.admin_id).recovery_codes_left:
        return ()
    return tuple(make_recovery_codes(runtime.database, runtime.clock, identity.admin_id, identity.email))


def _end_session(request: Request, identity: AdminIdentity, session_id: str) -> str:
    if not whole_number(session_id):
        return ""
    runtime_of(request).database.run(end_session, identity.admin_id, whole_number(session_id))
    return "saved"


def _account_page(
    request: Request,
    identity: AdminIdentity,
    notice: str,
    locked: str = "",
    codes: Sequence[str] = (),
    *,
    status: int = 200,
) -> HTMLResponse:
    runtime = runtime_of(request)
    secret_box, context = (
        SecretBox(runtime.settings.secret_keys),
        context_of_form(identity.admin_id, identity.session_id),
    )
    secret = (secret_box.decrypt(locked, context) if locked else None) or totp.new_secret()
    address = totp.provisioning_uri(secret, identity.email, runtime.site.settings.practice)
    found = runtime.database.query(page_data.account, identity.admin_id)
    values = {
        "notice": notice,
        "shortest": MIN_LENGTH,
        "sessions": found.sessions,
        "passkeys": found.passkeys,
        "codes": codes,
        "codes_left": found.recovery_codes_left,
        "events": found.events,
        "has_passkeys": passkey_site(request) is not None,
        "secret": secret,
        "locked": secret_box.encrypt(secret, context),
        "picture": segno.make(address, error="m").svg_data_uri(scale=5, border=2, dark="#000", light="#fff"),
    }
    return admin_page(request, identity, "account", values, status)
