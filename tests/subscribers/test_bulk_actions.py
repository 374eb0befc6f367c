"""Bulk actions: counted first, done batch by batch, and twice without harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import enrolment_of, make_pending, make_reader
from tests.support.jobs import job_of, people, run_jobs
from tests.support.racing import meanwhile
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns.drafts import DraftConflict
from rugcourse.clock import VirtualClock
from rugcourse.db.audience import Audience
from rugcourse.db.models import SubscriberRow, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.db.withdrawal_log import NEWS, UNSUBSCRIBED
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.preferences import pause
from rugcourse.subscribers import background_jobs, bulk_actions
from rugcourse.subscribers.bulk_actions import BulkAction, BulkActionRequest


def done(runtime: Runtime, act: BulkAction, **others: object) -> dict[str, int]:
    order = BulkActionRequest(audience=others.pop("audience", Audience()), act=act, reason="because", **others)  # type: ignore[arg-type]
    job_id = runtime.database.run(bulk_actions.preview, runtime.clock.now(), order, None)
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    return job_of(runtime, job_id).counts


def test_bulk_action_changes_its_audience_only_and_is_idempotent(runtime: Runtime) -> None:
    emails = [make_reader(runtime) for _ in range(3)]
    make_pending(runtime)
    for _ in range(2):
        assert done(runtime, BulkAction.TAG, tag="winter") == {"people": 3, "done": 3}
    assert (
        done(runtime, BulkAction.UNTAG, tag="winter", audience=Audience(tags=("winter",), languages=("en",)))["done"]
        == 0
    )
    assert done(runtime, BulkAction.PAUSE, audience=Audience(tags=("winter",))) == {"people": 3, "done": 3}
    assert enrolment_of(runtime, emails[0]).next_due_at is None
    assert done(runtime, BulkAction.RESUME)["done"] == 3
    assert enrolment_of(runtime, emails[0]).next_due_at is not None
    assert done(runtime, BulkAction.SUPPRESS, audience=Audience(tags=("winter",)))["done"] == 3
    assert sorted(people(runtime).values()) == [SubscriberStatus.PENDING] + [SubscriberStatus.SUPPRESSED] * 3


def test_bulk_action_with_a_changed_audience_size_needs_a_new_confirmation(runtime: Runtime) -> None:
    emails = [make_reader(runtime) for _ in range(2)]
    ids = [enrolment_of(runtime, email).subscriber_id for email in emails]
    with runtime.database.write() as session:
        subscribers.add_tags(session, ids[:1], "moved")
    order = BulkActionRequest(audience=Audience(tags=("moved",)), act=BulkAction.SUPPRESS, reason="because")
    job_id = runtime.database.run(bulk_actions.preview, runtime.clock.now(), order, None)
    seen = background_jobs.etag(job_of(runtime, job_id))
    with runtime.database.write() as session:
        subscribers.add_tags(session, ids[1:], "moved")
    with pytest.raises(bulk_actions.CountChanged):
        runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None, seen)
    run_jobs(runtime)
    assert set(people(runtime).values()) == {SubscriberStatus.ACTIVE}
    runtime.database.run(bulk_actions.recount, runtime.clock.now(), job_id)
    with pytest.raises(DraftConflict):  # a page from before that
        runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None, seen)
    runtime.database.run(
        background_jobs.start, runtime.clock.now(), job_id, None, background_jobs.etag(job_of(runtime, job_id))
    )
    run_jobs(runtime)
    assert job_of(runtime, job_id).counts == {"people": 2, "done": 2}
    assert set(people(runtime).values()) == {SubscriberStatus.SUPPRESSED}


def test_bulk_action_ignores_subscribers_who_join_after_it_was_counted(runtime: Runtime) -> None:
    make_reader(runtime)
    order = BulkActionRequest(audience=Audience(), act=BulkAction.SUPPRESS, reason="because")
    job_id = runtime.database.run(bulk_actions.preview, runtime.clock.now(), order, None)
    newcomer = make_reader(runtime)
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    assert job_of(runtime, job_id).counts == {"people": 1, "done": 1}
    assert people(runtime)[newcomer] == SubscriberStatus.ACTIVE


def test_bulk_unsubscribe_records_a_withdrawal_for_each_reader(runtime: Runtime) -> None:
    emails = [make_reader(runtime) for _ in range(2)]
    make_pending(runtime)
    assert done(runtime, BulkAction.UNSUBSCRIBE)["done"] == 2
    assert done(runtime, BulkAction.UNSUBSCRIBE)["done"] == 0
    assert sorted(people(runtime).values()) == [SubscriberStatus.LEFT] * 2 + [SubscriberStatus.PENDING]
    assert [enrolment_of(runtime, one).next_due_at for one in emails] == [None, None]
    withdrawn = [one for one in everything(runtime)["consent"] if "admin" in one]
    assert [one[2:4] for one in withdrawn] == [("lessons", False), ("news", False)] * 2
    assert [one.kind for one in runtime.withdrawals.read()] == [UNSUBSCRIBED, NEWS] * 2


def test_bulk_action_over_several_batches_skips_nobody(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    for _ in range(5):
        make_reader(runtime)
    assert done(runtime, BulkAction.SUPPRESS)["done"] == 5
    assert set(people(runtime).values()) == {SubscriberStatus.SUPPRESSED}


def test_bulk_pause_does_not_shorten_a_longer_pause(runtime: Runtime, clock: VirtualClock) -> None:
    emails = [make_reader(runtime) for _ in range(3)]
    people_ids = [enrolment_of(runtime, email).subscriber_id for email in emails]
    runtime.database.run(pause, clock.now(), people_ids[0])
    runtime.database.run(pause, clock.now(), people_ids[1], clock.now() + timedelta(days=30))
    until = clock.now().date() + timedelta(days=3)
    job = runtime.database.run(
        bulk_actions.preview,
        clock.now(),
        BulkActionRequest(audience=Audience(), act=BulkAction.PAUSE, reason="holidays", until=until),
        None,
    )
    runtime.database.run(background_jobs.start, clock.now(), job, None)
    run_jobs(runtime)
    with runtime.database.read() as session:
        ends = [subscribers.load_schedule(session, one).paused_until for one in people_ids]
    assert ends[0] is None
    assert [(end - clock.now()).days for end in ends[1:] if end] == [30, 2]


def act_started(runtime: Runtime, act: BulkAction, **others: object) -> None:
    order = BulkActionRequest(audience=Audience(), act=act, reason="because", **others)  # type: ignore[arg-type]
    runtime.database.run(
        background_jobs.start,
        runtime.clock.now(),
        runtime.database.run(bulk_actions.preview, runtime.clock.now(), order, None),
        None,
    )


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_bulk_pause_does_not_shorten_a_concurrent_pause_of_the_reader(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = enrolment_of(runtime, make_reader(runtime)).subscriber_id
    act_started(runtime, BulkAction.PAUSE, until=clock.now().date() + timedelta(days=3))
    own = f"pause of {who}"

    def pause_too() -> None:
        with runtime.database.write() as session:
            subscribers.lock(session, [who])
            subscribers.save_schedule(session, who, replace(subscribers.load_schedule(session, who), paused=True))

    with meanwhile(monkeypatch, subscribers, "lock", pause_too) as errors:
        run_jobs(runtime)
    assert (own, errors) == (own, [])
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, who)
    assert (schedule.paused, schedule.paused_until) == (True, None)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_bulk_suppression_covers_an_address_corrected_at_the_same_time(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = enrolment_of(runtime, make_reader(runtime)).subscriber_id
    act_started(runtime, BulkAction.SUPPRESS)

    def put_right() -> None:
        runtime.database.run(correct_address, clock.now(), runtime.signer, who, "right@x.example")

    with meanwhile(monkeypatch, bulk_actions, "suppress", put_right):  # which is refused, or comes first
        run_jobs(runtime)
    with runtime.database.read() as session:
        assert session.get_one(SubscriberRow, who).status == SubscriberStatus.SUPPRESSED
