"""Type and size of a picture, from its first bytes. Names and what a browser says are not asked.

It reads headers only, so that a file which claims to be 60,000 pixels wide is refused before anything is allocated.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import NamedTuple

from rugcourse.pictures.errors import InvalidPicture, PictureProblem

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 29  # the signature, and IHDR without its checksum
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF markers (ITU T.81, table B.1)
_JPEG_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})  # all of it is in memory before the first line is known
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
JPEG_SCAN, JPEG_END = 0xDA, 0xD9


class PictureType(StrEnum):
    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    GIF = "GIF"


MAX_UPLOAD_BYTES = 20_000_000
# What can be decoded within 150 MB. A JPEG is decoded at a part of its size, a PNG band by band, and a GIF has a byte a
# pixel. A PNG that is interlaced, or has colours of 16 bits, is in memory with four bytes a pixel; a WebP with sixteen.
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000  # pixels: lines of a PNG are unpacked as a whole
MAX_PIXELS_AT_ONCE = 20_000_000
MAX_PIXELS_PROGRESSIVE = 16_000_000  # of a JPEG: seven bytes a pixel
MAX_PIXELS_WEBP = 5_000_000
_WIDE_COLOURS = frozenset({2, 4, 6})  # colour types of a PNG with several values a pixel


class PictureHeader(NamedTuple):
    """What a file says it is. Width and height in pixels, before any turn that its metadata ask for."""

    type: PictureType
    width: int
    height: int


def read_header(data: bytes) -> PictureHeader:
    """Return type and size of a picture. Raises InvalidPicture."""
    if not data:
        raise InvalidPicture(PictureProblem.EMPTY)
    try:
        found = _header(data)
    except (struct.error, IndexError, ValueError):
        raise InvalidPicture(PictureProblem.DAMAGED) from None
    if found.width < 1 or found.height < 1:
        raise InvalidPicture(PictureProblem.DAMAGED)
    return found


def check_upload(data: bytes) -> PictureHeader:
    """Return what an upload says it is, if it may be decoded. Raises InvalidPicture."""
    if len(data) > MAX_UPLOAD_BYTES:
        raise InvalidPicture(PictureProblem.TOO_LARGE)
    header = read_header(data)
    if header.width * header.height > most_pixels(data, header) or max(header.width, header.height) > MAX_SIDE:
        raise InvalidPicture(PictureProblem.TOO_MANY_PIXELS)
    return header


def most_pixels(data: bytes, header: PictureHeader) -> int:
    """Return how many pixels a picture of its kind may have."""
    if header.type == PictureType.WEBP:
        return MAX_PIXELS_WEBP
    if header.type == PictureType.JPEG and _jpeg_frame(data)[0] in _JPEG_PROGRESSIVE:
        return MAX_PIXELS_PROGRESSIVE
    if header.type == PictureType.PNG and not is_png_of_bands(data):
        depth, colour = data[24], data[25]
        return MAX_PIXELS_AT_ONCE if depth == 16 or colour in _WIDE_COLOURS else MAX_PIXELS
    return MAX_PIXELS


def is_png_of_bands(data: bytes) -> bool:
    """Whether a file says that it is a PNG with several values of 8 bits a pixel, line after line."""
    return data.startswith(PNG_SIGNATURE) and data[24:25] == b"\x08" and data[25] in _WIDE_COLOURS and data[28] == 0


def _header(data: bytes) -> PictureHeader:
    if data.startswith(PNG_SIGNATURE):
        if len(data) < _PNG_HEADER_BYTES:
            raise InvalidPicture(PictureProblem.DAMAGED)
        return PictureHeader(PictureType.PNG, *struct.unpack(">II", data[16:24]))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return PictureHeader(PictureType.GIF, *struct.unpack("<HH", data[6:10]))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return PictureHeader(PictureType.WEBP, *_webp_size(data))
    if data.startswith(b"\xff\xd8\xff"):
        return PictureHeader(PictureType.JPEG, *_jpeg_frame(data)[1:])
    raise InvalidPicture(PictureProblem.UNKNOWN_TYPE)


def _webp_size(data: bytes) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7."""
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = struct.unpack("<I", data[21:25])[0]
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
    raise InvalidPicture(PictureProblem.DAMAGED)


def _jpeg_frame(data: bytes) -> tuple[int, int, int]:
    """Return the marker of the frame, which says how it is coded, and its width and height."""
    place = 2
    while True:
        place = data.index(b"\xff", place)  # some cameras leave bytes between segments, which decoders pass over
        marker, start, end = jpeg_segment(data, place)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[start + 1 : start + 5])
            return marker, width, height
        if marker in {JPEG_SCAN, JPEG_END}:
            raise InvalidPicture(PictureProblem.DAMAGED)
        place = end


def jpeg_segment(data: bytes, place: int) -> tuple[int, int, int]:
    """Return marker, start of the content and end of the segment at `place`. Raises InvalidPicture and IndexError."""
    if data[place] != 0xFF:
        raise InvalidPicture(PictureProblem.DAMAGED)
    while data[place] == 0xFF:  # fill bytes (ITU T.81, B.1.1.2)
        place += 1
    marker = data[place]
    if marker in _JPEG_ALONE or marker == JPEG_END:
        return marker, place + 1, place + 1
    length = struct.unpack(">H", data[place + 1 : place + 3])[0]
    end = place + 1 + length
    if length < 2 or end > len(data):
        raise InvalidPicture(PictureProblem.DAMAGED)
    return marker, place + 3, end
