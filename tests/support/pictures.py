"""Makes files of pictures, byte by byte where a library would refuse to."""

from __future__ import annotations

import struct
import zlib

from rugcourse.content.picture_files import PictureFile
from rugcourse.pictures.file_check import check_file

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int = 60, height: int = 40, colour: tuple[int, ...] = (200, 30, 30), extra: bytes = b"") -> bytes:
    """A PNG of one colour: RGB, or RGBA for a colour of four values. `extra`: chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if len(colour) == 3 else 6, 0, 0, 0)
    lines = (b"\0" + bytes(colour) * width) * height
    return PNG_SIGNATURE + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg_frame(width: int = 60, height: int = 40, extra: bytes = b"", scan: bytes = b"\x12\xff\x00\x34") -> bytes:
    """A JPEG by its structure, without a picture that could be decoded. `extra`: segments before its size."""
    size = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    return b"\xff\xd8" + extra + size + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + scan + b"\xff\xd9"


def picture_file(name: str = "load", width: int = 60, height: int = 40, shade: int = 30) -> PictureFile:
    """A picture as it comes with the files of a course. Another `shade` is another picture."""
    content = png(width, height, (200, shade, 30))
    return PictureFile(check_file(content, f"{name}.png"), content)
