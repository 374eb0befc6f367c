"""The page about delivery, addresses that are not written to, and the test of a mail."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.builders import course_of, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.bounces import complaint_rate
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.campaigns import drafts
from rugcourse.campaigns.drafts import Actor
from rugcourse.clock import VirtualClock
from rugcourse.db.models import COMPLAINT, CampaignKind, EnrolmentStatus, Role, SubscriberStatus
from rugcourse.db.queries import sending_holds, subscribers
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.email_preview.spamassassin import is_installed
from rugcourse.enrolment.suppression import find, suppress_address
from rugcourse.privacy.erase import erase

WHY = "a telephone call"


def press(browser: TestClient, path: str, **fields: str) -> str:
    answer = browser.post(path, data={**form_of(browser, path), "reason": WHY, **fields})
    return browser.get(answer.headers["location"]).text if answer.status_code == 303 else answer.text


def person(runtime: Runtime, email: str) -> str:
    with runtime.database.read() as session:
        found = subscribers.by_email(session, email)
    assert found is not None
    return found.status


def tell(runtime: Runtime, email: str, kind: BounceType, words: str = "") -> None:
    runtime.bounce_handler.handle_event(ProviderEvent(BounceReport(kind, words=words), "", email, runtime.clock.now()))


def test_deliverability_page_lists_bounces_and_complaints(editor: TestClient, runtime: Runtime, email: str) -> None:
    assert email not in editor.get("/admin/deliverability").text
    tell(runtime, email, BounceType.HARD, "550 no such user")
    page = editor.get("/admin/deliverability").text
    assert email in page
    assert "550 no such user" in page
    assert "of the last 14 days bounced" in editor.get("/admin").text


def test_bounce_of_a_lesson_that_was_sent_again_does_not_show_the_reply_to_that(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, email: str
) -> None:
    tell(runtime, email, BounceType.SOFT, "552 mailbox full")
    assert "552 mailbox full" in editor.get("/admin/deliverability").text
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    log_in(editor, "editor@x.example")
    page = editor.get("/admin/deliverability").text
    assert "We have sent it again." in page
    assert "250 " not in page


def test_html_in_server_replies_is_escaped(editor: TestClient, runtime: Runtime, email: str) -> None:
    tell(runtime, email, BounceType.HARD, "550 <script>alert(1)</script><img src=x onerror=alert(1)>")
    for path in ("/admin/deliverability", f"/admin/subscribers/{enrolment_of(runtime, email).subscriber_id}"):
        page = editor.get(path).text
        assert "550 &lt;script&gt;" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_complaints_are_on_the_dashboard_and_cause_holds(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    emails = [make_reader(runtime) for _ in range(3)]
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    for one in emails:
        tell(runtime, one, BounceType.COMPLAINT)
    log_in(editor, "editor@x.example")
    assert "% of its readers reported it as spam" in editor.get("/admin").text
    assert "example.org (3)" in editor.get("/admin/deliverability").text
    assert complaint_rate.refresh(runtime.database, clock, runtime.complaint_limits)
    assert not complaint_rate.refresh(runtime.database, clock, runtime.complaint_limits)
    page = editor.get("/admin/deliverability").text
    assert "example.org (3, " in page
    assert "too many readers report it as spam" in page
    campaign = f"campaign:{course_of(runtime).campaign_id}"
    assert {enrolment_of(runtime, one).status for one in emails} == {EnrolmentStatus.LEFT}
    page = press(editor, "/admin/deliverability", action="go", key=campaign)
    assert "Resumed." in page
    with runtime.database.read() as session:
        assert [hold.key for hold in sending_holds.all_holds(session)] == ["domain:example.org"]
    assert "nobody" not in press(editor, "/admin/deliverability", action="go", key="domain:nobody")


def test_only_an_owner_resumes_all_sending_and_an_analyst_none(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    runtime.database.run(holds.hold_by_admin, clock.now(), sending_holds.ALL, "restored")
    form = form_of(editor, "/admin/deliverability")
    assert editor.post("/admin/deliverability", data={**form, "action": "go", "key": "all"}).status_code == 404
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    log_in(editor, "analyst@x.example")
    assert "restored" in editor.get("/admin/deliverability").text
    form = form_of(editor, "/admin/deliverability")
    assert editor.post("/admin/deliverability", data={**form, "action": "look"}).status_code == 404
    assert editor.get("/admin/suppressions").status_code == 404
    make_admin(runtime.database, clock, "owner@x.example", Role.OWNER)
    log_in(editor, "owner@x.example")
    runtime.database.run(suppress_address, clock.now(), runtime.signer, "sam@x.example", COMPLAINT)
    with runtime.database.write() as session:  # as a backup does that was put back
        subscribers.lift_suppression(session, runtime.signer.digest("sam@x.example"), COMPLAINT)
    press(editor, "/admin/deliverability", action="go", key="all")
    assert runtime.database.query(find, runtime.signer, "sam@x.example") is not None
    with runtime.database.read() as session:
        assert list(sending_holds.all_holds(session)) == []


def test_doctor_runs_on_request_in_both_languages(editor: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rugcourse.doctor.resolver._SECONDS", 0.3)
    assert "Not checked yet" in editor.get("/admin/deliverability").text
    page = press(editor, "/admin/deliverability", action="look")
    assert "belongs to no one" in page
    editor.headers["accept-language"] = "nl"
    page = editor.get("/admin/deliverability").text
    assert "Dat is een voorbeeldadres, geen echt adres." in page
    assert "%(" not in page
    assert "dingen die niet kloppen" in editor.get("/admin").text


def test_address_is_looked_up_suppressed_and_released(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, email: str
) -> None:
    path = "/admin/suppressions"
    assert "is not suppressed" in editor.get(path, params={"q": email}).text
    assert "Say why" in press(editor, path, action="suppress", email=email, reason=" ")
    assert "not an email address" in press(editor, path, action="suppress", email="nobody")
    assert "in the audit log" in press(editor, path, action="suppress", email=email.upper())
    assert person(runtime, email) == SubscriberStatus.SUPPRESSED
    page = editor.get(path, params={"q": email}).text
    assert "by an admin" in page
    assert page.count(email) >= 2
    assert "Suppressed since" in editor.get(f"/admin/subscribers/{enrolment_of(runtime, email).subscriber_id}").text
    press(editor, path, action="lift", email=email)
    assert person(runtime, email) == SubscriberStatus.ACTIVE
    assert "is not suppressed" in press(editor, path, action="lift", email=email)
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 2


def test_suppression_after_a_complaint_cannot_be_lifted_by_an_admin(
    editor: TestClient, runtime: Runtime, email: str
) -> None:
    tell(runtime, email, BounceType.COMPLAINT)
    found = runtime.database.query(find, runtime.signer, email)
    assert found is not None
    assert found.reason == COMPLAINT
    press(editor, "/admin/suppressions", action="lift", email=email)
    assert person(runtime, email) == SubscriberStatus.LEFT
    assert runtime.database.query(find, runtime.signer, email) is None


def test_suppression_outlasts_erasure_and_reveals_no_address(editor: TestClient, runtime: Runtime, email: str) -> None:
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "complaint")
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, enrolment_of(runtime, email).subscriber_id)
    page = editor.get("/admin/suppressions").text
    assert email not in page
    assert "<b>1</b>reported it as spam" in page
    assert "reported it as spam" in editor.get("/admin/suppressions", params={"q": email}).text


def test_email_check_covers_lessons_and_campaigns(editor: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    before = everything(runtime)
    lesson = "/admin/lessons/oorzaken-van-rugpijn/stress"
    assert f"{lesson}/email-check" in editor.get(lesson).text
    page = editor.get(f"{lesson}/email-check").text
    assert page.count("No problems found.") == 2
    assert "SpamAssassin: " not in page
    draft = runtime.database.run(
        drafts.create, Actor(None, clock.now()), CampaignKind.COHORT, course_of(runtime).id, "Winter"
    )
    campaign = f"/admin/campaigns/{draft}"
    assert f"{campaign}/email-check" in editor.get(f"{campaign}/review").text
    assert editor.get(f"{campaign}/email-check").text.count("No problems found.") == 2
    pressed = editor.post(f"{campaign}/email-check", data=form_of(editor, f"{campaign}/email-check")).text
    assert pressed.count("No problems found.") == 18
    assert ("That is fine." in pressed) == is_installed()
    assert ("SpamAssassin did not answer" in pressed) != is_installed()
    assert {name for name, rows in everything(runtime).items() if rows != before[name]} <= {"campaign", "audit_log"}


def test_email_check_page_shows_mistakes_of_a_draft(editor: TestClient) -> None:
    lesson = "/admin/lessons/oorzaken-van-rugpijn/stress"
    typed = {**form_of(editor, lesson), "saved": "0", "action": "save", "nl.subject": "RE: DIT IS VOOR JOU!!"}
    editor.post(lesson, data=typed)
    page = editor.get(f"{lesson}/email-check").text
    for words in ("begins like an answer", "mostly in capitals", "signs in a row"):
        assert words in page


@pytest.mark.parametrize(
    "path", ["/admin/lessons/x/y/email-check", "/admin/campaigns/999/email-check", "/admin/campaigns/0/email-check"]
)
def test_email_check_answers_404_for_unknown_lessons_and_campaigns(editor: TestClient, path: str) -> None:
    assert editor.get(path).status_code == 404
