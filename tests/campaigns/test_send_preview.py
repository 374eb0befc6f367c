"""What the review says is what happens."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session
from tests.support.builders import at_eight, enrolment_of, make_reader
from tests.support.campaigns import MONDAY, author, campaign_row, draft, due_times, enrolled, set_enrolment, start
from tests.support.course_edits import inserted, publish

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.publishing import AlreadyPast
from rugcourse.db.audience import Audience, Permission
from rugcourse.db.models import CampaignKind, CampaignStatus
from rugcourse.db.queries import audiences
from rugcourse.scheduling import Schedule, Timing

pytestmark = pytest.mark.usefixtures("counters_are_right")


@pytest.mark.parametrize(
    "timing", [Timing(), Timing(hour=20), Timing(day=MONDAY), Timing(at=datetime(2026, 11, 30, 3, tzinfo=UTC))]
)
def test_send_preview_matches_the_deliveries_that_follow(runtime: Runtime, timing: Timing) -> None:
    for hour, zone in ((8, "Europe/Amsterdam"), (21, "Pacific/Auckland"), (3, "America/New_York")):
        make_reader(runtime, hour=hour, zone=zone)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, timing)
    now, quiet = runtime.clock.now(), runtime.send_window.quiet
    said = send_preview.preview_sends(campaign_row(runtime, made), 1, now, quiet)
    people = runtime.database.query(send_preview.sample, runtime.clock.now(), Audience(), timing, quiet)
    start(runtime, made)
    happens = due_times(runtime, made)
    assert {one.email: one.at for one in people} == happens
    hours = Counter(at.replace(minute=0) for at in happens.values() if at is not None)
    assert (said.people, said.hours) == (3, dict(sorted(hours.items())))


def test_start_requires_a_recount_when_previous_readers_moved_on(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    clock.advance(minutes=5)
    set_enrolment(runtime, stages["reading"], "completed")
    with pytest.raises(lifecycle.AudienceChanged):
        runtime.database.run(lifecycle.start, author(runtime), made, again=3)
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    drafts.set_audience(runtime.database, clock, made, Audience())
    start(runtime, made)
    assert enrolled(runtime, made) == set(stages)


def test_start_requires_a_recount_when_a_previous_reader_reads_again(
    runtime: Runtime, clock: VirtualClock, stages: dict[str, str]
) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    clock.advance(minutes=5)
    publish(runtime, inserted(runtime, 3), behind=AlreadyPast.FINISHED)
    assert enrolment_of(runtime, stages["done"]).status == "active"
    with pytest.raises(lifecycle.AudienceChanged):
        runtime.database.run(lifecycle.start, author(runtime), made, again=3)


def test_recount_keeps_a_concurrent_change_of_the_audience(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    real, chosen = audiences.schedules, Audience(languages=("en",))

    def racing(session: Session, audience: Audience, now: datetime, allowed: Permission) -> list[tuple[Schedule, int]]:
        monkeypatch.setattr(audiences, "schedules", real)
        drafts.set_audience(runtime.database, runtime.clock, made, chosen)
        return real(session, audience, now, allowed)

    monkeypatch.setattr(audiences, "schedules", racing)
    drafts.recount(runtime.database, runtime.clock, made)
    assert Audience.model_validate(campaign_row(runtime, made).audience) == chosen
