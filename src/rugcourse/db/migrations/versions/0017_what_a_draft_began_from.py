"""A draft knows the version of its lesson that it was written from, and its place by the lesson before it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_lesson = sa.table(
    "lesson",
    *(sa.column(name, sa.Integer) for name in ("course_id", "campaign_id", "position", "current_version_id")),
    sa.column("slug", sa.String),
)


def upgrade() -> None:
    for name, key in (("lesson_draft", ("course_id", "slug")), ("discarded_draft", ("id",))):
        op.add_column(name, sa.Column("began_from", sa.Integer(), nullable=False, server_default="0"))
        _fill(name, key)


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")


def _fill(name: str, key: tuple[str, ...]) -> None:
    """As if each draft had been begun now: nobody knows what it was begun from."""
    table = sa.table(
        name,
        *(sa.column(one, sa.Integer) for one in ("id", "course_id", "began_from")),
        sa.column("slug", sa.String),
        sa.column("fields", sa.JSON),
    )
    connection = op.get_bind()
    wanted = list(dict.fromkeys([*key, "course_id", "slug", "fields"]))
    for row in connection.execute(sa.select(*(table.c[one] for one in wanted))).mappings().all():
        lessons = _lessons(connection, row["course_id"])
        connection.execute(
            sa.update(table)
            .where(*(table.c[one] == row[one] for one in key))
            .values(began_from=lessons.get(row["slug"], 0), fields=_placed(row["fields"], row["slug"], list(lessons)))
        )


def _lessons(connection: sa.Connection, course_id: int) -> dict[str, int]:
    """Slug → version, in the order of the course."""
    rows = connection.execute(
        sa.select(_lesson.c.slug, _lesson.c.current_version_id)
        .where(_lesson.c.course_id == course_id, _lesson.c.position.is_not(None), _lesson.c.campaign_id.is_(None))
        .order_by(_lesson.c.position)
    )
    return {slug: version or 0 for slug, version in rows}


def _placed(fields: dict[str, Any], slug: str, order: list[str]) -> dict[str, Any]:
    """The same fields with the slug of the lesson before it, where the place is another one than it has."""
    place = int(fields.get("place") or 0)
    others = [one for one in order if one != slug]
    found = {name: text for name, text in fields.items() if name != "place"}
    if place and order[place - 1 : place] != [slug]:
        found["behind"] = others[min(place - 2, len(others) - 1)] if place > 1 and others else ""
    return found
