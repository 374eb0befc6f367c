"""Who is let in to an admin page, and the frame that all of them share.

A POST must come from a page of ours: the browser says so (Sec-Fetch-Site, or Origin), and the form carries a token that
belongs to the session. The cookie is not sent along with requests from elsewhere in the first place (SameSite).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from markupsafe import escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.access.passkeys import Site, site_of
from rugcourse.access.sessions import LONGEST_SECONDS, Insider, Pass, find_insider
from rugcourse.links import BadToken, Purpose
from rugcourse.store.tables import Role
from rugcourse.web.pages import NotFound, page, preferred_language, runtime_of

COOKIE = "rugcourse_admin"
_PATH = "/admin"
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"


class NotInside(Exception):
    """Nobody came in with this browser, or their session is over."""


class CodeDue(Exception):
    """The password was right, and the code is still asked for."""


class Forged(Exception):
    """The form was not one of ours."""


def insider_of(request: Request, role: Role = Role.ANALYST) -> Insider:
    """Who is inside, if they may what needs this role. Raises NotInside, CodeDue; NotFound for a role beyond theirs."""
    insider = half_inside(request)
    if insider.second_factor_due:
        raise CodeDue
    if not insider.may(role):
        raise NotFound
    return insider


def half_inside(request: Request) -> Insider:
    """Whose session it is, also while the code is still asked for. Raises NotInside."""
    runtime = runtime_of(request)
    token = request.cookies.get(COOKIE, "")
    insider = find_insider(runtime.database, runtime.clock, token) if token else None
    if insider is None:
        raise NotInside
    return insider


async def typed_fields(request: Request) -> dict[str, str]:
    """All fields of a form, whatever they are called; an editor is looked for before it is read. Raises NotInside."""
    await run_in_threadpool(insider_of, request, Role.EDITOR)
    return {name: str(value) for name, value in (await request.form(max_fields=500)).items()}


def check_form(request: Request, insider: Insider, token: str) -> None:
    """Raises Forged unless a form was shown by us in this session."""
    check_origin(request)
    try:
        (session_id,) = runtime_of(request).signer.read(Purpose.ADMIN_FORM, token, 1)
    except BadToken:
        raise Forged from None
    if session_id != insider.session_id:
        raise Forged


def check_origin(request: Request) -> None:
    """Raises Forged when the browser says that the request comes from elsewhere."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forged
        return
    origin = request.headers.get("origin")
    if origin not in {None, "null"} and urlsplit(str(origin)).netloc != request.headers.get("host"):
        raise Forged


def admin_page(
    request: Request,
    insider: Insider | None,
    template: str,
    values: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Render `templates/web/admin/<template>.html`."""
    form = runtime_of(request).signer.sign(Purpose.ADMIN_FORM, insider.session_id) if insider else ""
    frame = {"insider": insider, "form_token": form, "roles": [*Role], "other_language_path": None}
    response = page(request, preferred_language(request), f"admin/{template}", {**frame, **(values or {})}, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"  # without it browsers hide where a form comes from
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


def mail_page(html: str) -> HTMLResponse:
    """A mail for a frame in a page of ours: it runs nothing, loads nothing and leads nowhere."""
    return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY, "Cache-Control": "no-store"})


def text_page(text: str) -> HTMLResponse:
    """Plain text for a frame in a page of ours."""
    style = "font:15px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;padding:18px;margin:0"
    return mail_page(f'<!doctype html><title>text</title><pre style="{style}">{escape(text)}</pre>')


def passkey_site(request: Request) -> Site | None:
    """Where passkeys work, if they do here."""
    settings = runtime_of(request).settings
    return site_of(settings.base_url, settings.practice)


def let_in(request: Request, given: Pass, path: str) -> Response:
    """Go to a page of the admin's, with the cookie of a new session."""
    response = RedirectResponse(path, 303)
    response.set_cookie(
        COOKIE,
        given.token,
        max_age=int(LONGEST_SECONDS),
        path=_PATH,
        secure=runtime_of(request).settings.base_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )
    return response


def let_out(path: str) -> Response:
    response = RedirectResponse(path, 303)
    response.delete_cookie(COOKIE, path=_PATH)
    return response


async def _not_inside(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/admin/login", 303)


async def _code_due(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/admin/code", 303)


async def _forged(request: Request, _error: Exception) -> Response:
    """Nothing was done; whoever pressed a button of ours on an old page sees what to do."""
    return admin_page(request, None, "forged", status=403)


ANSWERS = {NotInside: _not_inside, CodeDue: _code_due, Forged: _forged}
