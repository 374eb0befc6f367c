"""An index for searching people by how their address begins."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_subscriber_beginning", "subscriber", ["email"], postgresql_ops={"email": "text_pattern_ops"})


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
