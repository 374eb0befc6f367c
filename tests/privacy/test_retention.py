"""Retention: everything is forgotten in time, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.support.builders import (
    at_eight,
    course_of,
    enrolment_of,
    mails_to,
    make_pending,
    make_reader,
    plan,
    send_all,
)
from tests.support.campaigns import MESSAGE
from tests.support.privacy import apply_retention_now, data_export, rows, subscriber_id

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts
from rugcourse.campaigns.ab_tests import begin
from rugcourse.campaigns.drafts import Actor
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    AbTestRow,
    AssessmentAttemptRow,
    CampaignKind,
    DiscardedDraftRow,
    EmailEventRow,
    LessonDraftRow,
    LessonRow,
    LessonVersionRow,
    SubscriberRow,
    SuppressionRow,
)
from rugcourse.db.queries import lesson_drafts as kept_drafts
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.campaigns import find as find_campaign
from rugcourse.db.queries.campaigns import message_id_of
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.learning.assessment import save_attempt
from rugcourse.privacy.retention import Forgotten


def test_unclaimed_tests_and_unconfirmed_signups_are_deleted_after_a_week(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    test = course_of(runtime).course.tests["nl"]
    reader = make_reader(runtime)
    make_pending(runtime)
    send_all(dispatcher)
    for _ in range(2):
        runtime.database.run(
            save_attempt, clock.now(), course_of(runtime).id, test, {one.id: 0 for one in test.questions}
        )
        clock.advance(days=4)
    assert apply_retention_now(runtime) == Forgotten(attempts=1, unconfirmed=1)
    assert (rows(runtime, AssessmentAttemptRow), rows(runtime, SubscriberRow)) == (1, 1)
    assert rows(runtime, SuppressionRow) == 0
    assert enrolment_of(runtime, reader)


def test_repeated_signup_is_kept_as_long_as_its_latest_mail(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    send_all(dispatcher)
    clock.advance(days=5)
    make_pending(runtime, email)
    send_all(dispatcher)
    clock.advance(days=5)
    assert apply_retention_now(runtime).unconfirmed == 0
    clock.advance(days=3)
    assert apply_retention_now(runtime).unconfirmed == 1


def test_measurements_are_deleted_after_ninety_days_and_the_reader_stays(
    runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    clock.advance(days=89)
    assert apply_retention_now(runtime).measured == 0
    clock.advance(days=2)
    assert apply_retention_now(runtime).measured == 2
    assert rows(runtime, EmailEventRow) == 0
    assert data_export(runtime, email).sections["answers"]


def test_reader_who_left_is_erased_after_thirty_days_unless_they_return(runtime: Runtime, clock: VirtualClock) -> None:
    leaver, returner = make_reader(runtime), make_reader(runtime)
    for email in (leaver, returner):
        runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[0].id)
    runtime.database.run(preferences.come_back, clock.now(), mails_to(runtime, returner)[0].id)
    clock.advance(days=31)
    assert apply_retention_now(runtime).left == 1
    with runtime.database.read() as session:
        assert session.scalars(select(SubscriberRow.email)).all() == [returner]
        assert subscribers.suppression_of(session, runtime.signer.digest(leaver)) == "erased"


def test_finished_reader_is_erased_half_a_year_after_the_last_mail(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    finisher = make_reader(runtime)
    for day in range(9):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    reader = make_reader(runtime)
    runtime.database.run(preferences.pause, clock.now(), subscriber_id(runtime, reader))
    clock.advance(days=179)
    assert apply_retention_now(runtime).finished == 0
    clock.advance(days=2)
    assert apply_retention_now(runtime) == Forgotten(finished=1)
    with runtime.database.read() as session:
        assert subscribers.by_email(session, finisher) is None
        assert subscribers.by_email(session, reader) is not None
    clock.advance(days=179)
    assert apply_retention_now(runtime).idle == 0
    clock.advance(days=10)
    assert apply_retention_now(runtime).idle == 1, "a pause without an end is over after a year"


def test_reader_on_a_pause_with_an_end_is_not_erased_the_day_after(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(
        preferences.pause, clock.now(), subscriber_id(runtime, email), clock.now() + timedelta(days=366)
    )
    clock.advance(days=367)
    assert apply_retention_now(runtime).idle == 0


@pytest.mark.parametrize(("reason", "days", "kept"), [("bounce", 90, None), ("complaint", 30, "complaint")])
def test_suppressed_reader_is_erased_in_time_and_a_complaint_stays(
    runtime: Runtime, clock: VirtualClock, reason: str, days: int, kept: str | None
) -> None:
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, reason)
    clock.advance(days=days - 1)
    assert apply_retention_now(runtime) == Forgotten()
    clock.advance(days=2)
    assert apply_retention_now(runtime).suppressed == 1
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email) is None
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == kept


def test_only_discarded_drafts_are_deleted_after_thirty_days(runtime: Runtime, clock: VirtualClock) -> None:
    course = course_of(runtime)
    for slug in ("first", "second"):
        with runtime.database.write() as session:
            kept_drafts.save(
                session, course.id, slug, kept_drafts.DraftContent({"nl.title": slug}, 0), 0, None, clock.now()
            )
    author = Actor(None, clock.now())
    campaigns = [
        runtime.database.run(drafts.create, author, CampaignKind.BROADCAST, course.id, name)
        for name in ("first", "second")
    ]
    for campaign in campaigns:
        runtime.database.run(drafts.write, clock.now(), campaign, "November", MESSAGE)
    with runtime.database.read() as session:
        message = message_id_of(session, campaigns[0])
    assert message is not None
    runtime.database.run(begin, clock.now(), message, {"nl": "Another subject"}, 100, None)
    lessons, versions = rows(runtime, LessonRow), rows(runtime, LessonVersionRow)
    with runtime.database.write() as session:
        kept_drafts.discard(session, course.id, "first", 1, None, clock.now())
    runtime.database.run(drafts.discard, author, campaigns[0])
    clock.advance(days=29)
    assert apply_retention_now(runtime).drafts == 0
    clock.advance(days=2)
    assert apply_retention_now(runtime).drafts == 2
    assert apply_retention_now(runtime).drafts == 0
    assert (rows(runtime, DiscardedDraftRow), rows(runtime, LessonDraftRow), rows(runtime, AbTestRow)) == (0, 1, 0)
    assert (lessons - rows(runtime, LessonRow), versions - rows(runtime, LessonVersionRow)) == (1, 2)
    with runtime.database.read() as session:
        assert find_campaign(session, campaigns[0]) is None
        assert find_campaign(session, campaigns[1]) is not None


def test_reader_who_left_is_erased_after_thirty_days_despite_a_bounce(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=29)
    assert apply_retention_now(runtime) == Forgotten()
    clock.advance(days=2)
    assert apply_retention_now(runtime).suppressed == 1
