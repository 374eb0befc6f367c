"""Passkeys of admins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin_passkey",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=False),
        sa.Column("credential", sa.String(1400), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", UtcDateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_admin_passkey_admin_id", "admin_passkey", ["admin_id"])
    op.create_table(
        "admin_challenge",
        sa.Column("challenge", sa.String(120), primary_key=True),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
