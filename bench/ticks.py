"""What a tick costs when nothing is due, beside campaigns that were over long ago."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from tests.support.builders import course_of

from bench.site import open_store
from rugcourse.bootstrap import Runtime
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.scheduling import Timing
from rugcourse.worker.tasks import scheduler_tick

BROADCASTS = 1000
READERS = 20
ROUNDS = 15


def measure_ticks() -> dict[str, Any]:
    """The median of a tick's milliseconds on both databases, with none and with many finished broadcasts."""
    return {
        "finished_broadcasts": BROADCASTS,
        **{dialect: _compare(dialect) for dialect in ("postgresql", "sqlite")},
        "target_ms": 50,
    }


def _compare(dialect: str) -> dict[str, float]:
    with open_store(dialect) as runtime:
        none = _milliseconds(runtime)
        _add_finished_broadcasts(runtime)
        many = _milliseconds(runtime)
    return {"with_none_ms": none, "with_all_ms": many}


def _milliseconds(runtime: Runtime) -> float:
    """The first does not count: it works out the figures of the overview."""
    scheduler_tick(runtime)
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        scheduler_tick(runtime)
        taken.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(taken), 1)


def _add_finished_broadcasts(runtime: Runtime) -> None:
    """Each went to some readers a month ago, and all of them have had it."""
    at = datetime.now(UTC) - timedelta(days=30)
    course_id = course_of(runtime).id
    with runtime.database.write() as session:
        people = [
            {"email": f"r{n}@d.example", "domain": "d.example", "language": "nl", "status": SubscriberStatus.ACTIVE}
            for n in range(READERS)
        ]
        ids = session.scalars(
            insert(SubscriberRow).returning(SubscriberRow.id), [{**one, "created_at": at} for one in people]
        ).all()
        for number in range(BROADCASTS):
            campaign = CampaignRow(
                course_id=course_id,
                kind=CampaignKind.BROADCAST,
                name=f"Message {number}",
                status=CampaignStatus.RUNNING,
                timing=Timing(at=at).document(),
                created_at=at,
                started_at=at,
            )
            session.add(campaign)
            session.flush()
            session.add(
                LessonRow(course_id=course_id, campaign_id=campaign.id, slug=f"campaign-{campaign.id}", position=1)
            )
            session.execute(
                insert(EnrolmentRow),
                [
                    {
                        "campaign_id": campaign.id,
                        "subscriber_id": one,
                        "status": EnrolmentStatus.COMPLETED,
                        "next_position": 2,
                        "lessons_planned": 1,
                        "started_at": at,
                        "completed_at": at,
                    }
                    for one in ids
                ],
            )
