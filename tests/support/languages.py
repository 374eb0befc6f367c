"""Another language of the interface, French, with a catalogue that is there for one test; courses in it and in German."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from tests.support.builders import COURSE, LESSONS

from rugcourse import i18n, locales, paths
from rugcourse.web import rendering

FRENCH_COURSE = "stress-et-dos"
GERMAN_COURSE = "ruecken-verstehen"
MARK = "[fr] "


@contextmanager
def with_french(folder: Path) -> Iterator[None]:
    """Add a catalogue whose translations are the English texts behind a mark, in a copy of the folder of catalogues."""
    own = shutil.copytree(paths.folder("locales"), folder / "locales", ignore=shutil.ignore_patterns("*.pot"))
    _write_catalogue(own, "fr")
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


def write_french_course(folder: Path) -> Path:
    """Write a course that is in French only, of three lessons."""
    return _write_course(folder / FRENCH_COURSE, "stress-en-rugpijn", "fr")


def write_german_course(folder: Path) -> Path:
    """Write a course that is in German only, of nine lessons: no shipped one is in it."""
    return _write_course(folder / GERMAN_COURSE, COURSE, "de")


def write_courses_in_german_too(folder: Path) -> Path:
    """Write the shipped courses with a third language, in which their texts are the English ones."""
    made = Path(shutil.copytree(LESSONS, folder))
    for file in made.rglob("*.en.md"):
        shutil.copy(file, file.with_name(file.name.replace(".en.", ".de.")))
    return made


def _write_course(made: Path, course: str, language: str) -> Path:
    """The texts of a course in English, under the name of another language."""
    shutil.copytree(LESSONS / course / "pictures", made / "pictures")
    for file in (LESSONS / course).glob("*.en.md"):
        shutil.copy(file, made / file.name.replace(".en.", f".{language}."))
    return made
