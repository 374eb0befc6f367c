"""The reader's own page: where they are, what comes when, and everything that is theirs to change.

No password: the link in a mail opens it, for as long as a mail is likely to be in its reader's hands only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.db.models import EnrolmentStatus, Queue, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import campaigns, enrolments, subscribers
from rugcourse.delivery.send_next import NothingToSend, may_ask, send_next_now
from rugcourse.enrolment import consent_texts, preferences
from rugcourse.enrolment.magic_link import renew_link
from rugcourse.enrolment.signup import MAX_NAME, PACES, clean_name, read_schedule
from rugcourse.learning.progress import CourseProgress, progress_of
from rugcourse.links import MailRef, TokenPurpose
from rugcourse.privacy.erase import erase
from rugcourse.privacy.notices import ReaderNotice
from rugcourse.scheduling import Schedule
from rugcourse.web.access import Access, access
from rugcourse.web.forms import schedule_choices
from rugcourse.web.reader.access import (
    RIGHTS_MINUTES,
    Reader,
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
_LONGEST_PAUSE = timedelta(days=366)
_LONGEST_SHOWN = 500


class OwnPageForm(BaseModel):
    """A form on the own page as a browser sends it; `action` is the button that was pressed."""

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
    shown: str = ""  # what the form showed before anything was chosen, as a query


class Unusable(Exception):
    """What was chosen in a form can't be done. `args[0]` names it for the page."""


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
        runtime.notify_worker(Queue.TRANSACTIONAL)
        return old_link_page(request, reader, token, renewed=True)
    if reader.link_is_old(runtime.clock.now()):
        return _own_page(request, reader, token, "")
    try:
        if not _do(request, reader, fields):
            return _own_page(request, reader, token, "")
    except Unusable as error:
        return _own_page(request, reader, token, str(error))
    except preferences.NotAReader:
        return RedirectResponse(f"/p/{token}", 303)  # the page says that they left
    return RedirectResponse(f"/p/{token}?done={fields.action}", 303)


@router.api_route("/p/{token}/data", methods=READ)
@access(Access.LINK)
def data_page(request: Request, token: str) -> HTMLResponse:
    """Says what a copy is; it is shown by a press, as mail programs fetch links by themselves."""
    return rights_page(request, token, "data-export", {"export": None})


@router.post("/p/{token}/data")
@access(Access.LINK)
def data_submit(request: Request, token: str, kind: Annotated[str, Form()] = "") -> Response:
    """Everything that is known of the reader, to read, or to keep (`kind`: file). They are told by mail."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if not reader.was_mailed_for_this(runtime.clock.now()):
        return rights_page(request, token, "data-export", {"export": None})
    found = runtime.data_export(reader.subscriber.id)
    if found is None:
        raise NotFound
    notify_reader(request, reader, ReaderNotice.COPIED)
    if kind != "file":
        return reader_page(request, reader, "data-export", {"export": found, "token": token})
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
    """Erases the reader, who is told by a last mail."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if sure != "yes" or not reader.was_mailed_for_this(runtime.clock.now()):
        return rights_page(request, token, "erase", {"done": False, "missing": True})
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, reader.subscriber.id)
    notify_reader(request, reader, ReaderNotice.ERASED)
    values = {"token": token, "done": True, "missing": False, "is_mailed": reader.is_mailed}
    return reader_page(request, reader, "erase", values)


@router.api_route("/u/{token}", methods=READ)
@access(Access.LINK)
def unsubscribe_page(request: Request, token: str) -> HTMLResponse:
    reader = find_reader(request, TokenPurpose.UNSUBSCRIBE, token)
    if reader.link_is_old(runtime_of(request).clock.now()):  # works at any age, and tells nothing of its reader
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
    """A button on our page, or the one of a mail program (RFC 8058: no cookies, no redirect)."""
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
    if leave != "undo" or _may_undo(request, reader):
        with suppress(preferences.NotAReader, preferences.TooLate):  # the page shows how it stands
            runtime.database.run(acts[leave], runtime.clock.now(), reader.delivery.id, shown=shown)
    if leave == "undo" and reader.link_is_old(runtime.clock.now()):
        return unsubscribe_page(request, token)
    reader = find_reader(request, TokenPurpose.UNSUBSCRIBE, token)
    return _unsubscribe_page(request, reader, token, came_back=leave == "undo")


@dataclass(frozen=True, slots=True)
class ReadingState:
    """Where a reader is in a course. Times are in their own zone; `next_due` is None while nothing is planned."""

    schedule: Schedule
    progress: CourseProgress
    next_due: datetime | None
    paused: bool
    paused_until: datetime | None
    finished: bool
    left: bool
    may_ask_next: bool


def place_of(request: Request, reader: Reader) -> ReadingState:
    runtime = runtime_of(request)
    now = runtime.clock.now()
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, reader.subscriber.id)
        enrolment = enrolments.of_mail(session, reader.delivery)
        progress = progress_of(session, runtime.course_cache, reader.published, reader.language, enrolment)
        asks = enrolment is not None and may_ask(session, enrolment, schedule, now)
    status = enrolment.status if enrolment else None
    due = enrolment.next_due_at if enrolment else None
    until = schedule.paused_until if schedule.paused else None
    return ReadingState(
        schedule=schedule,
        progress=progress,
        next_due=due.astimezone(schedule.tz) if due else None,
        paused=schedule.is_paused(now),
        paused_until=until.astimezone(schedule.tz) if until else None,
        finished=status == EnrolmentStatus.COMPLETED,
        left=status == EnrolmentStatus.LEFT,
        may_ask_next=asks and progress.upcoming is not None,
    )


def _do(request: Request, reader: Reader, fields: OwnPageForm) -> bool:
    """Do what a button says; False for one that there is not. Raises Unusable, NotAReader."""
    runtime = runtime_of(request)
    database, clock, person = runtime.database, runtime.clock, reader.subscriber.id
    match fields.action:
        case "save":
            _save(request, reader, fields)
        case "name":
            database.run(preferences.set_name, person, _name(fields))
        case "pause":
            database.run(preferences.pause, clock.now(), person, _pause_end(request, reader, fields.until))
        case "resume":
            database.run(preferences.resume, clock.now(), person)
        case "next":
            _send_next(request, reader)
        case "close":
            database.run(preferences.close_links, clock.now(), person)
        case "back":
            if not _may_undo(request, reader):
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
        raise Unusable("wrong-name")
    return name


def _send_next(request: Request, reader: Reader) -> None:
    runtime = runtime_of(request)
    try:
        runtime.database.run(send_next_now, runtime.clock.now(), reader.delivery.id)
    except NothingToSend:
        raise Unusable("not-now") from None
    runtime.notify_worker(Queue.TRANSACTIONAL)


def _save(request: Request, reader: Reader, fields: OwnPageForm) -> None:
    runtime = runtime_of(request)
    database, clock, person = runtime.database, runtime.clock, reader.subscriber.id
    with database.read() as session:
        current = _choices(reader.subscriber, subscribers.load_schedule(session, person))
    chosen = _merged(fields, current)
    schedule, _wrong = read_schedule(chosen["zone"][0], chosen["hour"][0], chosen["days"], chosen["every_days"][0])
    if schedule is None:
        raise Unusable("wrong")
    database.run(preferences.change_schedule, clock.now(), person, schedule)
    shown = shown_to(request, reader)
    database.run(preferences.set_measuring, clock.now(), person, agreed=any(chosen["measuring"]), shown=shown)
    database.run(preferences.set_news, clock.now(), person, agreed=any(chosen["news"]), shown=shown)
    database.run(preferences.set_left_out, clock.now(), person, left_out=any(chosen["left_out"]))
    database.run(preferences.set_untagged, clock.now(), person, untagged=any(chosen["untagged"]))
    language = chosen["language"][0]
    if language != reader.subscriber.language and language in reader.published.course.languages:
        database.run(preferences.set_language, person, language)


Choices = dict[str, list[str]]  # each field of the form → its values; [""] for a box that is not ticked


def _choices(person: SubscriberRow, schedule: Schedule) -> Choices:
    """What somebody has chosen, as the form shows it."""
    boxes = {
        "measuring": person.measuring,
        "news": person.news,
        "left_out": person.objected_at is not None,
        "untagged": person.untagged_at is not None,
    }
    return {
        "zone": [schedule.zone],
        "hour": [str(schedule.hour)],
        "days": [str(day) for day in sorted(schedule.weekdays)],
        "every_days": [str(schedule.every_days)],
        "language": [person.language],
        **{name: ["yes" if ticked else ""] for name, ticked in boxes.items()},
    }


def _merged(fields: OwnPageForm, current: Choices) -> Choices:
    """What is to be saved of a form: what differs from what it showed. All else stays as it is by now, as a page that
    was left open knows nothing of what was chosen since. But a no is always a no: a browser that goes back shows the
    page as it was before.
    """
    shown = parse_qs(fields.shown[:_LONGEST_SHOWN], keep_blank_values=True)
    sent = {name: values if isinstance(values, list) else [values] for name, values in fields.model_dump().items()}
    noes = {"measuring": [""], "news": [""], "left_out": ["yes"], "untagged": ["yes"]}
    return {
        name: now if name in shown and sent[name] == shown[name] and sent[name] != noes.get(name) else sent[name]
        for name, now in current.items()
    }


def _pause_end(request: Request, reader: Reader, until: str) -> datetime | None:
    """The beginning of a day in the reader's zone (UTC), or None for a pause without an end. Raises Unusable."""
    if not until:
        return None
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, reader.subscriber.id)
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise Unusable("wrong-date") from None
    today = schedule.local_date(runtime.clock.now())
    if not today < day <= today + _LONGEST_PAUSE:
        raise Unusable("wrong-date")
    return datetime.combine(day, time(), tzinfo=schedule.tz)


def _own_page(request: Request, reader: Reader, token: str, done: str) -> HTMLResponse:
    runtime = runtime_of(request)
    now = runtime.clock.now()
    if reader.link_is_old(now):
        return old_link_page(request, reader, token, renewed=False)
    if reader.has_left:
        return _unsubscribe_page(request, reader, _sign(request, TokenPurpose.UNSUBSCRIBE, reader.mail))
    place = place_of(request, reader)
    schedule, today = place.schedule, place.schedule.local_date(now)
    values = {
        "token": token,
        "done": done,
        "person": reader.subscriber,
        "place": place,
        "course_languages": reader.published.course.languages,
        "unsubscribe_path": f"/u/{_sign(request, TokenPurpose.UNSUBSCRIBE, reader.mail)}",
        "books": {kind: runtime.links.book(reader.mail, kind) for kind in ("pdf", "epub")},
        "paces": PACES,
        "longest_name": MAX_NAME,
        "wordings": consent_texts,
        "other_courses": _other_courses(request, reader),
        "lesson_path": lambda delivery_id: f"/w/{_sign(request, TokenPurpose.LESSON, reader.ref(delivery_id))}",
        "shown": urlencode(_choices(reader.subscriber, schedule), doseq=True),
        "first_day": today + timedelta(days=1),
        "last_day": today + _LONGEST_PAUSE,
        **schedule_choices(schedule.zone, str(schedule.hour), [str(day) for day in sorted(schedule.weekdays)]),
    }
    return reader_page(request, reader, "own-page", values)


def _other_courses(request: Request, reader: Reader) -> list[tuple[str, str]]:
    """(title, address of the own page) of each other course that this person has had a mail of."""
    runtime = runtime_of(request)
    found, seen = [], {reader.published.id}
    with runtime.database.read() as session:
        for campaign_id, delivery_id in enrolments.latest_mails(session, reader.subscriber.id):
            published = runtime.course_cache.of_campaign(session, campaign_id)
            if published is not None and published.id not in seen:
                seen.add(published.id)
                texts = published.course.texts
                text = texts.get(reader.language) or next(iter(texts.values()))
                found.append((text.title, f"/p/{_sign(request, TokenPurpose.PREFERENCES, reader.ref(delivery_id))}"))
    return found


_ONLY_THE_QUESTION: dict[str, object] = {
    **dict.fromkeys(("left", "unsubscribed", "left_course", "came_back", "is_news", "has_others"), False),
    "gets_news": True,
    "old": True,
    "wordings": consent_texts,
}


def _unsubscribe_page(request: Request, reader: Reader, token: str, *, came_back: bool = False) -> HTMLResponse:
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        theirs = enrolments.of_subscriber(session, reader.subscriber.id)
        mine = enrolments.of_mail(session, reader.delivery)
        campaign_id = reader.delivery.campaign_id
        is_news = campaign_id is not None and campaigns.is_news(session, campaign_id)
    mine_id = mine.id if mine else None
    left_course = mine is not None and mine.status == EnrolmentStatus.LEFT and not is_news
    values = {
        "token": token,
        "old": False,
        "is_news": is_news,
        "gets_news": reader.subscriber.news,
        "left": reader.has_left,
        "unsubscribed": reader.subscriber.left_at is not None,
        "left_course": left_course,
        "came_back": came_back and not reader.has_left,
        "may_undo": _may_undo(request, reader),
        "suppressed": reader.subscriber.status == SubscriberStatus.SUPPRESSED,
        "has_others": any(one.status == EnrolmentStatus.ACTIVE and one.id != mine_id for one in theirs),
        "own_path": f"/p/{_sign(request, TokenPurpose.PREFERENCES, reader.mail)}",
        "wordings": consent_texts,
    }
    return reader_page(request, reader, "unsubscribe", values)


def _unsubscribe_at_once(request: Request, token: str) -> Response:
    """RFC 8058: who has left, was erased or must not be written to gets no more mails either, and is told so."""
    runtime = runtime_of(request)
    mail = runtime.signer.read_mail(TokenPurpose.UNSUBSCRIBE, token)
    runtime.database.run(preferences.unsubscribe_at_once, runtime.clock.now(), mail)
    return PlainTextResponse("unsubscribed")


def _may_undo(request: Request, reader: Reader) -> bool:
    """Whether the link may bring back who left: just now, by mistake, or by one that was mailed for that."""
    now, left_at = runtime_of(request).clock.now(), reader.subscriber.left_at
    if not reader.has_left:
        return not reader.link_is_old(now)
    just_now = left_at is not None and now - left_at <= timedelta(minutes=RIGHTS_MINUTES)
    return (just_now or reader.was_mailed_for_this(now)) and preferences.may_come_back(reader.subscriber, now)


def _sign(request: Request, purpose: TokenPurpose, mail: MailRef) -> str:
    return runtime_of(request).signer.sign_mail(purpose, mail)
