"""Embedded mode: 1,000 due lessons delivered to a sink on this machine in one go."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.builders import MORNING, at_eight, course_of, make_runtime, make_settings
from tests.support.smtp_sink import Sink

from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryState, EnrolmentRow, EnrolmentStatus, ScheduleRow, SubscriberRow
from rugcourse.db.queries.reconciliation import lessons_by_state
from rugcourse.delivery.reconciliation import audit
from rugcourse.worker.embedded import embed

LESSONS = 1000
_LONGEST_SECONDS = 300.0


def deliver_thousand() -> dict[str, Any]:
    """Run the measurement in a process of its own, so that its peak memory is its own; the sink stays in this one."""
    with Sink(keep=True) as sink:
        run = subprocess.run(
            [sys.executable, "-m", "bench.embedded", sink.url], check=True, capture_output=True, text=True
        )
        figures: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        figures["received"] = sink.count
        figures["received_once"] = len(set(sink.message_ids)) == sink.count == LESSONS
    return figures


def _measure(smtp_url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder), smtp_url, tick_seconds=0.5, smtp_timeout_seconds=30.0)
        database = Database(settings.database_url)
        upgrade(database)
        runtime = make_runtime(database, settings, VirtualClock(MORNING))
        _enrol(database, course_of(runtime).campaign_id)
        at_eight(runtime)
        runtime, worker = embed(runtime)
        begun = time.perf_counter()
        worker.start()
        accepted = 0
        while accepted < LESSONS and time.perf_counter() - begun < _LONGEST_SECONDS:
            time.sleep(0.05)
            accepted = _accepted(database)
        seconds = time.perf_counter() - begun
        worker.stop()
        found = audit(database, runtime.clock.now(), timedelta(minutes=5))
        states = {state: sum(line.count(state) for line in found.totals) for state in DeliveryState}
        database.close()
    return {
        "due": LESSONS,
        "accepted": states[DeliveryState.ACCEPTED],
        "books_balanced": found.balanced,
        "seconds_from_start_of_worker": round(seconds, 2),
        "messages_per_second": round(LESSONS / seconds),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _enrol(database: Database, campaign_id: int) -> None:
    """Confirmed readers whose first lesson is due at 08:00."""
    due = MORNING + timedelta(hours=2)
    with database.write() as session:
        for number in range(1, LESSONS + 1):
            session.add(
                SubscriberRow(
                    id=number,
                    email=f"r{number}@x.example",
                    name="Sam",
                    language="nl",
                    status="active",
                    created_at=MORNING,
                )
            )
        session.flush()
        for number in range(1, LESSONS + 1):
            session.add(ScheduleRow(subscriber_id=number, zone="Europe/Amsterdam", hour=8, weekdays=127))
            session.add(
                EnrolmentRow(
                    campaign_id=campaign_id,
                    subscriber_id=number,
                    status=EnrolmentStatus.ACTIVE,
                    next_due_at=due,
                    started_at=MORNING,
                )
            )


def _accepted(database: Database) -> int:
    with database.read() as session:
        return sum(count for (_, state), count in lessons_by_state(session).items() if state == DeliveryState.ACCEPTED)


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
