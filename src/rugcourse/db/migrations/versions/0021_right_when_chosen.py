"""First answers are counted with whether they were right when they were given: options change their places."""

from __future__ import annotations

from alembic import op
from sqlalchemy.orm import Session

from rugcourse.db.counters import add_triggers, rebuild

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_triggers(op.get_bind())
    with Session(op.get_bind()) as session:
        rebuild(session)


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
