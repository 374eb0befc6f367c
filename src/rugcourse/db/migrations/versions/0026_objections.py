"""Readers object to tags; who is known by a former address is found by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("untagged_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_subscriber_former_address"), "subscriber", ["former_address"])


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
