"""The pictures of an article, as they are in its file. Nothing is fetched, and none is decoded here.

A reader names the place of a picture by `<img src="article:SOURCE">`, where the source is the name of the part of an
archive, or the number of a picture that is written out in a page (`data-1`). So a document can name nothing but what is
in its own file.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import count
from pathlib import PurePath
from typing import NamedTuple

from rugcourse.articles.archives import open_archive
from rugcourse.articles.encodings import decoded
from rugcourse.articles.errors import ArticleError
from rugcourse.pictures.errors import InvalidPicture
from rugcourse.pictures.header import MAX_UPLOAD_BYTES, check_upload

SOURCE_SCHEME = "article:"
EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".webp")
MOST_PICTURES = 30
MOST_PICTURE_BYTES = 50_000_000  # of all of them
_SMALLEST = 100  # pixels: what is smaller is a bullet, an icon, or counts visitors
_FOLDERS = {".docx": "word/media/", ".odt": "Pictures/"}
_DATA = re.compile(r"""data:image/[a-z+.-]{1,20};base64,([A-Za-z0-9+/=\s]{1,28000000})(?=["')])""")


class ArticlePicture(NamedTuple):
    """A picture of an article: where the file has it, the name of its file, and its bytes as they were."""

    source: str
    name: str
    content: bytes


def article_pictures(data: bytes, filename: str) -> list[ArticlePicture]:
    """Return the pictures of a Word, OpenDocument or HTML file that can be used, in the order of the file.

    What is no picture, or too large, is passed over. One that is there twice is returned twice, and weighs once. Raises
    ArticleError for a damaged archive.
    """
    extension = PurePath(filename.replace("\\", "/")).suffix.lower()
    found: list[ArticlePicture] = []
    known: set[bytes] = set()
    left = MOST_PICTURE_BYTES
    for one in _all_in(data, extension):
        if len(found) == MOST_PICTURES:
            break
        if one.content in known:
            found.append(one)
        elif len(one.content) <= left and _is_usable(one.content):
            found.append(one)
            known.add(one.content)
            left -= len(one.content)
    return found


def with_sources(html: str) -> str:
    """Return a page in which each picture that is written out has a source instead, as `article_pictures` counts."""
    numbers = count(1)
    return _DATA.sub(lambda _: f"{SOURCE_SCHEME}data-{next(numbers)}", html)


def _all_in(data: bytes, extension: str) -> Iterator[ArticlePicture]:
    if extension in _FOLDERS:
        yield from _in_archive(data, _FOLDERS[extension])
    elif extension in {".html", ".htm"}:
        for number, match in enumerate(_DATA.finditer(decoded(data)), 1):
            try:
                content = base64.b64decode(match[1], validate=False)
            except binascii.Error:
                continue
            yield ArticlePicture(f"data-{number}", f"picture-{number}.png", content)


def _in_archive(data: bytes, folder: str) -> Iterator[ArticlePicture]:
    archive = open_archive(data)
    for name in sorted(archive.names, key=lambda one: (len(one), one)):  # image2 before image10
        if name.startswith(folder):
            try:
                yield ArticlePicture(name, PurePath(name).name, archive.read(name, MAX_UPLOAD_BYTES))
            except ArticleError:
                continue


def _is_usable(content: bytes) -> bool:
    try:
        header = check_upload(content)
    except InvalidPicture:
        return False
    return header.width >= _SMALLEST and header.height >= _SMALLEST
