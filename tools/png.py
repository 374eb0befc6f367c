"""Packs the PNG of a flat drawing better than it was (PNG, third edition: https://www.w3.org/TR/png-3/)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_CHANNELS = {2: 3, 6: 4}  # by colour type, of eight bits each


def packed_flat(png: bytes) -> bytes:
    """Return the same pixels without filters: areas of one colour are then equal bytes in a row.

    Raises ValueError for a PNG that is not RGB or RGBA of eight bits a channel.
    """
    chunks = list(_chunks(png))
    header = chunks[0][1]
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    if depth != 8 or colour not in _CHANNELS or header[12]:
        raise ValueError("can pack RGB and RGBA of eight bits, not interlaced")
    filtered = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
    lines = _unfiltered(filtered, width * _CHANNELS[colour], height, _CHANNELS[colour])
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines), 9)
    return png[:_SIGNATURE_BYTES] + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = _SIGNATURE_BYTES
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        yield kind, png[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _unfiltered(filtered: bytes, length: int, height: int, step: int) -> Iterator[bytes]:
    above = bytes(length)
    for row in range(height):
        start = row * (length + 1)
        line = bytearray(filtered[start + 1 : start + 1 + length])
        kind = filtered[start]
        for at in range(length):
            left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
            line[at] = (line[at] + _predicted(kind, left, above[at], corner)) & 0xFF
        above = bytes(line)
        yield above


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    """Filter types 0 to 4 (section 9.2)."""
    match kind:
        case 1:
            return left
        case 2:
            return up
        case 3:
            return (left + up) // 2
        case 4:
            ahead = left + up - corner
            return min((left, up, corner), key=lambda one: abs(ahead - one))
    return 0
