"""A consent names the words that were shown, the notice beside them, its course and its mail; consent to other news."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# What anybody can have agreed to until now. Consents named it by its English text, whatever the language.
_TEXTS = (
    (
        "Yes, send me the lessons of this course by e-mail. That I follow it, and how I answer, can say something "
        "about my health: I explicitly agree that this is kept for the course. I can stop at any time with one tap."
    ),
    (
        "You may also measure whether I open mails and follow links, to make the course better. Not needed for the "
        "course. I can withdraw this at any time."
    ),
    "Yes, start my course",
    "Yes, unsubscribe me",
    "Undo: I want to keep reading",
    "It was not me: never write to this address",
    "Yes, send me the lessons of this course by e-mail. I can stop at any time with one tap.",
    "You may also measure whether I open mails and follow links, to make the course better. Not needed for the course.",
)


def upgrade() -> None:
    wording = op.create_table(
        "wording",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_wording")),
    )
    names = {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in _TEXTS}
    op.bulk_insert(wording, [{"name": name, "language": "en", "text": text} for name, text in names.items()])
    op.add_column("consent", sa.Column("notice", sa.String(40), nullable=False, server_default=""))
    op.add_column("consent", sa.Column("course_id", sa.Integer(), nullable=True))
    op.add_column("consent", sa.Column("delivery_id", _ID, nullable=True))
    op.create_index(op.f("ix_consent_wording"), "consent", ["wording"])
    op.add_column("subscriber", sa.Column("news", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("campaign", sa.Column("ground", sa.String(8), nullable=False, server_default="news"))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
