"""Campaigns before they start: what, who, when and how fast, put together step by step. Nobody gets anything yet.

A cohort is at first for those who never followed its course. Who counts its audience counts apart who knows the course.
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
from rugcourse.db.models import CampaignKind, CampaignRow, CampaignStatus, Ground
from rugcourse.db.models.documents import AudienceEstimate
from rugcourse.db.queries import admins, audiences, campaigns
from rugcourse.errors import ConflictError, InvalidState
from rugcourse.scheduling import Timing


class NoDraft(InvalidState):
    """There is no such campaign, or it has started or was discarded: then it changes no more."""


class DraftConflict(ConflictError):
    """Somebody changed the same part of the draft since the page was opened that says what becomes of it."""


class Part(StrEnum):
    """A part of a draft that is changed by itself."""

    WHAT = "what"
    WHO = "who"
    WHEN = "when"
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something to campaigns, at an instant (UTC), for the log of changes. None: at the command line."""

    admin_id: int | None
    at: datetime

    def note(self, session: Session, action: str, row: CampaignRow, after: dict[str, object] | None = None) -> None:
        about = {"name": row.name, **(after or {})}
        admins.record_change(session, self.at, self.admin_id, f"campaign: {action}", f"campaign:{row.id}", None, about)


def is_draft(row: CampaignRow) -> bool:
    """Whether it can be changed and started."""
    return row.status == CampaignStatus.DRAFT and row.discarded_at is None


def etag(session: Session, row: CampaignRow, *parts: Part) -> str:
    """What identifies a state of some parts of a draft, or of all (as an ETag does: RFC 9110, 8.8.3).

    Whoever changes a part, or starts the campaign, says by it which state they saw.
    """
    message = campaigns.find_message(session, row.id)
    timing = dict(row.timing)
    every_days = timing.pop("every_days", None)
    state = {
        Part.WHAT: [row.name, message.content_hash if message else None],
        Part.WHO: [row.ground, row.audience],
        Part.WHEN: timing,
        Part.PACE: [row.per_minute, every_days],
    }
    shown = {part: state[part] for part in parts or Part}
    return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]


def create(session: Session, author: Author, kind: CampaignKind, course_id: int, name: str) -> int:
    """A new draft; returns its id."""
    row = CampaignRow(course_id=course_id, kind=kind, name=name, created_at=author.at, status=CampaignStatus.DRAFT)
    row.audience = _first_audience(kind, course_id).document()
    session.add(row)
    session.flush()
    author.note(session, "create", row, {"kind": kind})
    return row.id


def duplicate(session: Session, author: Author, campaign_id: int, name: str) -> int:
    """A new draft like a campaign, which may be over; its moment is left open. Returns its id. Raises NoDraft."""
    model = campaigns.find(session, campaign_id)
    if model is None or model.discarded_at is not None:
        raise NoDraft
    timing = campaigns.timing_of(model).model_copy(update={"at": None, "day": None})
    kind = CampaignKind.COHORT if model.kind == CampaignKind.EVERGREEN else CampaignKind(model.kind)
    row = CampaignRow(course_id=model.course_id, kind=kind, name=name, created_at=author.at)
    row.status, row.per_minute = CampaignStatus.DRAFT, model.per_minute
    row.audience, row.timing, row.ground = dict(model.audience), timing.document(), model.ground
    if model.kind == CampaignKind.EVERGREEN:
        row.audience = _first_audience(kind, row.course_id).document()
    session.add(row)
    session.flush()
    message = campaigns.find_message(session, campaign_id)
    if message is not None:
        campaigns.save_message(session, row, message, author.at)
    author.note(session, "duplicate", row, {"of": campaign_id})
    return row.id


def write(
    session: Session, now: datetime, campaign_id: int, name: str, message: Message | None, seen: str | None = None
) -> None:
    """Keep the name of a draft and, of a broadcast, its message. Raises NoDraft, DraftConflict.

    `seen`, here and below: the etag of the part as whoever changes it saw it; None for who has it from nowhere.
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
    """Keep who gets it, and who that is now: how many, how many did not agree to get it, when they want mail, and how
    many know the course of a cohort. `ground`: of a broadcast; None: as it is.

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
            "schedules": [(*audiences.columns_of(schedule), count) for schedule, count in groups],
        }
        if draft.kind == CampaignKind.COHORT:
            again = Again(draft.course_id, before=now)
            estimate["repeats"] = asdict(audiences.repeats(session, audience, now, again, allowed))
    with database.write() as session:
        row = _draft(session, campaign_id, Part.WHO, seen)
        row.audience, row.estimate, row.ground = audience.document(), estimate, ground or row.ground


def recount(database: Database, clock: Clock, campaign_id: int) -> None:
    """Count the audience of a draft anew, unless somebody changed it meanwhile: then it was counted. Raises NoDraft."""
    with database.read() as session:
        draft = campaigns.find(session, campaign_id)
        if draft is None:
            raise NoDraft
        seen = etag(session, draft, Part.WHO)
    with suppress(DraftConflict):
        set_audience(database, clock, campaign_id, Audience.model_validate(draft.audience), seen)


def set_timing(session: Session, campaign_id: int, timing: Timing, seen: str | None = None) -> None:
    """Keep when it goes out; how fast stays as it was. Raises NoDraft, DraftConflict."""
    row = _draft(session, campaign_id, Part.WHEN, seen)
    every_days = campaigns.timing_of(row).every_days
    row.timing = timing.model_copy(update={"every_days": every_days}).document()


def set_pace(
    session: Session, campaign_id: int, per_minute: int | None, every_days: int | None, seen: str | None = None
) -> None:
    """Keep how many mails may go out in a minute, and how many days lie between two lessons.

    Raises NoDraft, DraftConflict.
    """
    row = _draft(session, campaign_id, Part.PACE, seen)
    row.per_minute = per_minute
    row.timing = campaigns.timing_of(row).model_copy(update={"every_days": every_days}).document()


def discard(session: Session, author: Author, campaign_id: int) -> None:
    """Discard a draft; it can be restored for some time. Raises NoDraft."""
    row = _draft(session, campaign_id)
    row.discarded_at = author.at
    author.note(session, "discard", row)


def restore(session: Session, author: Author, campaign_id: int) -> None:
    """Make a discarded draft a draft again. Raises NoDraft."""
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or row.discarded_at is None:
        raise NoDraft
    row.discarded_at = None
    author.note(session, "restore", row)


def _first_audience(kind: CampaignKind, course_id: int) -> Audience:
    """Nobody gets a course twice unless somebody chose so."""
    if kind == CampaignKind.COHORT:
        return Audience(course_id=course_id, following=Following.NEVER)
    return Audience()


def _draft(session: Session, campaign_id: int, part: Part | None = None, seen: str | None = None) -> CampaignRow:
    row = campaigns.find(session, campaign_id, lock=True)
    if row is None or not is_draft(row):
        raise NoDraft
    if part is not None and seen is not None and seen != etag(session, row, part):
        raise DraftConflict
    return row
