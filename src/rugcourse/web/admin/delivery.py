"""How mail arrives: what is held, who complained, what came back, what others see of us; and suppressed addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.access.sessions import Insider
from rugcourse.bounces import reputation
from rugcourse.delivery import holds
from rugcourse.doctor.findings import CHECKS
from rugcourse.doctor.visit import keep, last_visit, visit
from rugcourse.enrolment import suppression
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.store import admins, bounces, campaigns, pacing, subscribers
from rugcourse.store.tables import Role
from rugcourse.web.admin.gate import admin_page, check_form, insider_of
from rugcourse.web.forms import whole_number
from rugcourse.web.pages import READ, runtime_of

router = APIRouter()

_DAYS = 14
_SHOWN = 20
_A_PAGE = 50
_SHORTEST_REASON = 3


@router.api_route("/admin/delivery", methods=READ)
def delivery_page(request: Request, done: Annotated[str, Query()] = "") -> HTMLResponse:
    insider = insider_of(request)
    runtime = runtime_of(request)
    now = runtime.clock.now()
    with runtime.database.read() as session:
        values = {
            "holds": pacing.all_holds(session),
            "names": {pacing.campaign_key(row.id): row.name for row in campaigns.listed(session)},
            "complaints": reputation.of_campaigns(session, now),
            "domains": reputation.of_domains(session, runtime.complaint_limits, now),
            "came_back": bounces.came_back_lately(session, now - timedelta(days=_DAYS), _SHOWN),
        }
    limits = runtime.complaint_limits
    frame = {
        "visit": last_visit(runtime.database),
        "checks": CHECKS,
        "limits": limits,
        "may_change": insider.may(Role.EDITOR),
        "may_open_all": insider.may(Role.OWNER),
        "everything": pacing.ALL,
        "done": done,
    }
    return admin_page(request, insider, "delivery", {**values, **frame})


@router.post("/admin/delivery")
def delivery_press(
    request: Request,
    form: Annotated[str, Form()] = "",
    action: Annotated[str, Form()] = "",
    key: Annotated[str, Form()] = "",
) -> Response:
    """Look at everything now, or let go on what is held."""
    insider = insider_of(request, Role.OWNER if key == pacing.ALL else Role.EDITOR)
    check_form(request, insider, form)
    runtime = runtime_of(request)
    if action == "look":
        keep(runtime.database, visit(runtime.settings, runtime.database, runtime.clock, runtime.links))
        return RedirectResponse("/admin/delivery?done=looked", 303)
    if action == "go" and holds.go(runtime.database, runtime.clock, key):
        with runtime.database.write() as session:
            admins.log_change(session, runtime.clock.now(), insider.admin_id, "sending: go", key[:300])
        return RedirectResponse("/admin/delivery?done=goes-on", 303)
    return RedirectResponse("/admin/delivery", 303)


@router.api_route("/admin/suppressions", methods=READ)
def suppressions_page(
    request: Request,
    q: Annotated[str, Query()] = "",
    after: Annotated[str, Query()] = "",
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    return _suppressions_page(request, insider_of(request, Role.EDITOR), q, whole_number(after), done)


@router.post("/admin/suppressions")
def suppressions_press(
    request: Request,
    form: Annotated[str, Form()] = "",
    action: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Write to an address no more, or again; with a reason, which the log keeps without the address."""
    insider = insider_of(request, Role.EDITOR)
    check_form(request, insider, form)
    runtime = runtime_of(request)
    why = reason.strip()[:500]
    if len(why) < _SHORTEST_REASON:
        return _suppressions_page(request, insider, email, 0, "no-reason")
    try:
        if action == "suppress":
            suppression.suppress(runtime.database, runtime.clock, runtime.signer, email, "admin")
        elif action == "lift":
            suppression.lift(runtime.database, runtime.clock, runtime.signer, email)
        else:
            return _suppressions_page(request, insider, email, 0, "")
    except NotAnAddress:
        return _suppressions_page(request, insider, email, 0, "not-an-address")
    except suppression.NotSuppressed:
        return _suppressions_page(request, insider, email, 0, "not-suppressed")
    with runtime.database.write() as session:
        now, after = runtime.clock.now(), {"reason": why}
        admins.log_change(session, now, insider.admin_id, f"address: {action}", "suppressions", None, after)
    return RedirectResponse(f"/admin/suppressions?done={action}", 303)


def _suppressions_page(request: Request, insider: Insider, q: str, after: int, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    people = suppression.people(runtime.database, runtime.signer, after, _A_PAGE + 1)
    with runtime.database.read() as session:
        counts = subscribers.suppressions_by_reason(session)
    values = {
        "q": q.strip()[:254],
        "asked": suppression.find(runtime.database, runtime.signer, q) if q.strip() else None,
        "people": people[:_A_PAGE],
        "more": people[_A_PAGE - 1].subscriber_id if len(people) > _A_PAGE else None,
        "counts": counts,
        "done": done,
    }
    return admin_page(request, insider, "suppressions", values)
