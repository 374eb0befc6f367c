"""Reads the file of a backup. Everything in it is checked before anything is written.

A zip file is what somebody made of it: entries may overlap, unpack to a thousand times their size, name paths outside
the folder, or be links. So no entry becomes a file under its own name; names are compared with a list; sizes are what
the list of contents says; and each part is hashed before the first row is read.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from pydantic import ValidationError

from rugcourse.backup.manifest import (
    FORMAT,
    JOURNAL,
    MANIFEST,
    PICTURES,
    Manifest,
    TableEntry,
    UnusableBackup,
    part_of,
)
from rugcourse.db.table_rows import Row, TableLayout, layouts
from rugcourse.picture_storage.storage import MAX_FILE_BYTES, is_key

_MAX_MANIFEST_BYTES = 200_000_000
_MAX_LINE_BYTES = 100_000_000  # the largest picture as base64, with room
_MOST_COMPRESSED = 1100  # deflate packs 1032 bytes into one at most
_PIECE = 1 << 20
_TABLE_PART = re.compile(r"tables/[a-z_]{1,60}\.jsonl")
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # an encrypted entry; JSON nested too deeply
    OSError,
    LookupError,
    OverflowError,
)

Progress = Callable[[int, int], None]  # (done, of how many)


class BackupArchive:
    """An open backup. Raises UnusableBackup for a file that is none, is damaged, or is of another schema."""

    def __init__(self, path: Path, schema_revision: str) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise UnusableBackup(f"there is no file {path}") from None
        except _READ_ERRORS as error:
            raise UnusableBackup(
                f"{path} is no backup, or only a part of one: copy it again, or take an earlier one"
            ) from error
        try:
            self._entries = self._checked_entries()
            self.manifest = self._read_manifest()
            self._check_contents(schema_revision)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> BackupArchive:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._zip.close()

    def verify(self, progress: Progress) -> None:
        """Read every part to its end and compare it with its hash. Raises UnusableBackup."""
        done, total = 0, self.manifest.total_bytes
        for part in self.manifest.parts:
            digest, size = hashlib.sha256(), 0
            with self._opened(part.name) as opened:
                while piece := opened.read(_PIECE):
                    size += len(piece)
                    if size > part.size:
                        break
                    digest.update(piece)
                    progress(done + size, total)
            if size != part.size or digest.hexdigest() != part.sha256:
                raise self._damaged(part.name)
            done += size

    def rows(self, table: TableEntry) -> Iterator[Row]:
        """Yield the rows of a table. Raises UnusableBackup for a line that is no row, or another number of rows."""
        count = 0
        with self._opened(table.part) as opened:
            while line := opened.readline(_MAX_LINE_BYTES):
                row = json.loads(line) if line.endswith(b"\n") else None
                if not isinstance(row, list):
                    raise self._damaged(table.part)
                count += 1
                yield row
        if count != table.rows:
            raise self._damaged(table.part)

    def journal(self) -> bytes:
        return self._whole(JOURNAL)

    def picture_keys(self) -> list[str]:
        """Return the keys of the pictures that were in a folder or bucket."""
        return [one.name.removeprefix(PICTURES) for one in self.manifest.parts if one.name.startswith(PICTURES)]

    def picture(self, key: str) -> bytes:
        return self._whole(PICTURES + key)

    def _whole(self, name: str) -> bytes:
        with self._opened(name) as opened:
            return opened.read()

    def _checked_entries(self) -> set[str]:
        entries = self._zip.infolist()
        names = {entry.filename for entry in entries}
        packed = sum(entry.compress_size for entry in entries)
        if len(names) != len(entries) or packed > self._path.stat().st_size:
            raise UnusableBackup(f"{self._path}: entries of the zip file overlap, or have the same name")
        for entry in entries:
            self._check_entry(entry)
        return names

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        mode = entry.external_attr >> 16
        is_plain = stat.S_IFMT(mode) in {0, stat.S_IFREG} and not entry.is_dir()
        is_readable = entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} and not entry.flag_bits & 1
        if not (_is_part(entry.filename) and is_plain and is_readable):
            raise UnusableBackup(f"{self._path}: {entry.filename[:80]!r} is nothing that a backup holds")
        if entry.file_size > entry.compress_size * _MOST_COMPRESSED + _PIECE:
            raise UnusableBackup(f"{self._path}: {entry.filename!r} says that it is larger than it can be")

    def _read_manifest(self) -> Manifest:
        if MANIFEST not in self._entries:
            raise UnusableBackup(f"{self._path} has no {MANIFEST}: it is no backup of rugcourse")
        if self._zip.getinfo(MANIFEST).file_size > _MAX_MANIFEST_BYTES:
            raise self._damaged(MANIFEST)
        try:
            document = json.loads(self._whole(MANIFEST))
        except (ValueError, RecursionError):
            raise self._damaged(MANIFEST) from None
        if isinstance(document, dict) and document.get("format") != FORMAT:
            raise UnusableBackup(
                f"{self._path} has the format {str(document.get('format'))[:20]}, this release reads {FORMAT}: restore "
                "it with the release that made it, or a later one"
            )
        try:
            return Manifest.model_validate(document)
        except ValidationError:
            raise self._damaged(MANIFEST) from None

    def _check_contents(self, schema_revision: str) -> None:
        manifest = self.manifest
        if manifest.schema_revision != schema_revision:
            raise UnusableBackup(
                f"{self._path} has the schema {manifest.schema_revision[:20]!r} of rugcourse {manifest.version[:20]}, "
                f"and this release has {schema_revision}: restore it with that release, then update"
            )
        if [one.name for one in manifest.parts] != list(dict.fromkeys(one.name for one in manifest.parts)):
            raise self._damaged(MANIFEST)
        parts = {one.name: one.size for one in manifest.parts}
        ours = {table.name: table for table in layouts()}
        theirs = [table.name for table in manifest.tables]
        if sorted(theirs) != sorted(ours) or any(list(one.columns) != ours[one.name].names for one in manifest.tables):
            raise UnusableBackup(f"{self._path} has other tables than the schema {schema_revision}")
        wanted = {JOURNAL, *(part_of(name) for name in ours)}
        if {*parts, MANIFEST} != self._entries or not wanted <= set(parts):
            raise UnusableBackup(f"{self._path}: the list of contents names other parts than the file holds")
        if any(size > MAX_FILE_BYTES for name, size in parts.items() if name.startswith((PICTURES, JOURNAL))):
            raise UnusableBackup(f"{self._path}: a picture or journal is too large")

    def tables(self) -> Iterator[tuple[TableLayout, TableEntry]]:
        """Yield the tables, each after those that it refers to."""
        entries = {one.name: one for one in self.manifest.tables}
        for layout in layouts():
            yield layout, entries[layout.name]

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(name) as opened:
                yield opened
        except _READ_ERRORS as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> UnusableBackup:
        return UnusableBackup(
            f"{self._path}: {name} is damaged or was changed; nothing was restored. Copy the file again, or take an "
            "earlier backup"
        )


def _is_part(name: str) -> bool:
    if name.startswith(PICTURES):
        return is_key(name.removeprefix(PICTURES))
    return name in {MANIFEST, JOURNAL} or _TABLE_PART.fullmatch(name) is not None
