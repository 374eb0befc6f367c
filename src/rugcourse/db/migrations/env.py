"""Alembic's entry: runs migrations on the connection that `rugcourse.db.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from rugcourse.db.models import Base

_ONE_AT_A_TIME = 7_284_003  # any number: two processes that start together must not migrate together

connection = context.config.attributes["connection"]
if connection.dialect.name == "sqlite":
    # A table that is made anew is dropped in between, and what names it would be in its way. Not in a transaction.
    connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
with connection.begin():
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    context.run_migrations()
if connection.dialect.name == "sqlite":
    connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")
