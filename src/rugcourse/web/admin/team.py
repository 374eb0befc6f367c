"""Who the admins are (owners), and the log of what they changed (owners)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from rugcourse.access.admins import LastOwner, NoSuchAdmin, change_role, disable, invite
from rugcourse.access.sessions import Insider
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.store import admins
from rugcourse.store.tables import Role
from rugcourse.web.admin.gate import admin_page, check_form, insider_of
from rugcourse.web.forms import whole_number
from rugcourse.web.pages import READ, runtime_of

router = APIRouter()

_CHANGES_A_PAGE = 50


class Fields(BaseModel):
    """A form of the team page; `action` is its button."""

    form: str = ""
    action: str = ""
    email: str = ""
    role: str = ""
    admin: str = ""


@router.api_route("/admin/team", methods=READ)
def team_page(request: Request) -> HTMLResponse:
    return _team_page(request, insider_of(request, Role.OWNER))


@router.post("/admin/team")
def team_press(request: Request, fields: Annotated[Fields, Form()]) -> Response:
    insider = insider_of(request, Role.OWNER)
    check_form(request, insider, fields.form)
    runtime = runtime_of(request)
    database, clock, me = runtime.database, runtime.clock, insider.admin_id
    admin_id = whole_number(fields.admin, digits=9)
    try:
        match fields.action:
            case "invite" if fields.role in {*Role}:
                invitation = invite(database, clock, fields.email, Role(fields.role), me)
                link = runtime.links.admin_welcome(invitation.token)
                return _team_page(request, insider, notice="invited", link=link, email=invitation.email)
            case "role" if fields.role in {*Role}:
                change_role(database, clock, admin_id, Role(fields.role), me)
            case "disable":
                disable(database, clock, admin_id, me)
            case _:
                return _team_page(request, insider)
    except NotAnAddress:
        return _team_page(request, insider, notice="address", email=fields.email)
    except LastOwner:
        return _team_page(request, insider, notice="last-owner")
    except NoSuchAdmin:
        return _team_page(request, insider)
    return _team_page(request, insider_of(request, Role.OWNER), notice="saved")


@router.api_route("/admin/log", methods=READ)
def log_page(request: Request, before: Annotated[str, Query()] = "") -> HTMLResponse:
    insider = insider_of(request, Role.OWNER)
    with runtime_of(request).database.read() as session:
        changes = admins.changes(session, _CHANGES_A_PAGE + 1, whole_number(before) or None)
    shown = changes[:_CHANGES_A_PAGE]
    more = shown[-1][0].id if len(changes) > _CHANGES_A_PAGE else None
    return admin_page(request, insider, "log", {"changes": shown, "more": more})


def _team_page(
    request: Request, insider: Insider, *, notice: str = "", link: str = "", email: str = ""
) -> HTMLResponse:
    with runtime_of(request).database.read() as session:
        team = admins.everyone(session)
    return admin_page(request, insider, "team", {"team": team, "notice": notice, "link": link, "email": email})
