"""Deliverability: holds, complaints, bounces, and the doctor's findings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.bootstrap import release_hold
from rugcourse.bounces import complaint_rate
from rugcourse.db.models import Role
from rugcourse.delivery.holds import EVERYTHING
from rugcourse.doctor.report import CHECKS
from rugcourse.doctor.saved_run import keep, last_run
from rugcourse.reports.deliverability import deliverability
from rugcourse.web.admin.auth import Analyst, Editor, admin_page, require_role
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()


@router.api_route("/admin/deliverability", methods=READ)
def deliverability_page(request: Request, identity: Analyst, done: Annotated[str, Query()] = "") -> HTMLResponse:
    runtime = runtime_of(request)
    now, database = runtime.clock.now(), runtime.database
    found = database.query(deliverability, now)
    values = {
        "holds": found.holds,
        "names": found.names,
        "complaints": database.query(complaint_rate.of_campaigns, now),
        "domains": database.query(complaint_rate.of_domains, now),
        "came_back": found.bounces,
        "visit": last_run(runtime.database),
        "checks": CHECKS,
        "limits": runtime.complaint_limits,
        "may_change": identity.may(Role.EDITOR),
        "may_open_all": identity.may(Role.OWNER),
        "everything": EVERYTHING,
        "done": done,
    }
    return admin_page(request, identity, "deliverability", values)


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
        from rugcourse.doctor.runner import run_checks  # noqa: PLC0415 - 5 MB of DNS, for who asks for a new run

        keep(runtime.database, run_checks(runtime.settings, runtime.database, runtime.clock, runtime.links))
        return RedirectResponse("/admin/deliverability?done=looked", 303)
    if key == EVERYTHING:
        require_role(request, identity, Role.OWNER)
    if action == "go" and release_hold(runtime, key, identity.admin_id).was_held:
        return RedirectResponse("/admin/deliverability?done=goes-on", 303)
    return RedirectResponse("/admin/deliverability", 303)
