"""The suppression list: search, add and lift. For editors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.enrolment import suppression
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.subscribers import admin_actions
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.tables.people import suppressions
from rugcourse.web.forms import parse_reason
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_ACTS = {"suppress": admin_actions.suppress_address, "lift": admin_actions.lift_suppression}


@router.api_route("/admin/suppressions", methods=READ)
def suppressions_page(
    request: Request,
    identity: Editor,
    q: Annotated[str, Query()] = "",
    after: Annotated[str, Query()] = "",
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    return _page(request, identity, q, after, done)


@router.post("/admin/suppressions")
def suppressions_submit(
    request: Request,
    identity: Editor,
    action: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Suppress an address or lift its suppression. The audit log records the reason without the address."""
    runtime = runtime_of(request)
    why = parse_reason(reason)
    if action not in _ACTS:
        return _page(request, identity, email, "", "")
    if not why:
        return _page(request, identity, email, "", "no-reason")
    try:
        runtime.database.run(_ACTS[action], runtime.clock.now(), runtime.signer, identity.admin_id, email, why)
    except NotAnAddress:
        return _page(request, identity, email, "", "not-an-address")
    except suppression.NotSuppressed:
        return _page(request, identity, email, "", "not-suppressed")
    return RedirectResponse(f"/admin/suppressions?done={action}", 303)


def _page(request: Request, identity: AdminIdentity, q: str, after: str, done: str) -> HTMLResponse:
    listed = suppressions(request, q, after)
    values = {
        "q": q.strip()[:254],
        "asked": listed.found.asked,
        "table": listed.table,
        "counts": listed.found.counts,
        "done": done,
    }
    return admin_page(request, identity, "suppressions", values)
