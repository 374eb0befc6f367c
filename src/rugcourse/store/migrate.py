"""Brings a database to the schema that this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from rugcourse.store.database import Database, DatabaseError


def upgrade(database: Database) -> None:
    """Run the migrations that are missing; safe to repeat. Raises DatabaseError when the server can't be reached."""
    config = _config()
    try:
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except OperationalError as error:
        raise DatabaseError(f"the database can't be reached (RUGCOURSE_DATABASE_URL): {error.orig}") from None


def is_current(database: Database) -> bool:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    try:
        with database.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head
    except OperationalError as error:
        raise DatabaseError(f"the database can't be reached (RUGCOURSE_DATABASE_URL): {error.orig}") from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
