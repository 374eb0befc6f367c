"""What is done to many people, batch by batch; two wordings that are compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.models.base import BigId
from rugcourse.db.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("mark", BigId, nullable=False),
        sa.Column("total", BigId, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "job_chunk",
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("job.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("lines", sa.JSON(), nullable=False),
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("lesson_id", sa.Integer(), sa.ForeignKey("lesson.id"), nullable=False),
        sa.Column("version_a", sa.Integer(), sa.ForeignKey("lesson_version.id"), nullable=False),
        sa.Column("version_b", sa.Integer(), sa.ForeignKey("lesson_version.id"), nullable=False),
        sa.Column("minimum", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("looked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("winner", sa.String(8), nullable=True),
        sa.Column("found", sa.JSON(), nullable=False),
    )
    op.create_index("ix_trial_lesson_id", "trial", ["lesson_id"])
    undecided = sa.text("decided_at IS NULL")
    op.create_index(
        "uq_trial_open", "trial", ["lesson_id"], unique=True, sqlite_where=undecided, postgresql_where=undecided
    )
    with op.batch_alter_table("consent") as consent:
        consent.alter_column("source", type_=sa.String(200), existing_type=sa.String(40))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
