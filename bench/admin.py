"""Admin pages among a million subscribers with lessons in the ledger, on PostgreSQL: the time to each answer, to count
an audience, and to start a campaign for all of them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from tests.support.builders import course_of, make_runtime, make_settings
from tests.support.bulk_readers import add_acts, add_crowd, add_lesson_mails
from tests.support.servers import postgres

from bench.site import tidy_up
from rugcourse.auth.admins import invite, set_first_password
from rugcourse.bootstrap import Runtime
from rugcourse.bounces import complaint_rate
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.campaigns.drafts import Actor
from rugcourse.clock import SystemClock
from rugcourse.db import counters
from rugcourse.db.audience import Audience, Following
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import CampaignKind, Role
from rugcourse.db.queries import campaigns
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.reports import cached_stats
from rugcourse.scheduling import Schedule
from rugcourse.web.app import create_app
from rugcourse.web.rendering import preload_templates

SUBSCRIBERS = 1_000_000
LESSONS = int(os.environ.get("BENCH_LESSONS", "9"))  # of each of them, in the ledger
AUDIENCES = {
    "everybody": Audience(),
    "a language": Audience(languages=("nl",)),
    "in the middle of a course": Audience(course_id=1, following=Following.READING, from_lesson=0),
    "never followed it": Audience(course_id=2, following=Following.NEVER),
    "silent": Audience(silent_for=30),
}
SUPPRESSED = 2000
TIMES = 40
TARGET_MS = 300
PAGES = {
    "overview": "/admin",
    "campaigns": "/admin/campaigns",
    "a campaign": "/admin/campaigns/1",
    "results": "/admin/campaigns/1/results",
    "who is behind a number": "/admin/campaigns/1/mails?state=accepted&lesson=1",
    "a draft: who": "/admin/campaigns/3/who",
    "a draft: review": "/admin/campaigns/3/review",
    "campaigns compared": "/admin/campaigns/compare",
    "lessons": "/admin/lessons",
    "writing a lesson": "/admin/lessons/oorzaken-van-rugpijn/stress",
    "publishing a lesson": "/admin/lessons/oorzaken-van-rugpijn/stress/publish",
    "a lesson's history": "/admin/lessons/oorzaken-van-rugpijn/stress/history",
    "two subjects": "/admin/ab-tests/1",
    "imports": "/admin/imports",
    "an act for many": "/admin/bulk-actions",
    "subscribers": "/admin/subscribers",
    "subscribers in English of a campaign": "/admin/subscribers?language=en&campaign=1",
    "a word that many have": "/admin/subscribers?tag=winter",
    "a word that nobody has": "/admin/subscribers?tag=nobody",
    "search": "/admin/subscribers?q=r77777",
    "search nobody": "/admin/subscribers?q=nobody",
    "status nobody has": "/admin/subscribers?status=left",
    "the last page": f"/admin/subscribers?after={SUBSCRIBERS - 20}",
    "a person": "/admin/subscribers/777777",
    "delivery": "/admin/deliverability",
    "addresses not written to": "/admin/suppressions",
    "the test of a mail": "/admin/lessons/oorzaken-van-rugpijn/stress/email-check",
    "the test of a campaign": "/admin/campaigns/3/email-check",
    "team": "/admin/team",
    "log": "/admin/audit-log",
    "account": "/admin/account",
}
_EMAIL, _PASSWORD = "bench@rugcourse.example", "only for this measurement"


def measure_admin() -> dict[str, Any]:
    """Median and 95th percentile of each page in milliseconds, one request after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="rugcourse-") as name,
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(name), durable=True) as url,
    ):
        database = Database(url)
        upgrade(database)
        runtime = make_runtime(database, make_settings(Path(folder)), SystemClock())
        add_crowd(database, course_of(runtime).campaign_id, SUBSCRIBERS, Schedule("UTC", 8), None)
        add_lesson_mails(database, course_of(runtime).id, datetime.now(UTC), lessons=LESSONS)
        add_acts(database, course_of(runtime).id, datetime.now(UTC))
        for number in range(0, SUBSCRIBERS, SUBSCRIBERS // SUPPRESSED):
            database.run(
                suppress_address,
                runtime.clock.now(),
                runtime.signer,
                f"r{number + 1}@d{(number + 1) % 7}.example",
                "bounce",
            )
        tidy_up(database)
        with database.write() as session:
            counters.compact(session)
        author = Actor(None, runtime.clock.now())
        draft = database.run(drafts.create, author, CampaignKind.COHORT, course_of(runtime).id, "Measured")
        counts = {name: _seconds(lambda one=one: _count(runtime, one)) for name, one in AUDIENCES.items()}
        drafts.set_audience(database, runtime.clock, draft, Audience())
        invitation = database.run(invite, runtime.clock, _EMAIL, Role.OWNER)
        set_first_password(database, runtime.clock, invitation.token, _PASSWORD)
        worked_out = _seconds(lambda: cached_stats.refresh(database, runtime.clock, runtime.send_window))
        complained = _seconds(lambda: complaint_rate.refresh(database, runtime.clock, runtime.complaint_limits))
        preload_templates()
        browser = TestClient(create_app(runtime))
        browser.post("/admin/login", data={"email": _EMAIL, "password": _PASSWORD})
        times = {page: _times(browser, path) for page, path in PAGES.items()}
        started = _seconds(lambda: _start(runtime, draft))
        database.close()
    return {
        "subscribers": SUBSCRIBERS,
        "milliseconds": times,
        "slowest_p95_ms": max(one["p95"] for one in times.values()),
        "target_ms": TARGET_MS,
        "deliveries": SUBSCRIBERS * LESSONS,
        "audience_count_seconds": counts,
        "figures_seconds": worked_out,
        "reputation_seconds": complained,
        "starting_seconds": started,
    }


def _count(runtime: Runtime, audience: Audience) -> None:
    runtime.database.query(send_preview.counted, runtime.clock.now(), audience)


def _start(runtime: Runtime, campaign_id: int) -> None:
    """Start a campaign for everybody, also for who knows its course, until all are enrolled."""
    with runtime.database.read() as session:
        row = campaigns.find(session, campaign_id)
    counted = send_preview.repeats_counted(row.estimate if row else None)
    again = counted[1].total if counted else 0
    runtime.database.run(lifecycle.start, Actor(None, runtime.clock.now()), campaign_id, again)
    while runtime.database.run(lifecycle.enrol_batch, runtime.clock.now(), runtime.send_window.quiet):
        pass


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 2)


def _times(browser: TestClient, path: str) -> dict[str, float]:
    seconds = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        if browser.get(path).status_code != 200:
            raise ValueError(f"{path} did not answer with 200")
        seconds.append(time.perf_counter() - begun)
    ordered = sorted(seconds)
    return {"p50": round(ordered[TIMES // 2] * 1000, 1), "p95": round(ordered[int(TIMES * 0.95)] * 1000, 1)}
