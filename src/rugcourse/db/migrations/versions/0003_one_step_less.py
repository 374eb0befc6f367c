"""Planned goes to submitting in one step; the ledger has no foreign keys."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE delivery SET state = 'planned', not_before = planned_at, lease = NULL WHERE state = 'claimed'")
    with op.batch_alter_table("delivery") as delivery:
        for column in ("campaign", "lesson", "lesson_version", "subscriber", "enrolment"):
            delivery.drop_constraint(f"fk_delivery_{column}_id_{column}", type_="foreignkey")


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
