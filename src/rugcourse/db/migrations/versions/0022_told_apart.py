"""A draft that is begun anew has another number than the one before; and who left everything left some before that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("course", sa.Column("drafts_kept", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("enrolment", sa.Column("left_at", UtcDateTime(), nullable=True))
    kept = "SELECT coalesce(max(saved), 0) FROM lesson_draft WHERE lesson_draft.course_id = course.id"
    op.execute(f"UPDATE course SET drafts_kept = ({kept})")  # noqa: S608
    left = "SELECT left_at FROM subscriber WHERE subscriber.id = enrolment.subscriber_id"
    op.execute(f"UPDATE enrolment SET left_at = ({left}) WHERE status = 'left'")  # noqa: S608


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
