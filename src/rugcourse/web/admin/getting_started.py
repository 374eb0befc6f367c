"""The first steps of a new installation: a list of tasks, each with the page where it is done. For owners."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import Runtime
from rugcourse.content.languages import language_for
from rugcourse.doctor.saved_run import last_run
from rugcourse.reports.getting_started import GettingStarted, getting_started
from rugcourse.site_settings import store
from rugcourse.web.admin.auth import Owner, admin_page
from rugcourse.web.admin.mail_views import send_test_email
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

PATH = "/admin/getting-started"


@router.api_route(PATH, methods=READ)
def getting_started_page(request: Request, identity: Owner, done: Annotated[str, Query()] = "") -> HTMLResponse:
    return steps_page(request, identity, steps_of(runtime_of(request)), done)


@router.post(f"{PATH}/test-email")
def send_first_lesson(request: Request, identity: Owner) -> Response:
    """Send the owner the first lesson of the first course."""
    runtime = runtime_of(request)
    published = runtime.database.query(runtime.course_cache.courses)
    if not published:
        raise NotFound
    course = published[0].course
    language = language_for(course.texts, preferred_language(request))
    message = runtime.sample_emails.of_lesson(course, course.lessons[0], language, runtime.clock.now())
    sent = send_test_email(request, identity, message)
    return RedirectResponse(f"{PATH}?done={'test' if sent else 'no-test'}", 303)


@router.post(f"{PATH}/close")
def close(request: Request, _identity: Owner) -> Response:
    """Show the steps no more."""
    runtime = runtime_of(request)
    runtime.database.run(store.close_getting_started)
    return RedirectResponse("/admin", 303)


def steps_of(runtime: Runtime) -> GettingStarted:
    """Return how far this installation is."""
    seen = last_run(runtime.database)
    checked = seen is not None and not seen.errors
    return runtime.database.query(getting_started, runtime.settings, checked=checked)


def steps_page(request: Request, identity: AdminIdentity, steps: GettingStarted, done: str = "") -> HTMLResponse:
    """Render the list of tasks."""
    runtime = runtime_of(request)
    values = {
        "steps": steps,
        "done": done,
        "has_courses": bool(runtime.database.query(runtime.course_cache.courses)),
        "sender_address": runtime.settings.sender_address,
    }
    return admin_page(request, identity, "getting-started", values)
