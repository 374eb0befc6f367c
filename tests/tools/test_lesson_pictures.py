"""The pictures of the shipped courses are what their templates draw, and light enough for a mail."""

from __future__ import annotations

import struct
import zlib

from tests.support.builders import LESSONS
from tests.support.pictures import PNG_SIGNATURE, chunk
from tools.lesson_pictures import MAX_BYTES, PICTURES, draw
from tools.png import packed_flat

from rugcourse.pictures.file_check import check_file


def test_each_shipped_picture_is_here_ready_for_mails_and_no_other_is() -> None:
    wanted = {
        LESSONS / course / "pictures" / f"{name}-{language}.png"
        for (course, name, _), by_language in PICTURES.items()
        for language in by_language
    }
    assert set(LESSONS.glob("*/pictures/*")) == wanted
    for file in wanted:
        content = file.read_bytes()
        assert check_file(content, file.name).width == 1200
        assert len(content) < MAX_BYTES


def test_a_picture_is_drawn_as_it_is_shipped() -> None:
    (course, name, template), by_language = next(one for one in PICTURES.items() if one[0][1] == "balance")
    shipped = (LESSONS / course / "pictures" / f"{name}-nl.png").read_bytes()
    assert draw(template, "nl", by_language["nl"]) == shipped


def test_packing_keeps_every_pixel_whatever_its_filter() -> None:
    lines = [bytes((value * row) % 256 for value in range(16)) for row in range(1, 6)]
    filtered, above = b"", bytes(16)
    for kind, line in enumerate(lines):
        filtered += bytes([kind]) + bytes(
            (line[at] - _predicted(kind, line[at - 4] if at >= 4 else 0, above[at], above[at - 4] if at >= 4 else 0))
            % 256
            for at in range(16)
        )
        above = line
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 5, 8, 6, 0, 0, 0))
    png = PNG_SIGNATURE + head + chunk(b"IDAT", zlib.compress(filtered)) + chunk(b"IEND", b"")
    plain = b"".join(b"\0" + line for line in lines)
    assert packed_flat(png) == PNG_SIGNATURE + head + chunk(b"IDAT", zlib.compress(plain, 9)) + chunk(b"IEND", b"")


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    """PNG, third edition, section 9.2, written down once more."""
    ahead = left + up - corner
    nearest = min((left, up, corner), key=lambda one: abs(one - ahead))  # the first of equals
    return (0, left, up, (left + up) // 2, nearest)[kind]
