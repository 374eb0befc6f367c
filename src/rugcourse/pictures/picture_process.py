"""Makes the files of a picture with Pillow, and ends: `python -m rugcourse.pictures.picture_process TYPE SHAPE`.

`TYPE`: `jpg` or `png`, or empty for the one that suits it. `SHAPE`: `square`, or empty for its own.

It reads the picture from its standard input and writes to its standard output a line of JSON, then the files one
after the other; `encoder` is the other side. Only it and `png_bands` load Pillow, whose decoders read what strangers
made: here they have little memory, little time, and none of our settings.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageFile

from rugcourse.pictures.errors import InvalidPicture, PictureProblem
from rugcourse.pictures.header import (
    MAX_UPLOAD_BYTES,
    PictureHeader,
    PictureType,
    check_upload,
    is_png_of_bands,
    most_pixels,
)
from rugcourse.pictures.png_bands import png_bands
from rugcourse.pictures.reference import MAX_HEIGHT, MAX_WIDTH, rendition_widths

_MEMORY_BYTES = 1_000_000_000  # of addresses, of which a picture uses a tenth
_CPU_SECONDS = 30
_NICE = 10  # pages and mails go first
_JPEG_QUALITY = 82
_MUCH_SMALLER = 2  # a photo kept as PNG becomes a JPEG if that halves it
_BAND = 64  # lines of the smaller picture at a time, fewer of a wide one
_BAND_PIXELS = 1_000_000  # each is in memory some five times
_ORIENTATION = 0x0112  # of the camera (Exif 2.32, 4.6.4)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = frozenset({5, 6, 7, 8})  # orientations that change width and height over
_DECODING_FAILED = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)


class _Made(NamedTuple):
    """The files of a picture by width, each of the same type, and the size of the largest."""

    extension: str
    width: int
    height: int
    files: dict[int, bytes]


def main() -> int:
    """Reply to the request on standard input; returns the exit code."""
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    wanted, shape, *_ = *sys.argv[1:], "", ""
    try:
        made = _make(sys.stdin.buffer.read(MAX_UPLOAD_BYTES + 1), wanted, square=shape == "square")
    except InvalidPicture as error:
        sys.stdout.buffer.write(json.dumps({"problem": error.problem}).encode() + b"\n")
        return 0
    sizes = {str(width): len(content) for width, content in made.files.items()}
    head = {"extension": made.extension, "width": made.width, "height": made.height, "files": sizes}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(made.files.values()))
    return 0


def _make(data: bytes, wanted: str, *, square: bool) -> _Made:
    """Make the files of a picture. `wanted`: their type, else the one that suits it. Raises InvalidPicture."""
    header = check_upload(data)
    try:
        picture = _decoded(data, header.type)
    except MemoryError:
        raise InvalidPicture(PictureProblem.TOO_MANY_PIXELS) from None
    except _DECODING_FAILED:
        raise InvalidPicture(PictureProblem.DAMAGED) from None
    if square:
        picture = _square(picture)
    extension = wanted or _suitable(picture, header.type)
    files = {width: _encoded(_scaled(picture, width), extension) for width in rendition_widths(picture.width)}
    return _Made(extension, picture.width, picture.height, files)


def _decoded(data: bytes, kind: PictureType) -> Image.Image:
    """Return the picture upright, in RGB or RGBA, as large as it is kept, and without anything else that was in it.

    Of an animation it is the first frame: moving pictures distract, and stop nowhere (WCAG 2.2.2).
    """
    Image.MAX_IMAGE_PIXELS = None  # looked at here, for each type
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        frame = PictureHeader(kind, opened.width, opened.height)
        if frame.width * frame.height > most_pixels(data, frame):  # a frame of a GIF can be larger than the GIF
            raise InvalidPicture(PictureProblem.TOO_MANY_PIXELS)
        orientation = _orientation(opened)
        target = _fitting(opened.size, lying=orientation in _LYING)
        opened.draft(None, target)  # a JPEG is then decoded at a half, a quarter or an eighth
        smaller = _reduced(data, opened, target)
    if smaller.size != target:
        smaller = smaller.resize(target, Image.Resampling.LANCZOS)
    turn = _TURNS.get(orientation)
    upright = smaller if turn is None else smaller.transpose(turn)
    return _without_metadata(upright)


def _square(picture: Image.Image) -> Image.Image:
    """Cut the largest square out of the middle; out of the upper part of a portrait, where the face is."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 4
    return picture.crop((left, top, left + side, top + side))


def _orientation(picture: Image.Image) -> int:
    try:
        return int(Image.Image.getexif(picture).get(_ORIENTATION, 1))  # that of a PNG would decode all of it
    except _DECODING_FAILED:  # broken metadata: the picture can be good
        return 1


def _fitting(size: tuple[int, int], *, lying: bool) -> tuple[int, int]:
    """Return the size at which it is kept, before it is turned."""
    most_wide, most_high = (MAX_HEIGHT, MAX_WIDTH) if lying else (MAX_WIDTH, MAX_HEIGHT)
    scale = min(1.0, most_wide / size[0], most_high / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reduced(data: bytes, opened: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Return it in RGB or RGBA, no smaller than needed: what is large is in memory only a band at a time."""
    factor = max(1, min(opened.width // target[0], opened.height // target[1]))
    height = max(1, min(_BAND, _BAND_PIXELS // (factor * opened.width)))
    lines = factor * height
    bands = png_bands(data, lines) if is_png_of_bands(data) else _bands(opened, lines)
    whole: Image.Image | None = None
    for number, band in enumerate(bands):
        smaller = _plain(band).reduce(factor)
        if whole is None:
            whole = Image.new(smaller.mode, (smaller.width, -(-opened.height // factor)))
        whole.paste(smaller, (0, number * height))
    if whole is None:
        raise InvalidPicture(PictureProblem.DAMAGED)
    return whole


def _bands(opened: Image.Image, lines: int) -> Iterator[Image.Image]:
    """Decode it, and yield it in bands of so many lines."""
    opened.load()
    for top in range(0, opened.height, lines):
        yield opened.crop((0, top, opened.width, min(opened.height, top + lines)))


def _plain(picture: Image.Image) -> Image.Image:
    """Convert every way to keep colours (palette, grey, 16 bits, CMYK) into RGB, or RGBA where it has transparency."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    has_alpha = picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info
    return picture.convert("RGBA" if has_alpha else "RGB")


def _without_metadata(picture: Image.Image) -> Image.Image:
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare


def _suitable(picture: Image.Image, kind: PictureType) -> str:
    """A JPEG for photos; a PNG for drawings, and for what is transparent."""
    if kind == PictureType.JPEG:
        return "jpg"
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
        return "png"
    return "jpg" if len(_encoded(picture, "jpg")) * _MUCH_SMALLER < len(_encoded(picture, "png")) else "png"


def _scaled(picture: Image.Image, width: int) -> Image.Image:
    if width == picture.width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, extension: str) -> bytes:
    written = io.BytesIO()
    if extension == "jpg":
        picture.convert("RGB").save(written, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True)
    else:
        picture.save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main())
