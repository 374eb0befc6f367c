"""Many readers at once, written straight into the store: for drills and measurements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from rugcourse.schedule import Schedule
from rugcourse.store.database import Database
from rugcourse.store.subscribers import weekday_bits
from rugcourse.store.tables import EnrolmentRow, EnrolmentStatus, ScheduleRow, SubscriberRow, SubscriberStatus

_CHUNK = 10_000


def add_crowd(
    database: Database, campaign_id: int, count: int, schedule: Schedule, due_at: datetime | None, *, first: int = 1
) -> None:
    """Confirmed readers r<number>@d<number mod 7>.example, from number `first` on, in one campaign.

    Each is due for the first lesson at `due_at` (UTC).
    """
    created_at = due_at or datetime.now().astimezone()
    for numbers in _chunks(first, count):
        people: list[dict[str, Any]] = [
            {
                "id": number,
                "email": address(number),
                "name": f"Reader {number}",
                "language": "nl" if number % 2 else "en",
                "status": SubscriberStatus.ACTIVE,
                "measuring": False,
                "created_at": created_at - timedelta(days=1),
            }
            for number in numbers
        ]
        schedules = [
            {
                "subscriber_id": number,
                "zone": schedule.zone,
                "hour": schedule.hour,
                "weekdays": weekday_bits(schedule.weekdays),
                "paused": False,
            }
            for number in numbers
        ]
        enrolments = [
            {
                "campaign_id": campaign_id,
                "subscriber_id": number,
                "status": EnrolmentStatus.ACTIVE,
                "next_position": 1,
                "lessons_planned": 0,
                "next_due_at": due_at,
                "started_at": created_at - timedelta(days=1),
            }
            for number in numbers
        ]
        with database.write() as session:
            session.execute(insert(SubscriberRow), people)
            session.execute(insert(ScheduleRow), schedules)
            session.execute(insert(EnrolmentRow), enrolments)
    if database.dialect == "postgresql":
        with database.write() as session:
            session.execute(text("SELECT setval('subscriber_id_seq', (SELECT max(id) FROM subscriber))"))


def address(number: int) -> str:
    return f"r{number}@d{number % 7}.example"


def _chunks(first: int, count: int) -> Iterator[range]:
    for start in range(first, first + count, _CHUNK):
        yield range(start, min(start + _CHUNK, first + count))
