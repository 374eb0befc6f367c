"""A slower cadence, since when somebody is gone, whether a lesson helped, and courses as files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.models.base import BigId
from rugcourse.db.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule", sa.Column("every_days", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("subscriber", sa.Column("left_at", UtcDateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE subscriber SET left_at = (SELECT max(at) FROM consent WHERE consent.subscriber_id = subscriber.id"
        " AND purpose = 'lessons' AND NOT given) WHERE status = 'left'"
    )
    nobodys = sa.text("subscriber_id IS NULL")
    op.create_index("ix_attempt_of_nobody", "attempt", ["at"], sqlite_where=nobodys, postgresql_where=nobodys)
    op.create_table(
        "feedback",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("lesson_id", sa.Integer(), sa.ForeignKey("lesson.id"), nullable=False),
        sa.Column("delivery_id", BigId, sa.ForeignKey("delivery.id"), nullable=True),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_feedback_lesson_id", "feedback", ["lesson_id"])
    from_mail = sa.text("delivery_id IS NOT NULL")
    op.create_index(
        "uq_feedback_delivery_id",
        "feedback",
        ["delivery_id"],
        unique=True,
        sqlite_where=from_mail,
        postgresql_where=from_mail,
    )
    op.create_table(
        "edition",
        sa.Column("course_id", sa.Integer(), sa.ForeignKey("course.id"), primary_key=True),
        sa.Column("language", sa.String(5), primary_key=True),
        sa.Column("kind", sa.String(5), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
