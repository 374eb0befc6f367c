"""What a new installation still needs before its first readers come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.models import AuditAction, SubscriberStatus
from rugcourse.db.queries import admins
from rugcourse.settings import RESERVED, Settings
from rugcourse.site_settings import store


class FirstStep(StrEnum):
    """The steps, in their order."""

    BRANDING = "branding"
    SENDER = "sender"
    COURSE = "course"
    TEST_EMAIL = "test-email"
    COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True)
class GettingStarted:
    """`has_people`: somebody has signed up or was imported. `is_closed`: an owner wants to see it no more."""

    done: frozenset[FirstStep]
    has_people: bool
    is_closed: bool

    @property
    def is_shown(self) -> bool:
        return not self.is_closed and len(self.done) < len(FirstStep)


def getting_started(session: Session, settings: Settings, *, checked: bool) -> GettingStarted:
    """Return which steps are done. `checked`: the last checks of mail server and DNS found no errors."""
    stored = store.load(session)
    people = counters.totals(session)
    steps = {
        FirstStep.BRANDING: stored.settings.has_branding or "practice" in settings.model_fields_set,
        FirstStep.SENDER: checked and not settings.sender_domain.endswith(RESERVED),
        FirstStep.COURSE: admins.was_done(
            session, (AuditAction.COURSE_PUBLISH, AuditAction.COURSE_ADD, AuditAction.LESSON_PUBLISH)
        ),
        FirstStep.TEST_EMAIL: admins.was_done(session, (AuditAction.SITE_SEND_TEST,)),
        FirstStep.COLLEAGUE: admins.count_admins(session) > 1,
    }
    return GettingStarted(
        done=frozenset(step for step, is_done in steps.items() if is_done),
        has_people=any(people.get((0, 0, f"subscriber {status}"), 0) for status in SubscriberStatus),
        is_closed=store.is_getting_started_closed(session),
    )
