"""A change that an admin makes and its entry in the audit log are one transaction: whoever dies between them leaves neither.

One action of each kind is run in a process of its own that dies at the moment in which the entry would be written.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.support.builders import course_of, make_reader, make_runtime, make_settings

from rugcourse.auth import admins as accounts
from rugcourse.bootstrap import Runtime, import_lessons, release_hold
from rugcourse.campaigns import drafts, lifecycle
from rugcourse.campaigns.drafts import Actor
from rugcourse.clock import VirtualClock
from rugcourse.course_editor import drafts as lesson_drafts
from rugcourse.course_editor.publishing import unpublish
from rugcourse.db.audience import Audience
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditLogRow, Base, CampaignKind, Role, SubscriberRow
from rugcourse.db.queries import admins
from rugcourse.delivery import holds
from rugcourse.scheduling import Timing
from rugcourse.subscribers import admin_actions, background_jobs, bulk_actions
from rugcourse.subscribers.admin_actions import ActionRequest
from rugcourse.subscribers.bulk_actions import BulkAction, BulkActionRequest

EMAIL = "reader@x.example"
Act = Callable[[Runtime, dict[str, int]], object]


def on_subscriber(action: str, **details: Any) -> Act:
    def act(runtime: Runtime, known: dict[str, int]) -> object:
        request = ActionRequest(action, "they asked", **details)
        return runtime.database.run(
            admin_actions.perform, runtime.clock.now(), runtime.signer, known["owner"], known["reader"], request
        )

    return act


def as_author(runtime: Runtime, known: dict[str, int]) -> Actor:
    return Actor(known["owner"], runtime.clock.now())


ACTS: dict[str, Act] = {
    "a pause": on_subscriber("pause"),
    "an erasure": on_subscriber("erase", sure=True),
    "a correction": on_subscriber("correct", email="new@x.example", told=True),
    "a tag": on_subscriber("tag", tag="autumn"),
    "an objection": on_subscriber("no_statistics"),
    "a suppression": lambda runtime, known: runtime.database.run(
        admin_actions.suppress_address, runtime.clock.now(), runtime.signer, known["owner"], EMAIL, "they asked"
    ),
    "a released hold": lambda runtime, known: release_hold(runtime, "campaign:1", known["owner"]),
    "a new campaign": lambda runtime, known: runtime.database.run(
        drafts.create, as_author(runtime, known), CampaignKind.BROADCAST, course_of(runtime).id, "Autumn"
    ),
    "a started campaign": lambda runtime, known: runtime.database.run(
        lifecycle.start, as_author(runtime, known), known["campaign"], 1
    ),
    "a started job": lambda runtime, known: runtime.database.run(
        background_jobs.start, runtime.clock.now(), known["job"], known["owner"]
    ),
    "an unpublished lesson": lambda runtime, known: runtime.database.run(
        unpublish, runtime.clock.now(), known["owner"], course_of(runtime).course.slug, "welkom"
    ),
    "a discarded draft": lambda runtime, known: runtime.database.run(
        lesson_drafts.discard,
        runtime.clock.now(),
        runtime.database.query(
            lesson_drafts.load_editor, runtime.course_cache, course_of(runtime).course.slug, "autumn"
        ),
        known["owner"],
        1,
    ),
    "a changed role": lambda runtime, known: runtime.database.run(
        accounts.change_role, runtime.clock.now(), known["editor"], Role.ANALYST, known["owner"]
    ),
    "a disabled account": lambda runtime, known: runtime.database.run(
        accounts.disable_account, runtime.clock.now(), known["editor"], known["owner"]
    ),
}


@pytest.fixture
def runtime(database: Database, tmp_path: Path, clock: VirtualClock) -> Runtime:
    opened = make_runtime(database, make_settings(tmp_path), clock)
    import_lessons(opened)
    return opened


@pytest.fixture
def known(runtime: Runtime, clock: VirtualClock) -> dict[str, int]:
    """Numbers of what there is to change."""
    make_reader(runtime, EMAIL)
    database, course = runtime.database, course_of(runtime)
    owner = database.run(accounts.invite, clock, "owner@x.example", Role.OWNER).admin_id
    editor = database.run(accounts.invite, clock, "editor@x.example", Role.EDITOR).admin_id
    campaign = database.run(drafts.create, Actor(owner, clock.now()), CampaignKind.COHORT, course.id, "Spring")
    drafts.set_audience(database, clock, campaign, Audience())
    database.run(drafts.set_timing, campaign, Timing(day=clock.now().date()))
    order = BulkActionRequest(audience=Audience(), act=BulkAction.TAG, reason="spring", tag="spring")
    job = database.run(bulk_actions.preview, clock.now(), order, owner)
    database.run(holds.hold_by_admin, clock.now(), "campaign:1", "to see")
    database.run(lesson_drafts.create, clock.now(), runtime.course_cache, course.course.slug, "Autumn", "stress", owner)
    with database.read() as session:
        reader = session.scalars(select(SubscriberRow.id).where(SubscriberRow.email == EMAIL)).one()
    return {"owner": owner, "editor": editor, "campaign": campaign, "job": job, "reader": reader}


def rows(runtime: Runtime) -> dict[str, list[Any]]:
    with runtime.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def die_before_the_entry(act: Act, runtime: Runtime, known: dict[str, int]) -> int:
    """Run an action in a child process that kills itself where the entry would be written; returns how it ended."""
    runtime.database.close()  # a child must not share connections
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child makes no use of the parent's threads
        child = os.fork()
    if not child:
        try:
            admins.record_change = lambda *_args, **_named: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
            act(runtime, known)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_a_process_that_dies_between_change_and_entry_leaves_neither(
    act: Act, runtime: Runtime, known: dict[str, int]
) -> None:
    before = rows(runtime)
    assert die_before_the_entry(act, runtime, known) == -signal.SIGKILL
    assert rows(runtime) == before
    act(runtime, known)
    assert rows(runtime) != before
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditLogRow)) == len(before["audit_log"]) + 1
