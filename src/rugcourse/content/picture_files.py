"""The folder `pictures` of a course: its files, under the names that the author gave them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rugcourse.content.errors import Problem
from rugcourse.content.model import Course
from rugcourse.content.picture_search import pictures_in, pictures_of
from rugcourse.content.picture_tags import addresses_in, with_addresses
from rugcourse.pictures.errors import InvalidPicture
from rugcourse.pictures.file_check import MAX_FILE_BYTES, check_file
from rugcourse.pictures.markup import estimated_mail_bytes
from rugcourse.pictures.reference import FOLDER, PictureRef, parse_reference

MAX_IN_TEXT = 100  # addresses of pictures; a mail is too heavy long before
MAIL_ADVICE_BYTES, MAIL_MAX_BYTES = 300_000, 800_000  # of all pictures of one mail
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}\.(?:jpe?g|png|webp|gif)", re.IGNORECASE)


_UNUSABLE = PictureRef("", "0" * 32, 1, 1, "png")  # stands for a file that is reported, so that it is reported once


def is_picture_file(name: str) -> bool:
    """Whether a file of that name may be in the folder of pictures."""
    return _FILE.fullmatch(name) is not None


class PictureFile(NamedTuple):
    """A picture with its bytes."""

    ref: PictureRef
    content: bytes


class PictureFolder:
    """The pictures of one course in files. Each file is read once, when a text names it."""

    def __init__(self, course_folder: Path) -> None:
        self._folder = course_folder / FOLDER
        self._read: dict[str, PictureFile | Problem | None] = {}
        self._digests: dict[str, PictureFile] | None = None  # of all files, once a text names one by its hash

    def with_addresses(self, text: str) -> tuple[str, list[Problem]]:
        """Return a text in which each picture has the address that says its hash and size, and what is wrong.

        The address of a file that is not there stays as it is.
        """
        found = {address: self._named(address) for address in addresses_in(text)}
        refs = {
            address: one.ref if isinstance(one, PictureFile) else _UNUSABLE for address, one in found.items() if one
        }
        body = with_addresses(text, {address: ref.address for address, ref in refs.items()})
        problems = [one for one in found.values() if isinstance(one, Problem)]
        seen = {ref.digest for ref in refs.values()} | {ref.digest for one in found if (ref := parse_reference(one))}
        oddly_spelled = [ref for ref in pictures_in(body) if ref.digest not in seen]
        return body, [*problems, *(self._missing(ref) for ref in oddly_spelled if self._by_digest(ref.digest) is None)]

    def files(self, course: Course) -> Iterator[PictureFile]:
        """Yield those pictures of a course that are in this folder, each once."""
        for ref in pictures_of(course):
            if (found := self._by_digest(ref.digest)) is not None:
                yield found

    def mail_bytes(self, text: str) -> int:
        """Estimate what the pictures of a text weigh in a mail. Its addresses may be names of files."""
        body, _ = self.with_addresses(text)
        read = (one for one in self._read.values() if isinstance(one, PictureFile))
        return mail_bytes(body, {one.ref.digest: len(one.content) for one in read})

    def _named(self, address: str) -> PictureFile | Problem | None:
        """Return the file with the name of an address, or else the one with its hash under any name."""
        found, ref = self._file(address.removeprefix(f"{FOLDER}/")), parse_reference(address)
        if found is not None or ref is None:
            return found
        return self._by_digest(ref.digest) or self._missing(ref)

    def _missing(self, ref: PictureRef) -> Problem:
        return Problem(self._folder / ref.file_name, 1, "is missing, and a text shows it")

    def _by_digest(self, digest: str) -> PictureFile | None:
        if self._digests is None:
            paths = sorted(self._folder.iterdir(), reverse=True) if self._folder.is_dir() else []
            files = (found for path in paths if isinstance(found := self._file(path.name), PictureFile))
            self._digests = {one.ref.digest: one for one in files}
        return self._digests.get(digest)

    def _file(self, name: str) -> PictureFile | Problem | None:
        if name not in self._read:
            self._read[name] = self._open(name)
        return self._read[name]

    def _open(self, name: str) -> PictureFile | Problem | None:
        path = self._folder / name
        if not is_picture_file(name) or path.is_symlink() or not path.is_file():
            return None
        try:
            with path.open("rb") as opened:
                content = opened.read(MAX_FILE_BYTES + 1)
            return PictureFile(check_file(content, name), content)
        except InvalidPicture as error:
            return Problem(path, 1, str(error))
        except OSError as error:
            return Problem(path, 1, f"can't be read: {error.strerror}")


def mail_bytes(body: str, sizes: Mapping[str, int]) -> int:
    """Estimate what the pictures of a text weigh in a mail. `sizes`: bytes by hash; others count nothing."""
    return sum(estimated_mail_bytes(ref, sizes.get(ref.digest, 0)) for ref in pictures_in(body))


def heavy_lessons(folder: Path) -> list[Problem]:
    """Return the lessons in files whose mail would be slow to load for its pictures. It is advice."""
    pictures = PictureFolder(folder)
    weights = {file: pictures.mail_bytes(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("[0-9]*.md"))}
    return [
        Problem(
            file, 1, f"the pictures weigh about {weight // 1000} kB; up to {MAIL_ADVICE_BYTES // 1000} load quickly"
        )
        for file, weight in weights.items()
        if weight > MAIL_ADVICE_BYTES
    ]
