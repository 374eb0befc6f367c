"""The dashboard: what needs attention, and the figures of the last two weeks. For any role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from rugcourse.bounces import complaint_rate
from rugcourse.db.models import Role
from rugcourse.doctor.saved_run import last_run
from rugcourse.i18n import short_date
from rugcourse.reports.dashboard import overview
from rugcourse.reports.remarks import MOST_COUNTED, new_remarks
from rugcourse.web.admin import charts
from rugcourse.web.admin.auth import Analyst, admin_page
from rugcourse.web.admin.getting_started import steps_of, steps_page
from rugcourse.web.rendering import READ, preferred_language, runtime_of

router = APIRouter()


@router.api_route("/admin", methods=READ)
def dashboard(request: Request, identity: Analyst, view: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show the dashboard; to an owner of an empty installation the first steps, unless `view` is `overview`."""
    runtime = runtime_of(request)
    steps = steps_of(runtime) if identity.may(Role.OWNER) else None
    if steps and steps.is_shown and not steps.has_people and view != "overview":
        return steps_page(request, identity, steps)
    now, language = runtime.clock.now(), preferred_language(request)
    found = runtime.database.query(overview, runtime.course_cache, now, language)
    complaints = runtime.database.query(complaint_rate.find_above_limit, runtime.complaint_limits, now)
    seen = last_run(runtime.database)
    values = {
        "steps": steps if steps and steps.is_shown else None,
        "holds": found.holds,
        "unknown": found.unknown,
        "waiting": found.waiting,
        "names": found.names,
        "complaints": complaints,
        "came_back": found.came_back,
        "wrong": len(seen.errors) if seen else 0,
        "may_change": identity.may(Role.EDITOR),
        "may_open_all": identity.may(Role.OWNER),
        "remarks": runtime.database.query(new_remarks, now),
        "most_counted": MOST_COUNTED,
        "people": found.people,
        "days": found.sent,
        "failed": found.failed,
        "coming": found.figures.coming if found.figures else {},
        "worked_out": found.figures.at if found.figures else None,
        "coming_chart": _chart(request, found.figures.coming, language) if found.figures else None,
        "chart": _chart(request, found.sent, language),
        "funnels": found.funnels,
    }
    return admin_page(request, identity, "dashboard", values)


def _chart(request: Request, mails: Mapping[date, int], language: str) -> str:
    """Mails, day by day."""
    by_day = {short_date(day, language): count for day, count in mails.items()}
    return charts.bars("mails", by_day, runtime_of(request).site.tokens)
