"""SQLite gives no number a second time: a link, a bounce or a log line of who was erased is about nobody else.

PostgreSQL never did. Each table is made anew, as https://sqlite.org/lang_altertable.html describes it.
"""

from __future__ import annotations

import re

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What was deleted before can't be known. Numbers go on so far above what is there that they meet none of it.
_MARGIN = 1_000_000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    tables = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%PRIMARY KEY (id)%'")
    ).all()
    for name, _ in triggers:
        op.execute(f"DROP TRIGGER {name}")
    for name, ddl in tables:
        if re.search(r"\bid INTEGER NOT NULL,", ddl):
            _rebuild(name, ddl)
    for _, ddl in triggers:
        connection.exec_driver_sql(ddl)
    if connection.execute(text("SELECT id FROM course")).first():  # it was used before
        connection.execute(text("UPDATE sqlite_sequence SET seq = seq + :margin"), {"margin": _MARGIN})


def _rebuild(name: str, ddl: str) -> None:
    connection = op.get_bind()
    indexes = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name AND sql IS NOT NULL"),
        {"name": name},
    ).scalars()
    statements = list(indexes)
    ddl = re.sub(r"\bid INTEGER NOT NULL,", "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,", ddl, count=1)
    ddl = re.sub(r",\s*CONSTRAINT \w+ PRIMARY KEY \(id\)", "", ddl, count=1)
    ddl = re.sub(r'^CREATE TABLE "?\w+"?', f'CREATE TABLE "{name}_new"', ddl, count=1)
    connection.exec_driver_sql(ddl)
    connection.exec_driver_sql(f'INSERT INTO "{name}_new" SELECT * FROM "{name}"')  # noqa: S608 - names of our tables
    connection.exec_driver_sql(f'DROP TABLE "{name}"')
    connection.exec_driver_sql(f'ALTER TABLE "{name}_new" RENAME TO "{name}"')
    for statement in statements:
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")
