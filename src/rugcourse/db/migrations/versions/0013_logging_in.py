"""Recovery codes, forgotten passwords, security events; challenges that are bound to what they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("admin") as admin:
        admin.add_column(sa.Column("first_login_at", UtcDateTime(timezone=True), nullable=True))
        admin.add_column(sa.Column("reset_token", sa.String(64), nullable=True))
        admin.add_column(sa.Column("reset_until", UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("admin_session") as session:
        session.add_column(sa.Column("code_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.drop_table("admin_challenge")
    op.create_table(
        "admin_challenge",
        sa.Column("challenge", sa.String(120), primary_key=True),
        sa.Column("bound_to", sa.String(64), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "admin_recovery_code",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=False),
    )
    op.create_index("ix_admin_recovery_code_admin_id", "admin_recovery_code", ["admin_id"])
    op.create_table(
        "security_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("admin_id", sa.Integer(), sa.ForeignKey("admin.id"), nullable=True),
        sa.Column("network", sa.String(43), nullable=False),
        sa.Column("browser", sa.String(120), nullable=False),
    )
    op.create_index("ix_security_event_admin_id", "security_event", ["admin_id", "id"])
    op.create_index("ix_security_event_at", "security_event", ["at"])


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
