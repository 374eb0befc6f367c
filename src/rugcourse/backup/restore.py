"""Puts a backup back: into an empty installation, or in the place of what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from rugcourse.backup.archive import BackupArchive, Progress
from rugcourse.backup.manifest import Manifest, UnusableBackup
from rugcourse.clock import Clock
from rugcourse.db import counters, table_rows
from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current, newest_revision, upgrade
from rugcourse.db.queries import heartbeats
from rugcourse.db.table_rows import Row
from rugcourse.delivery import recovery
from rugcourse.delivery.failures import OnRejection
from rugcourse.delivery.holds import hold_until_released
from rugcourse.delivery.journal import leave_for_recovery
from rugcourse.delivery.reconciliation import GRACE_SECONDS, Audit, audit
from rugcourse.enrolment.suppression import check_key
from rugcourse.errors import ConfigError, ConflictError, InvalidState
from rugcourse.links import Signer

_RESTORED = "a backup was restored: mails that went out after it was made are not in it"
_ALIVE = timedelta(seconds=30)  # three heartbeats
_ROWS_BETWEEN_REPORTS = 1000
_NOT_CONTENT = frozenset({"hold", "key_value", "rate_limit_bucket"})  # an installation without people has them too


class NotEmpty(ConflictError):
    """There is an installation already where the backup was to go."""


class StillRunning(InvalidState):
    """Processes are working on the database that would be replaced."""


class NoPlaceForPictures(ConfigError):
    """The backup has pictures from a folder or bucket, and the settings name none."""


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a backup goes. `journals`: the folder of the workers' journals."""

    database: Database
    journals: Path
    signer: Signer
    clock: Clock
    on_rejection: OnRejection


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """What was restored, and whether it holds together. `miscounted`: how many counters differ from the rows."""

    manifest: Manifest
    audit: Audit
    miscounted: int

    @property
    def is_sound(self) -> bool:
        return self.audit.balanced and not self.miscounted


def restore_backup(target: RestoreTarget, path: Path, *, replace: bool, progress: Progress) -> RestoredBackup:
    """Restore a backup, and hold all sending until an admin releases it.

    The whole file is checked before the first write, and all rows are written in one transaction: a process that is
    killed leaves the database as it was. `replace`: what is there goes. Raises UnusableBackup, NotEmpty, StillRunning,
    NoPlaceForPictures, UnknownSuppressionKey, StorageUnavailable, DatabaseAway and DatabaseError.
    """
    with BackupArchive(path, newest_revision()) as archive:
        if archive.picture_keys() and target.database.picture_storage is None:
            raise NoPlaceForPictures(
                f"{path} has pictures from a folder or bucket: set RUGCOURSE_PICTURE_STORAGE to where they are to go"
            )
        check_place(target.database, target.clock.now(), replace=replace)
        archive.verify(progress)
        if not is_current(target.database):
            upgrade(target.database)
            check_place(target.database, target.clock.now(), replace=replace)  # it may have been an older release's
        _put_pictures(target.database, archive)
        _in_one_transaction(target, archive, progress)
        manifest = archive.manifest
    recovery.settle_journals(target.database, target.clock, target.journals, target.on_rejection)
    recovery.expire_leases(target.database, target.clock)
    found = audit(target.database, target.clock.now(), target.clock.span(GRACE_SECONDS))
    return RestoredBackup(manifest, found, len(target.database.query(counters.differences)))


def check_place(database: Database, now: datetime, *, replace: bool) -> None:
    """Check that a backup can go into a database. Raises NotEmpty and StillRunning."""
    if not is_current(database):
        return  # there are no tables yet; whatever else it is, `upgrade` says so
    found = database.query(contents)
    if found and not replace:
        words = ", ".join(f"{count} in {name}" for name, count in list(found.items())[:5])
        raise NotEmpty(f"the database is not empty ({words}): name an empty one, or use --replace")
    alive = [one for one in database.query(heartbeats.all_processes) if one.seen_at > now - _ALIVE]
    if alive:
        words = ", ".join(f"{one.kind} on {one.host} (process {one.pid})" for one in alive)
        raise StillRunning(f"stop rugcourse first, and wait half a minute: {words}")


def contents(session: Session) -> dict[str, int]:
    """Return table → number of rows, of tables that are not empty."""
    counts = {one.name: table_rows.count_rows(session, one) for one in table_rows.layouts()}
    return {name: count for name, count in counts.items() if count and name not in _NOT_CONTENT}


def _put_pictures(database: Database, archive: BackupArchive) -> None:
    """Put files before the rows that name them; those that a failure leaves are found by `pictures clean`."""
    storage, keys = database.picture_storage, archive.picture_keys()
    if storage is None or not keys:
        return
    there = {one.key: one.size for one in storage.listed()}
    for key in keys:
        content = archive.picture(key)
        if there.get(key) == len(content):
            continue
        if key in there:  # a part of it, as somebody pulled the plug
            storage.delete(key)
        storage.put(key, content)


def _in_one_transaction(target: RestoreTarget, archive: BackupArchive, progress: Progress) -> None:
    try:
        with target.database.write() as session:
            with table_rows.without_counting(session):
                table_rows.delete_all_rows(session)
                _write_tables(session, archive, progress)
            check_key(session, target.signer)
            hold_until_released(session, _RESTORED, target.clock.now())
            leave_for_recovery(target.journals, archive.journal())
    except ProgrammingError as error:
        raise DatabaseError(
            f"restore as the owner of the tables, as `rugcourse db upgrade` runs: {error.orig}"
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error)) from error
    except (IntegrityError, psycopg.Error) as error:
        raise UnusableBackup(
            f"the rows of the backup contradict each other or a rule of the database; nothing was restored: {error}"
        ) from error


def _write_tables(session: Session, archive: BackupArchive, progress: Progress) -> None:
    done, total = 0, archive.manifest.total_rows
    for layout, entry in archive.tables():
        table_rows.write_rows(session, layout, _reported(archive.rows(entry), done, total, progress))
        if entry.last_id is not None and layout.counts_ids:
            table_rows.set_last_id(session, layout, entry.last_id)
        done += entry.rows


def _reported(rows: Iterator[Row], before: int, total: int, progress: Progress) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield row
        if not number % _ROWS_BETWEEN_REPORTS:
            progress(before + number, total)
