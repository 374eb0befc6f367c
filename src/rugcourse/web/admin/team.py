"""The team and the audit log. For owners."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from rugcourse.auth.account_emails import AccountNotice
from rugcourse.auth.admins import (
    AlreadyAdmin,
    LastOwner,
    NoSuchAdmin,
    change_role,
    disable_account,
    invite,
    reset_second_factor,
)
from rugcourse.auth.sessions import AdminIdentity
from rugcourse.db.models import Role
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.web.admin.auth import Owner, admin_page, check_password, notify_admin, require_admin
from rugcourse.web.admin.tables.admins import audit_log, team
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()


class TeamForm(BaseModel):
    """A form of the team page. `action`: the button."""

    action: str = ""
    email: str = ""
    role: str = ""
    admin: str = ""
    password: str = ""


@router.api_route("/admin/team", methods=READ)
def team_page(request: Request, identity: Owner) -> HTMLResponse:
    return _team_page(request, identity)


@router.post("/admin/team")
def team_submit(request: Request, identity: Owner, fields: Annotated[TeamForm, Form()]) -> Response:
    """Change who has access. Requires the owner's password."""
    refusal = check_password(request, identity, fields.password)
    if refusal:
        return _team_page(request, identity, notice=refusal, email=fields.email, typed_role=fields.role, status=403)
    try:
        return _act(request, identity, fields)
    except NotAnAddress:
        notice = "address"
    except AlreadyAdmin:
        notice = "already"
    except LastOwner:
        notice = "last-owner"
    except NoSuchAdmin:
        notice = ""
    return _team_page(request, identity, notice=notice, email=fields.email, typed_role=fields.role, status=400)


def _act(request: Request, identity: AdminIdentity, fields: TeamForm) -> Response:
    """Perform an action. Raises NotAnAddress, AlreadyAdmin, LastOwner, NoSuchAdmin."""
    runtime = runtime_of(request)
    database, clock, me = runtime.database, runtime.clock, identity.admin_id
    admin_id = whole_number(fields.admin, digits=9)
    match fields.action:
        case "invite" if fields.role in {*Role}:
            invitation = database.run(invite, clock, fields.email, Role(fields.role), me)
            link = runtime.links.admin_welcome(invitation.token)
            return _team_page(request, identity, notice="invited", link=link, email=invitation.email)
        case "role" if fields.role in {*Role}:
            notify_admin(
                request,
                AccountNotice.ROLE_CHANGED,
                database.run(change_role, clock.now(), admin_id, Role(fields.role), me),
            )
        case "disable":
            notify_admin(request, AccountNotice.ROLE_CHANGED, database.run(disable_account, clock.now(), admin_id, me))
        case "reset-factors" if admin_id != me:
            notify_admin(
                request, AccountNotice.FACTOR_REMOVED, database.run(reset_second_factor, clock.now(), admin_id, me)
            )
        case _:
            return _team_page(request, identity)
    return _team_page(request, require_admin(request, Role.OWNER), notice="saved")


@router.api_route("/admin/audit-log", methods=READ)
def log_page(request: Request, identity: Owner, before: Annotated[str, Query()] = "") -> HTMLResponse:
    listed = audit_log(request, {"before": before})
    values = {"table": listed.table, "logins": listed.logins}
    return admin_page(request, identity, "audit-log", values)


def _team_page(
    request: Request,
    identity: AdminIdentity,
    *,
    notice: str = "",
    link: str = "",
    email: str = "",
    typed_role: str = "",
    status: int = 200,
) -> HTMLResponse:
    listed = team(request, request.query_params)
    values = {
        "table": listed.table,
        "team": listed.admins,
        "with_passkeys": listed.found.with_passkeys,
        "notice": notice,
        "link": link,
        "email": email,
    }
    values["typed_role"] = typed_role
    return admin_page(request, identity, "team", values, status)
