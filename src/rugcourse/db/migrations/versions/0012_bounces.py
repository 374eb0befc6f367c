"""Bounces and complaints are found by when they came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("kind IN ('bounce', 'complaint')")
    op.create_index("ix_event_bounce", "event", ["kind", "at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_event_bounce", "event")
