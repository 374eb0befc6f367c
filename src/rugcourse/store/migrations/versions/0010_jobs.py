"""What is done to many people, batch by batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.store.tables import BigId
from rugcourse.store.types import UtcDateTime

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
    if op.get_bind().dialect.name != "sqlite":  # which does not look at lengths
        op.alter_column("consent", "source", type_=sa.String(200))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
