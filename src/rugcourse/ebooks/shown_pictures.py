"""The pictures of an e-book: file name → content, as its blocks name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from rugcourse.pictures.reference import MEDIA_TYPES

if TYPE_CHECKING:
    from rugcourse.ebooks.document import Book

ShownPictures = Mapping[str, bytes]


def only_with(book: Book, names: Collection[str]) -> Book:
    """Return the book with only these pictures: others show their alt text, as where a draft names one that is gone."""
    return {key: _only_with(value, names) for key, value in book.items()}


def names_in(book: Book) -> list[str]:
    """Return the file names of the pictures of a book, each once."""
    found: dict[str, None] = {}
    _collect(book, found)
    return list(found)


def media_type(name: str) -> str:
    return MEDIA_TYPES[name.rpartition(".")[2]]


def _only_with(value: object, names: Collection[str]) -> object:
    if isinstance(value, dict):
        changed = {key: _only_with(one, names) for key, one in value.items()}
        is_gone = value.get("kind") == "picture" and value["file"] not in names
        return {**changed, "file": ""} if is_gone else changed
    if isinstance(value, list):
        return [_only_with(one, names) for one in value]
    return value


def _collect(value: object, found: dict[str, None]) -> None:
    if isinstance(value, dict):
        if value.get("kind") == "picture" and value["file"]:
            found[value["file"]] = None
        for one in value.values():
            _collect(one, found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, found)
