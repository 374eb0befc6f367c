"""Brings a database to the schema that this version needs, and tells whether it is there.

Alembic is imported only to upgrade: every process asks whether the schema is current, and a worker is to be small.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from rugcourse.db.engine import Database, DatabaseError

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, to: str = "head") -> None:
    """Run the migrations that are missing, up to one of them or all; safe to repeat.

    Raises DatabaseError when the server can't be reached.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    try:
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
    except OperationalError as error:
        raise _unreachable(error) from None


def is_current(database: Database) -> bool:
    """Raises DatabaseError when the server can't be reached."""
    try:
        with database.engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == _newest()
    except OperationalError as error:
        if "no such table" in str(error.orig):
            return False
        raise _unreachable(error) from None
    except ProgrammingError:  # there is no such table
        return False


def _newest() -> str:
    """The revision of the last migration: their files are numbered."""
    return max(file.name for file in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _unreachable(error: OperationalError) -> DatabaseError:
    return DatabaseError(f"the database can't be reached (RUGCOURSE_DATABASE_URL): {error.orig}")
