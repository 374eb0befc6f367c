"""An owner of an empty installation sees the first steps, until they are done or nobody wants them any more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import LESSON, form_of, log_in, make_draft, post, typed
from tests.support.admins import OWNER, make_admin
from tests.support.builders import make_reader
from tests.support.site_settings import save
from tests.support.smtp_sink import Sink

from rugcourse.auth.admins import invite
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import AuditAction, CampaignKind, Role
from rugcourse.db.queries import admins
from rugcourse.doctor.report import Finding, State
from rugcourse.doctor.saved_run import DoctorRun, keep
from rugcourse.reports.getting_started import FirstStep, GettingStarted, getting_started
from rugcourse.site_settings import store as site_settings
from rugcourse.web.app import create_app


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    log_in(browser)
    return browser


def steps(runtime: Runtime, *, checked: bool = False) -> GettingStarted:
    return runtime.database.query(getting_started, runtime.settings, checked=checked)


def test_owner_sees_the_steps_until_there_are_people(owner: TestClient, runtime: Runtime) -> None:
    assert "<h1>Getting started</h1>" in owner.get("/admin").text
    assert "<h1>Dashboard</h1>" in owner.get("/admin?view=overview").text
    make_reader(runtime, "reader@x.example")
    page = owner.get("/admin").text
    assert "<h1>Dashboard</h1>" in page
    assert "0 of 5 steps are done." in page


def test_others_see_the_overview(editor: TestClient) -> None:
    assert "Getting started" not in editor.get("/admin", headers={"accept-language": "en"}).text
    assert editor.get("/admin/getting-started").status_code == 404


@pytest.mark.parametrize("kind", ["lesson", "campaign"])
def test_a_test_email_of_any_page_is_the_test_email(owner: TestClient, runtime: Runtime, sink: Sink, kind: str) -> None:
    if kind == "lesson":
        post(owner, LESSON, **typed(runtime), action="test")
    else:
        draft = make_draft(owner, runtime, CampaignKind.COHORT)
        post(owner, f"{draft}/test", mail_language="en")
    assert [one.recipient for one in sink.taken] == [OWNER]
    assert FirstStep.TEST_EMAIL in steps(runtime).done


def test_each_step_is_done_by_doing_it(owner: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    assert steps(runtime).done == frozenset()
    save(owner, practice="Harbour")
    assert steps(runtime).done == {FirstStep.BRANDING}
    runtime.database.run(admins.record_change, clock.now(), 1, AuditAction.COURSE_PUBLISH, "a-course")
    assert steps(runtime).done == {FirstStep.BRANDING, FirstStep.COURSE}
    runtime.database.run(invite, clock, "colleague@x.example", Role.EDITOR)
    assert steps(runtime).done == {FirstStep.BRANDING, FirstStep.COURSE, FirstStep.COLLEAGUE}
    page = owner.get("/admin").text
    assert len(re.findall(r'class="status well">done<', page)) == 3


def test_course_that_came_with_the_installation_is_no_first_course(runtime: Runtime, clock: VirtualClock) -> None:
    runtime.database.run(admins.record_change, clock.now(), None, AuditAction.COURSE_PUBLISH, "a-course")
    assert FirstStep.COURSE not in steps(runtime).done


@pytest.mark.parametrize(
    ("sender", "state", "is_done"),
    [
        ("lessons@practice.nl", State.OK, True),
        ("lessons@practice.nl", State.ERROR, False),
        ("lessons@practice.example", State.OK, False),
    ],
)
def test_sender_is_done_when_the_checks_find_no_error_and_it_is_not_made_up(
    runtime: Runtime, clock: VirtualClock, sender: str, state: State, is_done: bool
) -> None:
    own = replace(runtime, settings=runtime.settings.model_copy(update={"sender_address": sender}))
    make_admin(own.database, clock)
    keep(own.database, DoctorRun(clock.now(), (Finding("spf", state, "fine"),)))
    with TestClient(create_app(own), follow_redirects=False) as browser:
        log_in(browser)
        tasks = browser.get("/admin/getting-started", headers={"accept-language": "en"}).text.partition(
            "Sender and DNS"
        )
    assert ("status well" in tasks[2].partition("</h2>")[0]) is is_done


def test_test_mail_comes_to_the_owner(owner: TestClient, runtime: Runtime, sink: Sink) -> None:
    answer = owner.post("/admin/getting-started/test-email", data=form_of(owner))
    assert answer.headers["location"] == "/admin/getting-started?done=test"
    assert len(sink.to(OWNER)) == 1
    assert steps(runtime).done == {FirstStep.TEST_EMAIL}
    assert "sent themselves a test email" in owner.get("/admin/audit-log").text


def test_mail_server_that_is_away_is_said(runtime: Runtime, clock: VirtualClock) -> None:
    away = replace(runtime, settings=runtime.settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:9"}))
    make_admin(away.database, clock)
    with TestClient(create_app(away), follow_redirects=False) as browser:
        log_in(browser)
        answer = browser.post("/admin/getting-started/test-email", data=form_of(browser))
        assert answer.headers["location"] == "/admin/getting-started?done=no-test"
    assert FirstStep.TEST_EMAIL not in steps(away).done


def test_closed_steps_come_back_nowhere(owner: TestClient, runtime: Runtime) -> None:
    assert owner.post("/admin/getting-started/close", data=form_of(owner)).headers["location"] == "/admin"
    assert not steps(runtime).is_shown
    assert runtime.database.query(site_settings.load).revision == 0  # forms that are open stay valid
    page = owner.get("/admin").text
    assert "<h1>Dashboard</h1>" in page
    assert "steps are done" not in page
