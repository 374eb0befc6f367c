"""Pages behind the links in a reader's mails.

A GET shows and never changes anything that matters: mail scanners fetch every link. What a reader wants is what they
press a button for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel

from rugcourse.content import Lesson
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirm import NotConfirmable, confirm, find_invitation
from rugcourse.enrolment.signup import read_schedule
from rugcourse.learning.attempts import gain_of, save_attempt
from rugcourse.links import Purpose
from rugcourse.rendering.mails import answer_links
from rugcourse.store import enrolments, subscribers
from rugcourse.store.courses import PublishedCourse
from rugcourse.store.tables import (
    DeliveryRow,
    EnrolmentStatus,
    Queue,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.web.forms import schedule_choices
from rugcourse.web.pages import NotFound, page, runtime_of
from rugcourse.web.public import READ, count_reading
from rugcourse.web.quiz import TestProgress

router = APIRouter()

_ONE_CLICK = "One-Click"  # RFC 8058: the body is List-Unsubscribe=One-Click


class PreferenceFields(BaseModel):
    """The form on the preferences page as a browser sends it; `action` is the button that was pressed."""

    action: str = ""
    zone: str = ""
    hour: str = ""
    days: list[str] = []
    measuring: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """The person behind a link, the mail it stood in, and the course that mail is of."""

    subscriber: SubscriberRow
    delivery: DeliveryRow
    published: PublishedCourse

    @property
    def language(self) -> str:
        """The language of the pages: the reader's own, where the course has it."""
        languages = self.published.course.languages
        return self.subscriber.language if self.subscriber.language in languages else languages[0]


@router.api_route("/c/{token}", methods=READ)
def confirm_page(request: Request, token: str) -> HTMLResponse:
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.CONFIRM, token)
    try:
        with runtime.database.read() as session:
            invitation = find_invitation(session, runtime.clock, reader.delivery.id)
    except NotConfirmable:
        raise NotFound from None
    if invitation.done:
        return _welcome_page(request, reader)
    return _page(request, reader, "confirm")


@router.post("/c/{token}")
def confirm_press(request: Request, token: str) -> HTMLResponse:
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.CONFIRM, token)
    try:
        confirm(runtime.database, runtime.clock, reader.delivery.id)
    except NotConfirmable:
        raise NotFound from None
    runtime.ring(Queue.WAITING)
    return _welcome_page(request, reader)


@router.api_route("/w/{token}", methods=READ)
def lesson_page(request: Request, token: str) -> HTMLResponse:
    """A lesson exactly as it was sent, with the reader's own answer links."""
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.LESSON, token)
    if reader.delivery.lesson_version_id is None or reader.delivery.lesson_id is None:
        raise NotFound
    with runtime.database.read() as session:
        lesson = runtime.library.version(session, reader.delivery.lesson_version_id)
    language = reader.delivery.language or reader.language
    delivery_id = reader.delivery.id
    values = {
        "lesson": lesson,
        "text": lesson.texts[language],
        "times_read": count_reading(request, reader.delivery.lesson_id),
        "answers": [
            answer_links(question, number, delivery_id, runtime.links)
            for number, question in enumerate(lesson.texts[language].quiz)
        ],
        "retest_path": f"/t/{runtime.signer.sign(Purpose.RETEST, delivery_id)}",
        "preferences_path": f"/p/{runtime.signer.sign(Purpose.PREFERENCES, delivery_id)}",
    }
    return _page(request, reader, "lesson", values)


@router.api_route("/p/{token}", methods=READ)
def preferences_page(request: Request, token: str, done: Annotated[str, Query()] = "") -> HTMLResponse:
    return _preferences_page(request, _reader(request, Purpose.PREFERENCES, token), token, done)


@router.post("/p/{token}")
def preferences_press(request: Request, token: str, fields: Annotated[PreferenceFields, Form()]) -> Response:
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.PREFERENCES, token)
    database, clock, person = runtime.database, runtime.clock, reader.subscriber.id
    try:
        match fields.action:
            case "save":
                schedule, _wrong = read_schedule(fields.zone, fields.hour, fields.days)
                if schedule is None:
                    return _preferences_page(request, reader, token, "wrong")
                preferences.change_schedule(database, clock, person, schedule)
                preferences.set_measuring(database, clock, person, agreed=bool(fields.measuring))
                if fields.language in reader.published.course.languages:
                    preferences.set_language(database, person, fields.language)
            case "pause":
                preferences.pause(database, clock, person)
            case "resume":
                preferences.go_on(database, clock, person)
            case _:
                return _preferences_page(request, reader, token, "")
    except preferences.NotAReader:
        pass  # the page says that they left
    return RedirectResponse(f"/p/{token}?done={fields.action}", 303)


@router.api_route("/u/{token}", methods=READ)
def unsubscribe_page(request: Request, token: str) -> HTMLResponse:
    reader = _reader(request, Purpose.UNSUBSCRIBE, token)
    return _unsubscribe_page(request, reader, token)


@router.post("/u/{token}")
def unsubscribe_press(
    request: Request,
    token: str,
    one_click: Annotated[str, Form(alias="List-Unsubscribe")] = "",
    leave: Annotated[str, Form()] = "",
) -> Response:
    """The button on our page, or the one of a mail program (RFC 8058: no cookies, no redirect)."""
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.UNSUBSCRIBE, token)
    if one_click != _ONE_CLICK and leave != "yes":
        return PlainTextResponse("nothing was changed", 400)
    preferences.unsubscribe(runtime.database, runtime.clock, reader.delivery.id)
    if one_click == _ONE_CLICK:
        return PlainTextResponse("unsubscribed")
    return _unsubscribe_page(request, _reader(request, Purpose.UNSUBSCRIBE, token), token)


@router.api_route("/t/{token}", methods=READ)
def retest_page(
    request: Request,
    token: str,
    given: Annotated[str, Query(alias="a")] = "",
    option: Annotated[str, Query(alias="o")] = "",
    sent: Annotated[str, Query(alias="s")] = "",
) -> HTMLResponse:
    reader = _reader(request, Purpose.RETEST, token)
    progress = TestProgress.read(reader.published.course.tests[reader.language], given, option)
    return _retest_page(request, reader, token, progress, missing=bool(sent) and not option)


@router.post("/t/{token}")
def retest_finish(
    request: Request,
    token: str,
    given: Annotated[str, Form(alias="a")] = "",
    option: Annotated[str, Form(alias="o")] = "",
) -> HTMLResponse:
    """Keeps the second test and shows it beside the first."""
    runtime = runtime_of(request)
    reader = _reader(request, Purpose.RETEST, token)
    test = reader.published.course.tests[reader.language]
    progress = TestProgress.read(test, given, option)
    if not progress.finished:
        return _retest_page(request, reader, token, progress, missing=True)
    save_attempt(runtime.database, runtime.clock, reader.published.id, test, progress.chosen, reader.subscriber.id)
    with runtime.database.read() as session:
        gain = gain_of(session, reader.subscriber.id, reader.published.id, test)
    return _page(request, reader, "gain", {"gain": gain, "test": test, "chosen": progress.chosen})


def _reader(request: Request, purpose: Purpose, token: str) -> Reader:
    """Raises BadToken or NotFound, which look the same from outside."""
    runtime = runtime_of(request)
    (delivery_id,) = runtime.signer.read(purpose, token, 1)
    with runtime.database.read() as session:
        found = subscribers.by_delivery(session, delivery_id)
        if found is None or found[0].status == SubscriberStatus.SUPPRESSED:
            raise NotFound
        published = runtime.library.of_campaign(session, found[1].campaign_id)
    if published is None:
        raise NotFound
    return Reader(found[0], found[1], published)


def _page(request: Request, reader: Reader, template: str, values: dict[str, object] | None = None) -> HTMLResponse:
    course, language = reader.published.course, reader.language
    frame = {
        "course": course,
        "text_of_course": course.texts[language],
        "alarm": course.alarm_signs[language],
        "other_language_path": None,
    }
    response = page(request, language, template, frame | (values or {}))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _retest_page(
    request: Request, reader: Reader, token: str, progress: TestProgress, *, missing: bool
) -> HTMLResponse:
    test = reader.published.course.tests[reader.language]
    values = {"progress": progress, "missing": missing, "action": f"/t/{token}", "intro": None, "title": test.title}
    return _page(request, reader, "test", values)


def _welcome_page(request: Request, reader: Reader) -> HTMLResponse:
    return _page(request, reader, "welcome", _course_of_reader(request, reader))


def _unsubscribe_page(request: Request, reader: Reader, token: str) -> HTMLResponse:
    return _page(
        request, reader, "unsubscribe", {"token": token, "left": reader.subscriber.status != SubscriberStatus.ACTIVE}
    )


def _preferences_page(request: Request, reader: Reader, token: str, done: str) -> HTMLResponse:
    if reader.subscriber.status != SubscriberStatus.ACTIVE:
        return _unsubscribe_page(request, reader, token)
    unsubscribe_token = runtime_of(request).signer.sign(Purpose.UNSUBSCRIBE, reader.delivery.id)
    values = {
        "token": token,
        "done": done,
        "person": reader.subscriber,
        "course_languages": reader.published.course.languages,
        "unsubscribe_path": f"/u/{unsubscribe_token}",
    }
    return _page(request, reader, "preferences", values | _course_of_reader(request, reader))


def _course_of_reader(request: Request, reader: Reader) -> dict[str, object]:
    """Where a reader is in the course, and when the next lesson comes, in their own time."""
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, reader.subscriber.id)
        enrolment = enrolments.find(session, reader.published.campaign_id, reader.subscriber.id)
    due = enrolment.next_due_at if enrolment else None
    lessons = reader.published.course.lessons
    upcoming: Lesson | None = None
    if enrolment is not None and enrolment.next_position <= len(lessons):
        upcoming = lessons[enrolment.next_position - 1]
    return {
        "schedule": schedule,
        "next_due": due.astimezone(ZoneInfo(schedule.zone)) if due else None,
        "upcoming": upcoming,
        "finished": enrolment is not None and enrolment.status == EnrolmentStatus.COMPLETED,
        **schedule_choices(schedule.zone, str(schedule.hour), [str(day) for day in sorted(schedule.weekdays)]),
    }
