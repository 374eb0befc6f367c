"""The knowledge test with its result, the signup form, and the confirmation (double opt-in)."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from rugcourse.content import Course, KnowledgeTest
from rugcourse.db.models import AssessmentAttemptRow, DeliveryQueue, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.enrolment import consent_texts
from rugcourse.enrolment.confirmation import NotConfirmable, find_confirmation, refuse
from rugcourse.enrolment.magic_link import request_link
from rugcourse.enrolment.reader import Reader
from rugcourse.enrolment.signup import InvalidForm, SignupField, SignupForm, check, normalise_email, sign_up
from rugcourse.learning.assessment import find_attempt, save_attempt
from rugcourse.learning.scoring import score
from rugcourse.links import BadToken, TokenPurpose
from rugcourse.subscribers.confirming import ConfirmChoices, confirm_signup
from rugcourse.web.access import Access, access
from rugcourse.web.forms import form_age_ok, pad_response_time, schedule_choices, shown_at_token
from rugcourse.web.public.assessment_state import TestProgress
from rugcourse.web.public.catalogue import find_open_course
from rugcourse.web.public.indexing import indexed_course_page
from rugcourse.web.reader.access import find_reader, reader_page, shown_to
from rugcourse.web.reader.own_page import reading_state_of
from rugcourse.web.rendering import READ, NotFound, RateLimited, course_context, render, require_language, runtime_of

router = APIRouter()


class SubmittedSignup(SignupForm):
    """The signup form with what the page adds. `website`: a honeypot that is invisible to people."""

    website: str = ""
    shown: str = ""
    token: str = Field("", alias="t")


@router.api_route("/{language}/{course}/test", methods=READ)
@access(Access.PUBLIC)
def show_question(
    request: Request,
    language: str,
    course: str,
    given: Annotated[str, Query(alias="a")] = "",
    option: Annotated[str, Query(alias="o")] = "",
    sent: Annotated[str, Query(alias="s")] = "",
) -> HTMLResponse:
    """Show one question. Earlier answers are in the URL, so that the browser's Back button works."""
    published = find_open_course(request, language, course)
    progress = TestProgress.read(_test_of(published.course, language), given, option)
    return _question_page(request, published.course, language, progress, missing=bool(sent) and not option)


@router.post("/{language}/{course}/test")
@access(Access.PUBLIC)
def finish_test(
    request: Request,
    language: str,
    course: str,
    given: Annotated[str, Form(alias="a")] = "",
    option: Annotated[str, Form(alias="o")] = "",
) -> Response:
    runtime = runtime_of(request)
    published = find_open_course(request, language, course)
    test = _test_of(published.course, language)
    progress = TestProgress.read(test, given, option)
    if not progress.finished:
        return _question_page(request, published.course, language, progress, missing=True)
    if not request.app.state.limits.allows_test(request.client.host if request.client else None):
        raise RateLimited
    attempt_id = runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, progress.chosen)
    token = runtime.signer.sign(TokenPurpose.ATTEMPT, attempt_id)
    return RedirectResponse(f"/{language}/{course}/result/{token}", 303)


@router.api_route("/{language}/{course}/result/{token}", methods=READ)
@access(Access.PUBLIC)
def show_result(request: Request, language: str, course: str, token: str) -> HTMLResponse:
    runtime = runtime_of(request)
    published = find_open_course(request, language, course)
    attempt = _attempt(request, published, token)
    test = _test_of(published.course, language)
    surprise = runtime.database.query(request.app.state.hardest_questions.of, published.id, test)
    values = {
        "test": test,
        "result": score(test, attempt.options),
        "chosen": attempt.options,
        "token": token,
        "surprise": surprise,
        "share_url": runtime.links.course(language, course),
    }
    response = render(
        request, language, "result", course_context(published.course, language, f"/result/{token}") | values
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@router.api_route("/{language}/{course}/signup", methods=READ)
@access(Access.PUBLIC)
def signup_form(
    request: Request, language: str, course: str, token: Annotated[str, Query(alias="t")] = ""
) -> HTMLResponse:
    published = find_open_course(request, language, course)
    return _signup_page(request, published.course, language, SubmittedSignup(t=token), fresh=True)


@router.post("/{language}/{course}/signup")
@access(Access.PUBLIC)
def signup_submit(request: Request, language: str, course: str, form: Annotated[SubmittedSignup, Form()]) -> Response:
    """Sign up. Response and time are the same whether an address is new, known or suppressed.

    The response is the page itself: after a redirect, the address that it shows would stand in the URL.
    """
    begun = time.monotonic()
    runtime = runtime_of(request)
    published = find_open_course(request, language, course)
    if form.website:  # the honeypot was filled in: a bot gets the normal response
        return _check_mail_page(request, published.course, language, form)
    if not form_age_ok(runtime.signer, runtime.clock, form.shown):
        return _signup_page(request, published.course, language, form, notice="again")
    try:
        signup = check(form, published.course.cadence)
    except InvalidForm as error:
        return _signup_page(request, published.course, language, form, wrong=error.fields)
    if not _network_may_ask(request):
        return _signup_page(request, published.course, language, form, notice="too-many", status=429)
    if _address_may_ask(request, signup.email):
        attempt_id = _attempt_id(request, form.token)
        runtime.database.run(sign_up, runtime.clock, runtime.signer, published, signup, language, attempt_id)
        runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)
    pad_response_time(begun)
    return _check_mail_page(request, published.course, language, form)


@router.api_route("/c/{token}", methods=READ)
@access(Access.LINK)
def confirm_page(request: Request, token: str) -> HTMLResponse:
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.CONFIRM, token)
    try:
        invitation = runtime.database.query(find_confirmation, runtime.clock.now(), reader.delivery.id)
    except NotConfirmable:
        raise NotFound from None
    if invitation.done:
        return _welcome_page(request, reader)
    values = {
        "wordings": consent_texts,
        "person": reader.subscriber,
        "reads": reader.subscriber.status == SubscriberStatus.ACTIVE,
        "unsubscribe_path": f"/u/{runtime.signer.sign_mail(TokenPurpose.UNSUBSCRIBE, reader.mail)}",
    }
    return reader_page(request, reader, "confirm", values)


@router.post("/c/{token}")
@access(Access.LINK)
def confirm_submit(
    request: Request,
    token: str,
    measuring: Annotated[str, Form()] = "",
    news: Annotated[str, Form()] = "",
    first: Annotated[str, Form()] = "",
    never: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Confirm the subscription, or refuse it for good (`never`)."""
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.CONFIRM, token)
    try:
        if never:
            runtime.database.run(refuse, runtime.clock.now(), runtime.signer, reader.delivery.id)
            was_reader = reader.subscriber.status != SubscriberStatus.PENDING
            days = runtime.settings.keep_left_days if was_reader else 0
            return reader_page(request, reader, "never", {"days": days})
        choices = ConfirmChoices(bool(measuring), bool(news), bool(first))
        shown = shown_to(request, reader)
        runtime.database.run(confirm_signup, runtime.clock.now(), runtime.signer, reader.delivery.id, choices, shown)
    except NotConfirmable:
        raise NotFound from None
    runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)
    return _welcome_page(request, reader)


@router.api_route("/{language}/my-page", methods=READ)
@access(Access.PUBLIC)
def my_page_form(request: Request, language: str) -> HTMLResponse:
    """Show the form to request a link to one's own page by mail."""
    require_language(language)
    return _my_page(request, language)


@router.post("/{language}/my-page")
@access(Access.PUBLIC)
def my_page_submit(
    request: Request,
    language: str,
    address: Annotated[str, Form(alias="email")] = "",
    website: Annotated[str, Form()] = "",
    shown: Annotated[str, Form()] = "",
) -> Response:
    """Mail a link. Response and time are the same whether or not the address is known."""
    begun = time.monotonic()
    require_language(language)
    runtime = runtime_of(request)
    email = normalise_email(address)
    if not form_age_ok(runtime.signer, runtime.clock, shown):
        return _my_page(request, language, address, notice="again", shown=shown)
    if email is None:
        return _my_page(request, language, address, notice="wrong", shown=shown)
    if not _network_may_ask(request):
        return _my_page(request, language, address, notice="too-many", status=429)
    if not website and _address_may_ask(request, email):
        runtime.database.run(request_link, runtime.clock.now(), email)
        runtime.notify_worker(DeliveryQueue.TRANSACTIONAL)
    pad_response_time(begun)
    return _my_page(request, language, notice="sent")


def _network_may_ask(request: Request) -> bool:
    return bool(request.app.state.limits.allows_signup(request.client.host if request.client else None))


def _address_may_ask(request: Request, email: str) -> bool:
    return bool(request.app.state.limits.allows_mail(runtime_of(request).signer.digest(email)))


def _my_page(
    request: Request, language: str, email: str = "", *, notice: str = "", shown: str = "", status: int = 200
) -> HTMLResponse:
    runtime = runtime_of(request)
    values = {
        "email": email,
        "notice": notice,
        "shown": shown_at_token(runtime.signer, runtime.clock, shown),
        "other_language_path": "/my-page",
    }
    return render(request, language, "request-link", values, status)


def _question_page(
    request: Request, course: Course, language: str, progress: TestProgress, *, missing: bool
) -> HTMLResponse:
    values = progress.values(f"/{language}/{course.slug}/test", missing=missing, begins=True)
    values["indexed"] = indexed_course_page(request, course, "/test")
    path = f"/test?a={progress.given}"
    return render(request, language, "test", course_context(course, language, path) | values)


def _signup_page(  # noqa: PLR0913 - the state of a form
    request: Request,
    course: Course,
    language: str,
    form: SubmittedSignup,
    *,
    fresh: bool = False,
    wrong: frozenset[SignupField] = frozenset(),
    notice: str = "",
    status: int = 200,
) -> HTMLResponse:
    runtime = runtime_of(request)
    values = {
        "form": form,
        "wrong": wrong,
        "notice": notice,
        "token": form.token,
        "shown": shown_at_token(runtime.signer, runtime.clock, form.shown),
        "wordings": consent_texts,
        **schedule_choices(
            form.zone,
            form.hour,
            None if fresh else form.days,
            course.cadence.days,
            runtime.site.settings.time_zone,
        ),
    }
    values["indexed"] = indexed_course_page(request, course, "/signup")  # without the token of a test
    path = f"/signup?t={form.token}" if form.token else "/signup"
    return render(request, language, "signup", course_context(course, language, path) | values, status)


def _check_mail_page(request: Request, course: Course, language: str, form: SubmittedSignup) -> HTMLResponse:
    """Show the typed address, which can be corrected. Status 202: its owner still has to confirm."""
    runtime = runtime_of(request)
    values = {"form": form, "shown": shown_at_token(runtime.signer, runtime.clock, form.shown)}
    response = render(request, language, "check-mail", course_context(course, language, "/signup") | values, 202)
    response.headers["Cache-Control"] = "no-store"
    return response


def _test_of(course: Course, language: str) -> KnowledgeTest:
    test = course.tests.get(language)
    if test is None:
        raise NotFound
    return test


def _attempt(request: Request, published: PublishedCourse, token: str) -> AssessmentAttemptRow:
    runtime = runtime_of(request)
    (attempt_id,) = runtime.signer.read(TokenPurpose.ATTEMPT, token, 1)
    attempt = runtime.database.query(find_attempt, attempt_id)
    if attempt is None or attempt.course_id != published.id:
        raise NotFound
    return attempt


def _attempt_id(request: Request, token: str) -> int | None:
    """Return the id of the test taken before the signup, None for an invalid token."""
    try:
        return runtime_of(request).signer.read(TokenPurpose.ATTEMPT, token, 1)[0]
    except BadToken:
        return None


def _welcome_page(request: Request, reader: Reader) -> HTMLResponse:
    runtime = runtime_of(request)
    books = {kind: runtime.links.book(reader.mail, kind) for kind in ("pdf", "epub")}
    return reader_page(request, reader, "welcome", {"place": reading_state_of(request, reader), "books": books})
