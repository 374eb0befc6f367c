"""How mail arrives: what is held, who complained, what came back, and what others see of us."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.bootstrap import release_hold
from rugcourse.bounces import complaint_rate
from rugcourse.db.models import Role
from rugcourse.db.queries import bounces, campaigns, sending_holds
from rugcourse.doctor.report import CHECKS
from rugcourse.doctor.runner import keep, last_run, run_checks
from rugcourse.web.admin.auth import Analyst, Editor, admin_page, require_role
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_DAYS = 14
_SHOWN = 20


@router.api_route("/admin/deliverability", methods=READ)
def deliverability_page(request: Request, identity: Analyst, done: Annotated[str, Query()] = "") -> HTMLResponse:
    runtime = runtime_of(request)
    now = runtime.clock.now()
    with runtime.database.read() as session:
        values = {
            "holds": sending_holds.all_holds(session),
            "names": {sending_holds.campaign_key(row.id): row.name for row in campaigns.listed(session)},
            "complaints": complaint_rate.of_campaigns(session, now),
            "domains": complaint_rate.of_domains(session, now),
            "came_back": bounces.recent_bounces(session, now - timedelta(days=_DAYS), _SHOWN),
        }
    frame = {
        "visit": last_run(runtime.database),
        "checks": CHECKS,
        "limits": runtime.complaint_limits,
        "may_change": identity.may(Role.EDITOR),
        "may_open_all": identity.may(Role.OWNER),
        "everything": sending_holds.ALL,
        "done": done,
    }
    return admin_page(request, identity, "deliverability", {**values, **frame})


@router.post("/admin/deliverability")
def deliverability_submit(
    request: Request,
    identity: Editor,
    action: Annotated[str, Form()] = "",
    key: Annotated[str, Form()] = "",
) -> Response:
    """Look at everything now, or let go on what is held."""
    runtime = runtime_of(request)
    if action == "look":
        keep(runtime.database, run_checks(runtime.settings, runtime.database, runtime.clock, runtime.links))
        return RedirectResponse("/admin/deliverability?done=looked", 303)
    if key == sending_holds.ALL:
        require_role(request, identity, Role.OWNER)
    if action == "go" and release_hold(runtime, key, identity.admin_id).was_held:
        return RedirectResponse("/admin/deliverability?done=goes-on", 303)
    return RedirectResponse("/admin/deliverability", 303)
