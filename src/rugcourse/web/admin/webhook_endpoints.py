"""Outgoing webhooks: their endpoints, and what became of each event (owners)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import Runtime
from rugcourse.db.models import WebhookEvent
from rugcourse.errors import NotFoundError
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.outgoing_webhooks.endpoints import EndpointForm, InvalidEndpoint
from rugcourse.secret_box import SecretBox
from rugcourse.setting_values import read_networks
from rugcourse.web.admin.auth import Owner, admin_page, check_password
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_PATH = "/admin/webhooks"
_NEED_PASSWORD = {"change", "rotate", "delete"}  # what decides who is told, and who can forge it


class WebhookForm(BaseModel):
    """A form of these pages. `action`: the button; `password`: of the owner, as people's data leaves here."""

    action: str = ""
    url: str = ""
    description: str = ""
    events: tuple[str, ...] = ()
    includes_email: str = ""
    delivery: str = ""
    password: str = ""

    @property
    def typed(self) -> EndpointForm:
        return EndpointForm(self.url, self.description, self.events, bool(self.includes_email))


@dataclass(frozen=True, slots=True)
class WebhookNotice:
    """What a page says about what was just done. `problem`: a message id; `secret`: a new one."""

    name: str = ""
    problem: str = ""
    secret: str = ""


@router.api_route(_PATH, methods=READ)
def webhooks_page(request: Request, identity: Owner) -> HTMLResponse:
    return _list_page(request, identity, WebhookForm())


@router.post(_PATH)
def webhooks_submit(request: Request, identity: Owner, fields: Annotated[WebhookForm, Form()]) -> HTMLResponse:
    """Add an endpoint; the answer shows its secret, once. Requires the owner's password."""
    refusal = check_password(request, identity, fields.password)
    if refusal:
        return _list_page(request, identity, fields, WebhookNotice(refusal), 403)
    runtime = runtime_of(request)
    now, box, networks = runtime.clock.now(), _secret_box(runtime), read_networks(runtime.settings.webhook_networks)
    try:
        made = runtime.database.run(endpoints.add, now, box, networks, fields.typed, identity.admin_id)
    except InvalidEndpoint as error:
        return _list_page(request, identity, fields, WebhookNotice(problem=error.message), 400)
    return _list_page(request, identity, WebhookForm(), WebhookNotice(secret=made.secret))


@router.api_route(_PATH + "/{endpoint_id}", methods=READ)
def webhook_page(
    request: Request,
    identity: Owner,
    endpoint_id: str,
    before: Annotated[str, Query()] = "",
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    return _endpoint_page(request, identity, whole_number(endpoint_id, 9), WebhookNotice(done), before=before)


@router.post(_PATH + "/{endpoint_id}")
def webhook_submit(
    request: Request, identity: Owner, endpoint_id: str, fields: Annotated[WebhookForm, Form()]
) -> Response:
    """Change an endpoint, or send it something. What decides who is told requires the owner's password."""
    number = whole_number(endpoint_id, 9)
    refusal = check_password(request, identity, fields.password) if fields.action in _NEED_PASSWORD else ""
    if refusal:
        return _endpoint_page(request, identity, number, WebhookNotice(refusal), 403)
    if fields.action == "rotate":
        runtime = runtime_of(request)
        now, admin = runtime.clock.now(), identity.admin_id
        made = runtime.database.run(endpoints.rotate_secret, now, _secret_box(runtime), number, admin)
        return _endpoint_page(request, identity, number, WebhookNotice(secret=made.secret))
    try:
        _act(runtime_of(request), identity.admin_id, number, fields)
    except InvalidEndpoint as error:
        return _endpoint_page(request, identity, number, WebhookNotice(problem=error.message), 400)
    if fields.action == "delete":
        return RedirectResponse(_PATH, 303)
    return RedirectResponse(f"{_PATH}/{number}?done={fields.action}", 303)


def _act(runtime: Runtime, admin_id: int, number: int, fields: WebhookForm) -> None:
    """Do what a button says. Raises InvalidEndpoint, EndpointNotFound, and NotFoundError for an unknown button."""
    run, now = runtime.database.run, runtime.clock.now()
    match fields.action:
        case "change":
            networks = read_networks(runtime.settings.webhook_networks)
            run(endpoints.change, now, networks, number, fields.typed, admin_id)
        case "enable" | "disable":
            run(endpoints.set_enabled, now, number, admin_id, enabled=fields.action == "enable")
        case "delete":
            run(endpoints.remove, now, number, admin_id)
        case "test":
            run(endpoints.send_test, now, number)
        case "replay":
            run(endpoints.replay, now, number, whole_number(fields.delivery), admin_id)
        case _:
            raise NotFoundError


def _secret_box(runtime: Runtime) -> SecretBox:
    return SecretBox(runtime.settings.secret_keys)


def _list_page(
    request: Request,
    identity: AdminIdentity,
    typed: WebhookForm,
    notice: WebhookNotice = WebhookNotice(),
    status: int = 200,
) -> HTMLResponse:
    values = {"endpoints": runtime_of(request).database.query(endpoints.listed), **_form_values(typed, notice)}
    return admin_page(request, identity, "webhooks", values, status)


def _endpoint_page(
    request: Request,
    identity: AdminIdentity,
    number: int,
    notice: WebhookNotice,
    status: int = 200,
    *,
    before: str = "",
) -> HTMLResponse:
    """Raises EndpointNotFound."""
    found = runtime_of(request).database.query(endpoints.page_of, number, whole_number(before) or None)
    endpoint = found.endpoint
    typed = WebhookForm(
        url=endpoint.url,
        description=endpoint.description,
        events=tuple(endpoint.events.split()),
        includes_email="yes" if endpoint.includes_email else "",
    )
    values = {"found": found, "endpoint": endpoint, **_form_values(typed, notice)}
    return admin_page(request, identity, "webhook", values, status)


def _form_values(typed: WebhookForm, notice: WebhookNotice) -> dict[str, object]:
    """Return what both pages show: the form, and what came of it."""
    return {
        "typed": typed,
        "events": [*WebhookEvent],
        "notice": notice.name,
        "problem": notice.problem,
        "secret": notice.secret,
        "part": "webhooks",
        "longest_description": endpoints.LONGEST_DESCRIPTION,
        "longest_url": endpoints.LONGEST_URL,
    }
