"""A draft that is begun anew counts on from the one that was discarded: an old form fits no new draft."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("discarded_draft", sa.Column("saved", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
