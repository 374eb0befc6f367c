"""A/B tests of the subject of the first lesson, and what readers do with its mails."""

from __future__ import annotations

import itertools

from sqlalchemy import select
from tests.support.builders import course_of

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import ab_tests
from rugcourse.clock import VirtualClock
from rugcourse.db.models import AbTestRow, DeliveryRow, DeliveryState, EmailEventRow, EventKind, Verdict

OTHER = {"nl": "Een heel ander onderwerp"}


def lesson_id(runtime: Runtime) -> int:
    return course_of(runtime).lesson_ids["welkom"]


_ENROLMENT_IDS = itertools.count(1_000_000)  # of nobody


def begin(runtime: Runtime, subjects: dict[str, str] | None = None, minimum: int = 100) -> None:
    runtime.database.run(ab_tests.begin, runtime.clock.now(), lesson_id(runtime), subjects or OTHER, minimum, None)


def ab_test(runtime: Runtime) -> AbTestRow:
    with runtime.database.read() as session:
        return session.scalars(select(AbTestRow)).one()


def current_subject(runtime: Runtime) -> str:
    return course_of(runtime).course.lessons[0].texts["nl"].subject


def add_mails(runtime: Runtime, acted: tuple[int, int], count: int = 100) -> None:
    """So many mails of each wording that arrived, and behind how many of each a human clicked."""
    row, now = ab_test(runtime), runtime.clock.now()
    with runtime.database.write() as session:
        for version, most in zip((row.version_a_id, row.version_b_id), acted, strict=True):
            for number in range(count):
                delivery = DeliveryRow(
                    kind="lesson", queue="lessons", state=DeliveryState.ACCEPTED, subscriber_id=number + 1,
                    campaign_id=course_of(runtime).campaign_id, lesson_id=row.lesson_id, lesson_version_id=version,
                    enrolment_id=next(_ENROLMENT_IDS), planned_at=now, settled_at=now, attempts=1,
                )  # fmt: skip
                session.add(delivery)
                session.flush()
                verdict = Verdict.HUMAN if number < most else Verdict.MACHINE
                session.add(
                    EmailEventRow(
                        delivery_id=delivery.id, kind=EventKind.CLICK, link=0, verdict=verdict, is_first=True, at=now
                    )
                )


def decide_after(runtime: Runtime, **span: float) -> None:
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(**span)
    while runtime.database.run(ab_tests.decide_next, runtime.clock.now()):
        pass
