"""The format of course packs: the files of one course in a zip file, to pass on to another installation.

    pack.json           the manifest: format, format version, slug, languages, version of the product that wrote it
    course.nl.md        the files of a course's folder, see `rugcourse.content.loader`
    01-welkom.nl.md
    pictures/load.png   its pictures, see `rugcourse.content.picture_files`; a pack has them from format 2 on

A pack comes from anywhere. It is read in memory: no name in it becomes a path, and what its headers say of sizes is
not relied on. Whoever zips a folder by hand gets all files in one folder, so that is accepted too.
"""

from __future__ import annotations

import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rugcourse import __version__
from rugcourse.content.loader import IGNORED, is_course_file
from rugcourse.content.model import Slug
from rugcourse.content.picture_files import is_picture_file
from rugcourse.errors import InvalidInput
from rugcourse.pictures.reference import FOLDER

FORMAT = "rugcourse-course"
FORMAT_VERSION = 2
_WITHOUT_PICTURES = 1  # the format version of a pack that has none, which older installations read
MANIFEST = "pack.json"
MAX_BYTES = 40_000_000
MAX_UNPACKED_BYTES = 4_000_000  # of texts: reading YAML takes up to 16 s of CPU a megabyte
MAX_PICTURE_BYTES = 35_000_000  # of all pictures
MAX_ENTRIES = 500
MAX_RATIO = 100  # unpacked to packed bytes; the texts of the shipped courses have 3

_MANIFEST_BYTES = 10_000
_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same course gives the same bytes
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1  # in the flags of an entry
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._()-]{0,99}")
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    OSError,
    RuntimeError,
    ValueError,
)


class InvalidPack(InvalidInput):
    """The file is no course pack that can be read. `kind` names the reason, for pages in other languages."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class PackTooLarge(InvalidPack):
    """The pack, or what is in it, is over a limit."""


class NewerPack(InvalidPack):
    """A later version of the product wrote the pack, in a format that this one does not know."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was read. `files`: name → text of the files of the course, sorted by name.

    `pictures`: name → content. `product_version`: the version of rugcourse that wrote it.
    """

    slug: str
    languages: tuple[str, ...]
    product_version: str
    files: Mapping[str, str]
    pictures: Mapping[str, bytes]


class _Header(BaseModel):
    """What every format version of a manifest has."""

    model_config = ConfigDict(strict=True)

    format: Literal["rugcourse-course"]
    format_version: int = Field(ge=1)
    product_version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]


class _Manifest(_Header):
    slug: Slug
    languages: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]] = Field(min_length=1, max_length=100)


def write_pack(
    files: Mapping[str, str], slug: str, languages: Sequence[str], pictures: Mapping[str, bytes] | None = None
) -> bytes:
    """Pack the files of a course, given as name → text, and its pictures. The same files give the same bytes.

    Raises InvalidPack for what `read_pack` would refuse: a pack that nobody can import is none.
    """
    shown = pictures or {}
    for name in (*files, *shown):
        if not (is_course_file(name) or (name in shown and is_picture_file(name))):
            raise _unknown(name)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION if shown else _WITHOUT_PICTURES,
        "slug": slug,
        "languages": list(languages),
        "product_version": __version__,
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in [(MANIFEST, json.dumps(manifest, indent=2) + "\n"), *sorted(files.items())]:
            _add(archive, name, text.encode(), zipfile.ZIP_DEFLATED)
        for name, content in sorted(shown.items()):
            _add(archive, f"{FOLDER}/{name}", content, zipfile.ZIP_STORED)
    data = written.getvalue()
    read_pack(data)
    return data


def _add(archive: zipfile.ZipFile, name: str, content: bytes, packing: int) -> None:
    entry = zipfile.ZipInfo(name, _OLDEST_DATE)
    entry.compress_type = packing
    entry.create_system = 3  # Unix, on every system
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    archive.writestr(entry, content, compresslevel=9)


def read_pack(data: bytes) -> Pack:
    """Read a pack. Its texts are not parsed yet. Raises InvalidPack, with what is wrong and how to correct it."""
    if len(data) > MAX_BYTES:
        raise PackTooLarge("too-large", f"the file is larger than {_mb(MAX_BYTES)}; a pack holds one course")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = _checked(archive.infolist())
            texts = {name: one for name, one in entries.items() if not _is_picture(name)}
            raw = _read_all(archive, texts, min(MAX_UNPACKED_BYTES, MAX_RATIO * len(data)))
            shown = {name: one for name, one in entries.items() if _is_picture(name)}
            pictures = _read_all(archive, shown, MAX_PICTURE_BYTES)
    except _UNREADABLE:
        raise InvalidPack("unreadable", "the file is damaged, or no zip file; get it again from its author") from None
    manifest = _manifest(raw)
    return Pack(
        slug=manifest.slug,
        languages=tuple(manifest.languages),
        product_version=manifest.product_version,
        files={name: _text(name, content) for name, content in sorted(raw.items()) if is_course_file(name)},
        pictures={name.removeprefix(f"{FOLDER}/"): content for name, content in sorted(pictures.items())},
    )


def _checked(entries: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return name without the pack's folder → entry, without entries of folders. Raises InvalidPack."""
    if len(entries) > MAX_ENTRIES:
        raise PackTooLarge("too-many", f"the pack has {len(entries)} files; at most {MAX_ENTRIES}")
    if sum(one.file_size for one in entries) > MAX_UNPACKED_BYTES + MAX_PICTURE_BYTES:
        raise PackTooLarge("too-large", f"the pack holds more than {_mb(MAX_UNPACKED_BYTES + MAX_PICTURE_BYTES)}")
    _check_no_twins(one.orig_filename for one in entries)
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for entry in entries:
        folder, name = _split(entry)
        folders.add(folder)
        if name:
            found[name] = entry
    if len(folders) > 1:
        raise InvalidPack("folders", "the files are in several folders; put all of them in one, or in none")
    return found


def _split(entry: zipfile.ZipInfo) -> tuple[str, str]:
    """Return the pack's folder and the name of an entry in it; no folder, or no name, is an empty text.

    The name of a picture begins with `pictures/`. Raises InvalidPack.
    """
    said = _shown(entry.orig_filename)
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidPack("encrypted", f"{said} is encrypted; make the pack without a password")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InvalidPack("no-file", f"{said} is a link or a device; a pack holds files only")
    if entry.compress_type not in _METHODS:
        raise InvalidPack("method", f"{said} is packed in an uncommon way; use the method `deflate`")
    folder, slash, name = entry.orig_filename.rpartition("/")
    if folder == FOLDER:
        return _split_picture(entry, "", name)
    if folder.endswith(f"/{FOLDER}") and folder != f"/{FOLDER}":
        return _split_picture(entry, folder.removesuffix(f"/{FOLDER}"), name)
    if slash and not _FOLDER.fullmatch(folder):
        raise InvalidPack("unsafe-name", f"{said} does not name a file in the pack's one folder; rename it")
    if name and not (name == MANIFEST or name in IGNORED or is_course_file(name)):
        raise _unknown(entry.orig_filename)
    if not (name or slash) or entry.filename != entry.orig_filename:
        raise InvalidPack("unsafe-name", f"{said} is no name of a file; rename it")
    return folder, name


def _split_picture(entry: zipfile.ZipInfo, folder: str, name: str) -> tuple[str, str]:
    if (folder and not _FOLDER.fullmatch(folder)) or entry.filename != entry.orig_filename:
        said = _shown(entry.orig_filename)
        raise InvalidPack("unsafe-name", f"{said} does not name a file in the pack's one folder; rename it")
    if name and not is_picture_file(name):
        raise _unknown(entry.orig_filename)
    return folder, f"{FOLDER}/{name}" if name else ""


def _is_picture(name: str) -> bool:
    return name.startswith(f"{FOLDER}/")


def _unknown(name: str) -> InvalidPack:
    message = f"{_shown(name)} is not a file of a course; take it out, or name it as the others"
    return InvalidPack("unknown-file", message)


def _check_no_twins(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name.casefold() in seen:
            raise InvalidPack("twice", f"{_shown(name)} is in the pack twice, or twice but for capitals; keep one")
        seen.add(name.casefold())


def _read_all(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], most: int) -> dict[str, bytes]:
    """Unpack all entries, at most `most` bytes together, whatever their headers say. Raises PackTooLarge."""
    left, raw = most, {}
    for name, entry in entries.items():
        with archive.open(entry) as opened:
            raw[name] = opened.read(left + 1)
        left -= len(raw[name])
        if left < 0:
            message = f"the pack unpacks to more than {_mb(most)}, which no course of its size does"
            raise PackTooLarge("too-large", message)
        if len(raw[name]) != entry.file_size:
            raise InvalidPack("unreadable", f"{_shown(name)} has another size than the pack says; make the pack again")
    return raw


def _manifest(raw: Mapping[str, bytes]) -> _Manifest:
    content = raw.get(MANIFEST)
    if content is None:
        message = f"there is no {MANIFEST} in it; `rugcourse courses pack` makes a pack of a course"
        raise InvalidPack("no-manifest", message)
    if len(content) > _MANIFEST_BYTES:
        raise PackTooLarge("too-large", f"{MANIFEST} is larger than {_MANIFEST_BYTES // 1000} kB")
    try:
        header = _Header.model_validate_json(content)
        if header.format_version > FORMAT_VERSION:
            raise NewerPack(
                "newer",
                f"rugcourse {header.product_version} made this pack, in format {header.format_version}; this is "
                f"rugcourse {__version__}, which reads format {FORMAT_VERSION}. Update this installation, or ask the "
                "author for a pack in that format",
            )
        return _Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidPack("manifest", f"{MANIFEST}: {_shown(where)}: {first['msg']}; correct it") from None


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{name} is not UTF-8 text; save the file with the encoding UTF-8"
        raise InvalidPack("encoding", message) from None


def _shown(name: str) -> str:
    """Return a name that somebody else chose, as it can be printed."""
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


def _mb(size: int) -> str:
    return f"{size / 1_000_000:g} MB"
