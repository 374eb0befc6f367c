"""Cohorts and people who know their course: counted apart, and they get it again only if somebody says so."""

from __future__ import annotations

import pytest
from tests.support.builders import course_of, mails_to, reader_with_lesson
from tests.support.campaigns import (
    MONDAY,
    author,
    campaign_row,
    draft,
    enrol,
    enrolled,
    enrolments_of,
    knowing,
    read_on,
    set_enrolment,
    start,
)
from tests.support.course_edits import inserted, publish
from tests.support.racing import meanwhile

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.publishing import AlreadyPast
from rugcourse.db.audience import Audience, Following, Repeats
from rugcourse.db.models import CampaignKind, CampaignStatus
from rugcourse.db.queries import campaigns, enrolments, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.scheduling import Schedule, Timing

pytestmark = pytest.mark.usefixtures("counters_are_right")


def test_new_cohort_excludes_previous_readers(runtime: Runtime, stages: dict[str, str]) -> None:
    course = course_of(runtime).id
    made = runtime.database.run(drafts.create, author(runtime), CampaignKind.COHORT, course, "Winter")
    copy = runtime.database.run(drafts.duplicate, author(runtime), course_of(runtime).campaign_id, "Copy")
    for one in (made, copy):
        audience = Audience.model_validate(campaign_row(runtime, one).audience)
        assert audience == Audience(course_id=course, following=Following.NEVER)
    drafts.set_audience(runtime.database, runtime.clock, made, audience)
    assert knowing(runtime, made) == 0
    runtime.database.run(lifecycle.start, author(runtime), made)
    enrol(runtime)
    assert enrolled(runtime, made) == {"new"}


def test_previous_readers_are_counted_separately_and_enrolled_only_if_chosen(
    runtime: Runtime, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    said = send_preview.preview_sends(campaign_row(runtime, made), 9, runtime.clock.now(), None)
    assert (said.people, said.repeats) == (4, Repeats(completed=1, reading=1, stopped=1))
    for forged in (0, 1, 2, 4, 10**9):
        with pytest.raises(lifecycle.RepeatsNotConfirmed):
            runtime.database.run(lifecycle.start, author(runtime), made, forged)
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    start(runtime, made)
    assert enrolled(runtime, made) == set(stages)


def test_previous_reader_gets_the_course_again_when_chosen(runtime: Runtime, stages: dict[str, str]) -> None:
    chosen = Audience(course_id=course_of(runtime).id, following=Following.COMPLETED)
    made = draft(runtime, CampaignKind.COHORT, Timing(), chosen)
    with pytest.raises(lifecycle.RepeatsNotConfirmed):
        runtime.database.run(lifecycle.start, author(runtime), made)
    start(runtime, made)
    assert enrolled(runtime, made) == {"done"}


def test_reader_who_finishes_after_the_count_is_not_enrolled_again(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    chosen = Audience(course_id=course_of(runtime).id, following=Following.COMPLETED)
    before, after = (draft(runtime, CampaignKind.COHORT, Timing(), chosen) for _ in range(2))
    clock.advance(minutes=5)
    set_enrolment(runtime, stages["reading"], "completed")
    clock.advance(minutes=5)
    runtime.database.run(lifecycle.start, author(runtime), before, again=1)  # one was counted
    enrol(runtime)
    assert enrolled(runtime, before) == {"done"}
    drafts.set_audience(runtime.database, clock, after, chosen)
    clock.advance(minutes=5)
    start(runtime, after)
    assert enrolled(runtime, after) == {"done", "reading"}


def test_signup_during_the_start_of_a_cohort_enrols_once(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "BATCH", 1)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made, again=3)
    clock.advance(minutes=1)
    with runtime.database.write() as session:
        person = subscribers.by_email(session, stages["new"])
        assert person is not None
        enrolments.add(session, course_of(runtime).campaign_id, person.id, clock.now(), clock.now())
    enrol(runtime)
    assert enrolled(runtime, made) == set(stages) - {"new"}


def test_cohort_cancelled_before_it_began_makes_no_previous_readers(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    never = Audience(course_id=course_of(runtime).id, following=Following.NEVER)
    first = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY), never)
    start(runtime, first)
    runtime.database.run(lifecycle.cancel, author(runtime), first)
    lifecycle.cancel_remaining(runtime.database, clock)
    second = draft(runtime, CampaignKind.COHORT, Timing(day=MONDAY), never)
    start(runtime, second)
    assert enrolled(runtime, second) == enrolled(runtime, first) == {"new"}


@pytest.mark.parametrize("both_over", [True, False])
def test_reader_in_two_runs_gets_an_inserted_lesson_once(
    runtime: Runtime, dispatcher: Dispatcher, both_over: bool
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    read_on(runtime, dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    if both_over:
        read_on(runtime, dispatcher)
    publish(runtime, inserted(runtime, 1), behind=AlreadyPast.FINISHED)
    read_on(runtime, dispatcher)
    new = course_of(runtime).lesson_ids["ertussen"]
    assert [one.lesson_id for one in mails_to(runtime, email)].count(new) == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_confirmation_during_cohort_enrolment_enrols_in_one_campaign(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(lifecycle.start, author(runtime), made, knowing(runtime, made))
    clock.advance(days=1)
    email = stages["new"]
    signup = Signup(email, "Sam Reader", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, clock, runtime.signer, course_of(runtime), signup, "nl")
    mail = mails_to(runtime, email)[-1]

    def confirm_now() -> None:
        runtime.database.run(confirm, clock.now(), runtime.signer, mail.id, news=True)

    with meanwhile(monkeypatch, campaigns, "enrol", confirm_now) as errors:
        enrol(runtime)
    assert errors == []
    both = {made, course_of(runtime).campaign_id}
    assert [one.campaign_id for one in enrolments_of(runtime, email) if one.campaign_id in both] == [made]
