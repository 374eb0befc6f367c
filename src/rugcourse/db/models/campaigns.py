"""Tables of campaigns and enrolments: who gets which course, and how far they are."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, check, one_of, partial_index
from rugcourse.db.models.json_columns import AudienceEstimate
from rugcourse.db.models.kinds import CAMPAIGN_TYPES, COURSE_KINDS, CampaignKind, CampaignType
from rugcourse.db.models.values import CampaignStatus, EnrolmentStatus, Ground


class CampaignRow(Base):
    """A campaign: who gets a course, or one message, and when.

    `audience` and `timing`: who and when, see `rugcourse.db.queries.audiences` and
    `rugcourse.scheduling.campaign_timing`. Starting it enrols its audience by ascending id: those up to
    `enrolled_up_to` are done, the last one is `enrol_up_to`.
    A cohort excludes people who had its course, except those who already had it at `again_before`.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        one_of("kind", CampaignKind),
        one_of("status", CampaignStatus),
        one_of("ground", Ground),
        check("rate_per_minute", "rate_per_minute > 0"),
        check("enrolled", "enrolled_up_to <= enrol_up_to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    rate_per_minute: Mapped[int | None]  # maximum number of lessons per minute; None: no limit
    status: Mapped[str] = mapped_column(
        String(12), default=CampaignStatus.RUNNING, server_default=CampaignStatus.RUNNING
    )
    pause_reason: Mapped[str | None] = mapped_column(Text)  # why it was paused automatically
    audience: Mapped[JsonObject] = mapped_column(default=dict, server_default="{}")
    timing: Mapped[JsonObject] = mapped_column(default=dict, server_default="{}")
    estimate: Mapped[AudienceEstimate | None] = mapped_column(JSON(none_as_null=True))  # of a draft: who would get it
    resumed_at: Mapped[datetime | None]  # an admin resumed it at this instant; moments before it were missed
    enrol_up_to: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    enrolled_up_to: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    again_before: Mapped[datetime | None]
    ground: Mapped[str] = mapped_column(String(8), default=Ground.NEWS, server_default=Ground.NEWS)  # of a broadcast
    started_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]  # of a draft: it can be restored for some time

    @property
    def type(self) -> CampaignType:
        return CAMPAIGN_TYPES[CampaignKind(self.kind)]

    @hybrid_property
    def sends_course(self) -> bool:
        """Whether it sends the lessons of its course; otherwise a message of its own. Also in SQL."""
        return self.type.sends_course

    @sends_course.inplace.expression
    @classmethod
    def _sends_course_in_sql(cls) -> ColumnElement[bool]:
        return cls.kind.in_(COURSE_KINDS)


class EnrolmentRow(Base):
    """A person in a campaign. `next_due_at` is when the lesson at `next_position` is due. No later date is stored.

    `awaits_answer`: the quiz of the last lesson is not answered, and the next one waits for that (see `Cadence`).
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("campaign_id", "subscriber_id"),
        partial_index("ix_enrolment_due", "campaign_id", "next_due_at", where="next_due_at IS NOT NULL"),
        one_of("status", EnrolmentStatus),
        check("next_position", "next_position > 0"),
        check("completed", "(status <> 'completed' OR completed_at IS NOT NULL)"),
        check("left", "status <> 'left' OR left_at IS NOT NULL"),
        check("over", "status = 'active' OR next_due_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    status: Mapped[str] = mapped_column(String(12))
    next_position: Mapped[int] = mapped_column(default=1)
    lessons_planned: Mapped[int] = mapped_column(default=0)  # counted separately from the ledger, for reconciliation
    next_due_at: Mapped[datetime | None]
    last_local_date: Mapped[date | None]
    awaits_answer: Mapped[bool] = mapped_column(default=False, server_default=false())
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
