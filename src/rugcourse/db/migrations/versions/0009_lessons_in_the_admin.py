"""Lessons that are written in the admin pages: drafts, versions kept for readers under way, what the files held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.models.base import BigId
from rugcourse.db.types import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("course", sa.Column("in_files", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "lesson_keep",
        sa.Column("lesson_id", sa.Integer(), sa.ForeignKey("lesson.id"), nullable=False),
        sa.Column("up_to_enrolment", BigId, nullable=False),
        sa.Column("version_id", sa.Integer(), sa.ForeignKey("lesson_version.id"), nullable=False),
        sa.PrimaryKeyConstraint("lesson_id", "up_to_enrolment"),
    )
    op.create_table(
        "lesson_draft",
        sa.Column("course_id", sa.Integer(), sa.ForeignKey("course.id"), nullable=False),
        sa.Column("slug", sa.String(60), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("saved", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=True),
        sa.Column("saved_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("course_id", "slug"),
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
