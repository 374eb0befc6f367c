"""Drafts that were discarded and can be restored; whether a campaign goes again to those who know its course."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("again_before", UtcDateTime(timezone=True), nullable=True))
    op.add_column("campaign", sa.Column("discarded_at", UtcDateTime(timezone=True), nullable=True))
    # Those that were started before anybody was asked go on as they began.
    op.execute("UPDATE campaign SET again_before = started_at")
    op.create_table(
        "discarded_draft",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("course_id", sa.Integer(), sa.ForeignKey("course.id"), nullable=False),
        sa.Column("slug", sa.String(60), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=True),
        sa.Column("discarded_at", UtcDateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
