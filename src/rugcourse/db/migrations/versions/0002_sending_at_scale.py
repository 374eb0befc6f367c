"""Leases of their own, fewer and cheaper indexes on the ledger, holds, limits and heartbeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subscriber") as subscriber:
        subscriber.add_column(sa.Column("domain", sa.String(253), nullable=False, server_default=""))
    at = "strpos(email, '@')" if op.get_bind().dialect.name == "postgresql" else "instr(email, '@')"
    op.execute(f"UPDATE subscriber SET domain = substr(email, {at} + 1)")  # noqa: S608 - a constant
    with op.batch_alter_table("subscriber") as subscriber:
        subscriber.alter_column("domain", existing_type=sa.String(253), server_default=None)
    with op.batch_alter_table("campaign") as campaign:
        campaign.add_column(sa.Column("per_minute", sa.Integer(), nullable=True))
    _change_deliveries()
    op.create_table(
        "lease",
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.JSON(), nullable=False),
    )
    op.create_table(
        "hold",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
    )
    op.create_table(
        "bucket",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("filled_at", UtcDateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "process",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
    )


def _change_deliveries() -> None:
    # What a worker holds at this moment has no lease row to run out. Workers are stopped while the schema changes;
    # what was claimed was not sent, and of what was being sent only the mail server knows.
    op.execute("UPDATE delivery SET state = 'planned', lease = NULL WHERE state = 'claimed'")
    op.execute(
        "UPDATE delivery SET state = 'unknown', settled_at = not_before, reply = 'the schema changed meanwhile' "
        "WHERE state = 'submitting'"
    )
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_index("ix_delivery_leased")
        delivery.drop_index("ix_delivery_planned")
        delivery.drop_index("ix_delivery_campaign_id")
        delivery.drop_constraint("uq_delivery_once_key", type_="unique")
        delivery.drop_column("lease_until")
        delivery.add_column(sa.Column("send_by", UtcDateTime(timezone=True), nullable=True))
        delivery.alter_column("not_before", existing_type=UtcDateTime(timezone=True), nullable=True)
    op.execute("UPDATE delivery SET not_before = NULL WHERE state <> 'planned'")
    for name, columns, unique, where in (
        ("ix_delivery_planned", ["queue", "not_before"], False, "not_before IS NOT NULL"),
        ("uq_delivery_once_key", ["once_key"], True, "once_key IS NOT NULL"),
    ):
        condition = sa.text(where)
        op.create_index(name, "delivery", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE delivery SET (fillfactor = 60)")


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
