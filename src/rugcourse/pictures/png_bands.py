"""Decodes a PNG band by band: Pillow has all of a picture in memory, with four bytes a pixel.

Each band becomes a PNG of its own. Lines of a PNG are written as differences from the line above, so the last line of
the band before stands first in it, and is cut off again.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from rugcourse.pictures.header import PNG_SIGNATURE

_VALUES = {2: 3, 4: 2, 6: 4}  # bytes a pixel, by colour type (PNG, section 11.2.1)
_PIECE, _UNPACKED = 16_384, 262_144  # bytes at a time: what is left of a piece is copied for each


def png_bands(data: bytes, lines: int) -> Iterator[Image.Image]:
    """Yield the bands of `lines` lines of a picture for which `header.is_png_of_bands`. Raises OSError if damaged."""
    width, height = struct.unpack(">II", data[16:24])
    length = 1 + width * _VALUES[data[25]]
    transparent = b"".join(_chunk(b"tRNS", bytes(content)) for kind, content in _chunks(data) if kind == b"tRNS")
    above = bytes(length)
    packed = _unpacked(data)
    waiting = bytearray()
    for top in range(0, height, lines):
        count = min(lines, height - top)
        while len(waiting) < count * length:
            some = next(packed, None)
            waiting += _damaged() if some is None else some
        band = _band(data[24:29], width, above + bytes(waiting[: count * length]), transparent)
        del waiting[: count * length]
        above = b"\0" + band.crop((0, count - 1, width, count)).tobytes()
        yield band


def _band(how: bytes, width: int, lines: bytes, transparent: bytes) -> Image.Image:
    count = len(lines) // (1 + width * _VALUES[how[1]])
    head = _chunk(b"IHDR", struct.pack(">II", width, count) + how)
    file = PNG_SIGNATURE + head + transparent + _chunk(b"IDAT", zlib.compress(lines, 0)) + _chunk(b"IEND", b"")
    with Image.open(io.BytesIO(file), formats=["PNG"]) as opened:
        return opened.crop((0, 1, width, count))


def _unpacked(data: bytes) -> Iterator[bytes]:
    unpacking = zlib.decompressobj()
    try:
        for kind, content in _chunks(data):
            if kind != b"IDAT":
                continue
            for start in range(0, len(content), _PIECE):
                rest = bytes(content[start : start + _PIECE])
                while rest and not unpacking.eof:
                    yield unpacking.decompress(rest, _UNPACKED)
                    rest = unpacking.unconsumed_tail
    except zlib.error:
        _damaged()


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, place, kind = memoryview(data), len(PNG_SIGNATURE), b""
    while kind != b"IEND" and place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content = view[place + 8 : place + 8 + length]
        if data[place + 8 + length : place + 12 + length] != struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))):
            _damaged()
        yield kind, content
        place += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _damaged() -> bytes:
    raise OSError("damaged")
