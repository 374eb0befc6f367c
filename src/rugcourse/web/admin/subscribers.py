"""Subscribers: searching, one person's page, and what is done for them, each with a reason (editors)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.content.languages import LANGUAGES
from rugcourse.content.model import without_invisible
from rugcourse.db.models import EnrolmentRow, Role, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import admins, audiences, campaigns, enrolments, subscribers
from rugcourse.db.queries.courses import PublishedCourse
from rugcourse.db.queries.subscribers import LONGEST_TAG, Wanted
from rugcourse.delivery.resend import resend
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import (
    AddressTaken,
    LessonAlreadySent,
    LessonNotInCourse,
    OtherRunActive,
    correct_address,
    move_to_lesson,
)
from rugcourse.enrolment.preferences import Objection
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.enrolment.suppression import find as find_suppressed
from rugcourse.enrolment.suppression import suppress_person
from rugcourse.privacy.erase import erase
from rugcourse.scheduling import Schedule
from rugcourse.subscribers.csv_export import as_csv, as_json
from rugcourse.subscribers.timeline import timeline
from rugcourse.web.admin.auth import Analyst, Editor, admin_page
from rugcourse.web.forms import parse_reason, whole_number
from rugcourse.web.reader.new_address import request_new_address
from rugcourse.web.rendering import READ, NotFound, preferred_language, runtime_of

router = APIRouter()

_A_PAGE = 50
_ERASED = "erased"  # what the log calls somebody who is not there any more
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


Id = Annotated[int, Path(ge=1, lt=2**63)]  # what the store can hold; anything else is a page that is not there


class SubscriberForm(BaseModel):
    """A form on a person's page; `action` is its button, `reason` why it is pressed."""

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


class LookedFor(BaseModel):
    """The filters over a list of people."""

    q: str = ""
    status: str = ""
    language: str = ""
    tag: str = ""
    campaign: str = ""

    def wanted(self) -> Wanted:
        return Wanted(
            beginning=without_invisible(self.q).strip().lower()[:254],
            status=SubscriberStatus(self.status) if self.status in {*SubscriberStatus} else None,
            language=without_invisible(self.language)[:5],
            tag=without_invisible(self.tag).strip().lower()[:LONGEST_TAG],
            campaign_id=whole_number(self.campaign, 9),
        )


class ListFields(LookedFor):
    """The same, to be taken away as a file of a kind."""

    kind: str = ""


class NotInDoubt(Exception):
    """The mail is not one of theirs of which nobody knows whether it arrived."""


class NoTag(Exception):
    """No word was typed, or one that is too long."""


class Untagged(Exception):
    """The person objected to tags."""


class NotTold(Exception):
    """The person did not say so themselves: the new address has to confirm."""


class AddressChanged(Exception):
    """The page showed another address than they have by now."""


class NotMailed(Exception):
    """The new address was not asked to confirm: it must not be written to, or was asked often enough."""


class NotSure(Exception):
    """The box was not ticked."""


@dataclass(frozen=True, slots=True)
class FollowedCourse:
    """A course that a person follows."""

    enrolment: EnrolmentRow
    published: PublishedCourse


@router.api_route("/admin/subscribers", methods=READ)
def people_page(
    request: Request,
    identity: Analyst,
    looked_for: Annotated[LookedFor, Query()],
    after: Annotated[str, Query()] = "",
) -> HTMLResponse:
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        found = subscribers.search(session, looked_for.wanted(), whole_number(after), _A_PAGE + 1)
        tags = audiences.all_tags(session)
        running = campaigns.listed(session)
    values = {
        "looked_for": looked_for,
        "filters": {name: text for name, text in looked_for.model_dump().items() if text},
        "statuses": [*SubscriberStatus],
        "all_languages": LANGUAGES,
        "known_tags": tags,
        "campaigns": running,
        "people": found[:_A_PAGE],
        "more": found[_A_PAGE - 1].id if len(found) > _A_PAGE else None,
        "may_take": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "subscribers", values)


@router.post("/admin/subscribers/list")
def list_file(
    request: Request,
    identity: Editor,
    fields: Annotated[ListFields, Form()],
) -> Response:
    """What was searched for, as a file. That it was taken away stands in the log."""
    kind = fields.kind
    if kind not in _MEDIA_TYPES:
        raise NotFound
    runtime = runtime_of(request)
    with runtime.database.write() as session:
        # What was typed can be somebody's address.
        about = {**fields.model_dump(exclude={"form", "q"}, exclude_defaults=True), "filtered": bool(fields.q)}
        admins.record_change(session, runtime.clock.now(), identity.admin_id, "list taken", "subscribers", None, about)
    headers = {"Content-Disposition": f'attachment; filename="subscribers.{kind}"', "Cache-Control": "no-store"}
    database, wanted = runtime.database, fields.wanted()
    content = as_json(database, wanted) if kind == "json" else as_csv(database, wanted, preferred_language(request))
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
    reason = parse_reason(fields.reason)
    act = _ACTS.get(fields.action)
    if act is None:
        return _person_page(request, identity, subscriber_id, "")
    if not reason:
        return _person_page(request, identity, subscriber_id, "no-reason")
    try:
        act(request, _person(request, subscriber_id), fields)
    except tuple(_REFUSALS) as error:
        return _person_page(request, identity, subscriber_id, _REFUSALS[type(error)])
    _log(request, identity, subscriber_id, fields.action, reason)
    if fields.action == "erase":
        return RedirectResponse("/admin/subscribers", 303)
    return RedirectResponse(f"/admin/subscribers/{subscriber_id}?done={fields.action}", 303)


@router.post("/admin/subscribers/{subscriber_id}/copy")
def copy_submit(
    request: Request, identity: Editor, subscriber_id: Id, fields: Annotated[SubscriberForm, Form()]
) -> Response:
    """Everything that is known of a person, as a file to give them: `sure` says that it is them who ask."""
    reason = parse_reason(fields.reason)
    person = _person(request, subscriber_id)
    if not reason or fields.sure != "yes":
        return _person_page(request, identity, person.id, "not-asked" if reason else "no-reason")
    _log(request, identity, person.id, "copy", reason)
    found = runtime_of(request).data_export(person.id)
    if found is None:
        raise NotFound
    headers = {"Content-Disposition": 'attachment; filename="copy.json"', "Cache-Control": "no-store"}
    content = json.dumps(found.sections, indent=2, ensure_ascii=False)
    return Response(content, media_type="application/json", headers=headers)


def _pause(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime_of(request).database.run(preferences.pause, runtime_of(request).clock.now(), person.id)


def _resume(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime_of(request).database.run(preferences.resume, runtime_of(request).clock.now(), person.id)


def _move(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    mine = {one.enrolment.id: one for one in _follows(request, person)}
    following = mine.get(whole_number(fields.enrolment))
    if following is None:
        raise LessonNotInCourse
    runtime.database.run(move_to_lesson, runtime.clock.now(), following.enrolment.id, whole_number(fields.lesson))


def _resend(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        found = subscribers.by_delivery(session, whole_number(fields.mail))
    if (
        found is None
        or found[0].id != person.id
        or not runtime.database.run(resend, runtime.clock.now(), [found[1].id])
    ):
        raise NotInDoubt


def _unsubscribe(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    with runtime.database.write() as session:
        preferences.unsubscribe_on_request(session, runtime.clock.now(), person.id)


def _suppress(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    runtime.database.run(suppress_person, runtime.clock.now(), runtime.signer, person.id, "admin")


def _erase(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    if fields.sure != "yes":
        raise NotSure
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, person.id)


def _correct(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    """At once: who asks was heard or seen, so the new address need not confirm; or it is asked to confirm anyway."""
    runtime = runtime_of(request)
    if fields.told != "yes" and person.status != SubscriberStatus.PENDING:
        raise NotTold
    if fields.shown not in {"", person.email}:
        raise AddressChanged
    runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person.id, fields.email)


def _ask_address(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    """Mails about somebody's health go to no new address before its owner says so."""
    email = normalise_email(fields.email)
    if email is None:
        raise NotAnAddress
    if not request_new_address(request, person.id, email):
        raise NotMailed


def _tag(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    if person.untagged_at is not None:
        raise Untagged
    with runtime_of(request).database.write() as session:
        subscribers.add_tags(session, [person.id], _word(fields))


def _untag(request: Request, person: SubscriberRow, fields: SubscriberForm) -> None:
    with runtime_of(request).database.write() as session:
        subscribers.remove_tag(session, person.id, _word(fields))


def _object_to_tags(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime_of(request).database.run(
        preferences.object_on_request, runtime_of(request).clock.now(), person.id, Objection.TAGS
    )


def _object_to_statistics(request: Request, person: SubscriberRow, _fields: SubscriberForm) -> None:
    runtime = runtime_of(request)
    runtime.database.run(preferences.object_on_request, runtime.clock.now(), person.id, Objection.STATISTICS)


def _word(fields: SubscriberForm) -> str:
    word = fields.tag.strip().lower()
    if not word or len(word) > LONGEST_TAG or "," in word:
        raise NoTag
    return word


# What the page says when an act could not be done.
_REFUSALS: dict[type[Exception], str] = {
    preferences.NotAReader: "not-a-reader",
    LessonNotInCourse: "no-lesson",
    LessonAlreadySent: "had-lesson",
    OtherRunActive: "another-run",
    NotInDoubt: "not-unknown",
    NotSure: "not-sure",
    NoTag: "no-tag",
    Untagged: "untagged",
    NotAnAddress: "not-an-address",
    AddressTaken: "address-taken",
    NotTold: "not-told",
    AddressChanged: "changed-meanwhile",
    NotMailed: "not-mailed",
}
_ACTS: dict[str, Callable[[Request, SubscriberRow, SubscriberForm], None]] = {
    "pause": _pause,
    "resume": _resume,
    "move": _move,
    "resend": _resend,
    "unsubscribe": _unsubscribe,
    "suppress": _suppress,
    "erase": _erase,
    "correct": _correct,
    "ask address": _ask_address,
    "tag": _tag,
    "untag": _untag,
    "no tags": _object_to_tags,
    "no statistics": _object_to_statistics,
}
_SOURCES = {"correct": "said by the person"}  # where an admin knows it from, in the log


def _log(request: Request, identity: AdminIdentity, subscriber_id: int, action: str, reason: str) -> None:
    runtime = runtime_of(request)
    erased = action == "erase"
    source = {"source": _SOURCES[action]} if action in _SOURCES else {}
    kept = None if erased else {"reason": reason, **source}  # a reason can name the person
    subject = _ERASED if erased else admins.subject_of(subscriber_id)
    with runtime.database.write() as session:
        admins.record_change(
            session, runtime.clock.now(), identity.admin_id, f"subscriber: {action}", subject, None, kept
        )


def _person(request: Request, subscriber_id: int) -> SubscriberRow:
    with runtime_of(request).database.read() as session:
        person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        raise NotFound
    return person


def _follows(request: Request, person: SubscriberRow) -> list[FollowedCourse]:
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        courses = campaigns.of_courses(session)  # a message is nothing that somebody follows
        theirs = [one for one in enrolments.of_subscriber(session, person.id) if one.campaign_id in courses]
        found = [(one, runtime.course_cache.of_campaign(session, one.campaign_id)) for one in theirs]
    return [FollowedCourse(enrolment, published) for enrolment, published in found if published is not None]


def _person_page(request: Request, identity: AdminIdentity, subscriber_id: int, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    person = _person(request, subscriber_id)
    with runtime.database.read() as session:
        schedule = subscribers.find_schedule(session, person.id) or Schedule("UTC", 8)
        tags = subscribers.tags_of(session, person.id)
    values = {
        "person": person,
        "schedule": schedule,
        "zone": ZoneInfo(schedule.zone),
        "paused": schedule.is_paused(runtime.clock.now()),
        "follows": _follows(request, person),
        "moments": runtime.database.query(timeline, person.id),
        "tags": tags,
        "suppressed": runtime.database.query(find_suppressed, runtime.signer, person.email),
        "done": done,
        "may_change": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "subscriber", values)
