"""Pages for everybody: the course, its test, the signup."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Form as FormData
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel
from pydantic import Field as PydanticField

from rugcourse.content import Course
from rugcourse.enrolment.signup import Field, Form, InvalidForm, check, sign_up
from rugcourse.learning.attempts import save_attempt
from rugcourse.learning.knowledge_test import score
from rugcourse.links import BadToken, Purpose
from rugcourse.store import courses, learning
from rugcourse.store.courses import PublishedCourse
from rugcourse.store.tables import AttemptRow, Queue, Verdict
from rugcourse.tracking.verdicts import judge
from rugcourse.web.forms import form_token, schedule_choices, was_shown_in_time
from rugcourse.web.pages import NotFound, page, preferred_language, require_language, runtime_of
from rugcourse.web.quiz import TestProgress

router = APIRouter()


class SignupFields(BaseModel):
    """The signup form as a browser sends it. `website` is the field that only machines fill in."""

    email: str = ""
    name: str = ""
    zone: str = ""
    hour: str = ""
    days: list[str] = []
    consent: str = ""
    measuring: str = ""
    website: str = ""
    shown: str = ""
    token: str = PydanticField("", alias="t")

    def typed(self) -> Form:
        return Form(
            self.email, self.name, self.zone, self.hour, tuple(self.days), bool(self.consent), bool(self.measuring)
        )


READ = ["GET", "HEAD"]
_SAME_SECONDS = 0.25  # a signup takes this long whatever is known about the address


@router.api_route("/", methods=READ)
def front(request: Request) -> Response:
    return RedirectResponse(f"/{preferred_language(request)}", 302)


@router.api_route("/{language}", methods=READ)
def catalogue(request: Request, language: str) -> HTMLResponse:
    require_language(language)
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        published = runtime.library.courses(session)
    offered = [one.course for one in published if language in one.course.languages]
    return page(request, language, "catalogue", {"courses": offered, "other_language_path": ""})


@router.api_route("/{language}/{course}", methods=READ)
def landing(request: Request, language: str, course: str) -> HTMLResponse:
    published = _course(request, language, course)
    return page(request, language, "course", _course_values(published.course, language, ""))


@router.api_route("/{language}/{course}/alarm-signs", methods=READ)
def alarm_signs(request: Request, language: str, course: str) -> HTMLResponse:
    published = _course(request, language, course)
    return page(request, language, "alarm-signs", _course_values(published.course, language, "/alarm-signs"))


@router.api_route("/{language}/{course}/lessons/{slug}", methods=READ)
def lesson(request: Request, language: str, course: str, slug: str) -> HTMLResponse:
    published = _course(request, language, course)
    found = published.course.lesson(slug)
    if found is None:
        raise NotFound
    values = {
        "lesson": found,
        "text": found.texts[language],
        "times_read": count_reading(request, published.lesson_ids[slug]),
        "answers": None,
    }
    return page(request, language, "lesson", _course_values(published.course, language, f"/lessons/{slug}") | values)


@router.api_route("/{language}/{course}/test", methods=READ)
def show_question(
    request: Request,
    language: str,
    course: str,
    given: Annotated[str, Query(alias="a")] = "",
    option: Annotated[str, Query(alias="o")] = "",
    sent: Annotated[str, Query(alias="s")] = "",
) -> HTMLResponse:
    """One question a page; what was answered before travels along in the address, so that Back just works."""
    published = _course(request, language, course)
    progress = TestProgress.read(published.course.tests[language], given, option)
    return _question_page(request, published.course, language, progress, missing=bool(sent) and not option)


@router.post("/{language}/{course}/test")
def finish_test(
    request: Request,
    language: str,
    course: str,
    given: Annotated[str, FormData(alias="a")] = "",
    option: Annotated[str, FormData(alias="o")] = "",
) -> Response:
    runtime = runtime_of(request)
    published = _course(request, language, course)
    test = published.course.tests[language]
    progress = TestProgress.read(test, given, option)
    if not progress.finished:
        return _question_page(request, published.course, language, progress, missing=True)
    attempt_id = save_attempt(runtime.database, runtime.clock, published.id, test, progress.chosen)
    token = runtime.signer.sign(Purpose.ATTEMPT, attempt_id)
    return RedirectResponse(f"/{language}/{course}/result/{token}", 303)


@router.api_route("/{language}/{course}/result/{token}", methods=READ)
def show_result(request: Request, language: str, course: str, token: str) -> HTMLResponse:
    published = _course(request, language, course)
    attempt = _attempt(request, published, token)
    test = published.course.tests[language]
    values = {"test": test, "result": score(test, attempt.options), "chosen": attempt.options, "token": token}
    return page(request, language, "result", _course_values(published.course, language, f"/result/{token}") | values)


@router.api_route("/{language}/{course}/signup", methods=READ)
def signup_form(
    request: Request, language: str, course: str, token: Annotated[str, Query(alias="t")] = ""
) -> HTMLResponse:
    published = _course(request, language, course)
    return _signup_page(request, published.course, language, token, Form(email=""), fresh=True)


@router.post("/{language}/{course}/signup")
def signup_send(request: Request, language: str, course: str, fields: Annotated[SignupFields, FormData()]) -> Response:
    """Answers alike, and as fast, whether an address is new, known or suppressed."""
    begun = time.monotonic()
    runtime = runtime_of(request)
    published = _course(request, language, course)
    form = fields.typed()
    token = fields.token
    thanks = RedirectResponse(f"/{language}/{course}/check-mail", 303)
    if fields.website:  # a field that people don't see: who fills it in is told what they want to hear
        return thanks
    if not was_shown_in_time(runtime.signer, runtime.clock, fields.shown):
        return _signup_page(request, published.course, language, token, form, notice="again")
    try:
        signup = check(form)
    except InvalidForm as error:
        return _signup_page(request, published.course, language, token, form, wrong=error.fields)
    if not request.app.state.signup_limit.allows(request.client.host if request.client else None):
        return _signup_page(request, published.course, language, token, form, notice="too-many", status=429)
    attempt_id = _attempt_id(request, token)
    sign_up(runtime.database, runtime.clock, runtime.signer, published, signup, language, attempt_id)
    runtime.ring(Queue.WAITING)
    time.sleep(max(0.0, _SAME_SECONDS - (time.monotonic() - begun)))
    return thanks


@router.api_route("/{language}/{course}/check-mail", methods=READ)
def check_mail(request: Request, language: str, course: str) -> HTMLResponse:
    published = _course(request, language, course)
    return page(request, language, "check-mail", _course_values(published.course, language, "/check-mail"))


def count_reading(request: Request, lesson_id: int) -> int:
    """How often a lesson was read on the web, this time included if a human seems to read it."""
    database = runtime_of(request).database
    if judge(request.method, request.headers.get("user-agent", "")) == Verdict.HUMAN:
        with database.write() as session:
            return courses.count_reading(session, lesson_id)
    with database.read() as session:
        return courses.read_count(session, lesson_id)


def _course(request: Request, language: str, slug: str) -> PublishedCourse:
    require_language(language)
    runtime = runtime_of(request)
    with runtime.database.read() as session:
        published = runtime.library.course(session, slug)
    if published is None or language not in published.course.languages:
        raise NotFound
    return published


def _course_values(course: Course, language: str, path: str) -> dict[str, object]:
    """What every page of a course shows; `path` is the page's own, for the link to the other language."""
    return {
        "course": course,
        "text_of_course": course.texts[language],
        "alarm": course.alarm_signs[language],
        "other_language_path": f"/{course.slug}{path}",
    }


def _question_page(
    request: Request, course: Course, language: str, progress: TestProgress, *, missing: bool
) -> HTMLResponse:
    values = {
        "progress": progress,
        "missing": missing,
        "action": f"/{language}/{course.slug}/test",
        "intro": course.tests[language] if progress.number == 1 else None,
        "title": course.tests[language].title,
    }
    path = f"/test?a={progress.given}"
    return page(request, language, "test", _course_values(course, language, path) | values)


def _signup_page(  # noqa: PLR0913 - what a form shows
    request: Request,
    course: Course,
    language: str,
    token: str,
    form: Form,
    *,
    fresh: bool = False,
    wrong: frozenset[Field] = frozenset(),
    notice: str = "",
    status: int = 200,
) -> HTMLResponse:
    runtime = runtime_of(request)
    values = {
        "form": form,
        "wrong": wrong,
        "notice": notice,
        "token": token,
        "shown": form_token(runtime.signer, runtime.clock),
        **schedule_choices(form.zone, form.hour, None if fresh else form.days),
    }
    path = f"/signup?t={token}" if token else "/signup"
    return page(request, language, "signup", _course_values(course, language, path) | values, status)


def _attempt(request: Request, published: PublishedCourse, token: str) -> AttemptRow:
    runtime = runtime_of(request)
    (attempt_id,) = runtime.signer.read(Purpose.ATTEMPT, token, 1)
    with runtime.database.read() as session:
        attempt = learning.find_attempt(session, attempt_id)
    if attempt is None or attempt.course_id != published.id:
        raise NotFound
    return attempt


def _attempt_id(request: Request, token: str) -> int | None:
    """The test that a visitor took before signing up; a wrong token only means that none is remembered."""
    try:
        return runtime_of(request).signer.read(Purpose.ATTEMPT, token, 1)[0]
    except BadToken:
        return None
