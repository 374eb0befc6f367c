"""Addresses that are not written to: why, since when, and ending it (editors)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.db.queries import admins, subscribers
from rugcourse.enrolment import suppression
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.forms import parse_reason, whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_A_PAGE = 50
_ACTS = {"suppress", "lift"}


@router.api_route("/admin/suppressions", methods=READ)
def suppressions_page(
    request: Request,
    identity: Editor,
    q: Annotated[str, Query()] = "",
    after: Annotated[str, Query()] = "",
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    return _page(request, identity, q, whole_number(after), done)


@router.post("/admin/suppressions")
def suppressions_submit(
    request: Request,
    identity: Editor,
    action: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Write to an address no more, or again; with a reason, which the log keeps without the address."""
    runtime = runtime_of(request)
    why = parse_reason(reason)
    if action not in _ACTS:
        return _page(request, identity, email, 0, "")
    if not why:
        return _page(request, identity, email, 0, "no-reason")
    try:
        if action == "suppress":
            runtime.database.run(suppression.suppress_address, runtime.clock.now(), runtime.signer, email, "admin")
        else:
            runtime.database.run(suppression.lift, runtime.clock.now(), runtime.signer, email)
    except NotAnAddress:
        return _page(request, identity, email, 0, "not-an-address")
    except suppression.NotSuppressed:
        return _page(request, identity, email, 0, "not-suppressed")
    with runtime.database.write() as session:
        now, kept = runtime.clock.now(), {"reason": why}
        admins.record_change(session, now, identity.admin_id, f"address: {action}", "suppressions", None, kept)
    return RedirectResponse(f"/admin/suppressions?done={action}", 303)


def _page(request: Request, identity: AdminIdentity, q: str, after: int, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    people = runtime.database.query(suppression.people, runtime.signer, after, _A_PAGE + 1)
    with runtime.database.read() as session:
        counts = subscribers.suppressions_by_reason(session)
    values = {
        "q": q.strip()[:254],
        "asked": runtime.database.query(suppression.find, runtime.signer, q) if q.strip() else None,
        "people": people[:_A_PAGE],
        "more": people[_A_PAGE - 1].subscriber_id if len(people) > _A_PAGE else None,
        "counts": counts,
        "done": done,
    }
    return admin_page(request, identity, "suppressions", values)
