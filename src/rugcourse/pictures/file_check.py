"""Whether a file is a picture as a course may hold it: a plain JPEG or PNG, small, without metadata.

Such a file comes from a folder or a course pack. It is kept as it is, under its hash, so this looks at every byte of
its structure: nothing but the picture is in it, no place where a photo was taken, and no other file behind it. It
decodes nothing, so that checking a course stays quick.
"""

from __future__ import annotations

import struct
import zlib

from rugcourse.pictures.errors import InvalidPicture, PictureProblem
from rugcourse.pictures.header import JPEG_END, JPEG_SCAN, PNG_SIGNATURE, PictureType, jpeg_segment, read_header
from rugcourse.pictures.reference import MAX_HEIGHT, MAX_WIDTH, PictureRef, digest_of, picture_name

MAX_FILE_BYTES = 1_500_000
PREPARE = "`rugcourse courses picture` makes a file that can be used"

_PNG_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"sBIT", b"bKGD"}
)
# By colour type (PNG, section 11.2.1): how many values a pixel has, and of how many bits each may be.
_CHANNELS = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}
_PALETTE = 3  # the colour type whose values are numbers of colours in PLTE
_MAX_FILTER = 4
# Tables, sizes, scans, JFIF and Adobe's note on colours: all that decoding needs (ITU T.81, table B.1).
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_MAX_SCANS = 100  # progressive files have about ten
_JPEG_MARKERS = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE, JPEG_END})


def check_file(data: bytes, file_name: str) -> PictureRef:
    """Return how texts refer to a file of a course. Raises InvalidPicture with what to do about it."""
    if len(data) > MAX_FILE_BYTES:
        raise _unprepared(f"is larger than {MAX_FILE_BYTES / 1_000_000:g} MB")
    header = read_header(data)
    if header.type not in {PictureType.JPEG, PictureType.PNG}:
        raise _unprepared(f"is {header.type}, which not every mail program shows")
    if header.width > MAX_WIDTH or header.height > MAX_HEIGHT:
        raise _unprepared(f"is {header.width} × {header.height} pixels; at most {MAX_WIDTH} × {MAX_HEIGHT}")
    try:
        check = _check_png if header.type == PictureType.PNG else _check_jpeg
        check(data)
    except (struct.error, IndexError, zlib.error):
        raise InvalidPicture(PictureProblem.DAMAGED) from None
    extension = "png" if header.type == PictureType.PNG else "jpg"
    return PictureRef(picture_name(file_name), digest_of(data), header.width, header.height, extension)


def _unprepared(what: str) -> InvalidPicture:
    return InvalidPicture(PictureProblem.NOT_PREPARED, f"it {what}; {PREPARE}")


def _check_png(data: bytes) -> None:
    place, pixels = len(PNG_SIGNATURE), bytearray()
    kind, has_palette = b"", False
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        if kind not in _PNG_CHUNKS:
            raise _unprepared("holds metadata or an animation")
        if checksum != zlib.crc32(kind + content):
            raise InvalidPicture(PictureProblem.DAMAGED)
        if kind == b"IDAT":
            pixels += content
        if (kind == b"IHDR") != (place == len(PNG_SIGNATURE)):  # decoders would go by another one than we do
            raise InvalidPicture(PictureProblem.DAMAGED)
        has_palette |= kind == b"PLTE"
        place += 12 + length
    if place != len(data):
        raise _unprepared("holds something behind the picture")
    if data[25] == _PALETTE and not has_palette:
        raise InvalidPicture(PictureProblem.DAMAGED)
    _check_pixels(data[16:29], bytes(pixels))


def _check_pixels(head: bytes, packed: bytes) -> None:
    """Unpack the lines of a PNG, at most as many as its size asks for, and look at the filter of each."""
    width, height, depth, colour, _method, _filter, interlaced = struct.unpack(">IIBBBBB", head)
    if interlaced:
        raise _unprepared("is interlaced")
    channels, depths = _CHANNELS.get(colour, (0, ()))
    if depth not in depths:
        raise InvalidPicture(PictureProblem.DAMAGED)
    line = 1 + (width * depth * channels + 7) // 8
    unpacking = zlib.decompressobj()
    lines = unpacking.decompress(packed, line * height + 1)
    if len(lines) != line * height or not unpacking.eof or max(lines[::line]) > _MAX_FILTER:
        raise InvalidPicture(PictureProblem.DAMAGED)
    if unpacking.unused_data:
        raise _unprepared("holds something behind the picture")


def _check_jpeg(data: bytes) -> None:
    place, marker, frames, scans = 2, 0, 0, 0
    while marker != JPEG_END:
        marker, _, place = jpeg_segment(data, place)
        if marker not in _JPEG_MARKERS:
            raise _unprepared("holds metadata, such as where a photo was taken")
        frames += marker in _JPEG_FRAMES
        if marker == JPEG_SCAN:
            scans += 1
            place = _end_of_scan(data, place)
        if frames > 1 or scans > _MAX_SCANS:  # each scan is decoded over the whole picture
            raise InvalidPicture(PictureProblem.DAMAGED)
    if place != len(data):
        raise _unprepared("holds something behind the picture")


def _end_of_scan(data: bytes, place: int) -> int:
    """Return where the next segment begins: in a scan, 0xFF is followed by 0 or a restart marker."""
    while (place := data.find(b"\xff", place)) >= 0:
        if data[place + 1] != 0 and not 0xD0 <= data[place + 1] <= 0xD7:
            return place
        place += 2
    raise InvalidPicture(PictureProblem.DAMAGED)
