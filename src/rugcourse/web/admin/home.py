"""The first page inside: what needs attention. Any role."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rugcourse.store import deliveries, pacing
from rugcourse.store.tables import DeliveryState
from rugcourse.web.admin.gate import admin_page, insider_of
from rugcourse.web.pages import READ, runtime_of

router = APIRouter()

_SHOWN = 20


@router.api_route("/admin", methods=READ)
def home(request: Request) -> HTMLResponse:
    runtime = runtime_of(request)
    insider = insider_of(request)
    with runtime.database.read() as session:
        holds = pacing.all_holds(session)
        unknown = deliveries.in_state(session, DeliveryState.UNKNOWN, _SHOWN)
        courses = [one.course for one in runtime.library.courses(session)]
    values = {"holds": holds, "unknown": unknown, "courses": courses, "now": runtime.clock.now()}
    return admin_page(request, insider, "home", values)
