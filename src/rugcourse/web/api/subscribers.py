"""Subscribers: found, signed up, tagged, paused, unsubscribed, erased."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from rugcourse.auth import idempotency
from rugcourse.auth.api_tokens import ApiClient
from rugcourse.auth.idempotency import IdempotentRequest
from rugcourse.db.audience import MAX_TAG_LENGTH
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.published_course import PublishedCourse
from rugcourse.enrolment.signup import InvalidForm, Signup, SignupField, SignupForm, check, sign_up
from rugcourse.locales import SOURCE_LANGUAGE
from rugcourse.subscribers import page_data
from rugcourse.subscribers.admin_actions import ActionRequest, perform
from rugcourse.web.api.client import ReadsSubscribers, WritesSubscribers
from rugcourse.web.api.etags import with_etag
from rugcourse.web.api.pagination import Page, PagedList, page_of, read_cursor
from rugcourse.web.api.problems import ApiError, ApiRoute, FieldProblem, InvalidFields
from rugcourse.web.api.resources import (
    NewSubscriber,
    RequestAccepted,
    SubscriberActionRequest,
    SubscriberQuery,
    SubscriberSummary,
    SubscriberView,
)
from rugcourse.web.forms import pad_response_time
from rugcourse.web.rendering import runtime_of

router = APIRouter(prefix="/api/v1", tags=["Subscribers"], route_class=ApiRoute)

LARGEST_ID = 2**53 - 1  # which JavaScript can count up to
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Tag = Annotated[str, Path(min_length=1, max_length=MAX_TAG_LENGTH)]
IdempotencyKey = Annotated[
    str, Header(max_length=idempotency.LONGEST_KEY, description="A new one for each request; a repeat changes nothing.")
]
_POINTERS = {
    SignupField.EMAIL: ("/email", "This is no email address."),
    SignupField.NAME: ("/name", "A name has at most 80 letters, and no address or link in it."),
    SignupField.ZONE: ("/time_zone", "This is no IANA time zone, such as Europe/Amsterdam."),
    SignupField.HOUR: ("/hour", "0 to 23."),
    SignupField.DAYS: ("/weekdays", "At least one of 0 (Monday) to 6."),
}


@router.get("/subscribers")
def list_subscribers(
    request: Request,
    response: Response,
    _client: ReadsSubscribers,
    asked: Annotated[SubscriberQuery, Query()],
) -> Page[SubscriberSummary]:
    """List subscribers, the first to sign up first."""
    after = read_cursor(request, PagedList.SUBSCRIBERS, asked.cursor)
    found = runtime_of(request).database.query(page_data.search, asked.filter(), after, asked.limit)
    return page_of(
        request, response, PagedList.SUBSCRIBERS, [SubscriberSummary.of(one) for one in found.people], found.more
    )


@router.get("/subscribers/{subscriber_id}")
def show_subscriber(
    request: Request,
    _client: ReadsSubscribers,
    subscriber_id: Id,
    if_none_match: Annotated[str, Header()] = "",
) -> SubscriberView:
    """Show a subscriber. With the header `If-None-Match`: 304 if nothing has changed since."""
    runtime = runtime_of(request)
    found = runtime.database.query(
        page_data.details, runtime.clock.now(), runtime.course_cache, runtime.signer, subscriber_id, SOURCE_LANGUAGE
    )
    return with_etag(SubscriberView.of_details(found), if_none_match)  # type: ignore[return-value]


@router.post("/subscribers", status_code=202)
def sign_up_subscriber(
    request: Request, client: WritesSubscribers, sent: NewSubscriber, idempotency_key: IdempotencyKey = ""
) -> RequestAccepted:
    """Ask an address to confirm that it wants a course. The answer is the same for every address, known or not."""
    begun, runtime = time.monotonic(), runtime_of(request)
    published = _course_of(request, sent)
    signup = _signup(sent, published)
    limits = request.app.state.limits
    if not limits.allows_api_signup(client.token_id):
        raise ApiError(429, "Too many signups in an hour.", {"Retry-After": "3600"})
    if limits.allows_mail(runtime.signer.digest(signup.email)):
        asked = IdempotentRequest(client.token_id, idempotency_key, f"{request.url.path}\n{sent.model_dump_json()}")
        act = partial(
            sign_up,
            clock=runtime.clock,
            signer=runtime.signer,
            published=published,
            signup=signup,
            language=sent.language,
        )
        runtime.database.run(idempotency.once, runtime.clock.now(), runtime.signer, asked, act)
    runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)
    pad_response_time(begun)
    return RequestAccepted()


@router.post("/subscribers/{subscriber_id}/actions")
def act_on_subscriber(
    request: Request,
    client: WritesSubscribers,
    subscriber_id: Id,
    sent: SubscriberActionRequest,
    idempotency_key: IdempotencyKey = "",
) -> RequestAccepted:
    """Pause, resume or unsubscribe a subscriber, or write down an objection. The reason is in the audit log."""
    wanted = ActionRequest(sent.action, sent.reason)
    return _perform(request, client, subscriber_id, wanted, idempotency_key)


@router.put("/subscribers/{subscriber_id}/tags/{tag}")
def add_tag(request: Request, client: WritesSubscribers, subscriber_id: Id, tag: Tag) -> RequestAccepted:
    """Give a subscriber a tag. 409 if they objected to tags."""
    return _perform(request, client, subscriber_id, ActionRequest("tag", _by(client), tag=tag))


@router.delete("/subscribers/{subscriber_id}/tags/{tag}")
def remove_tag(request: Request, client: WritesSubscribers, subscriber_id: Id, tag: Tag) -> RequestAccepted:
    """Take a tag from a subscriber."""
    return _perform(request, client, subscriber_id, ActionRequest("untag", _by(client), tag=tag))


@router.delete("/subscribers/{subscriber_id}")
def erase_subscriber(request: Request, client: WritesSubscribers, subscriber_id: Id) -> RequestAccepted:
    """Erase everything that is known of a subscriber, for good."""
    return _perform(request, client, subscriber_id, ActionRequest("erase", _by(client), sure=True))


def _by(client: ApiClient) -> str:
    return f"API token {client.token_id}"


def _perform(
    request: Request, client: ApiClient, subscriber_id: int, wanted: ActionRequest, key: str = ""
) -> RequestAccepted:
    runtime, now = runtime_of(request), runtime_of(request).clock.now()
    asked = IdempotentRequest(client.token_id, key, f"{request.url.path}\n{wanted}")
    act = partial(
        perform,
        now=now,
        signer=runtime.signer,
        admin_id=client.admin_id,
        subscriber_id=subscriber_id,
        request=wanted,
    )
    runtime.database.run(idempotency.once, now, runtime.signer, asked, act)
    return RequestAccepted()


def _course_of(request: Request, sent: NewSubscriber) -> PublishedCourse:
    runtime = runtime_of(request)
    courses = runtime.database.query(runtime.course_cache.courses)
    found = next((one for one in courses if one.course.slug == sent.course and not one.is_archived), None)
    if found is None:
        raise InvalidFields([FieldProblem(pointer="/course", detail="There is no such course that takes new readers.")])
    if sent.language not in found.course.languages:
        detail = f"The course is in: {', '.join(found.course.languages)}."
        raise InvalidFields([FieldProblem(pointer="/language", detail=detail)])
    return found


def _signup(sent: NewSubscriber, published: PublishedCourse) -> Signup:
    form = SignupForm(
        email=sent.email,
        name=sent.name,
        zone=sent.time_zone,
        hour=str(sent.hour),
        days=tuple(str(day) for day in sent.weekdays),
        consent="yes",  # they agree when they confirm, and nothing counts before that
    )
    try:
        return check(form, published.course.cadence)
    except InvalidForm as error:
        raise InvalidFields(
            [FieldProblem(pointer=where, detail=said) for where, said in (_POINTERS[one] for one in error.fields)]
        ) from None
