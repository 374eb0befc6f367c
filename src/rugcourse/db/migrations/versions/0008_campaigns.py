"""Campaigns with an audience and a time, messages of their own, tags, and counters that the database keeps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from rugcourse.db.counters import add_triggers, rebuild
from rugcourse.db.models.base import BigId
from rugcourse.db.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = ("campaign_id", "lesson_id", "day", "what")


def upgrade() -> None:
    for column in (
        sa.Column("status", sa.String(12), nullable=False, server_default="running"),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("audience", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("timing", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("estimate", sa.JSON(), nullable=True),
        sa.Column("go_from", UtcDateTime(timezone=True), nullable=True),
        sa.Column("enrol_up_to", BigId, nullable=False, server_default="0"),
        sa.Column("enrolled_up_to", BigId, nullable=False, server_default="0"),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("archived_at", UtcDateTime(timezone=True), nullable=True),
    ):
        op.add_column("campaign", column)
    op.add_column("lesson", sa.Column("campaign_id", sa.Integer(), nullable=True))
    op.create_index("ix_lesson_campaign_id", "lesson", ["campaign_id"])
    op.drop_index("ix_enrolment_next_due_at", "enrolment")
    due = sa.text("next_due_at IS NOT NULL")
    op.create_index(
        "ix_enrolment_due", "enrolment", ["campaign_id", "next_due_at"], sqlite_where=due, postgresql_where=due
    )
    op.create_table(
        "tag",
        sa.Column("subscriber_id", BigId, sa.ForeignKey("subscriber.id"), primary_key=True),
        sa.Column("tag", sa.String(40), primary_key=True),
    )
    op.create_index("ix_tag_tag", "tag", ["tag"])
    op.create_table("tally", *_counter(), sa.PrimaryKeyConstraint(*_KEY))
    op.create_table("tally_change", sa.Column("id", BigId, primary_key=True), *_counter())
    op.add_column("event", sa.Column("first", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE event SET first = (1 = 1) WHERE id IN (SELECT min(id) FROM event GROUP BY delivery_id, kind, verdict)"
    )
    add_triggers(op.get_bind())
    with Session(op.get_bind()) as session:
        rebuild(session)


def _counter() -> list[sa.Column[Any]]:
    return [
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.String(120), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
    ]


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
