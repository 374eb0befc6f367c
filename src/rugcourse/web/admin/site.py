"""The settings of the site: who sends the courses, and in which colours. For owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.content.languages import language_for
from rugcourse.course_editor.linter import LintFinding
from rugcourse.design import FONTS
from rugcourse.email_preview.sample import parts_of
from rugcourse.locales import languages
from rugcourse.site_settings import store
from rugcourse.site_settings.current import overridden
from rugcourse.site_settings.store import SettingsChangedMeanwhile, StoredSettings
from rugcourse.web.admin.auth import Owner, admin_page, mail_page
from rugcourse.web.admin.campaign_forms import FormErrors
from rugcourse.web.admin.site_forms import form_values, settings_from
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()


async def _fields(request: Request, _identity: Owner) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


Fields = Annotated[dict[str, str], Depends(_fields)]


@router.api_route("/admin/settings", methods=READ)
def settings_page(request: Request, identity: Owner, done: Annotated[str, Query()] = "") -> HTMLResponse:
    runtime = runtime_of(request)
    site = runtime.current.refresh(runtime.database, now=True)
    stored = runtime.database.query(store.load)
    return _page(request, identity, stored, form_values(site, stored.settings), done=done)


@router.post("/admin/settings")
def save_settings(request: Request, identity: Owner, typed: Fields) -> Response:
    """Save the settings. They apply here at once, and in other processes within a second."""
    runtime = runtime_of(request)
    stored = runtime.database.query(store.load)
    try:
        chosen = settings_from(typed, runtime.settings, stored.settings)
        seen = whole_number(typed.get("seen", ""), 9)
        runtime.database.run(store.save, runtime.clock.now(), identity.admin_id, chosen, seen)
    except FormErrors as error:
        shown = {**form_values(runtime.site, stored.settings), **typed}
        return _page(request, identity, stored, shown, wrong=error.findings, status=400)
    except SettingsChangedMeanwhile:
        shown = {**form_values(runtime.site, stored.settings), **typed}
        return _page(request, identity, stored, shown, done="meanwhile", status=409)
    runtime.current.refresh(runtime.database, now=True)
    return RedirectResponse("/admin/settings?done=saved", 303)


@router.api_route("/admin/settings/mail", methods=READ)
def sample_mail(request: Request, _identity: Owner) -> HTMLResponse:
    """Return the first lesson of the first course as a mail, for a frame."""
    runtime = runtime_of(request)
    runtime.current.refresh(runtime.database)
    published = runtime.database.query(runtime.course_cache.courses)
    if not published:
        raise NotFound
    course = published[0].course
    language = language_for(course.texts, preferred_language(request))
    mail = runtime.sample_emails.of_lesson(course, course.lessons[0], language, runtime.clock.now())
    html, _ = parts_of(mail)
    return mail_page(html)


def _page(
    request: Request,
    identity: AdminIdentity,
    stored: StoredSettings,
    fields: Mapping[str, object],
    *,
    done: str = "",
    wrong: Sequence[LintFinding] = (),
    status: int = 200,
) -> HTMLResponse:
    runtime = runtime_of(request)
    settings = runtime.settings
    values = {
        "fields": fields,
        "seen": fields.get("seen") or stored.revision,
        "done": done,
        "wrong": wrong,
        "stored": stored,
        "fixed": overridden(settings),
        "fonts": FONTS,
        "spoken": languages(),
        "default_language": settings.default_language,
        "machine": {
            "base_url": settings.base_url,
            "sender_address": settings.sender_address,
            "mail_server": f"{settings.smtp.host}:{settings.smtp.port}",
            "database": runtime.database.dialect,
            "broker": settings.broker_url.partition(":")[0],
            "bounce_address": settings.bounce_address,
        },
        "has_courses": bool(runtime.database.query(runtime.course_cache.courses)),
    }
    return admin_page(request, identity, "site-settings", values, status)
