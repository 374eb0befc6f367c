"""The settings of the site: who sends the courses, how it looks, and what it says. For owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import Runtime
from rugcourse.content.languages import language_for
from rugcourse.course_editor.linter import LintFinding
from rugcourse.db.models import DeliveryKind
from rugcourse.design import FONTS
from rugcourse.email_preview.sample import parts_of
from rugcourse.i18n import translations
from rugcourse.locales import languages
from rugcourse.picture_library import storing
from rugcourse.picture_storage.storage import StorageUnavailable
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture
from rugcourse.pictures.reference import parse_reference
from rugcourse.site_settings import store
from rugcourse.site_settings.current import overridden
from rugcourse.site_settings.model import MAILS_WITH_WORDS, MOST_AUTHORS
from rugcourse.site_settings.store import PictureGone, SettingsChangedMeanwhile, StoredSettings
from rugcourse.web.admin.auth import Owner, admin_page, mail_page
from rugcourse.web.admin.campaign_forms import FormErrors
from rugcourse.web.admin.pictures import BUSY, NO_STORAGE, problem_in
from rugcourse.web.admin.site_forms import AUTHORS, BRANDING, WORDS, SettingsForm, settings_from
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

_PAGES = {"branding": BRANDING, "authors": AUTHORS, "words": WORDS}
_FILE, _REMOVE = "_file", "_remove"  # what follows the name of a picture in the form
_SQUARE = "photo"  # how the names of pictures end that are cut to a square
_LONGEST_NAME = 200


class Submitted(NamedTuple):
    """A form: its texts, and its files by the name of the picture that they become."""

    texts: dict[str, str]
    files: dict[str, UploadFile]


class SettingsPage(NamedTuple):
    """What a page shows. `fields`: of its form; `done`: what was just done; `wrong`: what can't be used."""

    stored: StoredSettings
    fields: Mapping[str, str]
    done: str = ""
    wrong: Sequence[LintFinding] = ()


async def _submitted(request: Request, _identity: Owner) -> Submitted:
    """Return the form, once it is an owner who sends it: FastAPI would read fields before it knows."""
    form = await request.form()
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    files = {
        name.removesuffix(_FILE): value
        for name, value in form.items()
        if isinstance(value, UploadFile) and value.filename and name.endswith(_FILE)
    }
    return Submitted({name: "" if texts.get(name + _REMOVE) else value for name, value in texts.items()}, files)


Sent = Annotated[Submitted, Depends(_submitted)]


@router.api_route("/admin/settings", methods=READ)
def settings_page(request: Request, identity: Owner, done: Annotated[str, Query()] = "") -> HTMLResponse:
    return part_page(request, identity, "branding", done)


@router.post("/admin/settings")
def save_settings(request: Request, identity: Owner, sent: Sent) -> Response:
    return save_part(request, identity, "branding", sent)


@router.api_route("/admin/settings/mail", methods=READ)
def sample_mail(
    request: Request, _identity: Owner, kind: Annotated[str, Query()] = "", language: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Return a mail of the first course for a frame: its first lesson, or a mail whose words can be chosen."""
    runtime = runtime_of(request)
    runtime.current.refresh(runtime.database)
    published = runtime.database.query(runtime.course_cache.courses)
    if not published:
        raise NotFound
    course = published[0].course
    spoken = language_for(course.texts, language if language in languages() else preferred_language(request))
    now, samples = runtime.clock.now(), runtime.sample_emails
    if kind in MAILS_WITH_WORDS:
        mail = samples.of_account(DeliveryKind(kind), course, spoken, now)
    else:
        mail = samples.of_lesson(course, course.lessons[0], spoken, now)
    html, _ = parts_of(mail)
    return mail_page(html, runtime.settings.base_url)


@router.api_route("/admin/settings/{part}", methods=READ)
def part_page(request: Request, identity: Owner, part: str, done: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show a page of the settings."""
    runtime, form = runtime_of(request), _form_of(part)
    site = runtime.current.refresh(runtime.database, now=True)
    stored = runtime.database.query(store.load)
    return _page(request, identity, part, SettingsPage(stored, form.shown(site, stored.settings), done))


@router.post("/admin/settings/{part}")
def save_part(request: Request, identity: Owner, part: str, sent: Sent) -> Response:
    """Save a page of the settings. They apply here at once, and in other processes within a second."""
    runtime = runtime_of(request)
    form = _form_of(part)
    stored = runtime.database.query(store.load)
    typed, wrong = _with_pictures(request, identity, sent)
    shown = {**form.shown(runtime.site, stored.settings), **typed}
    if wrong:
        return _page(request, identity, part, SettingsPage(stored, shown, wrong=wrong), 400)
    try:
        _save(runtime, identity, form, typed, stored)
    except FormErrors as error:
        return _page(request, identity, part, SettingsPage(stored, shown, wrong=error.findings), 400)
    except SettingsChangedMeanwhile:
        return _page(request, identity, part, SettingsPage(stored, shown, "meanwhile"), 409)
    runtime.current.refresh(runtime.database, now=True)
    return RedirectResponse(f"/admin/settings{'' if part == 'branding' else '/' + part}?done=saved", 303)


def _form_of(part: str) -> SettingsForm:
    if part not in _PAGES:
        raise NotFound
    return _PAGES[part]


def _save(
    runtime: Runtime, identity: AdminIdentity, form: SettingsForm, typed: Mapping[str, str], stored: StoredSettings
) -> None:
    chosen = settings_from(form, typed, runtime.settings, stored.settings)
    seen = whole_number(typed.get("seen", ""), 9)
    try:
        runtime.database.run(store.save, runtime.clock.now(), identity.admin_id, chosen, seen)
    except PictureGone as error:
        gone = (name for name, value in typed.items() if any(address in value for address in error.addresses))
        raise FormErrors(*(LintFinding("picture-gone", name) for name in gone)) from None


def _with_pictures(
    request: Request, identity: AdminIdentity, sent: Submitted
) -> tuple[dict[str, str], list[LintFinding]]:
    """Put uploaded files into the library; returns the form with their addresses, and what is wrong with files."""
    runtime, language = runtime_of(request), preferred_language(request)
    typed, wrong = dict(sent.texts), []
    for name, file in sent.files.items():
        file_name = (file.filename or "")[-_LONGEST_NAME:]
        try:
            ref = storing.upload(
                runtime.database, runtime.clock, file.file, file_name, identity.admin_id, square=name.endswith(_SQUARE)
            )
            typed[name] = ref.address
        except InvalidPicture as error:
            wrong.append(LintFinding("other", name, values={"text": problem_in(error.problem, language)}))
        except EncoderUnavailable:
            wrong.append(LintFinding("other", name, values={"text": translations(language).gettext(BUSY)}))
        except StorageUnavailable:
            wrong.append(LintFinding("other", name, values={"text": translations(language).gettext(NO_STORAGE)}))
    return typed, wrong


def _page(
    request: Request,
    identity: AdminIdentity,
    part: str,
    shown: SettingsPage,
    status: int = 200,
) -> HTMLResponse:
    runtime = runtime_of(request)
    settings, fields = runtime.settings, shown.fields
    rows = sum(1 for name in fields if name.endswith(".name") and name.split(".")[1].isdigit())
    values = {
        "part": part,
        "fields": fields,
        "picture_of": parse_reference,
        "seen": shown.stored.revision if shown.done == "meanwhile" else fields.get("seen") or shown.stored.revision,
        "done": shown.done,
        "wrong": shown.wrong,
        "stored": shown.stored,
        "fixed": overridden(settings),
        "fonts": FONTS,
        "spoken": languages(),
        "mails": MAILS_WITH_WORDS,
        "author_rows": min(rows + 1, MOST_AUTHORS),
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
    return admin_page(request, identity, _PAGES[part].template, values, status)
