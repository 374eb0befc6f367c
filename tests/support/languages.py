"""Another language of the interface, German, in a folder of catalogues that is there for one test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from tests.support.builders import LESSONS

from rugcourse import i18n, locales, paths
from rugcourse.web import rendering

GERMAN_COURSE = "stress-und-ruecken"
MARK = "[de] "


@contextmanager
def with_german(folder: Path) -> Iterator[None]:
    """Add a catalogue whose translations are the English texts behind a mark, in a copy of the folder of catalogues."""
    own = shutil.copytree(paths.folder("locales"), folder / "locales", ignore=shutil.ignore_patterns("*.pot"))
    _write_catalogue(own, "de")
    folder_of = paths.folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "folder", lambda name: own if name == "locales" else folder_of(name))
        _forget_languages()
        yield
    _forget_languages()


def _write_catalogue(folder: Path, language: str) -> None:
    with (folder / "nl.po").open("rb") as file:
        dutch = read_po(file, locale="nl")
    catalogue = Catalog(locale=language)
    for message in dutch:
        if message.id:
            forms = tuple(f"{MARK}{one}" for one in message.id) if message.pluralizable else f"{MARK}{message.id}"
            catalogue.add(message.id, forms, flags=message.flags)
    with (folder / f"{language}.po").open("wb") as file:
        write_po(file, catalogue)


def _forget_languages() -> None:
    for cached in (locales.languages, i18n._catalogue, i18n._locale, rendering._environment):
        cached.cache_clear()


def write_german_course(folder: Path) -> Path:
    """Write a course that is in German only: the texts of an English one, under another name."""
    made = folder / GERMAN_COURSE
    made.mkdir(parents=True)
    for file in (LESSONS / "stress-en-rugpijn").glob("*.en.md"):
        shutil.copy(file, made / file.name.replace(".en.", ".de."))
    return made
