"""A file of a course is a small, plain picture, and nothing but that picture is in it."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pictures import PNG_SIGNATURE, chunk, jpeg_frame, png, segment

from rugcourse.pictures.errors import InvalidPicture, PictureProblem
from rugcourse.pictures.file_check import MAX_FILE_BYTES, check_file

ZIP = b"PK\x03\x04" + bytes(40)


def raw_png(head: bytes, lines: bytes) -> bytes:
    return PNG_SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def head(width: int = 2, height: int = 2, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)


FINE = {
    "png": png(),
    "png with transparency": png(colour=(1, 2, 3, 4)),
    "png of 16 bits": raw_png(head(depth=16), (b"\0" + bytes(12)) * 2),
    "png of one bit": raw_png(head(width=9, depth=1, colour=0), (b"\0" + bytes(2)) * 2),
    "png with its resolution": png(extra=chunk(b"pHYs", bytes(9))),
    "jpeg": jpeg_frame(),
    "jpeg with tables, JFIF and restarts": jpeg_frame(
        extra=segment(0xE0, b"JFIF\0" + bytes(9)) + segment(0xDB, bytes(65)), scan=b"\x01\xff\xd0\x02\xff\x00"
    ),
}
NOT_PREPARED = {
    "a place in a JPEG": (jpeg_frame(extra=segment(0xE1, b"Exif\0\0GPS")), "metadata"),
    "a comment in a JPEG": (jpeg_frame(extra=segment(0xFE, b"<script>")), "metadata"),
    "a text in a PNG": (png(extra=chunk(b"tEXt", b"Author\0Kim")), "metadata"),
    "an animation": (png(extra=chunk(b"acTL", bytes(8))), "animation"),
    "a zip behind a JPEG": (jpeg_frame() + ZIP, "behind the picture"),
    "a zip behind a PNG": (png() + ZIP, "behind the picture"),
    "a zip behind the pixels": (
        PNG_SIGNATURE
        + chunk(b"IHDR", head())
        + chunk(b"IDAT", zlib.compress((b"\0" + bytes(6)) * 2) + ZIP)
        + chunk(b"IEND", b""),
        "behind the picture",
    ),
    "too wide": (png(1601, 1), "1601 × 1 pixels; at most 1600 × 2400"),
    "too high": (png(1, 2401), "at most 1600 × 2400"),
    "interlaced": (raw_png(head(interlaced=1), (b"\0" + bytes(6)) * 2), "interlaced"),
    "a GIF": (b"GIF89a" + struct.pack("<HH", 2, 2) + bytes(9), "GIF, which not every mail program shows"),
    "too large": (png() + bytes(MAX_FILE_BYTES), "larger than 1.5 MB"),
}
DAMAGED = {
    "a second size of a PNG": png(extra=chunk(b"IHDR", head(width=30, height=79))),
    "a second frame of a JPEG": jpeg_frame(extra=segment(0xC0, b"\x08" + struct.pack(">HH", 9, 9) + b"\x01\x01\x11\0")),
    "a truncated PNG": png()[:-20],
    "a truncated JPEG": jpeg_frame()[:-1],
    "a JPEG that ends in its scan": jpeg_frame()[:-2],
    "a wrong checksum": png().replace(zlib.crc32(b"IEND").to_bytes(4, "big"), b"0000"),
    "fewer lines than it says": raw_png(head(height=3), (b"\0" + bytes(6)) * 2),
    "more lines than it says": raw_png(head(height=1), (b"\0" + bytes(6)) * 2),
    "a filter that there is not": raw_png(head(), (b"\x09" + bytes(6)) * 2),
    "a way to keep colours that there is not": raw_png(head(colour=5), (b"\0" + bytes(6)) * 2),
    "a depth that its colours can't have": raw_png(head(depth=4), (b"\0" + bytes(6)) * 2),
    "a palette that is not there": raw_png(head(colour=3), (b"\0" + bytes(2)) * 2),
    "pixels that are no zlib": PNG_SIGNATURE
    + chunk(b"IHDR", head())
    + chunk(b"IDAT", b"no zlib")
    + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("name", FINE)
def test_a_plain_picture_is_accepted_under_its_hash(name: str) -> None:
    ref = check_file(FINE[name], "Load.png")
    assert ref.name == "load"
    assert ref == check_file(FINE[name], "load.png")
    assert ref.extension == ("jpg" if "jpeg" in name else "png")


@pytest.mark.parametrize("name", NOT_PREPARED)
def test_what_is_more_than_a_picture_is_refused_with_what_to_do(name: str) -> None:
    data, said = NOT_PREPARED[name]
    with pytest.raises(InvalidPicture, match=said) as refused:
        check_file(data, "x.png")
    assert refused.value.problem == PictureProblem.NOT_PREPARED
    assert "rugcourse courses picture" in str(refused.value)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_picture_is_refused(name: str) -> None:
    with pytest.raises(InvalidPicture) as refused:
        check_file(DAMAGED[name], "x.png")
    assert refused.value.problem == PictureProblem.DAMAGED


def test_a_bomb_in_a_png_is_unpacked_no_further_than_its_size() -> None:
    bomb = raw_png(head(), bytes(50_000_000))
    assert len(bomb) < 60_000
    with pytest.raises(InvalidPicture):
        check_file(bomb, "x.png")


@given(st.integers(0, len(png()) - 1), st.integers(1, 255))
def test_a_changed_byte_never_ends_in_another_error(place: int, change: int) -> None:
    data = bytearray(png())
    data[place] ^= change
    try:
        check_file(bytes(data), "x.png")
    except InvalidPicture:
        return
    raise AssertionError("a PNG has a checksum for each of its bytes")
