"""Imports and bulk actions: upload, check, start and progress. For editors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.campaigns import page_data, send_preview
from rugcourse.campaigns.drafts import DraftConflict
from rugcourse.course_editor.linter import LintFinding
from rugcourse.db.audience import Following
from rugcourse.db.models import ACTIVE_STATES, JobKind, JobRow
from rugcourse.db.models.json_columns import ImportDocument
from rugcourse.locales import known_language, languages
from rugcourse.scheduling import zone_names
from rugcourse.subscribers import background_jobs, bulk_actions, csv_import, csv_reader
from rugcourse.subscribers.background_jobs import InvalidJobState, NotKept, OtherList
from rugcourse.subscribers.bulk_actions import BulkAction, BulkActionRequest, CountChanged
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import Column, InvalidList
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.admin.campaign_forms import FormErrors, WhoFields, date_from
from rugcourse.web.admin.tables.admins import jobs
from rugcourse.web.forms import parse_reason, whole_number
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

Id = Annotated[int, Path(ge=1, lt=2**31)]


class BulkActionFields(WhoFields):
    """The form of a bulk action: an audience, the action and its parameters."""

    act: str = ""
    reason: str = ""
    tag: str = ""
    until: str = ""

    def order(self) -> BulkActionRequest:
        """Return the validated bulk action. Raises FormErrors."""
        if self.act not in {*BulkAction}:
            raise FormErrors(LintFinding("no-act", "act"))
        tags = csv_import.clean_tags(self.tag) or ()
        if self.act in {BulkAction.TAG, BulkAction.UNTAG} and len(tags) != 1:
            raise FormErrors(LintFinding("no-tag", "tag"))
        reason = parse_reason(self.reason)
        if not reason:
            raise FormErrors(LintFinding("no-reason", "reason"))
        audience = self.audience()
        if self.act in {BulkAction.TAG, BulkAction.UNTAG} and audience.is_about_learning:
            raise FormErrors(LintFinding("tag-by-learning", "tag"))
        return BulkActionRequest(
            audience=audience,
            act=BulkAction(self.act),
            reason=reason,
            tag="".join(tags),
            until=date_from(self.until, "until"),
        )


class ImportFields(BaseModel):
    """The form of an import: the meaning of each column (`column`), and values for all lines.

    `agreed_at`, `agreed_text`, `agreed_where`, `news`: see `rugcourse.subscribers.csv_import.ImportSettings`.
    """

    column: Sequence[str] = ()
    course: str = ""
    language: str = ""
    zone: str = ""
    hour: str = ""
    tags: str = ""
    agreed_at: str = ""
    agreed_text: str = ""
    agreed_where: str = ""
    news: str = ""

    def columns(self) -> dict[Column, int]:
        """Return the index of each known column. Raises FormErrors."""
        columns = {Column(what): place for place, what in enumerate(self.column) if what in {*Column}}
        if Column.EMAIL not in columns:
            raise FormErrors(LintFinding("no-email", ""))
        if len(columns) != sum(what in {*Column} for what in self.column):
            raise FormErrors(LintFinding("twice", ""))
        return columns

    def import_settings(self, today: date, default_language: str, default_zone: str) -> ImportSettings:
        """Return the validated settings; an unknown language or zone becomes the default. Raises FormErrors."""
        columns = self.columns()
        agreed_at = date_from(self.agreed_at, "agreed_at")
        if agreed_at is not None and agreed_at > today:
            raise FormErrors(LintFinding("agreed_later", ""))
        tags = csv_import.clean_tags(self.tags)
        if tags is None:
            raise FormErrors(LintFinding("no-tag", "tag"))
        try:
            import_settings = ImportSettings(
                course=self.course,
                columns=columns,
                language=known_language(self.language, default_language),
                zone=self.zone if self.zone in zone_names() else default_zone,
                hour=whole_number(self.hour),
                tags=tags,
                agreed_at=agreed_at,
                agreed_text=self.agreed_text.strip()[: csv_reader.LONGEST_TEXT],
                agreed_where=self.agreed_where.strip()[: csv_import.LONGEST_SOURCE],
                news=self.news == "yes",
            )
        except ValidationError:
            raise FormErrors(LintFinding("number", "")) from None
        if unsaid := import_settings.unsaid():
            raise FormErrors(*(LintFinding(f"no-{column}", "") for column in Column if column in unsaid))
        return import_settings


@dataclass(frozen=True, slots=True)
class Upload:
    """A form with a file: its fields, and the name and content of the file, empty without one."""

    typed: ImportFields
    name: str
    content: bytes


async def _uploaded(request: Request, _identity: Editor) -> Upload:
    """Read a form with a file."""
    form = await request.form()
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else b""
    name = file.filename if isinstance(file, UploadFile) else ""
    fields = {key: value for key, value in form.items() if isinstance(value, str) and key in ImportFields.model_fields}
    columns = [value for value in form.getlist("column") if isinstance(value, str)]
    typed = ImportFields.model_validate({**fields, "column": columns})
    return Upload(typed, name or "", content)


@router.api_route("/admin/imports", methods=READ)
def imports_page(request: Request, identity: Editor, notice: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show the newest jobs, and the form to upload a list."""
    return _imports_page(request, identity, notice)


@router.post("/admin/imports")
def upload(request: Request, identity: Editor, uploaded: Annotated[Upload, Depends(_uploaded)]) -> Response:
    runtime = runtime_of(request)
    try:
        listing = csv_reader.read_list(uploaded.content)
    except InvalidList as error:
        return _imports_page(request, identity, str(error), error.line)
    job_id = runtime.database.run(
        csv_import.store_upload, runtime.clock.now(), listing, uploaded.name, identity.admin_id
    )
    return RedirectResponse(f"/admin/jobs/{job_id}", 303)


@router.post("/admin/imports/{job_id}")
def check_import(
    request: Request, identity: Editor, job_id: Id, uploaded: Annotated[Upload, Depends(_uploaded)]
) -> Response:
    """Save the meaning of the columns and start the dry run. If the file is uploaded again, other columns can be
    stored.
    """
    runtime = runtime_of(request)
    job = _job(request, job_id)
    if job.kind != JobKind.IMPORT:
        raise NotFound
    try:
        settings = runtime.site.settings
        import_settings = uploaded.typed.import_settings(
            runtime.clock.now().date(), settings.default_language, settings.time_zone
        )
        listing = csv_reader.read_list(uploaded.content) if uploaded.content else None
        runtime.database.run(background_jobs.check, job_id, import_settings, listing, uploaded.name)
    except InvalidJobState:
        return _job_page(request, identity, _job(request, job_id), uploaded.typed, "not-now")
    except (InvalidList, OtherList):
        return _job_page(request, identity, job, uploaded.typed, "other-list")
    except NotKept:
        return _job_page(request, identity, job, uploaded.typed, "not-kept")
    except FormErrors as error:
        return _job_page(request, identity, job, uploaded.typed, str(error))
    return RedirectResponse(f"/admin/jobs/{job_id}", 303)


@router.api_route("/admin/bulk-actions", methods=READ)
def bulk_actions_page(request: Request, identity: Editor) -> HTMLResponse:
    return _bulk_actions_page(request, identity, BulkActionFields())


@router.post("/admin/bulk-actions/count")
def count_who(request: Request, identity: Editor, fields: Annotated[BulkActionFields, Form()]) -> HTMLResponse:
    """Return the size of an audience and a sample, while the form is filled in."""
    try:
        values = runtime_of(request).database.query(
            send_preview.counted, runtime_of(request).clock.now(), fields.audience()
        )
    except FormErrors as error:
        values = {"count": None, "people": [], "wrong": error.findings}
    return admin_page(request, identity, "campaign-count", values)


@router.post("/admin/bulk-actions")
def create_bulk_action(request: Request, identity: Editor, fields: Annotated[BulkActionFields, Form()]) -> Response:
    """Count the audience. Nothing is changed yet."""
    runtime = runtime_of(request)
    try:
        job_id = runtime.database.run(bulk_actions.preview, runtime.clock.now(), fields.order(), identity.admin_id)
    except FormErrors as error:
        return _bulk_actions_page(request, identity, fields, error.findings)
    return RedirectResponse(f"/admin/jobs/{job_id}", 303)


@router.api_route("/admin/jobs/{job_id}", methods=READ)
def job_page(request: Request, identity: Editor, job_id: Id) -> HTMLResponse:
    return _job_page(request, identity, _job(request, job_id), ImportFields(), "")


@router.post("/admin/jobs/{job_id}")
def job_submit(
    request: Request,
    identity: Editor,
    job_id: Id,
    seen: Annotated[str, Form()] = "",
    action: Annotated[str, Form()] = "",
) -> Response:
    """Start or cancel a job."""
    runtime = runtime_of(request)
    try:
        match action:
            case "start":
                runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, identity.admin_id, seen)
            case "cancel":
                runtime.database.run(background_jobs.cancel, runtime.clock.now(), job_id, identity.admin_id)
            case _:
                raise NotFound
    except InvalidJobState:
        return _job_page(request, identity, _job(request, job_id), ImportFields(), "not-now")
    except DraftConflict:
        return _job_page(request, identity, _job(request, job_id), ImportFields(), "changed")
    except CountChanged:
        runtime.database.run(bulk_actions.recount, runtime.clock.now(), job_id)
        return _job_page(request, identity, _job(request, job_id), ImportFields(), "recounted")
    return RedirectResponse(f"/admin/jobs/{job_id}", 303)


def _job(request: Request, job_id: int) -> JobRow:
    job = runtime_of(request).database.query(background_jobs.find, job_id)
    if job is None:
        raise NotFound
    return job


def _imports_page(request: Request, identity: AdminIdentity, notice: str, line: int = 0) -> HTMLResponse:
    values = {"table": jobs(request, request.query_params), "notice": notice, "line": line}
    return admin_page(request, identity, "imports", values, 400 if notice else 200)


def _bulk_actions_page(
    request: Request, identity: AdminIdentity, fields: BulkActionFields, wrong: Sequence[LintFinding] = ()
) -> HTMLResponse:
    runtime = runtime_of(request)
    offered = runtime.database.query(page_data.audience_choices, runtime.course_cache)
    values = {
        "fields": fields,
        "who": fields,
        "courses": offered.courses,
        "known_tags": sorted({*offered.tags, *fields.chosen_tags}),
        "followings": [*Following],
        "all_languages": languages(),
        "acts": [*BulkAction],
        "today": runtime.clock.now().date(),
        "wrong": wrong,
        "table": jobs(request, {"kind": JobKind.BULK_ACTION, **request.query_params}),
    }
    return admin_page(request, identity, "bulk-actions", values, 400 if wrong else 200)


def _job_page(
    request: Request, identity: AdminIdentity, job: JobRow, fields: ImportFields, notice: str
) -> HTMLResponse:
    runtime = runtime_of(request)
    courses = runtime.database.query(runtime.course_cache.courses)
    found = runtime.database.query(background_jobs.newest, 0)
    kept: ImportDocument = job.params.get("intake") or {}
    guessed = kept.get("columns") or csv_reader.guess(job.params.get("headers", []), job.params.get("sample", []))
    typed = {
        "course": fields.course or kept.get("course", ""),
        "language": fields.language or kept.get("language", preferred_language(request)),
        "zone": fields.zone or kept.get("zone", runtime.site.settings.time_zone),
        "hour": fields.hour or str(kept.get("hour", 8)),
        "tags": fields.tags or ", ".join(kept.get("tags", [])),
        "agreed_at": fields.agreed_at or kept.get("agreed_at") or "",
        "agreed_text": fields.agreed_text or kept.get("agreed_text", ""),
        "agreed_where": fields.agreed_where or kept.get("agreed_where", ""),
        "news": bool(fields.news) if fields.column else kept.get("news", False),
        "columns": dict(enumerate(fields.column)) or {place: str(column) for column, place in guessed.items()},
    }
    values = {
        "job": job,
        "seen": background_jobs.etag(job),
        "typed": typed,
        "working": job.state in ACTIVE_STATES,
        "who": found.who,
        "columns": [*Column],
        "courses": courses,
        "zones": zone_names(),
        "all_languages": languages(),
        "notice": notice,
    }
    return admin_page(request, identity, "job", values, 400 if notice else 200)
