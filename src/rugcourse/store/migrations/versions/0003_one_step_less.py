"""Planned goes to submitting in one step; no reference from the ledger to rows that are never deleted is checked."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE delivery SET state = 'planned', not_before = planned_at, lease = NULL WHERE state = 'claimed'")
    with op.batch_alter_table("delivery") as delivery:
        for column, table in (("campaign_id", "campaign"), ("lesson_id", "lesson")):
            delivery.drop_constraint(f"fk_delivery_{column}_{table}", type_="foreignkey")
        delivery.drop_constraint("fk_delivery_lesson_version_id_lesson_version", type_="foreignkey")


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
