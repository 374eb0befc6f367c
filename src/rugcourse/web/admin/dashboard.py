"""The dashboard: people first, then what needs attention, trends, and how sending is. For any role."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bounces import complaint_rate
from rugcourse.db.models import Role
from rugcourse.doctor.saved_run import last_run
from rugcourse.i18n import short_date
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.reports.dashboard import Overview, overview
from rugcourse.reports.funnels import Funnel
from rugcourse.reports.headline_figures import FEWEST_TESTS
from rugcourse.reports.remarks import MOST_COUNTED, new_remarks
from rugcourse.reports.sending_state import sending_state
from rugcourse.web.admin import charts
from rugcourse.web.admin.auth import Analyst, admin_page
from rugcourse.web.admin.funnel_chart import funnel_rows
from rugcourse.web.admin.getting_started import steps_of, steps_page
from rugcourse.web.rendering import READ, preferred_language, runtime_of

router = APIRouter()

_MANY_BOUNCES = 0.02
_ATTENTION = ("silent", "waiting", "holds", "complaints", "webhooks", "bounced", "wrong", "unknown")


@router.api_route("/admin", methods=READ)
def dashboard(request: Request, identity: Analyst, view: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show the dashboard; to an owner of an empty installation the first steps, unless `view` is `overview`."""
    runtime = runtime_of(request)
    steps = steps_of(runtime) if identity.may(Role.OWNER) else None
    if steps and steps.is_shown and not steps.has_people and view != "overview":
        return steps_page(request, identity, steps)
    language = preferred_language(request)
    found = runtime.database.query(overview, runtime.course_cache, runtime.clock.now(), language)
    attention = _attention(request, identity, found)
    values = {
        "steps": steps if steps and steps.is_shown else None,
        "found": found,
        "attention": attention,
        "needs_attention": any(attention[one] for one in _ATTENTION),
        "remarks": runtime.database.query(new_remarks, runtime.clock.now()),
        "most_counted": MOST_COUNTED,
        "charts": _charts(found, language),
        "funnels": [(one, _funnel_chart(one, language)) for one in found.funnels],
        "fewest_tests": FEWEST_TESTS,
    }
    return admin_page(request, identity, "dashboard", values)


def _attention(request: Request, identity: AdminIdentity, found: Overview) -> dict[str, object]:
    """What somebody has to look at, and what this admin may do about it."""
    runtime = runtime_of(request)
    now, seen = runtime.clock.now(), last_run(runtime.database)
    sending = runtime.database.query(sending_state, runtime.clock)
    return {
        "sending": sending,
        "silent": sending.is_silent,
        "waiting": found.waiting,
        "holds": found.holds,
        "complaints": runtime.database.query(complaint_rate.find_above_limit, runtime.complaint_limits, now),
        "webhooks": runtime.database.query(endpoints.disabled_by_themselves),
        "bounced": found.came_back > _MANY_BOUNCES,
        "wrong": len(seen.errors) if seen else 0,
        "unknown": found.unknown,
        "may_change": identity.may(Role.EDITOR),
        "may_open_all": identity.may(Role.OWNER),
    }


def _funnel_chart(funnel: Funnel, language: str) -> tuple[charts.ChartBar, ...]:
    """The bars of a funnel, none before somebody came anywhere."""
    rows = funnel_rows(funnel.steps, language)
    return charts.bars(rows, funnel.readers or 0) if any(people for _, people in rows) else ()


def _charts(found: Overview, language: str) -> dict[str, tuple[charts.ChartColumn, ...]]:
    figures = found.figures
    weeks = figures.answered if figures else {}
    shares = {day: round(100 * one.answered / one.lessons) if one.lessons else 0 for day, one in weeks.items()}
    by_day = {
        "new": found.new_readers,
        "answered": shares,
        "sent": found.sent,
        "coming": figures.coming if figures else {},
    }
    return {
        name: charts.columns({short_date(day, language): count for day, count in values.items()})
        for name, values in by_day.items()
    }
