"""Whether a cohort goes again to those who know its course."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.store.types import UtcDateTime

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("again_before", UtcDateTime(timezone=True), nullable=True))
    # Those that were started before anybody was asked go on as they began.
    op.execute("UPDATE campaign SET again_before = started_at")


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
