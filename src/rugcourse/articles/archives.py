"""Looks into a .docx or .odt, which are ZIP archives of XML, before any parser does.

An archive can unpack to a thousand times its size, and XML can define entities that multiply. So the directory is
measured first, then each part is read up to a limit, and no part may define anything.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - it is an exception

from rugcourse.articles.errors import ArticleError
from rugcourse.i18n import N_

_MOST_ENTRIES = 3_000
_MOST_DIRECTORY_BYTES = 1_000_000
_MOST_UNPACKED = 200_000_000  # bytes of all parts, pictures among them
_MOST_RATIO = 200  # unpacked to packed; text reaches 20
_RATIO_FROM = 5_000_000  # bytes: below that no ratio does harm
_END = b"PK\x05\x06"
_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_END_BYTES, _LONGEST_COMMENT = 22, 65_535
_DEFINITION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}\bencoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})[\"']")

DAMAGED = N_("The file is damaged. Open it in Word or LibreOffice, save it again, and upload that.")
_PROTECTED = N_("The file is protected with a password. Save it without one, and upload that.")
TOO_LARGE = N_("The file unpacks to far more than an article. Save it without pictures, and upload that.")
_DEFINES = N_("No word processor writes definitions into a file as this one has. Copy its text into a new document.")


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP archive whose directory was checked."""

    zip: ZipFile

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.zip.namelist())

    def read(self, name: str, most: int) -> bytes:
        """Return a part of at most `most` bytes. Raises ArticleError."""
        try:
            info = self.zip.getinfo(name)
            if info.file_size > most:
                raise ArticleError(TOO_LARGE)
            with self.zip.open(info) as part:
                content = part.read(most + 1)
        except (KeyError, BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise ArticleError(DAMAGED) from error
        if len(content) > most:
            raise ArticleError(TOO_LARGE)
        return content

    def read_xml(self, name: str, most: int) -> bytes:
        """Return a part in UTF-8 without definitions (DOCTYPE, entities). Raises ArticleError."""
        content = self.read(name, most)
        encoding = _ENCODING.search(content[:200])
        if b"\x00" in content[:4] or (encoding is not None and encoding[1].lower() not in {b"utf-8", b"us-ascii"}):
            raise ArticleError(DAMAGED)
        if _DEFINITION.search(content):
            raise ArticleError(_DEFINES)
        return content


def open_archive(data: bytes) -> Archive:
    """Open an archive, after a look at its directory. Raises ArticleError."""
    _check_directory(data)
    try:
        archive = ZipFile(BytesIO(data))
    except (BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise ArticleError(DAMAGED) from error
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise ArticleError(_PROTECTED)
    if len({entry.filename for entry in entries}) != len(entries) or not all(map(_is_packed_as_usual, entries)):
        raise ArticleError(DAMAGED)
    if sum(entry.file_size for entry in entries) > _MOST_UNPACKED or any(map(_is_bomb, entries)):
        raise ArticleError(TOO_LARGE)
    return Archive(archive)


def _check_directory(data: bytes) -> None:
    """Check the size of the directory before zipfile reads all of it."""
    at = data.rfind(_END, max(0, len(data) - _END_BYTES - _LONGEST_COMMENT))
    if at < 0 or at + _END_BYTES > len(data):
        raise ArticleError(DAMAGED)
    if data[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR):
        raise ArticleError(TOO_LARGE)  # ZIP64, for more than 4 GB: zipfile would follow it to another directory
    entries, size = struct.unpack_from("<HI", data, at + 10)
    if entries > _MOST_ENTRIES or size > _MOST_DIRECTORY_BYTES:
        raise ArticleError(TOO_LARGE)


def _is_packed_as_usual(entry: ZipInfo) -> bool:
    return entry.compress_type in {ZIP_STORED, ZIP_DEFLATED}


def _is_bomb(entry: ZipInfo) -> bool:
    return entry.file_size > _RATIO_FROM and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1)
