"""Upgrades a database to the schema of this version, and checks whether it is current.

Alembic is imported only for an upgrade: every process checks the schema, and a worker should use little memory.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from rugcourse.db.engine import Database, DatabaseError
from rugcourse.db.search_index import make_search_index

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, to: str = "head") -> None:
    """Run the missing migrations up to revision `to`. Safe to repeat.

    Raises DatabaseError when the server can't be reached, and for a schema that this release does not know.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    try:
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
        make_search_index(database)
    except OperationalError as error:
        raise _unreachable(error) from None
    except CommandError as error:
        raise DatabaseError(
            f"this release does not know the schema of the database ({error}): a later release made it, or one before "
            "the first schema that is kept. Run that release, or start with an empty database"
        ) from None


def is_current(database: Database) -> bool:
    """Whether the schema is current. Raises DatabaseError when the server can't be reached."""
    try:
        with database.engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest_revision()
    except OperationalError as error:
        if "no such table" in str(error.orig):
            return False
        raise _unreachable(error) from None
    except ProgrammingError:  # there is no such table
        return False


def newest_revision() -> str:
    """Return the revision of the last migration, from its numbered file name."""
    return max(file.name for file in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _unreachable(error: OperationalError) -> DatabaseError:
    return DatabaseError(f"the database can't be reached (RUGCOURSE_DATABASE_URL): {error.orig}")
