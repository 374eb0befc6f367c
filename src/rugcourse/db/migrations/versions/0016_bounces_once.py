"""Which report a bounce was noted of, and since when a person has their address, and which one they had before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("report", sa.String(64), nullable=True))
    op.add_column("subscriber", sa.Column("address_since", UtcDateTime(timezone=True), nullable=True))
    op.add_column("subscriber", sa.Column("former_address", sa.String(64), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
