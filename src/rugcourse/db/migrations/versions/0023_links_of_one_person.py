"""Links belong to one person: each has a random number that is in all of theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_RANDOM = {"sqlite": "1 + abs(random()) % 34359738367", "postgresql": "1 + floor(random() * 34359738367)::bigint"}


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("security_stamp", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("subscriber", sa.Column("links_closed_at", UtcDateTime(), nullable=True))
    op.execute(f"UPDATE subscriber SET security_stamp = {_RANDOM[op.get_bind().dialect.name]}")  # noqa: S608


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
