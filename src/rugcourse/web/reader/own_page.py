"""A reader's own page: progress, schedule, consents and data rights.

It has no password: a link in a mail opens it, and expires after a while, as old mails may be in other hands.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.db.models import DeliveryQueue, SubscriberStatus
from rugcourse.delivery.send_next import NothingToSend, send_next_now
from rugcourse.enrolment import consent_texts, preferences, preferences_form
from rugcourse.enrolment.magic_link import renew_link
from rugcourse.enrolment.preferences_form import LONGEST_PAUSE, InvalidChoice, SentChoices, choices_of
from rugcourse.enrolment.reader import Reader
from rugcourse.enrolment.signup import MAX_NAME, PACES, clean_name
from rugcourse.links import MailRef, TokenPurpose
from rugcourse.privacy.erase import erase
from rugcourse.privacy.inventory import LABELS
from rugcourse.privacy.subscriber_emails import ReaderNotice
from rugcourse.reports import reader_page_data
from rugcourse.reports.reader_page_data import ReadingState
from rugcourse.web.access import Access, access
from rugcourse.web.forms import schedule_choices
from rugcourse.web.reader.access import (
    find_reader,
    notify_reader,
    old_link_page,
    reader_page,
    rights_page,
    shown_to,
)
from rugcourse.web.rendering import READ, NotFound, runtime_of

router = APIRouter()

_ONE_CLICK = "One-Click"  # RFC 8058: the body is List-Unsubscribe=One-Click
_LONGEST_SHOWN = 500


class OwnPageForm(BaseModel):
    """A form of the own page. `action`: the button."""

    action: str = ""
    name: str = ""
    zone: str = ""
    hour: str = ""
    days: list[str] = []
    every_days: str = "1"
    measuring: str = ""
    news: str = ""
    left_out: str = ""
    untagged: str = ""
    language: str = ""
    until: str = ""
    shown: str = ""  # the values when the form was loaded, as a query string

    def choices(self) -> SentChoices:
        sent = {name: value if isinstance(value, list) else [value] for name, value in self.model_dump().items()}
        return SentChoices(sent, parse_qs(self.shown[:_LONGEST_SHOWN], keep_blank_values=True))


@router.api_route("/p/{token}", methods=READ)
@access(Access.LINK)
def own_page(request: Request, token: str, done: Annotated[str, Query()] = "") -> HTMLResponse:
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    return _own_page(request, reader, token, done)


@router.post("/p/{token}")
@access(Access.LINK)
def own_page_submit(request: Request, token: str, fields: Annotated[OwnPageForm, Form()]) -> Response:
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if fields.action == "renew":
        runtime.database.run(renew_link, runtime.clock.now(), reader.delivery.id)
        runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)
        return old_link_page(request, reader, token, renewed=True)
    if reader.link_is_old(runtime.clock.now()):
        return _own_page(request, reader, token, "")
    try:
        if not _do(request, reader, fields):
            return _own_page(request, reader, token, "")
    except InvalidChoice as error:
        return _own_page(request, reader, token, str(error))
    except preferences.NotAReader:
        return RedirectResponse(f"/p/{token}", 303)  # the page tells them that they left
    return RedirectResponse(f"/p/{token}?done={fields.action}", 303)


@router.api_route("/p/{token}/data", methods=READ)
@access(Access.LINK)
def data_page(request: Request, token: str) -> HTMLResponse:
    """Explain the data export. It is created by a POST only, as mail programs fetch links automatically."""
    return rights_page(request, token, "data-export", {"export": None})


@router.post("/p/{token}/data")
@access(Access.LINK)
def data_submit(request: Request, token: str, kind: Annotated[str, Form()] = "") -> Response:
    """Show all data about the reader, or return it as a file (`kind`: "file"). The reader is notified by mail."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if not reader.may_exercise_rights(runtime.clock.now()):
        return rights_page(request, token, "data-export", {"export": None})
    found = runtime.data_export(reader.subscriber.id)
    if found is None:
        raise NotFound
    notify_reader(request, reader, ReaderNotice.COPIED)
    if kind != "file":
        return reader_page(request, reader, "data-export", {"export": found, "labels": LABELS, "token": token})
    headers = {"Content-Disposition": 'attachment; filename="rugcourse.json"', "Cache-Control": "no-store"}
    return Response(
        json.dumps(found.sections, indent=2, ensure_ascii=False), media_type="application/json", headers=headers
    )


@router.api_route("/p/{token}/erase", methods=READ)
@access(Access.LINK)
def erase_page(request: Request, token: str) -> HTMLResponse:
    return rights_page(request, token, "erase", {"done": False, "missing": False})


@router.post("/p/{token}/erase")
@access(Access.LINK)
def erase_submit(request: Request, token: str, sure: Annotated[str, Form()] = "") -> HTMLResponse:
    """Erase the reader, and notify them by a last mail."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if sure != "yes" or not reader.may_exercise_rights(runtime.clock.now()):
        return rights_page(request, token, "erase", {"done": False, "missing": True})
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, reader.subscriber.id)
    notify_reader(request, reader, ReaderNotice.ERASED)
    values = {"token": token, "done": True, "missing": False, "is_mailed": reader.is_mailed}
    return reader_page(request, reader, "erase", values)


@router.api_route("/u/{token}", methods=READ)
@access(Access.LINK)
def unsubscribe_page(request: Request, token: str) -> HTMLResponse:
    reader = find_reader(request, TokenPurpose.UNSUBSCRIBE, token)
    if reader.link_is_old(runtime_of(request).clock.now()):  # works at any age, so it must not reveal personal data
        return reader_page(request, reader, "unsubscribe", {**_ONLY_THE_QUESTION, "token": token})
    return _unsubscribe_page(request, reader, token)


@router.post("/u/{token}")
@access(Access.LINK)
def unsubscribe_submit(
    request: Request,
    token: str,
    one_click: Annotated[str, Form(alias="List-Unsubscribe")] = "",
    leave: Annotated[str, Form()] = "",
) -> Response:
    """Unsubscribe by our page, or by the button of a mail program (RFC 8058: no cookies, no redirect)."""
    runtime = runtime_of(request)
    if one_click == _ONE_CLICK:
        return _unsubscribe_at_once(request, token)
    reader = find_reader(request, TokenPurpose.UNSUBSCRIBE, token)
    acts: dict[str, Callable[..., None]] = {
        "yes": preferences.unsubscribe,
        "course": preferences.leave_course,
        "news": preferences.end_news_by_mail,
        "undo": preferences.come_back,
    }
    shown = shown_to(request, reader)
    if leave not in acts:
        return PlainTextResponse("nothing was changed", 400)
    if leave != "undo" or reader.may_undo_leaving(runtime.clock.now()):
        with suppress(preferences.NotAReader, preferences.TooLate):  # the page shows the resulting state
            runtime.database.run(acts[leave], runtime.clock.now(), reader.delivery.id, shown=shown)
    if leave == "undo" and reader.link_is_old(runtime.clock.now()):
        return unsubscribe_page(request, token)
    reader = find_reader(request, TokenPurpose.UNSUBSCRIBE, token)
    return _unsubscribe_page(request, reader, token, came_back=leave == "undo")


def reading_state_of(request: Request, reader: Reader) -> ReadingState:
    runtime = runtime_of(request)
    return runtime.database.query(reader_page_data.reading_state, runtime.clock.now(), runtime.course_cache, reader)


def _do(request: Request, reader: Reader, fields: OwnPageForm) -> bool:
    """Perform an action. Returns False if there is no such action. Raises InvalidChoice, NotAReader."""
    runtime = runtime_of(request)
    database, clock, person = runtime.database, runtime.clock, reader.subscriber.id
    match fields.action:
        case "save":
            languages, shown = reader.published.course.languages, shown_to(request, reader)
            database.run(preferences_form.save, clock.now(), person, fields.choices(), languages, shown)
        case "name":
            database.run(preferences.set_name, person, _name(fields))
        case "pause":
            database.run(preferences_form.pause_until, clock.now(), person, fields.until)
        case "resume":
            database.run(preferences.resume, clock.now(), person)
        case "next":
            _send_next(request, reader)
        case "close":
            database.run(preferences.close_links, clock.now(), person)
        case "back":
            if not reader.may_undo_leaving(clock.now()):
                raise preferences.NotAReader
            try:
                database.run(preferences.come_back, clock.now(), reader.delivery.id, shown_to(request, reader))
            except preferences.TooLate:
                raise preferences.NotAReader from None
        case _:
            return False
    return True


def _name(fields: OwnPageForm) -> str:
    name = clean_name(fields.name)
    if name is None:
        raise InvalidChoice("wrong-name")
    return name


def _send_next(request: Request, reader: Reader) -> None:
    runtime = runtime_of(request)
    try:
        runtime.database.run(send_next_now, runtime.clock.now(), reader.delivery.id)
    except NothingToSend:
        raise InvalidChoice("not-now") from None
    runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)


def _own_page(request: Request, reader: Reader, token: str, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    now = runtime.clock.now()
    if reader.link_is_old(now):
        return old_link_page(request, reader, token, renewed=False)
    if reader.has_left:
        return _unsubscribe_page(request, reader, _sign(request, TokenPurpose.UNSUBSCRIBE, reader.mail))
    place = reading_state_of(request, reader)
    others = runtime.database.query(reader_page_data.other_courses, runtime.course_cache, reader)
    after = (
        runtime.database.query(reader_page_data.after_course, runtime.course_cache, reader) if place.finished else None
    )
    schedule, today = place.schedule, place.schedule.local_date(now)
    values = {
        "token": token,
        "done": done,
        "person": reader.subscriber,
        "place": place,
        "after": after,
        "retest_path": f"/t/{_sign(request, TokenPurpose.RETEST, reader.mail)}",
        "course_languages": reader.published.course.languages,
        "unsubscribe_path": f"/u/{_sign(request, TokenPurpose.UNSUBSCRIBE, reader.mail)}",
        "books": {kind: runtime.links.book(reader.mail, kind) for kind in ("pdf", "epub")},
        "paces": PACES,
        "longest_name": MAX_NAME,
        "wordings": consent_texts,
        "other_courses": [(one.title, f"/p/{_sign(request, TokenPurpose.PREFERENCES, one.mail)}") for one in others],
        "lesson_path": lambda delivery_id: f"/w/{_sign(request, TokenPurpose.LESSON, reader.ref(delivery_id))}",
        "shown": urlencode(choices_of(reader.subscriber, schedule), doseq=True),
        "first_day": today + timedelta(days=1),
        "last_day": today + LONGEST_PAUSE,
        **schedule_choices(schedule.zone, str(schedule.hour), [str(day) for day in sorted(schedule.weekdays)]),
    }
    return reader_page(request, reader, "own-page", values)


_ONLY_THE_QUESTION: dict[str, object] = {
    **dict.fromkeys(("left", "unsubscribed", "left_course", "came_back", "is_news", "has_others"), False),
    "gets_news": True,
    "old": True,
    "wordings": consent_texts,
}


def _unsubscribe_page(request: Request, reader: Reader, token: str, *, came_back: bool = False) -> HTMLResponse:
    runtime = runtime_of(request)
    state = runtime.database.query(reader_page_data.unsubscribe_state, reader)
    values = {
        "token": token,
        "old": False,
        "is_news": state.is_news,
        "gets_news": reader.subscriber.news_consent,
        "left": reader.has_left,
        "unsubscribed": reader.subscriber.left_at is not None,
        "left_course": state.left_course,
        "came_back": came_back and not reader.has_left,
        "may_undo": reader.may_undo_leaving(runtime.clock.now()),
        "suppressed": reader.subscriber.status == SubscriberStatus.SUPPRESSED,
        "has_others": state.has_others,
        "own_path": f"/p/{_sign(request, TokenPurpose.PREFERENCES, reader.mail)}",
        "wordings": consent_texts,
    }
    return reader_page(request, reader, "unsubscribe", values)


def _unsubscribe_at_once(request: Request, token: str) -> Response:
    """One-click unsubscribe (RFC 8058). The response is the same for people who already get no mail."""
    runtime = runtime_of(request)
    mail = runtime.signer.read_mail(TokenPurpose.UNSUBSCRIBE, token)
    runtime.database.run(preferences.unsubscribe_one_click, runtime.clock.now(), mail)
    return PlainTextResponse("unsubscribed")


def _sign(request: Request, purpose: TokenPurpose, mail: MailRef) -> str:
    return runtime_of(request).signer.sign_mail(purpose, mail)
