"""One mail is opened or clicked once, the database sees to it; each trial draws its halves by numbers of its own."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PRIME = 2_147_483_647


def upgrade() -> None:
    op.execute(
        "UPDATE event SET first = (1 = 0) WHERE first AND id NOT IN "
        "(SELECT min(id) FROM event WHERE first GROUP BY delivery_id, kind, verdict)"
    )
    first = sa.text("first")
    op.create_index(
        "uq_event_first",
        "event",
        ["delivery_id", "kind", "verdict"],
        unique=True,
        sqlite_where=first,
        postgresql_where=first,
    )
    # Of trials that are open, mails that went out keep their wording: it stands with them.
    for name in ("multiplier", "shift"):
        op.add_column("trial", sa.Column(name, sa.BigInteger(), nullable=False, server_default="1"))
    connection = op.get_bind()
    for trial_id in connection.execute(sa.text("SELECT id FROM trial")).scalars().all():
        connection.execute(
            sa.text("UPDATE trial SET multiplier = :multiplier, shift = :shift WHERE id = :id"),
            {"multiplier": 1 + secrets.randbelow(_PRIME - 1), "shift": secrets.randbelow(_PRIME), "id": trial_id},
        )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
