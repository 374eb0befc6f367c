"""Drafts of campaigns: content, audience, timing and pace, saved one part at a time. Drafts send nothing.

A new cohort excludes people who followed its course before. They are counted separately when the audience is counted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import Message
from rugcourse.db.audience import Again, Audience, Following, permission_of
from rugcourse.db.engine import Database
from rugcourse.db.models import CAMPAIGN_TYPES, AuditAction, CampaignKind, CampaignRow, CampaignStatus, Ground
from rugcourse.db.models.json_columns import AudienceEstimate
from rugcourse.db.queries import admins, audiences, campaigns
from rugcourse.errors import ConflictError, InvalidState
from rugcourse.scheduling import Timing


class NoDraft(InvalidState):
    """There is no such campaign, or it is not a draft any more."""


class DraftConflict(ConflictError):
    """Somebody else changed the same part of the draft since the page was loaded."""


class Part(StrEnum):
    """A part of a draft that is saved separately."""

    WHAT = "what"
    WHO = "who"
    WHEN = "when"
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a campaign, and when (UTC), for the audit log. `admin_id` None: the command line."""

    admin_id: int | None
    at: datetime

    def record(
        self, session: Session, action: AuditAction, row: CampaignRow, after: dict[str, object] | None = None
    ) -> None:
        """Write a change of a campaign to the audit log."""
        about = {"name": row.name, **(after or {})}
        admins.record_change(session, self.at, self.admin_id, action, f"campaign:{row.id}", None, about)


def is_draft(row: CampaignRow) -> bool:
    """Return whether a campaign can be changed and started."""
    return row.status == CampaignStatus.DRAFT and row.discarded_at is None


def etag(session: Session, row: CampaignRow, *parts: Part) -> str:
    """Return the entity tag of some parts of a draft, or of all parts (RFC 9110, 8.8.3).

    Requests that change a part or start the campaign contain it, so that a change to an outdated state is refused.
    """
    message = campaigns.find_message(session, row.id)
    timing = dict(row.timing)
    every_days = timing.pop("every_days", None)
    state = {
        Part.WHAT: [row.name, message.content_hash if message else None],
        Part.WHO: [row.ground, row.audience],
        Part.WHEN: timing,
        Part.PACE: [row.rate_per_minute, every_days],
    }
    shown = {part: state[part] for part in parts or Part}
    return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]


def create(session: Session, actor: Actor, kind: CampaignKind, course_id: int, name: str) -> int:
    """Create a draft, and return its id."""
    row = CampaignRow(course_id=course_id, kind=kind, name=name, created_at=actor.at, status=CampaignStatus.DRAFT)
    row.audience = _first_audience(kind, course_id).document()
    session.add(row)
    session.flush()
    actor.record(session, AuditAction.CAMPAIGN_CREATE, row, {"kind": kind})
    return row.id


def duplicate(session: Session, actor: Actor, campaign_id: int, name: str) -> int:
    """Create a draft from a campaign, which may have ended, without its send time. Returns its id. Raises NoDraft."""
    model = campaigns.find(session, campaign_id)
    if model is None or model.discarded_at is not None:
        raise NoDraft
    timing = campaigns.timing_of(model).model_copy(update={"at": None, "day": None})
    kind = CampaignKind(model.kind) if model.type.has_audience else CampaignKind.COHORT
    row = CampaignRow(course_id=model.course_id, kind=kind, name=name, created_at=actor.at)
    row.status, row.rate_per_minute = CampaignStatus.DRAFT, model.rate_per_minute
    row.audience, row.timing, row.ground = dict(model.audience), timing.document(), model.ground
    if not model.type.has_audience:
        row.audience = _first_audience(kind, row.course_id).document()
    session.add(row)
    session.flush()
    message = campaigns.find_message(session, campaign_id)
    if message is not None:
        campaigns.save_message(session, row, message, actor.at)
    actor.record(session, AuditAction.CAMPAIGN_DUPLICATE, row, {"of": campaign_id})
    return row.id


def write(
    session: Session, now: datetime, campaign_id: int, name: str, message: Message | None, seen: str | None = None
) -> None:
    """Save the name of a draft and, for a broadcast, its message. Raises NoDraft, DraftConflict.

    `seen`, here and below: the etag of the part when the page was loaded; None to skip the check.
    """
    row = _draft(session, campaign_id, Part.WHAT, seen)
    row.name = name
    if message is not None:
        campaigns.save_message(session, row, message, now)


def set_audience(
    database: Database,
    clock: Clock,
    campaign_id: int,
    audience: Audience,
    seen: str | None = None,
    ground: Ground | None = None,
) -> None:
    """Save the audience, and count it: people, people without the needed consent, schedules, and for a cohort those who
    followed its course before. `ground`: of a broadcast; None to keep it.

    Raises NoDraft, DraftConflict.
    """
    now = clock.now()
    with database.read() as session:
        draft = campaigns.find(session, campaign_id)
        if draft is None:
            raise NoDraft
        allowed = permission_of(draft, ground)
        groups = audiences.schedules(session, audience, now, allowed)
        people = sum(count for _, count in groups)
        estimate: AudienceEstimate = {
            "at": now.isoformat(),
            "count": people,
            "not_agreed": max(audiences.size(session, audience, now) - people, 0),
            "languages": audiences.languages(session, audience, now, allowed),
            "schedules": [(*audiences.columns_of(schedule), count) for schedule, count in groups],
        }
        if draft.type.enrols_once:
            again = Again(draft.course_id, before=now)
            estimate["repeats"] = asdict(audiences.repeats(session, audience, now, again, allowed))
    with database.write() as session:
        row = _draft(session, campaign_id, Part.WHO, seen)
        row.audience, row.estimate, row.ground = audience.document(), estimate, ground or row.ground


def recount(database: Database, clock: Clock, campaign_id: int) -> None:
    """Count the audience of a draft again. A concurrent change wins, as it has counted too. Raises NoDraft."""
    with database.read() as session:
        draft = campaigns.find(session, campaign_id)
        if draft is None:
            raise NoDraft
        seen = etag(session, draft, Part.WHO)
    with suppress(DraftConflict):
        set_audience(database, clock, campaign_id, Audience.model_validate(draft.audience), seen)


def set_timing(session: Session, campaign_id: int, timing: Timing, seen: str | None = None) -> None:
    """Save the send time; the pace is not changed. Raises NoDraft, DraftConflict."""
    row = _draft(session, campaign_id, Part.WHEN, seen)
    every_days = campaigns.timing_of(row).every_days
    row.timing = timing.model_copy(update={"every_days": every_days}).document()


def set_pace(
    session: Session, campaign_id: int, per_minute: int | None, every_days: int | None, seen: str | None = None
) -> None:
    """Save the maximum of mails per minute, and the days between two lessons. None: no limit, and the reader's own
    pace.

    Raises NoDraft, DraftConflict.
    """
    row = _draft(session, campaign_id, Part.PACE, seen)
    row.rate_per_minute = per_minute
    row.timing = campaigns.timing_of(row).model_copy(update={"every_days": every_days}).document()


def discard(session: Session, actor: Actor, campaign_id: int) -> None:
    """Discard a draft; it can be restored for some time. Raises NoDraft."""
    row = _draft(session, campaign_id)
    row.discarded_at = actor.at
    actor.record(session, AuditAction.CAMPAIGN_DISCARD, row)


def restore(session: Session, actor: Actor, campaign_id: int) -> None:
    """Restore a discarded draft. Raises NoDraft."""
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or row.discarded_at is None:
        raise NoDraft
    row.discarded_at = None
    actor.record(session, AuditAction.CAMPAIGN_RESTORE, row)


def _first_audience(kind: CampaignKind, course_id: int) -> Audience:
    """Return the audience of a new draft. By default nobody gets a course twice."""
    if CAMPAIGN_TYPES[kind].enrols_once:
        return Audience(course_id=course_id, following=Following.NEVER)
    return Audience()


def _draft(session: Session, campaign_id: int, part: Part | None = None, seen: str | None = None) -> CampaignRow:
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or not is_draft(row):
        raise NoDraft
    if part is not None and seen is not None and seen != etag(session, row, part):
        raise DraftConflict
    return row
