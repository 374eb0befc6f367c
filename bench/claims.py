"""What it costs to plan and claim 1,000 lessons among ten thousand enrolments, and among a million."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text, update
from tests.support.builders import course_of
from tests.support.bulk_readers import add_crowd

from bench.site import open_store
from rugcourse.bootstrap import Runtime, open_dispatcher, rejection_handler
from rugcourse.db.models import DeliveryQueue, EnrolmentRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import plan_due
from rugcourse.scheduling import Schedule

DUE = 1000
FEW, MANY = 10_000, 1_000_000
ROUNDS = 7


def measure_claims() -> dict[str, Any]:
    """Milliseconds for 1,000 due, and the ratio of many to few, on both databases."""
    return {"due": DUE, **{dialect: _compare(dialect) for dialect in ("postgresql", "sqlite")}, "target_times": 2}


def _compare(dialect: str) -> dict[str, Any]:
    few, many = _milliseconds(dialect, FEW), _milliseconds(dialect, MANY)
    return {
        f"among_{FEW}_ms": round(few, 1),
        f"among_{MANY}_ms": round(many, 1),
        "times_as_much": round(many / few, 2),
    }


def _milliseconds(dialect: str, enrolments: int) -> float:
    """The median over rounds; the first, in which mails are compiled, does not count."""
    with open_store(dialect) as runtime:
        database = runtime.database
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        add_crowd(database, course_of(runtime).campaign_id, enrolments, Schedule("UTC", hour.hour), None)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        dispatcher = open_dispatcher(runtime)
        rounds = [_one_round(runtime, dispatcher, hour, number, enrolments // DUE) for number in range(ROUNDS + 1)]
        dispatcher.close()
    return statistics.median(rounds[1:])


def _one_round(runtime: Runtime, dispatcher: Dispatcher, hour: datetime, number: int, apart: int) -> float:
    """1,000 readers that stand far apart in the store become due; they are planned, and claimed batch by batch."""
    with runtime.database.write() as session:
        session.execute(
            update(EnrolmentRow)
            .where(EnrolmentRow.id % apart == number % apart)
            .values(next_due_at=hour, last_local_date=None)
            .execution_options(synchronize_session=False)
        )
    begun = time.perf_counter()
    planned = plan_due(runtime.database, runtime.clock, runtime.send_window, rejection_handler(runtime)).planned
    claimed = 0
    while batch := dispatcher._claimer.claim(DeliveryQueue.LESSONS):  # noqa: SLF001 - the step that is measured
        claimed += len(batch.drafts)
    taken = 1000 * (time.perf_counter() - begun)
    assert planned == claimed == DUE, (planned, claimed)
    return taken
