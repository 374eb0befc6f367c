"""Type and size come from the bytes of a file, before anything is decoded."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pictures import PNG_SIGNATURE, chunk, jpeg_frame, png, segment

from rugcourse.pictures.errors import InvalidPicture, PictureProblem
from rugcourse.pictures.header import MAX_UPLOAD_BYTES, PictureType, check_upload, read_header


def webp(kind: bytes, content: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


SIZED = {
    "png": (png(60, 40), PictureType.PNG),
    "gif": (gif(60, 40), PictureType.GIF),
    "jpeg": (jpeg_frame(60, 40), PictureType.JPEG),
    "jpeg with Exif": (jpeg_frame(60, 40, extra=segment(0xE1, b"Exif\0\0" + b"\xff\xc0" * 9)), PictureType.JPEG),
    "jpeg with bytes between segments": (
        jpeg_frame(60, 40, extra=segment(0xE0, b"JFIF\0") + b"\0\0"),
        PictureType.JPEG,
    ),
    "webp": (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 60, 40 | 0x4000)), PictureType.WEBP),
    "webp lossless": (webp(b"VP8L", b"\x2f" + struct.pack("<I", 59 | 39 << 14)), PictureType.WEBP),
    "webp extended": (webp(b"VP8X", b"\x10\0\0\0" + b"\x3b\0\0" + b"\x27\0\0"), PictureType.WEBP),
}


@pytest.mark.parametrize("name", SIZED)
def test_type_and_size_are_read(name: str) -> None:
    data, kind = SIZED[name]
    assert read_header(data) == (kind, 60, 40)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", PictureProblem.EMPTY),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", PictureProblem.UNKNOWN_TYPE),
        (b"<html><script>alert(1)</script>", PictureProblem.UNKNOWN_TYPE),
        (b"BM" + bytes(60), PictureProblem.UNKNOWN_TYPE),
        (b"PK\x03\x04" + bytes(60), PictureProblem.UNKNOWN_TYPE),
        (b"%PDF-1.7" + bytes(60), PictureProblem.UNKNOWN_TYPE),
        (PNG_SIGNATURE, PictureProblem.DAMAGED),
        (png(0, 40), PictureProblem.DAMAGED),
        (b"GIF89a\x01", PictureProblem.DAMAGED),
        (b"\xff\xd8\xff", PictureProblem.DAMAGED),
        (b"\xff\xd8\xff\xd9", PictureProblem.DAMAGED),
        (jpeg_frame()[:12], PictureProblem.DAMAGED),
        (b"RIFF\0\0\0\0WEBPVP8 ", PictureProblem.DAMAGED),
        (b"RIFF\0\0\0\0WEBPJUNK" + bytes(30), PictureProblem.DAMAGED),
    ],
)
def test_what_is_no_picture_is_refused_by_its_content(data: bytes, problem: PictureProblem) -> None:
    with pytest.raises(InvalidPicture) as refused:
        read_header(data)
    assert refused.value.problem == problem


@given(st.binary(max_size=200), st.sampled_from([b"", PNG_SIGNATURE, b"GIF89a", b"\xff\xd8\xff", b"RIFF0000WEBP"]))
def test_whatever_is_sent_is_a_picture_or_one_clear_error(data: bytes, begin: bytes) -> None:
    try:
        found = read_header(begin + data)
    except InvalidPicture:
        return
    assert found.width > 0
    assert found.height > 0


def test_a_bomb_is_refused_by_the_size_it_claims() -> None:
    bomb = PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    for data in (bomb, gif(60_000, 60_000), jpeg_frame(60_000, 60_000)):
        with pytest.raises(InvalidPicture) as refused:
            check_upload(data)
        assert refused.value.problem == PictureProblem.TOO_MANY_PIXELS


def png_head(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


@pytest.mark.parametrize(
    "data",
    [
        jpeg_frame(8_000, 6_000),
        gif(8_000, 6_000),
        png_head(8_000, 6_000),
        png_head(8_000, 6_000, colour=6),
        png_head(8_000, 6_000, colour=3, interlaced=1),
        png_head(5_000, 4_000, depth=16),
        png_head(30_000, 1),
    ],
)
def test_what_can_be_decoded_in_little_memory_may_be_large(data: bytes) -> None:
    assert check_upload(data).width >= 5_000


@pytest.mark.parametrize(
    "data",
    [
        gif(8_000, 6_300),
        png_head(8_000, 6_300),
        png_head(5_001, 4_000, depth=16),
        png_head(5_001, 4_000, interlaced=1),
        png_head(5_001, 4_000, depth=16, colour=0),
        png_head(100_001, 1),
        b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (2_500 - 1).to_bytes(3, "little") + (2_001 - 1).to_bytes(3, "little"),
    ],
)
def test_what_takes_much_memory_may_not(data: bytes) -> None:
    with pytest.raises(InvalidPicture) as refused:
        check_upload(data)
    assert refused.value.problem == PictureProblem.TOO_MANY_PIXELS


def test_a_file_over_the_limit_is_refused_and_one_at_it_is_not() -> None:
    assert check_upload(png() + bytes(MAX_UPLOAD_BYTES - len(png()))).type == PictureType.PNG
    with pytest.raises(InvalidPicture) as refused:
        check_upload(png() + bytes(MAX_UPLOAD_BYTES - len(png()) + 1))
    assert refused.value.problem == PictureProblem.TOO_LARGE


@pytest.mark.parametrize("length", range(16, 29))
def test_a_png_that_ends_within_its_header_is_damaged(length: int) -> None:
    with pytest.raises(InvalidPicture) as refused:
        check_upload(png(60, 40)[:length])
    assert refused.value.problem == PictureProblem.DAMAGED
