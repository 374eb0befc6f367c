"""Access control of the admin pages, and what all of them share.

A POST must come from our own pages: the browser says so (Sec-Fetch-Site, or else Origin), and the form contains a CSRF
token bound to the session. The session cookie is SameSite=Strict as well.

Changes that give lasting access (passwords, second factors, roles, invitations) require the password again, so that an
unattended screen is not enough to take over an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from markupsafe import escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth import security_events
from rugcourse.auth.account_emails import AccountNotice
from rugcourse.auth.passkeys import RelyingParty, relying_party_of
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.auth.sessions import MAX_SESSION_SECONDS, AdminIdentity, IssuedSession, find_identity, knows_password
from rugcourse.db.models import Role
from rugcourse.errors import RugcourseError
from rugcourse.i18n import moment
from rugcourse.links import BadToken, TokenPurpose
from rugcourse.pictures.reference import FOLDER
from rugcourse.web.access import Access
from rugcourse.web.admin.help_topics import help_url
from rugcourse.web.admin.navigation import ACCOUNT, SECTIONS, current_section
from rugcourse.web.rate_limits import shortened
from rugcourse.web.rendering import NotFound, preferred_language, render, runtime_of

_SESSION, _DEVICE = "rugcourse_admin", "rugcourse_device"
_PATH = "/admin"
_DEVICE_SECONDS = 365 * 86_400
_LONGEST_PASSWORD = 400
_MAX_FIELDS, _MAX_FILES = 500, 40  # the most are on the page of authors
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: {0}; sandbox; frame-ancestors 'self'"


class NotAuthenticated(RugcourseError):
    """There is no valid session."""


class SecondFactorRequired(RugcourseError):
    """The password was right; the second factor is still due."""


class SecondFactorSetUpRequired(RugcourseError):
    """The grace period has ended in which this admin could work without a second factor."""


class CsrfError(RugcourseError):
    """The form did not come from our pages in this session."""


def require_admin(request: Request, role: Role = Role.ANALYST, *, setting_up: bool = False) -> AdminIdentity:
    """Return the admin who is logged in, if their role allows it.

    `setting_up`: for the page where a second factor is set up. Raises NotAuthenticated, SecondFactorRequired,
    SecondFactorSetUpRequired, and NotFound if the role is not sufficient.
    """
    identity = require_password_login(request)
    if identity.second_factor_due:
        raise SecondFactorRequired
    runtime = runtime_of(request)
    if identity.set_up_by is not None and not setting_up and runtime.clock.now() >= identity.set_up_by:
        raise SecondFactorSetUpRequired
    require_role(request, identity, role)
    return identity


def require_role(request: Request, identity: AdminIdentity, role: Role) -> None:
    """Raise NotFound if the admin's role is not sufficient."""
    if not identity.may(role):
        runtime = runtime_of(request)
        security_events.record(
            None, runtime.clock.now(), SecurityEventKind.REFUSED_ROLE, origin_of(request), admin_id=identity.admin_id
        )
        raise NotFound


def require_password_login(request: Request) -> AdminIdentity:
    """Return the admin of the session, even if the second factor is still due. Raises NotAuthenticated."""
    runtime = runtime_of(request)
    token = request.cookies.get(cookie_name(request, _SESSION), "")
    grace = runtime.settings.second_factor_grace_days
    identity = find_identity(runtime.database, runtime.clock, token, grace) if token else None
    if identity is None:
        raise NotAuthenticated
    request.state.admin_language = identity.language
    return identity


def _admin(access: Access, role: Role | None, *, setting_up: bool = False) -> object:
    """Return a dependency that requires an admin, and for a POST the CSRF token in the field `form`.

    `role` None: the password is enough, even if the second factor is still due.
    """

    async def identify(request: Request) -> AdminIdentity:
        if role is None:
            identity = await run_in_threadpool(require_password_login, request)
        else:
            identity = await run_in_threadpool(require_admin, request, role, setting_up=setting_up)
        if request.method == "POST":
            form = await request.form(max_files=_MAX_FILES, max_fields=_MAX_FIELDS)
            verify_csrf(request, identity, str(form.get("form", "")))
        return identity

    identify.access = access  # type: ignore[attr-defined]
    return Depends(identify)


PasswordLogin = Annotated[AdminIdentity, _admin(Access.SESSION, None)]
SettingUp = Annotated[AdminIdentity, _admin(Access.ANALYST, Role.ANALYST, setting_up=True)]
Analyst = Annotated[AdminIdentity, _admin(Access.ANALYST, Role.ANALYST)]
Editor = Annotated[AdminIdentity, _admin(Access.EDITOR, Role.EDITOR)]
Owner = Annotated[AdminIdentity, _admin(Access.OWNER, Role.OWNER)]


async def typed_fields(request: Request, _identity: Editor) -> dict[str, str]:
    """Return all fields of an editor's form, for forms without a model.

    Several values of one name, which are ticked boxes, are joined by spaces.
    """
    form = await request.form()
    return {name: " ".join(str(value) for value in form.getlist(name)) for name in form}


def verify_csrf(request: Request, identity: AdminIdentity, token: str) -> None:
    """Raise CsrfError unless the token was issued in this session and the request is from the same origin."""
    check_origin(request)
    try:
        (session_id,) = runtime_of(request).signer.read(TokenPurpose.ADMIN_FORM, token, 1)
    except BadToken:
        raise CsrfError from None
    if session_id != identity.session_id:
        raise CsrfError


def check_origin(request: Request) -> None:
    """Raise CsrfError if the browser says that the request comes from another or an opaque origin (`null`)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CsrfError
        return
    origin = request.headers.get("origin")
    if origin is not None and origin != _origin(runtime_of(request).settings.base_url):
        raise CsrfError


def check_password(request: Request, identity: AdminIdentity, password: str) -> str:
    """Verify the admin's password again. Returns an empty text if it is right, or else the key of the notice to show.

    Raises TooBusy.
    """
    limits = request.app.state.limits
    if not limits.allows_confirmation(identity.session_id):
        return "slow"
    runtime = runtime_of(request)
    if not knows_password(runtime.database, identity, password[:_LONGEST_PASSWORD]):
        runtime.database.run(
            security_events.record,
            runtime.clock.now(),
            SecurityEventKind.WRONG_PASSWORD,
            origin_of(request),
            admin_id=identity.admin_id,
        )
        return "wrong-password"
    limits.confirmed(identity.session_id)
    return ""


def origin_of(request: Request) -> Origin:
    """Return the origin of a request, as it may be logged."""
    return Origin(shortened(client_of(request)), request.headers.get("user-agent", ""))


def client_of(request: Request) -> str | None:
    return request.client.host if request.client else None


def password_context(request: Request) -> tuple[str, ...]:
    """Return words that are easy to guess in a password here."""
    settings = runtime_of(request).site.settings
    return settings.practice, settings.author_name, urlsplit(settings.base_url).hostname or "", "rugcourse"


def notify_admin(request: Request, notice: AccountNotice, email: str, link: str = "") -> None:
    """Send an admin a mail about their account, in the background."""
    request.app.state.outbox.tell_admin(notice, email, preferred_language(request), link)


def admin_page(
    request: Request,
    identity: AdminIdentity | None,
    template: str,
    values: Mapping[str, object] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Render `templates/web/admin/<template>.html`."""
    form = runtime_of(request).signer.sign(TokenPurpose.ADMIN_FORM, identity.session_id) if identity else ""
    runtime, language = runtime_of(request), preferred_language(request)
    zone, now = runtime.site.zone, runtime.clock.now()
    frame = {
        "identity": identity,
        "csrf_token": form,
        "roles": [*Role],
        "other_language_path": None,
        "sections": SECTIONS,
        "account": ACCOUNT,
        "section": current_section(request.url.path),
        "path": request.url.path,
        "help_url": help_url(getattr(request.scope.get("route"), "path", "")),
        "our_zone": zone.key,
        "when": lambda instant: moment(instant.astimezone(zone), now, language),
        "when_local": lambda instant: moment(instant, now, language),  # in the time zone that it has
    }
    response = render(request, language, f"admin/{template}", {**frame, **(values or {})}, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"  # browsers send Origin: null without it
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


def refusal_page(request: Request, status: int, limit: int) -> HTMLResponse:
    """Tell an admin that a form is too large (413) or came too slowly (408). `limit`: in bytes."""
    return admin_page(request, None, "refused", {"limit": limit, "too_large": status == 413}, status)


def mail_page(html: str, base_url: str = "") -> HTMLResponse:
    """Return a mail for a frame: it can't run scripts, navigate, or load anything but the pictures of `base_url`."""
    policy = _MAIL_POLICY.format(f"{base_url}/{FOLDER}/" if base_url else "")
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def text_page(text: str) -> HTMLResponse:
    """Return plain text for a frame."""
    style = "font:15px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;padding:18px;margin:0"
    return mail_page(f'<!doctype html><title>text</title><pre style="{style}">{escape(text)}</pre>')


def passkey_site(request: Request) -> RelyingParty | None:
    """Return the relying party for passkeys, None where they do not work."""
    settings = runtime_of(request).site.settings
    return relying_party_of(settings.base_url, settings.practice)


def start_session(request: Request, given: IssuedSession, path: str) -> Response:
    """Redirect with the cookie of a new session, and remember the browser once the login is complete."""
    response = RedirectResponse(path, 303)
    set_cookie(request, response, _SESSION, given.token, int(MAX_SESSION_SECONDS))
    if not given.second_factor_due:
        runtime = runtime_of(request)
        device = runtime.signer.sign(TokenPurpose.DEVICE, given.admin_id, int(runtime.clock.now().timestamp()))
        set_cookie(request, response, _DEVICE, device, _DEVICE_SECONDS)
    return response


def clear_session(request: Request, path: str) -> Response:
    response = RedirectResponse(path, 303)
    response.delete_cookie(cookie_name(request, _SESSION), path=_PATH, secure=_is_https(request), httponly=True)
    return response


def device_of(request: Request, admin_id: int | None) -> str | None:
    """Return an identifier of this browser if this admin has logged in with it within a year, else None."""
    try:
        whose, since = runtime_of(request).signer.read(
            TokenPurpose.DEVICE, request.cookies.get(cookie_name(request, _DEVICE), ""), 2
        )
    except BadToken:
        return None
    age = runtime_of(request).clock.now().timestamp() - since
    mine = whose == admin_id and age <= runtime_of(request).clock.span(_DEVICE_SECONDS).total_seconds()
    return f"{whose} {since}" if mine else None


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie for the admin pages only."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path=_PATH,
        secure=_is_https(request),
        httponly=True,
        samesite="strict",
    )


def cookie_name(request: Request, name: str) -> str:
    """Return a name with the prefix that lets only HTTPS pages set the cookie (RFC 6265bis, 4.1.3.1)."""
    return f"__Secure-{name}" if _is_https(request) else name


def _is_https(request: Request) -> bool:
    return runtime_of(request).settings.base_url.startswith("https://")


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


async def _to_login(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/admin/login", 303)


async def _to_second_factor(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/admin/mfa", 303)


async def _to_set_up(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/admin/account", 303)


async def _csrf_failed(request: Request, _error: Exception) -> Response:
    """Show what to do, as the form may be from an expired page. Nothing was changed."""
    security_events.record(
        None, runtime_of(request).clock.now(), SecurityEventKind.FORGED, origin_of(request), admin_id=None
    )
    return admin_page(request, None, "csrf-error", status=403)


ANSWERS = {
    NotAuthenticated: _to_login,
    SecondFactorRequired: _to_second_factor,
    SecondFactorSetUpRequired: _to_set_up,
    CsrfError: _csrf_failed,
}
