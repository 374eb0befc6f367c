"""The history of a demo: made-up readers, and what they and the admins did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from tests.support.admin_pages import log_in
from tests.support.builders import COURSE, make_settings
from tests.support.pages import CHROME

from rugcourse.bootstrap import Runtime, open_runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.engine import Database
from rugcourse.db.models import (
    AuditLogRow,
    CampaignKind,
    CampaignRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.db.queries import due_enrolments, sending_holds
from rugcourse.delivery.planner import plan_due
from rugcourse.delivery.reconciliation import audit
from rugcourse.dev.sample_data.history import History, make_history
from rugcourse.dev.sample_data.people import DAYS, make_readers
from rugcourse.doctor.checks.courses import check_courses
from rugcourse.doctor.checks.local import check_database, check_withdrawals
from rugcourse.web.app import create_app

ENDS = datetime(2026, 11, 27, 19, 16, tzinfo=UTC)
OWNER, PASSWORD = "demo@rugcourse.example", "three quiet green spines"
# Who leaves has their opens and clicks deleted; counters keep how many they were.
_KEPT_WHEN_DELETED = {
    f"event {kind} {verdict}" for kind in ("open", "click") for verdict in ("human", "machine", "unknown")
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A demo's installation at the moment at which it begins."""
    folder = tmp_path_factory.mktemp("demo")
    file = folder / "rugcourse.db"
    settings = make_settings(folder, database_url=f"sqlite:///{file}")
    make_history(settings, file, ENDS, OWNER, PASSWORD)
    runtime = open_runtime(settings, VirtualClock(ENDS))
    yield runtime
    runtime.database.close()


@pytest.fixture(scope="module")
def admin(made: Runtime) -> TestClient:
    browser = TestClient(create_app(made), follow_redirects=False, headers={**CHROME, "accept-language": "en"})
    log_in(browser, OWNER, PASSWORD)
    return browser


def play(database: Database, folder: Path, ends: datetime) -> Runtime:
    clock = VirtualClock(ends)
    runtime = replace(open_runtime(make_settings(folder), clock), database=database)
    History(runtime, clock, ends).play(OWNER, PASSWORD)
    return runtime


def assert_all_is_well(runtime: Runtime) -> None:
    """The books and counters balance, nothing is held or waits, and nobody gets a pile when the demo begins."""
    with runtime.database.read() as session:
        assert {one for one in counters.differences(session) if one.metric not in _KEPT_WHEN_DELETED} == set()
        assert sending_holds.all_holds(session) == []
        open_mails = select(func.count()).where(DeliveryRow.state.in_(["planned", "submitting", "unknown"]))
        assert session.scalar(open_mails) == 0
        due = due_enrolments.next_work(session).lesson
        a_day = select(func.count()).where(EnrolmentRow.next_due_at <= runtime.clock.now() + timedelta(days=1))
        assert due is not None
        assert due > runtime.clock.now() - timedelta(seconds=5)
        assert 0 < (session.scalar(a_day) or 0) < 20
    found = audit(runtime.database, runtime.clock.now(), timedelta(hours=1))
    assert (found.findings, found.unknown) == ((), ())


def test_history_balances(made: Runtime) -> None:
    assert_all_is_well(made)


def test_history_balances_on_postgresql(empty_postgres: Database, tmp_path: Path) -> None:
    assert_all_is_well(play(empty_postgres, tmp_path, ENDS))


@pytest.mark.parametrize(
    "ends",
    [
        datetime(2028, 2, 29, 23, 30, tzinfo=UTC),  # in Amsterdam it is March already
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # the hour that comes twice
        # Europe sets its clocks forward, the United States did three weeks ago.
        pytest.param(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), marks=pytest.mark.long_drill),
        pytest.param(datetime(2027, 1, 1, 0, 0, tzinfo=UTC), marks=pytest.mark.long_drill),
    ],
)
def test_lessons_come_once_at_their_readers_hour_whenever_a_demo_begins(tmp_path: Path, ends: datetime) -> None:
    file = tmp_path / "rugcourse.db"
    settings = make_settings(tmp_path, database_url=f"sqlite:///{file}")
    make_history(settings, file, ends, OWNER, PASSWORD)
    runtime = open_runtime(settings, VirtualClock(ends))
    assert_all_is_well(runtime)
    with runtime.database.read() as session:
        rows = session.execute(
            select(DeliveryRow, ScheduleRow)
            .join(ScheduleRow, ScheduleRow.subscriber_id == DeliveryRow.subscriber_id)
            .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
            .where(DeliveryRow.kind == DeliveryKind.LESSON, DeliveryRow.state == DeliveryState.ACCEPTED)
            .where(CampaignRow.kind == CampaignKind.EVERGREEN)  # a cohort has an hour of its own
        ).all()
        newest = session.scalar(select(func.max(DeliveryRow.settled_at)))
    runtime.database.close()
    hours = Counter(
        ((mail.settled_at or ends).astimezone(ZoneInfo(its.zone)).hour - its.hour) % 24 for mail, its in rows
    )
    moved = 3  # lessons that one of them had before they moved to another time zone
    assert len(rows) > 400
    assert newest is not None
    assert hours[0] >= len(rows) - moved
    assert ends - timedelta(days=2) < newest < ends


def test_interrupted_history_is_made_anew_and_the_same_each_time(made: Runtime, tmp_path: Path) -> None:
    leftover = tmp_path / "history.new"
    leftover.mkdir()
    (leftover / "rugcourse.db").write_bytes(b"half of it")
    file = tmp_path / "rugcourse.db"
    make_history(make_settings(tmp_path, secret_keys=("another-key-0123456789-abc",)), file, ENDS, OWNER, PASSWORD)
    assert not leftover.exists()
    again = Database(f"sqlite:///{file}")
    assert facts(again) == facts(made.database)
    again.close()


def facts(database: Database) -> list[tuple[object, ...]]:
    """What people see of a history: who got what when, and what they did."""
    with database.read() as session:
        mails = session.execute(
            select(SubscriberRow.email, DeliveryRow.kind, DeliveryRow.lesson_version_id, DeliveryRow.settled_at)
            .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
            .order_by(DeliveryRow.id)
        ).all()
        events = session.execute(
            select(EmailEventRow.delivery_id, EmailEventRow.kind, EmailEventRow.link, EmailEventRow.at).order_by(
                EmailEventRow.id
            )
        ).all()
        people = session.execute(select(SubscriberRow.email, SubscriberRow.status).order_by(SubscriberRow.id)).all()
    return [tuple(row) for row in (*mails, *events, *people)]


def test_readers_are_invented_at_reserved_domains_in_both_languages_and_several_zones() -> None:
    people = make_readers()
    assert len({one.email for one in people}) == len({one.name for one in people}) == len(people) == 80
    assert {one.language for one in people} == {"nl", "en"}
    assert len({one.schedule.zone for one in people}) >= 4
    reserved = re.compile(r"[a-z.]+@(example\.(com|org|net)|[a-z]+\.example)")
    assert all(reserved.fullmatch(one.email) for one in people)


def test_something_of_everything_happened(made: Runtime) -> None:
    with made.database.read() as session:
        statuses = dict(
            session.execute(select(SubscriberRow.status, func.count()).group_by(SubscriberRow.status)).all()
        )
        events = Counter(session.scalars(select(EmailEventRow.kind)))
        kinds = Counter(session.scalars(select(DeliveryRow.kind)))
        done = set(session.scalars(select(AuditLogRow.action)))
        oldest = session.scalar(select(func.min(DeliveryRow.settled_at)))
    assert set(statuses) == {*SubscriberStatus}
    assert min(events[kind] for kind in ("open", "click", "answer", "unsubscribe", "bounce", "complaint")) > 0
    assert {"confirm", "reminder", "welcome", "imported", "lesson", "broadcast"} <= set(kinds)
    assert {"ab_test.start", "campaign.start", "import.start", "subscriber.erase", "subscriber.tag"} <= done
    assert oldest is not None
    assert timedelta(days=DAYS - 2) < ENDS - oldest < timedelta(days=DAYS + 1)


def test_nothing_is_sent_when_the_demo_begins_but_what_is_due_then(made: Runtime) -> None:
    planned = plan_due(made.database, made.clock, made.send_window, rejection_handler(made)).planned
    assert planned == 0


def test_doctor_finds_nothing_wrong_with_a_history(made: Runtime) -> None:
    found = [
        *check_database(made.settings, made.database, made.clock),
        *check_courses(made.database),
        *check_withdrawals(made.withdrawals),
    ]
    wrong = [one for one in found if one.state == "error" and one.check != "processes"]  # none runs here
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/admin", r"Average test score: \d\d% before the course, \d\d% after it"),
        ("/admin", r"\d+ comments on lessons in the last 30 days"),
        ("/admin/campaigns", r"(?s)scheduled.*finished.*finished.*running"),
        ("/admin/campaigns/compare", r"Stress en je rug, groep 1"),
        ("/admin/campaigns/1", r"Readers: [1-9]\d* under way, [1-9]\d* finished, [1-9]\d* unsubscribed"),
        ("/admin/campaigns/1/results", r"[2-9]\d* readers took it twice"),
        ("/admin/campaigns/1/mails?state=failed", r"@"),
        ("/admin/campaigns/4", r"Readers: 0 still to get it, [1-9]\d* got it, [1-9]\d* unsubscribed"),
        ("/admin/campaigns/5", r"scheduled"),
        ("/admin/campaigns/6/review", r"@"),
        ("/admin/subscribers", r"(?s)rugschool|@example\.com"),
        ("/admin/subscribers?status=left", r"@"),
        ("/admin/subscribers?tag=rugschool", r"@"),
        ("/admin/subscribers/1", r"(?s)Took the .*test.*Sent: the lesson.*Agreed to"),
        ("/admin/ab-tests/4", r"(?s)Does your back feel a busy week\?.*>[23]\d<"),
        ("/admin/deliverability", r"(?s)We have sent it again.*550 5\.1\.1"),
        ("/admin/suppressions", r"(?s)the mailbox no longer exists.*reported it as spam"),
        ("/admin/remarks", r"(?s)English.*Nederlands|Nederlands.*English"),
        ("/admin/audit-log", r"(?s)invited an admin.*paused a subscriber.*erased a subscriber"),
        ("/admin/team", r"(?s)sanne@rugcourse\.example.*has never logged in"),
        ("/admin/imports", r"(?s)Bulk action.*Import of a list"),
        ("/admin/jobs/1", r"(?s)new readers.*40.*lines that can.t be read"),
        ("/admin/lessons", r"(?s)draft.*sanne@rugcourse\.example"),
        (f"/admin/lessons/{COURSE}/stress/history", r"(?s)comparison of two subjects.*half of the readers"),
    ],
)
def test_admin_page_shows_what_it_is_for(admin: TestClient, path: str, shown: str) -> None:
    page = admin.get(path)
    assert page.status_code == 200
    assert re.search(shown, page.text), path
