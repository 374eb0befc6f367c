"""A campaign goes to those who agreed to get it, and says why they get it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from tests.support.builders import (
    answer,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_reader,
    plan,
    send_all,
)
from tests.support.campaigns import (
    author,
    broadcast,
    campaign_row,
    draft,
    next_due,
    reader_of_another_course,
    sign_up_for_another_course,
    start,
)
from tests.support.racing import meanwhile
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.clock import VirtualClock
from rugcourse.db.audience import Audience, Following, Permission, permission_of
from rugcourse.db.models import (
    CampaignKind,
    DeliveryKind,
    DeliveryState,
    EnrolmentRow,
    Ground,
    SubscriberRow,
)
from rugcourse.db.queries import audiences, campaigns, enrolments, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.email_preview.sample import parts_of
from rugcourse.enrolment import consents, preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.scheduling import Timing


def readers_in(runtime: Runtime, campaign_id: int) -> set[str]:
    query = select(SubscriberRow.email).join(EnrolmentRow, EnrolmentRow.subscriber_id == SubscriberRow.id)
    with runtime.database.read() as session:
        return set(session.scalars(query.where(EnrolmentRow.campaign_id == campaign_id)))


@pytest.fixture
def people(runtime: Runtime, clock: VirtualClock) -> dict[str, str]:
    """A reader who wants news, one who does not, one who left the course and wants news, one who left it."""
    found = {
        "wants": make_reader(runtime), "reads": make_reader(runtime, news=False),
        "left and wants": make_reader(runtime), "left": make_reader(runtime, news=False),
    }  # fmt: skip
    for who in ("left and wants", "left"):
        runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, found[who])[-1].id)
    return found


@pytest.mark.parametrize(
    ("ground", "get_it"), [(Ground.NEWS, {"wants", "left and wants"}), (Ground.COURSE, {"wants", "reads"})]
)
def test_broadcast_goes_to_consenting_readers_and_counts_the_others(
    runtime: Runtime, people: dict[str, str], ground: Ground, get_it: set[str]
) -> None:
    made = broadcast(runtime, ground)
    expected = send_preview.preview_sends(campaign_row(runtime, made), 1, runtime.clock.now(), None)
    assert (expected.people, expected.not_agreed) == (2, 2)
    row = campaign_row(runtime, made)
    counted = runtime.database.query(send_preview.counted, runtime.clock.now(), Audience(), allowed=permission_of(row))
    assert (counted["count"], counted["not_agreed"]) == (2, 2)
    start(runtime, made)
    assert readers_in(runtime, made) == {people[who] for who in get_it}


def test_cohort_of_another_course_goes_to_readers_who_want_news(runtime: Runtime) -> None:
    make_reader(runtime, "reads@x.example", news=False)
    other = reader_of_another_course(runtime, "other@x.example")
    with runtime.database.write() as session:
        person = session.scalars(select(SubscriberRow).where(SubscriberRow.email == other)).one()
        person.news_consent = False
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    assert other not in readers_in(runtime, made)


def test_footer_states_the_reason_for_the_mail(
    runtime: Runtime, people: dict[str, str], dispatcher: Dispatcher, sink: Sink
) -> None:
    for ground, why in ((Ground.NEWS, "ander nieuws van"), (Ground.COURSE, "deze cursus volgt of gevolgd hebt")):
        start(runtime, broadcast(runtime, ground))
        plan(runtime)
        send_all(dispatcher)
        html, text = parts_of(sink.taken[-1].raw)
        assert why in html
        assert why in " ".join(text.split())


def test_declining_news_cancels_planned_news_and_keeps_the_course(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    made = broadcast(runtime, Ground.NEWS)
    start(runtime, made)
    assert plan(runtime) >= 1
    assert mails_to(runtime, email, DeliveryKind.BROADCAST)[0].state == DeliveryState.PLANNED
    person = mails_to(runtime, email)[0].subscriber_id
    for agreed in (False, True):  # that one is over, whatever they choose later
        runtime.database.run(preferences.set_news, clock.now(), person, agreed=agreed)
        plan(runtime)
        send_all(dispatcher)
        assert [one.state for one in mails_to(runtime, email, DeliveryKind.BROADCAST)] == [DeliveryState.CANCELLED]
    assert next_due(runtime, person) is not None


def test_undoing_unsubscribe_does_not_restore_news(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    start(runtime, broadcast(runtime, Ground.NEWS))
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    plan(runtime)
    send_all(dispatcher)
    assert mails_to(runtime, email, DeliveryKind.BROADCAST) == []


def test_ground_of_a_broadcast_is_copied_and_part_of_the_audience_etag(runtime: Runtime) -> None:
    made = broadcast(runtime, Ground.COURSE)
    with runtime.database.read() as session:
        seen = drafts.etag(session, campaign_row(runtime, made), drafts.Part.WHO)
    copy = runtime.database.run(drafts.duplicate, author(runtime), made, "copy")
    assert campaign_row(runtime, copy).ground == Ground.COURSE
    drafts.set_audience(runtime.database, runtime.clock, made, Audience(), ground=Ground.NEWS)
    with pytest.raises(drafts.DraftConflict):
        drafts.set_audience(runtime.database, runtime.clock, made, Audience(), seen, Ground.COURSE)


def test_course_message_skips_readers_who_left_the_course_meanwhile(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime, news=False)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(at=clock.now() + timedelta(days=3, hours=4)))
    drafts.set_audience(runtime.database, clock, made, Audience(), ground=Ground.COURSE)
    start(runtime, made)
    clock.advance(days=1)
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=2, hours=5)
    plan(runtime)
    send_all(dispatcher)
    assert mails_to(runtime, email, DeliveryKind.BROADCAST) == []


def test_course_sent_as_news_ends_when_news_is_declined(runtime: Runtime, clock: VirtualClock) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    made = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1), every_days=1))
    start(runtime, made)
    person = mails_to(runtime, email)[0].subscriber_id
    runtime.database.run(preferences.set_news, clock.now(), person, agreed=False)
    with runtime.database.read() as session:
        stands = {one.campaign_id: one.status for one in enrolments.of_subscriber(session, person)}
    assert stands.pop(made) == "left"
    assert set(stands.values()) == {"active"}  # the course that they signed up for goes on


def cohort_as_news(runtime: Runtime, clock: VirtualClock) -> int:
    """A course that starts for those who asked for other news."""
    made = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1), every_days=1))
    start(runtime, made)
    return made


def standing(runtime: Runtime, person: int, campaign_id: int) -> str:
    with runtime.database.read() as session:
        found = enrolments.find(session, campaign_id, person)
    assert found is not None
    return found.status


def test_undoing_unsubscribe_does_not_restore_a_course_sent_as_news(runtime: Runtime, clock: VirtualClock) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    made = cohort_as_news(runtime, clock)
    mail = mails_to(runtime, email)[-1]
    runtime.database.run(preferences.unsubscribe, clock.now(), mail.id)
    clock.advance(minutes=2)
    runtime.database.run(preferences.come_back, clock.now(), mail.id)
    assert standing(runtime, mail.subscriber_id, made) == "left"


def test_undoing_unsubscribe_restores_a_run_of_a_course_with_signup(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, news=False)
    mine = enrolment_of(runtime, email)
    with runtime.database.write() as session:
        session.execute(update(EnrolmentRow).values(status="completed", completed_at=clock.now(), next_due_at=None))
    second = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1), every_days=1))
    with runtime.database.write() as session:
        enrolments.add(session, second, mine.subscriber_id, clock.now(), clock.now())
    mail = mails_to(runtime, email)[-1].id
    for leave in (preferences.unsubscribe, preferences.leave_course):
        clock.advance(minutes=2)
        runtime.database.run(leave, clock.now(), mail)
        clock.advance(minutes=2)
        runtime.database.run(preferences.come_back, clock.now(), mail)
        assert standing(runtime, mine.subscriber_id, second) == "active"


def test_resubscribing_is_no_consent_to_courses_sent_as_news(runtime: Runtime, clock: VirtualClock) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    mail = mails_to(runtime, email)[-1]
    runtime.database.run(preferences.unsubscribe, clock.now(), mail.id)
    clock.advance(minutes=2)
    runtime.database.run(preferences.come_back, clock.now(), mail.id)
    runtime.database.run(preferences.set_news, clock.now(), mail.subscriber_id, agreed=True)
    made = cohort_as_news(runtime, clock)
    assert standing(runtime, mail.subscriber_id, made) == "active"
    clock.advance(minutes=2)
    runtime.database.run(preferences.set_news, clock.now(), mail.subscriber_id, agreed=False)
    assert standing(runtime, mail.subscriber_id, made) == "left"


def test_course_that_may_be_sent_as_news_says_so(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    signed_up = make_reader(runtime)
    cohort_as_news(runtime, clock)
    clock.advance(days=1, hours=5)
    plan(runtime)
    send_all(dispatcher)
    as_news, by_themselves = "of omdat je om ander nieuws van", "omdat je deze cursus volgt."
    for reader, said in ((email, [as_news, by_themselves]), (signed_up, [by_themselves])):
        parts = [parts_of(one.raw) for one in sink.to(reader) if b":lesson:" in one.raw]
        lessons = [(" ".join(html.split()), " ".join(text.split())) for html, text in parts]
        for html, text in lessons:
            assert [one for one in said if one in html] == [one for one in said if one in text]
        assert sorted(one for one in said for html, _ in lessons if one in html) == sorted(said)


def test_unsubscribing_in_a_news_mail_ends_news_only(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    start(runtime, broadcast(runtime, Ground.NEWS))
    plan(runtime)
    send_all(dispatcher)
    [mail] = mails_to(runtime, email, DeliveryKind.BROADCAST)
    for act in (preferences.leave_course, preferences.come_back):
        with pytest.raises(preferences.NotAReader):
            runtime.database.run(act, clock.now(), mail.id)


def test_reader_who_left_a_later_run_gets_no_broadcast_about_the_course(runtime: Runtime, clock: VirtualClock) -> None:
    had_all, left_again = make_reader(runtime, news=False), make_reader(runtime, news=False)
    second = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1), every_days=1))
    for email in (had_all, left_again):
        first = enrolment_of(runtime, email)
        with runtime.database.write() as session:
            session.execute(
                update(EnrolmentRow)
                .where(EnrolmentRow.id == first.id)
                .values(status="completed", completed_at=clock.now(), next_due_at=None)
            )
            enrolments.add(session, second, first.subscriber_id, None, clock.now())
    clock.advance(hours=1)
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, left_again)[-1].id)
    made = broadcast(runtime, Ground.COURSE)
    start(runtime, made)
    assert readers_in(runtime, made) == {had_all}


def test_leaving_a_course_ends_all_its_runs(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, news=False)
    mine = enrolment_of(runtime, email)
    second = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1), every_days=1))
    with runtime.database.write() as session:
        enrolments.add(session, second, mine.subscriber_id, clock.now(), clock.now())
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(preferences.leave_course, clock.now(), mail)
    assert {standing(runtime, mine.subscriber_id, one) for one in (mine.campaign_id, second)} == {"left"}
    runtime.database.run(preferences.come_back, clock.now(), mail)
    assert {standing(runtime, mine.subscriber_id, one) for one in (mine.campaign_id, second)} == {"active"}


def test_undoing_leave_of_a_course_restores_a_planned_message_about_it(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    sent = broadcast(runtime, Ground.COURSE)
    start(runtime, sent)
    plan(runtime)
    send_all(dispatcher)
    waits = draft(runtime, CampaignKind.BROADCAST, Timing(at=clock.now() + timedelta(days=1)))
    drafts.set_audience(runtime.database, clock, waits, Audience(), ground=Ground.COURSE)
    start(runtime, waits)
    mail = mails_to(runtime, email)[0].id
    runtime.database.run(preferences.leave_course, clock.now(), mail)
    clock.advance(minutes=1)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    clock.advance(days=1, hours=1)
    plan(runtime)
    send_all(dispatcher)
    got = [one.campaign_id for one in mails_to(runtime, email, DeliveryKind.BROADCAST)]
    assert got == [sent, waits]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ground", list(Ground))
@pytest.mark.parametrize("step", ["lock", "enrol"])  # before the reader is locked, and after
def test_reader_who_declines_during_broadcast_enrolment_does_not_get_it(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, ground: Ground, step: str
) -> None:
    email = make_reader(runtime)
    clock.advance(hours=1)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(at=clock.now() + timedelta(days=2)))
    drafts.set_audience(runtime.database, clock, made, Audience(), ground=ground)
    runtime.database.run(lifecycle.start, author(runtime), made)
    mail = mails_to(runtime, email)[-1]

    def say_no() -> None:
        if ground == Ground.NEWS:
            runtime.database.run(preferences.set_news, clock.now(), mail.subscriber_id, agreed=False)
        else:
            runtime.database.run(preferences.leave_course, clock.now(), mail.id)

    with meanwhile(monkeypatch, subscribers if step == "lock" else campaigns, step, say_no) as errors:
        while runtime.database.run(lifecycle.enrol_batch, clock.now(), None):
            pass
    assert errors == []
    with runtime.database.read() as session:
        stands = enrolments.find(session, made, mail.subscriber_id)
    assert (None if stands is None else stands.status) == (None if step == "lock" else "left")


@pytest.mark.parametrize(
    "audience",
    [Audience(silent_for=1), Audience(course_id=1, following=Following.READING), Audience(languages=("nl",))],
)
def test_news_chosen_by_what_somebody_learns_goes_only_to_who_was_asked_that_on_our_pages(
    runtime: Runtime, clock: VirtualClock, audience: Audience
) -> None:
    """A list says to which words its people agreed: ours, that ask it, they did not see."""
    listed = make_reader(runtime, "listed@x.example", news=False)
    asked = make_reader(runtime, "asked@x.example", news=False)
    runtime.database.run(preferences.set_news, clock.now(), enrolment_of(runtime, asked).subscriber_id, agreed=True)
    with runtime.database.write() as session:
        person = subscribers.by_email(session, listed)
        assert person is not None
        person.news_consent = True
        context = consents.ConsentContext(clock.now(), "import 1, 2026-11-02: a form")
        consents.keep_text(session, person, consents.ConsentPurpose.NEWS, context, "Yes, news", given=True)
    clock.advance(days=3)
    allowed = Permission(1, frozenset({Ground.NEWS}))
    with runtime.database.read() as session:
        people = audiences.sample(session, audience, clock.now(), 10, allowed)
    expected = {listed, asked} if audience.languages else {asked}
    assert {person.email for person, _ in people} == expected
    cohort = Permission(course_of(runtime).id + 1, frozenset(Ground))
    with runtime.database.read() as session:
        assert audiences.size(session, Audience(), clock.now(), cohort) == 1, "another course takes our words, too"
    withdrawn = enrolment_of(runtime, asked).subscriber_id
    runtime.database.run(preferences.set_news, clock.now(), withdrawn, agreed=False)
    with runtime.database.write() as session:  # as a list does that somebody agreed to later
        session.get_one(SubscriberRow, withdrawn).news_consent = True
    with runtime.database.read() as session:
        assert audiences.size(session, audience, clock.now(), allowed) == (2 if audience.languages else 0)


def test_a_message_about_a_course_is_for_nobody_chosen_by_what_they_did_in_another_one(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    """A reader of two courses answers in the other one."""
    email = make_reader(runtime, news=False)
    sign_up_for_another_course(runtime, email)
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    clock.advance(days=3)
    with runtime.database.read() as session:
        courses = {one.campaign_id: campaigns.course_of(session, one.campaign_id) for one in lessons_to(runtime, email)}
    first, other = courses
    [place] = [place for place, one in enumerate(lessons_to(runtime, email)) if one.campaign_id == other]
    answer(runtime, email, place)
    allowed = Permission(courses[first] or 0, frozenset({Ground.COURSE}))
    with runtime.database.read() as session:

        def size(audience: Audience) -> int:
            return audiences.size(session, audience, clock.now(), allowed)

        assert size(Audience()) == size(Audience(course_id=courses[first])) == 1
        assert size(Audience(answered_within=1)) == 0
        assert size(Audience(silent_for=1)) == 1
        assert size(Audience(course_id=courses[other])) == 0
