"""Readers ask for another address themselves, object to being compared, and are told before they are erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.counters import add_triggers
from rugcourse.db.types import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "address_change",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("subscriber_id", _BIG_ID, nullable=True),
        sa.Column("secret", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sqlite_autoincrement=True,
    )
    for column in ("subscriber_id", "address_hash"):
        op.create_index(op.f(f"ix_address_change_{column}"), "address_change", [column])
    for column in ("objected_at", "warned_at"):
        op.add_column("subscriber", sa.Column(column, UtcDateTime(), nullable=True))
    op.add_column("answer", sa.Column("left_out", sa.Boolean(), nullable=False, server_default=sa.false()))
    add_triggers(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
