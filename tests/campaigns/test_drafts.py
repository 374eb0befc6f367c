"""Drafts: duplicated, discarded, restored, and changed by two people."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from tests.support.builders import course_of, make_reader
from tests.support.campaigns import MESSAGE, MONDAY, TEXT, author, campaign_row, draft, due_times, etag_of, start

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle
from rugcourse.campaigns.drafts import DraftConflict, NoDraft, Part
from rugcourse.db.audience import Audience
from rugcourse.db.models import AuditLogRow, CampaignKind, CampaignStatus
from rugcourse.db.queries import campaigns
from rugcourse.scheduling import Timing

pytestmark = pytest.mark.usefixtures("counters_are_right")


def test_duplicate_is_a_draft_with_the_same_message_and_audience(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=MONDAY, hour=9), Audience(languages=("en",)))
    copy = runtime.database.run(drafts.duplicate, author(runtime), made, "Again")
    row = campaign_row(runtime, copy)
    assert (row.status, row.audience, row.timing) == ("draft", {"languages": ["en"], "tags": []}, {"hour": 9})
    with runtime.database.read() as session:
        assert campaigns.find_message(session, copy) == MESSAGE


def test_discarded_draft_cannot_start_and_can_be_restored(runtime: Runtime) -> None:
    make_reader(runtime)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(), Audience(languages=("nl",)))
    before = campaign_row(runtime, made)
    runtime.database.run(drafts.discard, author(runtime), made)
    with runtime.database.read() as session:
        assert made not in {one.id for one in campaigns.listed(session)}
        assert [one.id for one in campaigns.discarded(session)] == [made]
    for act in (lifecycle.start, drafts.discard):
        with pytest.raises(NoDraft):
            runtime.database.run(act, author(runtime), made)
    with pytest.raises(NoDraft):
        runtime.database.run(drafts.duplicate, author(runtime), made, "Copy")
    with pytest.raises(lifecycle.InvalidCampaignState):
        runtime.database.run(lifecycle.cancel, author(runtime), made)
    runtime.database.run(drafts.restore, author(runtime), made)
    after = campaign_row(runtime, made)
    assert (after.status, after.audience, after.discarded_at) == (before.status, before.audience, None)
    with pytest.raises(NoDraft):
        runtime.database.run(drafts.restore, author(runtime), made)
    with runtime.database.read() as session:
        logged = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()
    assert logged[-2:] == ["campaign.discard", "campaign.restore"]
    start(runtime, made)
    assert len(due_times(runtime, made)) == 1


def test_started_campaign_cannot_be_discarded(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    start(runtime, made)
    for one in (made, course_of(runtime).campaign_id):
        with pytest.raises(NoDraft):
            runtime.database.run(drafts.discard, author(runtime), one)


def changes(runtime: Runtime, made: int) -> dict[Part, Callable[[str | None], None]]:
    """What changes each part of a draft, by the etag that its editor saw."""
    database, other = runtime.database, MESSAGE.model_copy(update={"texts": {"nl": TEXT}})
    return {
        Part.WHAT: lambda seen: database.run(drafts.write, runtime.clock.now(), made, "November", other, seen),
        Part.WHO: lambda seen: drafts.set_audience(database, runtime.clock, made, Audience(tags=("x",)), seen),
        Part.WHEN: lambda seen: database.run(drafts.set_timing, made, Timing(hour=7), seen),
        Part.PACE: lambda seen: database.run(drafts.set_pace, made, 10, 2, seen),
    }


@pytest.mark.parametrize("part", [*Part])
def test_second_editor_of_a_draft_part_gets_a_conflict(runtime: Runtime, part: Part) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    change = changes(runtime, made)
    seen, whole = etag_of(runtime, made, part), etag_of(runtime, made)
    others = {one: etag_of(runtime, made, one) for one in Part if one != part}
    change[part](seen)
    kept = etag_of(runtime, made)
    with pytest.raises(DraftConflict):
        change[part](seen)
    with pytest.raises(DraftConflict):  # nobody starts what they did not see
        runtime.database.run(lifecycle.start, author(runtime), made, seen=whole)
    assert etag_of(runtime, made) == kept
    assert campaign_row(runtime, made).status == CampaignStatus.DRAFT
    for one, theirs in others.items():  # who works on another part is in nobody's way
        change[one](theirs)
    runtime.database.run(lifecycle.start, author(runtime), made, seen=etag_of(runtime, made))
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING


def test_draft_timing_and_pace_are_stored_separately(runtime: Runtime) -> None:
    made = draft(runtime, CampaignKind.COHORT, Timing())
    runtime.database.run(drafts.set_pace, made, None, 2)
    runtime.database.run(drafts.set_timing, made, Timing(hour=7))
    assert campaigns.timing_of(campaign_row(runtime, made)) == Timing(hour=7, every_days=2)
