"""What a backup says of itself: which release made it, and each part with its size and hash."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from rugcourse.errors import InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
JOURNAL = "journal/open.journal"
TABLES, PICTURES = "tables/", "pictures/"
NOT_INCLUDED = (
    "settings and secrets of the environment (.env, keys, passwords, DKIM keys)",
    "the withdrawal log, which has to know more than a backup",
    "logins of admins and the list of running processes",
    "the files of courses that you keep elsewhere (lessons folder)",
)


class UnusableBackup(InvalidInput):
    """The file is no backup that can be restored. The message says what is wrong with it."""


class PartEntry(BaseModel):
    """A file in the backup. `size`: bytes before compression."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class TableEntry(BaseModel):
    """A table in the backup. `last_id`: the last id that the database gave in it, None where it gave none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    columns: tuple[str, ...]
    rows: int = Field(ge=0)
    last_id: int | None = None

    @property
    def part(self) -> str:
        return part_of(self.name)


class Manifest(BaseModel):
    """The list of contents. `made_at` is UTC; `missing_pictures`: keys whose file was gone when it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    version: str
    schema_revision: str
    database: str
    made_at: datetime
    tables: tuple[TableEntry, ...]
    parts: tuple[PartEntry, ...]
    missing_pictures: tuple[str, ...] = ()

    @property
    def total_rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def total_bytes(self) -> int:
        return sum(part.size for part in self.parts)

    def rows_of(self, table: str) -> int:
        return next((one.rows for one in self.tables if one.name == table), 0)


def part_of(table: str) -> str:
    """Return the name of the part with the rows of a table."""
    return f"{TABLES}{table}.jsonl"
