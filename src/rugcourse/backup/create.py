"""Makes a backup while the pages and the workers go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from rugcourse import __version__
from rugcourse.backup.archive import Progress
from rugcourse.backup.manifest import FORMAT, JOURNAL, PICTURES, Manifest, TableEntry, part_of
from rugcourse.backup.writer import BackupWriter, new_file
from rugcourse.db import table_rows
from rugcourse.db.engine import Database
from rugcourse.db.migrate import newest_revision
from rugcourse.db.queries import picture_files
from rugcourse.db.table_rows import TableLayout
from rugcourse.delivery.journal import open_leases
from rugcourse.picture_storage.storage import StoredFileMissing


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup that was made. `size`: bytes of the file."""

    path: Path
    size: int
    manifest: Manifest


def create_backup(
    database: Database, journals: Path, path: Path, now: datetime, progress: Progress, *, overwrite: bool = False
) -> MadeBackup:
    """Write everything that the installation keeps into one file; nothing is held up meanwhile.

    `journals`: the folder of the workers' journals. All rows are of one moment. Raises BackupExists, BackupRuns,
    BackupNotWritten, StorageUnavailable and DatabaseAway; then there is no file.
    """
    with new_file(path, overwrite=overwrite) as file:
        writer = BackupWriter(file)
        with database.read() as session:
            table_rows.begin_snapshot(session)
            tables = _write_tables(session, writer, progress)
            keys = sorted(picture_files.all_keys(session))
        # After the rows: what a journal says of a lease that the rows don't have does no harm.
        writer.write(JOURNAL, [open_leases(journals)])
        missing = _write_pictures(database, writer, keys, progress)
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            schema_revision=newest_revision(),
            database=database.dialect,
            made_at=now,
            tables=tuple(tables),
            parts=tuple(writer.parts),
            missing_pictures=tuple(missing),
        )
        writer.finish(manifest)
    return MadeBackup(path, path.stat().st_size, manifest)


def _write_tables(session: Session, writer: BackupWriter, progress: Progress) -> list[TableEntry]:
    counted = [(layout, table_rows.count_rows(session, layout)) for layout in table_rows.layouts()]
    total, done = sum(count for _, count in counted), 0
    entries = []
    for layout, count in counted:
        writer.write(part_of(layout.name), _lines(session, layout, done, total, progress))
        entries.append(
            TableEntry(
                name=layout.name,
                columns=tuple(layout.names),
                rows=count,
                last_id=table_rows.last_id(session, layout),
            )
        )
        done += count
    return entries


def _lines(session: Session, layout: TableLayout, before: int, total: int, progress: Progress) -> Iterator[bytes]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
    done = before
    for batch in table_rows.read_rows(session, layout):
        yield "".join(f"{encode(row)}\n" for row in batch).encode()
        done += len(batch)
        progress(done, total)


def _write_pictures(database: Database, writer: BackupWriter, keys: list[str], progress: Progress) -> list[str]:
    """Copy the files of pictures outside the database. Returns the keys of those that are gone meanwhile."""
    storage, missing = database.picture_storage, []
    for number, key in enumerate(keys, 1):
        try:
            content = storage.get(key) if storage is not None else None
        except StoredFileMissing:
            content = None
        if content is None:
            missing.append(key)
        else:
            writer.write(PICTURES + key, [content])
        progress(number, len(keys))
    return missing
