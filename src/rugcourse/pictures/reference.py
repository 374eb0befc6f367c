"""The address of a picture in a text, which says everything that is needed to show it.

    ![How load and capacity balance](pictures/load-9f86d081884c7d659a2feaa0c55ad015-1200x675.png)

`load` is the author's word for it, which may be left out. Then come the first 128 bits of the SHA-256 of the file, its
width and its height in pixels. So a mail, a page or a book is rendered without a look at a table, and an old version
of a lesson keeps its pictures. The same text stands in the database, in the files of a course and in course packs.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

FOLDER = "pictures"
DIGEST = r"[0-9a-f]{32}"
MAX_WIDTH, MAX_HEIGHT = 1600, 2400  # of what is kept, in pixels
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png"}  # what every mail program shows
MAIL_WIDTHS = (600, 1200)  # the second for screens with two pixels for one
PAGE_WIDTHS = (800, 1600)
SMALL_WIDTH = 160  # of logos, icons and faces
WIDTHS = tuple(sorted({SMALL_WIDTH, *MAIL_WIDTHS, *PAGE_WIDTHS}))
MAX_NAME_LENGTH = 60

_REFERENCE = re.compile(
    rf"{FOLDER}/(?:(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)-)?(?P<digest>{DIGEST})"
    r"-(?P<width>[1-9][0-9]{0,3})x(?P<height>[1-9][0-9]{0,3})\.(?P<extension>jpg|png)"
)


@dataclass(frozen=True, slots=True)
class PictureRef:
    """A picture as a text names it. `name` may be empty. `width` and `height` in pixels."""

    name: str
    digest: str
    width: int
    height: int
    extension: str

    @property
    def file_name(self) -> str:
        """The name of its file in the folder `pictures` of a course."""
        name = f"{self.name}-" if self.name else ""
        return f"{name}{self.digest}-{self.width}x{self.height}.{self.extension}"

    @property
    def address(self) -> str:
        """What stands in a text."""
        return f"{FOLDER}/{self.file_name}"

    def at_least(self, width: int) -> int:
        """Return the width of the file that shows it `width` pixels wide without a blur, as far as there is one."""
        return next((one for one in rendition_widths(self.width) if one >= width), self.width)

    def path(self, width: int) -> str:
        """Return the path of the file of a width, on the website."""
        return f"/{FOLDER}/{self.digest}-{width}.{self.extension}"

    def shown_at_most(self, width: int) -> tuple[int, int]:
        """Return width and height at which it is shown where there are `width` pixels."""
        shown = min(self.width, width)
        return shown, max(1, round(self.height * shown / self.width))

    def shown_within(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height at which it is shown where there are `width` by `height` pixels."""
        return self.shown_at_most(min(width, max(1, round(self.width * height / self.height))))


def parse_reference(address: str) -> PictureRef | None:
    """Return the picture that an address in a text names, or None if it is no such address."""
    found = _REFERENCE.fullmatch(address)
    if found is None or len(found["name"] or "") > MAX_NAME_LENGTH:
        return None
    width, height = int(found["width"]), int(found["height"])
    if width > MAX_WIDTH or height > MAX_HEIGHT:
        return None
    return PictureRef(found["name"] or "", found["digest"], width, height, found["extension"])


def rendition_widths(width: int) -> tuple[int, ...]:
    """Return the widths in which a picture is kept: those of mails and pages below its own, and its own."""
    return (*(one for one in WIDTHS if one < width), width)


def digest_of(content: bytes) -> str:
    """Return the hash by which a picture is kept and found: nobody can make two files with the same one."""
    return hashlib.sha256(content).hexdigest()[:32]


def picture_name(file_name: str) -> str:
    """Derive the author's word for a picture from the name of its file: `Load & Capacity.PNG` → `load-capacity`."""
    stem = file_name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    words = re.sub(r"[^a-z0-9]+", "-", stem.lower())
    words = re.sub(rf"-?{DIGEST}-\d+x\d+$", "", words.strip("-"))  # of a file that we named ourselves
    return words[:MAX_NAME_LENGTH].strip("-")
