"""Drills "Privacy": a copy of everything, erased without a trace, forgotten in time (and not before)."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support.builders import (
    answer,
    at_eight,
    course_of,
    enrolment_of,
    mails_to,
    make_pending,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
)
from tests.support.campaigns import MESSAGE
from tests.support.privacy import all_rows_as_text, apply_retention_now, data_export, rows, subscriber_id
from tests.support.smtp_sink import Fault, Sink

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts
from rugcourse.campaigns.ab_tests import begin
from rugcourse.campaigns.drafts import Author
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.models import (
    AbTestRow,
    AssessmentAttemptRow,
    CampaignKind,
    DeliveryKind,
    DiscardedDraftRow,
    EmailEventRow,
    LessonDraftRow,
    LessonRow,
    LessonVersionRow,
    SubscriberRow,
    SuppressionRow,
)
from rugcourse.db.queries import address_changes, subscribers
from rugcourse.db.queries import lesson_drafts as kept_drafts
from rugcourse.db.queries.campaigns import find as find_campaign
from rugcourse.db.queries.campaigns import message_id_of
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import GRACE_SECONDS, audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import may_sign_up
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.learning.assessment import save_attempt
from rugcourse.privacy.erase import erase
from rugcourse.privacy.export import export
from rugcourse.privacy.retention import Forgotten


def test_a_copy_holds_everything_in_words(runtime: Runtime, email: str) -> None:
    sections = json.loads(json.dumps(data_export(runtime, email).sections))
    assert sections["person"][0]["email"] == email
    assert sections["schedule"][0]["hour"] == 8
    assert [one["kind"] for one in sections["mails"]] == ["confirm", "welcome", "lesson"]
    assert [one["kind"] for one in sections["opens_and_clicks"]] == ["open", "answer"]
    assert sections["answers"][0]["first_answer"] == "Ja, zonder oorzaak kun je niets doen"
    assert sections["tests"][0]["answers"]["Wat maakt een rug sterker?"] == "Hem zo veel mogelijk sparen"
    assert sections["remarks"][0]["remark"] == "Mooi <script>"
    assert sections["tags"] == [{"tag": "autumn"}]
    assert sections["consents"][0]["text"].startswith("Ja, stuur me de lessen")
    assert sections["repetition"][0]["missed"] is True


def test_every_mail_leads_to_the_privacy_page_in_both_its_parts(runtime: Runtime, sink: Sink, email: str) -> None:
    mails = [message_from_bytes(one.raw, policy=policy.default) for one in sink.taken if one.recipient == email]
    assert len(mails) == 3
    for mail in mails:
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            assert runtime.links.privacy("nl") in part.get_content()
    folder = paths.folder("templates") / "email"
    frames = [folder / "layout.mjml", *folder.glob("*.txt")]
    signed = {one.name for one in frames if "branding.postal_address" in one.read_text(encoding="utf-8")}
    assert {one.name for one in frames if "privacy_url" in one.read_text(encoding="utf-8")} == signed


def test_erased_means_that_nothing_is_left_but_a_keyed_hash(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    other = make_reader(runtime)
    person = subscriber_id(runtime, email)
    assert email in all_rows_as_text(runtime)
    assert runtime.database.run(erase, clock.now(), runtime.signer, person)
    rows = all_rows_as_text(runtime)
    for trace in (email, "erase.me", "Mooi"):
        assert trace not in rows
    journals = b"".join(one.read_bytes() for one in Path(runtime.settings.data_dir).glob("journal/*"))
    printed = caplog.text + "".join(capfd.readouterr())
    assert email.encode() not in journals
    assert email not in printed
    with runtime.database.read() as session:
        assert session.scalars(select(SuppressionRow.address_hash)).all() == [runtime.signer.digest(email)]
        assert session.scalars(select(SubscriberRow.email)).all() == [other]
    assert runtime.database.query(export, runtime.course_cache, person) is None
    assert not runtime.database.run(erase, clock.now(), runtime.signer, person)
    assert audit(runtime.database, clock.now(), clock.span(GRACE_SECONDS)).findings == ()


def test_a_servers_words_about_an_address_are_kept_without_it(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    sink.fault = lambda recipient: (
        Fault("rcpt", f"550 5.1.1 <{recipient.upper()}>: no such user") if recipient else None
    )
    email = make_pending(runtime)
    send_all(dispatcher)
    [mail] = mails_to(runtime, email)
    assert mail.reply == "550 5.1.1 <(address)>: no such user"


def test_an_import_cant_bring_back_who_was_erased_but_they_can_themselves(
    runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"
        assert may_sign_up(session, runtime.signer, email)
    make_reader(runtime, email)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) is None


def test_erasing_does_not_lift_a_suppression_for_another_reason(
    runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "complaint")
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "complaint"
        assert not may_sign_up(session, runtime.signer, email)
    later = make_reader(runtime)
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, later))
    runtime.database.run(suppress_address, clock.now(), runtime.signer, later, "bounce")
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(later)) == "erased", "a bounce ends early"


def test_a_test_of_nobody_and_a_signup_of_nobody_are_forgotten_after_a_week(
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


def test_a_signup_that_was_repeated_lives_as_long_as_its_last_mail(
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


def test_what_was_measured_is_forgotten_after_ninety_days_and_the_reader_stays(
    runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    clock.advance(days=89)
    assert apply_retention_now(runtime).measured == 0
    clock.advance(days=2)
    assert apply_retention_now(runtime).measured == 2
    assert rows(runtime, EmailEventRow) == 0
    assert data_export(runtime, email).sections["answers"]


def test_who_left_is_erased_after_thirty_days_and_who_came_back_is_not(runtime: Runtime, clock: VirtualClock) -> None:
    leaver, returner = make_reader(runtime), make_reader(runtime)
    for email in (leaver, returner):
        runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[0].id)
    runtime.database.run(preferences.come_back, clock.now(), mails_to(runtime, returner)[0].id)
    clock.advance(days=31)
    assert apply_retention_now(runtime).left == 1
    with runtime.database.read() as session:
        assert session.scalars(select(SubscriberRow.email)).all() == [returner]
        assert subscribers.suppression_of(session, runtime.signer.digest(leaver)) == "erased"


def test_who_finished_is_erased_half_a_year_after_their_last_mail_and_who_reads_on_is_not(
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


def test_who_comes_back_from_a_pause_on_a_day_is_not_erased_meanwhile(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(
        preferences.pause, clock.now(), subscriber_id(runtime, email), clock.now() + timedelta(days=366)
    )
    clock.advance(days=367)
    assert apply_retention_now(runtime).idle == 0


@pytest.mark.parametrize(("reason", "days", "kept"), [("bounce", 90, None), ("complaint", 30, "complaint")])
def test_who_must_not_be_written_to_is_erased_in_time_and_who_complained_stays_suppressed(
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


def test_discarded_drafts_are_forgotten_after_thirty_days_and_others_are_not(
    runtime: Runtime, clock: VirtualClock
) -> None:
    course = course_of(runtime)
    for slug in ("first", "second"):
        with runtime.database.write() as session:
            kept_drafts.save(
                session, course.id, slug, kept_drafts.DraftContent({"nl.title": slug}, 0), 0, None, clock.now()
            )
    author = Author(None, clock.now())
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


def test_who_left_is_erased_thirty_days_later_also_where_a_mail_came_back_since(
    runtime: Runtime, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=29)
    assert apply_retention_now(runtime) == Forgotten()
    clock.advance(days=2)
    assert apply_retention_now(runtime).suppressed == 1


@pytest.mark.parametrize(("confirms", "counted"), [(False, 1), (True, 0)])
def test_how_often_somebody_who_left_was_asked_for_nothing_counts_after_they_were_erased(
    runtime: Runtime, clock: VirtualClock, confirms: bool, counted: int
) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=1)
    make_pending(runtime, email)
    if confirms:
        clock.advance(minutes=1)
        runtime.database.run(
            confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id
        )
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    with runtime.database.read() as session:
        asked = address_changes.asked(session, runtime.signer.digest(email), clock.now() - timedelta(days=30))
    assert asked == counted


def test_tags_stay_off_who_objected_to_them_until_they_allow_them_again(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    person = subscriber_id(runtime, email)

    def tagged() -> list[str]:
        with runtime.database.write() as session:
            subscribers.add_tags(session, [person], "autumn")
            return list(subscribers.tags_of(session, person))

    assert tagged() == ["autumn"]
    runtime.database.run(preferences.set_untagged, clock.now(), person, untagged=True)
    assert tagged() == []
    runtime.database.run(preferences.set_untagged, clock.now(), person, untagged=False)
    assert tagged() == ["autumn"]


def test_who_erased_everything_is_brought_back_by_no_list_also_where_a_mail_came_back_before(
    runtime: Runtime, clock: VirtualClock
) -> None:
    """The reason of a bounce is forgotten after 90 days, and only a signup lifts that of who was erased."""
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=80)
    runtime.database.run(erase, clock.now(), runtime.signer, subscriber_id(runtime, email))
    clock.advance(days=20)
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"


def test_what_was_answered_before_an_objection_counts_in_no_figure_any_more(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    answer(runtime, email)

    def counted() -> int:
        with runtime.database.read() as session:
            return sum(n for key, n in counters.totals(session).items() if key[2].startswith("option "))

    assert counted() == 1
    runtime.database.run(preferences.set_left_out, clock.now(), subscriber_id(runtime, email), left_out=True)
    assert counted() == 0


@pytest.mark.parametrize("moved", [False, True])
def test_no_bounce_makes_the_erasure_of_an_address_shorter(runtime: Runtime, clock: VirtualClock, moved: bool) -> None:
    """Of the address that they had before, too; and where somebody types it again, and that mail comes back."""
    email = make_reader(runtime, "sam@x.example")
    person = subscriber_id(runtime, email)
    if moved:
        runtime.database.run(correct_address, clock.now(), runtime.signer, person, "right@x.example")
        with runtime.database.write() as session:
            subscribers.suppress(session, runtime.signer.digest(email), "bounce", clock.now())
    runtime.database.run(erase, clock.now(), runtime.signer, person)
    if not moved:
        make_pending(runtime, email)
        runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    clock.advance(days=100)
    apply_retention_now(runtime)
    with runtime.database.read() as session:
        assert subscribers.suppression_of(session, runtime.signer.digest(email)) == "erased"
