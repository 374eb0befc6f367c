"""Subscribers: search, export, the page about one subscriber, and actions with a reason. For editors; analysts can
read.
"""

from __future__ import annotations

import json
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.db.models import Role, SubscriberStatus
from rugcourse.enrolment.admin_changes import AddressTaken, LessonAlreadySent, LessonNotInCourse, OtherRunActive
from rugcourse.enrolment.preferences import NotAReader
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.locales import languages
from rugcourse.subscribers import admin_actions, page_data
from rugcourse.subscribers.admin_actions import ActionRequest, SubscriberNotFound, UnknownAction
from rugcourse.subscribers.csv_export import as_csv, as_json
from rugcourse.web.admin.auth import Analyst, Editor, admin_page
from rugcourse.web.admin.tables import people as tables
from rugcourse.web.admin.tables.people import SearchFields
from rugcourse.web.forms import parse_reason, whole_number
from rugcourse.web.reader.new_address import may_request_address, send_address_request
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


Id = Annotated[int, Path(ge=1, lt=2**63)]  # the range of ids; others are not found


class SubscriberForm(BaseModel):
    """A form of a subscriber's page. `action`: the button; `reason`: why."""

    action: str = ""
    reason: str = ""
    enrolment: str = ""
    lesson: str = ""
    mail: str = ""
    email: str = ""
    shown: str = ""
    sure: str = ""
    told: str = ""
    tag: str = ""

    def request(self) -> ActionRequest:
        return ActionRequest(
            action=self.action,
            reason=parse_reason(self.reason),
            enrolment_id=whole_number(self.enrolment),
            lesson_id=whole_number(self.lesson),
            delivery_id=whole_number(self.mail),
            email=self.email,
            shown=self.shown,
            sure=self.sure == "yes",
            told=self.told == "yes",
            tag=self.tag,
        )


class ListFields(SearchFields):
    """The filters and order of the list, and the format (`kind`) to export it in."""

    kind: str = ""


# The page's message for each error.
_REFUSALS: dict[type[Exception], str] = {
    NotAReader: "not-a-reader",
    LessonNotInCourse: "no-lesson",
    LessonAlreadySent: "had-lesson",
    OtherRunActive: "another-run",
    NotAnAddress: "not-an-address",
    AddressTaken: "address-taken",
    UnknownAction: "",
    admin_actions.DeliveryNotUnknown: "not-unknown",
    admin_actions.NotConfirmed: "not-sure",
    admin_actions.InvalidTag: "no-tag",
    admin_actions.TagsRefused: "untagged",
    admin_actions.NotAskedByOwner: "not-told",
    admin_actions.AddressChanged: "changed-meanwhile",
}


@router.api_route("/admin/subscribers", methods=READ)
def people_page(
    request: Request,
    identity: Analyst,
    looked_for: Annotated[SearchFields, Query()],
    after: Annotated[str, Query()] = "",
) -> HTMLResponse:
    listed = tables.subscribers(request, looked_for, after)
    values = {
        "looked_for": looked_for,
        "table": listed.table,
        "statuses": [*SubscriberStatus],
        "all_languages": languages(),
        "known_tags": listed.found.tags,
        "campaigns": listed.found.campaigns,
        "finds_parts": listed.found.finds_parts,
        "may_take": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "subscribers", values)


@router.post("/admin/subscribers/list")
def list_file(request: Request, identity: Editor, fields: Annotated[ListFields, Form()]) -> Response:
    """Export the search result as a file, and record that in the audit log."""
    kind = fields.kind
    if kind not in _MEDIA_TYPES:
        raise NotFound
    runtime = runtime_of(request)
    database, wanted = runtime.database, fields.wanted()
    # The search text may be an address, which the audit log must not contain.
    about = {**fields.model_dump(exclude={"q", "sort"}, exclude_defaults=True), "filtered": bool(fields.q)}
    database.run(admin_actions.record_list_export, runtime.clock.now(), identity.admin_id, about)
    headers = {"Content-Disposition": f'attachment; filename="subscribers.{kind}"', "Cache-Control": "no-store"}
    order, language = fields.order(), preferred_language(request)
    content = as_json(database, wanted, order) if kind == "json" else as_csv(database, wanted, language, order)
    return StreamingResponse(content, media_type=_MEDIA_TYPES[kind], headers=headers)


@router.api_route("/admin/subscribers/{subscriber_id}", methods=READ)
def person_page(
    request: Request, identity: Analyst, subscriber_id: Id, done: Annotated[str, Query()] = ""
) -> HTMLResponse:
    return _person_page(request, identity, subscriber_id, done)


@router.post("/admin/subscribers/{subscriber_id}")
def person_submit(
    request: Request, identity: Editor, subscriber_id: Id, fields: Annotated[SubscriberForm, Form()]
) -> Response:
    if not parse_reason(fields.reason):
        return _person_page(request, identity, subscriber_id, "no-reason")
    try:
        mailed = _perform(request, identity, subscriber_id, fields)
    except SubscriberNotFound:
        raise NotFound from None
    except tuple(_REFUSALS) as error:
        return _person_page(request, identity, subscriber_id, _REFUSALS[type(error)])
    if not mailed:
        return _person_page(request, identity, subscriber_id, "not-mailed")
    if fields.action == "erase":
        return RedirectResponse("/admin/subscribers", 303)
    return RedirectResponse(f"/admin/subscribers/{subscriber_id}?done={fields.action}", 303)


@router.post("/admin/subscribers/{subscriber_id}/copy")
def copy_submit(
    request: Request, identity: Editor, subscriber_id: Id, fields: Annotated[SubscriberForm, Form()]
) -> Response:
    """Export all data about a subscriber as a file, to hand it to them. `sure`: they asked for it themselves."""
    runtime, reason = runtime_of(request), parse_reason(fields.reason)
    if not reason or fields.sure != "yes":
        return _person_page(request, identity, subscriber_id, "not-asked" if reason else "no-reason")
    try:
        runtime.database.run(admin_actions.record_copy, runtime.clock.now(), identity.admin_id, subscriber_id, reason)
    except SubscriberNotFound:
        raise NotFound from None
    found = runtime.data_export(subscriber_id)
    if found is None:
        raise NotFound
    headers = {"Content-Disposition": 'attachment; filename="copy.json"', "Cache-Control": "no-store"}
    content = json.dumps(found.sections, indent=2, ensure_ascii=False)
    return Response(content, media_type="application/json", headers=headers)


def _perform(request: Request, identity: AdminIdentity, subscriber_id: int, fields: SubscriberForm) -> bool:
    """Perform an action. Returns False if the new address was not asked to confirm."""
    runtime, asks = runtime_of(request), fields.action == "ask_address"
    email = normalise_email(fields.email) or ""
    if asks and email and not may_request_address(request, email):
        return False
    asked = runtime.database.run(
        admin_actions.perform,
        runtime.clock.now(),
        runtime.signer,
        identity.admin_id,
        subscriber_id,
        fields.request(),
    )
    return send_address_request(request, email, asked) if asks else True


def _person_page(request: Request, identity: AdminIdentity, subscriber_id: int, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    try:
        found = runtime.database.query(
            page_data.details,
            runtime.clock.now(),
            runtime.course_cache,
            runtime.signer,
            subscriber_id,
            preferred_language(request),
        )
    except SubscriberNotFound:
        raise NotFound from None
    values = {
        "person": found.person,
        "schedule": found.schedule,
        "zone": ZoneInfo(found.schedule.zone),
        "paused": found.paused,
        "follows": found.follows,
        "moments": found.moments,
        "tags": found.tags,
        "known_tags": found.known_tags,
        "suppressed": found.suppressed,
        "done": done,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "subscriber", values)
