"""Writes a course to its folder, without silently overwriting or removing newer files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from rugcourse.content import AuthoringErrors, Course, load_course
from rugcourse.content.fingerprints import Fingerprints, fingerprints_of
from rugcourse.content.loader import IGNORED
from rugcourse.content.writer import file_names, to_file
from rugcourse.course_editor.linter import check_whole
from rugcourse.course_editor.merge import OnConflict, merge
from rugcourse.pictures.reference import FOLDER


@dataclass(frozen=True, slots=True)
class FolderChange:
    """The changes to make in a folder.

    `written`: file name → text; `pictures`: file name → content, of those that are not there. `set_aside`: files with
    unique content, which are copied before they are overwritten or removed. `newer_in_files`: parts that stay as they
    are in the files.
    """

    folder: Path
    written: Mapping[str, BaseModel]
    removed: tuple[str, ...]
    set_aside: tuple[str, ...]
    newer_in_files: tuple[str, ...]
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    def carry_out(self) -> list[Path]:
        """Make the changes; returns the backup copies. Raises OSError.

        If it fails half-way there may be a file too many, but none is missing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        copies = [_copy(self.folder / name) for name in self.set_aside]
        if self.pictures:
            (self.folder / FOLDER).mkdir(exist_ok=True)
        for name, content in self.pictures.items():
            _write_whole(self.folder / FOLDER / name, content)
        for name, text in self.written.items():
            _write_whole(self.folder / name, to_file(text).encode())
        for name in self.removed:
            (self.folder / name).unlink()
        return copies


def change_for(
    course: Course, in_files: Fingerprints | None, folder: Path, on_conflict: OnConflict
) -> FolderChange | None:
    """Return the changes that bring a folder in sync with the published `course`; None if there are none.

    `in_files`: see `merge`. Raises MergeConflict, and AuthoringErrors for a folder that can't be read, unless
    `on_conflict` says to overwrite it.
    """
    there = _read(folder, on_conflict)
    present = _present(folder, there)
    wanted_course, newer = course, tuple[str, ...]()
    if there is not None:
        merged = merge(course, there, in_files, on_conflict)
        wanted_course, newer = merged.course, merged.newer_in_files
        check_whole(wanted_course)
    wanted = file_names(wanted_course)
    written = {name: text for name, text in wanted.items() if present.get(name) != text}
    gone = [name for name in present if name not in wanted]
    last = _texts_last_seen(there, in_files or fingerprints_of(course))
    kept_elsewhere = [*wanted.values(), *file_names(course).values(), *last]
    overwritten = [name for name in present if name in written or name in gone]
    lost = tuple(name for name in overwritten if not any(present[name] == text for text in kept_elsewhere))
    if not (written or gone or newer):
        return None
    return FolderChange(folder, written, tuple(gone), lost, newer)


def _read(folder: Path, on_conflict: OnConflict) -> Course | None:
    """Return the course in a folder, or None if there is none, or if it can't be read and may be overwritten."""
    if not any(folder.glob("*.md")):
        return None
    try:
        return load_course(folder)
    except AuthoringErrors:
        if on_conflict != OnConflict.OURS:
            raise
        return None


def _present(folder: Path, there: Course | None) -> dict[str, BaseModel | None]:
    """Return file name → content; None for a file that can't be read."""
    if there is None:
        return {file.name: None for file in sorted(folder.glob("*.md")) if file.name not in IGNORED}
    return dict(file_names(there))


def _texts_last_seen(there: Course | None, in_files: Fingerprints) -> list[BaseModel]:
    """Return the texts of files that have not changed since they were last imported or exported."""
    if there is None:
        return []
    prints = fingerprints_of(there)
    seen = in_files["lessons"]
    texts: list[BaseModel] = [
        text
        for lesson in there.lessons
        if prints["lessons"][lesson.slug] == seen.get(lesson.slug)
        for text in lesson.texts.values()
    ]
    if prints["course"] == in_files["course"]:
        texts += [*there.texts.values(), *there.tests.values(), *there.safety_notices.values()]
    return texts


def _write_whole(file: Path, content: bytes) -> None:
    """Write a file atomically: a crash leaves it as it was."""
    file = file.resolve()
    new = file.with_name(f".{file.name}.new")
    with new.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    if file.exists():
        new.chmod(file.stat().st_mode & 0o777)
    new.replace(file)


def _copy(file: Path) -> Path:
    """Copy a file to `02-slug.nl.md.old`, with a number if that exists. The loader ignores such names."""
    copy, number = file.with_name(f"{file.name}.old"), 1
    while copy.exists():
        number += 1
        copy = file.with_name(f"{file.name}.old{number}")
    shutil.copy2(file, copy)
    return copy
