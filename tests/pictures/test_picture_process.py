"""Pillow makes uploads anew: upright, small, without anything else that was in the file, whatever it claims to be."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from tests.support.pictures import PNG_SIGNATURE, chunk, png

from rugcourse.pictures.encoder import EncodedPicture, encode_picture
from rugcourse.pictures.errors import InvalidPicture, PictureProblem
from rugcourse.pictures.file_check import check_file
from rugcourse.pictures.header import MAX_UPLOAD_BYTES
from rugcourse.pictures.png_bands import png_bands
from rugcourse.pictures.reference import digest_of

RED, BLUE = (220, 20, 20), (20, 20, 220)
ORIENTATION, GPS, MAKE = 0x0112, 0x8825, 0x010F
MOST_MEMORY_KB = 150_000


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def halves(width: int = 400, height: int = 200, mode: str = "RGB") -> Image.Image:
    """The left half is red, the right one blue."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def noise(width: int, height: int) -> Image.Image:
    """What a photo is to an encoder: no two pixels are alike."""
    return Image.merge("RGB", [Image.effect_noise((width, height), 80) for _ in range(3)])


def shown(made: EncodedPicture, width: int | None = None) -> Image.Image:
    picture = Image.open(io.BytesIO(made.files[width or made.width]))
    picture.load()
    return picture


def is_near(found: object, wanted: tuple[int, ...]) -> bool:
    return isinstance(found, tuple) and all(abs(one - other) < 40 for one, other in zip(found, wanted, strict=True))


def problem_of(data: bytes) -> PictureProblem:
    with pytest.raises(InvalidPicture) as refused:
        encode_picture(data)
    return refused.value.problem


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_type_becomes_a_jpeg_or_png_that_a_course_may_hold(kind: str) -> None:
    made = encode_picture(saved(halves(), kind))
    assert made.extension in {"jpg", "png"}
    ref = check_file(made.largest, "a.png")
    assert (ref.width, ref.height, ref.extension) == (400, 200, made.extension)
    assert is_near(shown(made).convert("RGB").getpixel((30, 100)), RED)
    assert is_near(shown(made).convert("RGB").getpixel((370, 100)), BLUE)


def test_a_photo_is_kept_in_five_widths_and_none_is_wider() -> None:
    made = encode_picture(saved(noise(4000, 3000), "JPEG", quality=75))
    assert (made.width, made.height, made.extension) == (1600, 1200, "jpg")
    assert {width: shown(made, width).size for width in made.files} == {
        160: (160, 120),
        600: (600, 450),
        800: (800, 600),
        1200: (1200, 900),
        1600: (1600, 1200),
    }


def test_the_same_upload_twice_is_the_same_picture() -> None:
    data = saved(noise(900, 600), "JPEG")
    assert digest_of(encode_picture(data).largest) == digest_of(encode_picture(data).largest)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_and_tells_nothing_of_its_camera_or_place(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKE] = "A camera"
    exif.get_ifd(GPS)[1] = "N"
    upright = halves()
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    made = encode_picture(saved(stored, "JPEG", exif=exif, quality=95))
    assert (made.width, made.height) == (400, 200)
    assert is_near(shown(made).getpixel((30, 100)), RED)
    assert not shown(made).getexif()
    assert b"A camera" not in made.largest


def test_a_cmyk_jpeg_a_grey_one_and_sixteen_bits_keep_how_they_look() -> None:
    assert is_near(shown(encode_picture(saved(halves(mode="CMYK"), "JPEG", quality=95))).getpixel((30, 100)), RED)
    grey = shown(encode_picture(saved(Image.new("L", (90, 60), 128), "JPEG"))).convert("RGB")
    assert is_near(grey.getpixel((5, 5)), (128, 128, 128))
    deep = Image.new("I;16", (90, 60), 128 * 257)
    assert is_near(shown(encode_picture(saved(deep, "PNG"))).convert("RGB").getpixel((5, 5)), (128, 128, 128))


def test_transparency_stays_also_that_of_a_palette() -> None:
    clear = Image.new("RGBA", (90, 60), (0, 0, 0, 0))
    clear.paste((*RED, 255), (0, 0, 45, 60))
    for data in (saved(clear, "PNG"), saved(clear, "WEBP", lossless=True), saved(clear, "GIF")):
        made = encode_picture(data)
        picture = shown(made).convert("RGBA")
        assert made.extension == "png"
        assert picture.getpixel((80, 30))[3] == 0
        assert is_near(picture.getpixel((10, 30)), (*RED, 255))


def test_a_large_transparent_drawing_is_made_smaller_without_a_dark_edge() -> None:
    large = Image.new("RGBA", (6400, 1600), (0, 0, 0, 0))
    large.paste((*RED, 255), (0, 0, 3201, 1600))
    picture = shown(encode_picture(saved(large, "PNG"))).convert("RGBA")
    assert picture.size == (1600, 400)
    edge = [picture.getpixel((x, 200)) for x in range(795, 806)]
    assert all(is_near(one[:3], RED) for one in edge if one[3] > 20)


def test_a_photo_that_was_saved_as_png_becomes_a_jpeg_and_a_drawing_does_not() -> None:
    assert encode_picture(saved(noise(900, 600), "PNG")).extension == "jpg"
    assert encode_picture(saved(halves(), "PNG")).extension == "png"


def test_an_animation_is_its_first_image_however_long_it_is() -> None:
    frames = [Image.new("RGB", (60, 40), (shade, 0, 0)) for shade in range(0, 250, 5)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:] * 20, duration=3600)
        made = encode_picture(data)
        picture = Image.open(io.BytesIO(made.largest))
        assert getattr(picture, "n_frames", 1) == 1
        assert is_near(picture.convert("RGB").getpixel((5, 5)), (0, 0, 0))


def test_what_is_more_than_a_picture_is_only_the_picture_afterwards() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.js", "alert(1)")
    jpeg_and_zip = saved(halves(), "JPEG") + packed.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(jpeg_and_zip))
    gif = saved(halves(), "GIF")
    gif_and_script = gif[:6] + gif[6:-1] + b"\x21\xfe\x16*/=1;alert(document)//\0\x3b"
    commented = saved(halves(), "JPEG", comment=b"<script>alert(1)</script>")
    described = png(extra=chunk(b"tEXt", b"Comment\0<?php echo 1 ?>"))
    for data, part in (
        (jpeg_and_zip, b"PK\x03\x04"),
        (gif_and_script, b"alert"),
        (commented, b"script"),
        (described, b"php"),
    ):
        made = encode_picture(data)
        assert all(part not in content for content in made.files.values())
        check_file(made.largest, "a.png")


def test_a_false_name_or_type_does_not_matter_and_no_picture_is_none() -> None:
    assert encode_picture(saved(halves(), "PNG")).width == 400  # nobody asks what it is called
    assert problem_of(b"<svg xmlns='http://www.w3.org/2000/svg'/>") == PictureProblem.UNKNOWN_TYPE
    assert problem_of(b"") == PictureProblem.EMPTY
    assert problem_of(bytes(21_000_000)) == PictureProblem.TOO_LARGE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_picture_is_refused(kind: str) -> None:
    data = saved(noise(300, 200), kind)
    assert problem_of(data[: len(data) // 2]) == PictureProblem.DAMAGED


def test_bombs_are_refused_before_they_are_decoded() -> None:
    bomb = PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    assert problem_of(bomb + chunk(b"IDAT", b"")) == PictureProblem.TOO_MANY_PIXELS
    gif = bytearray(saved(halves(60, 40), "GIF"))
    frame = gif.index(b"\x2c", 13 + 3 * 2)
    gif[frame + 5 : frame + 9] = struct.pack("<HH", 60_000, 60_000)  # larger than the GIF says it is
    assert problem_of(bytes(gif)) in {PictureProblem.TOO_MANY_PIXELS, PictureProblem.DAMAGED}


def memory_for(data: bytes, folder: Path) -> int:
    """The most memory, in kB, of the process that makes a picture."""
    file = folder / "picture"
    file.write_bytes(data)
    code = (
        "import resource, subprocess, sys; from rugcourse.pictures.encoder import _COMMAND; "
        "made = subprocess.run(_COMMAND, stdin=open(sys.argv[1], 'rb'), stdout=subprocess.PIPE, check=True).stdout; "
        "assert b'files' in made[:200]; "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, check=True, text=True)
    return int(run.stdout)


def test_a_photo_of_twenty_megabytes_takes_little_memory(tmp_path: Path) -> None:
    camera = noise(6000, 4000)
    photo = next(
        one for quality in range(95, 30, -5) if len(one := saved(camera, "JPEG", quality=quality)) <= MAX_UPLOAD_BYTES
    )
    assert len(photo) > MAX_UPLOAD_BYTES // 2
    assert memory_for(photo, tmp_path) < MOST_MEMORY_KB


def large(mode: str, width: int, height: int) -> Image.Image:
    grey = Image.linear_gradient("L").resize((width, height))
    bands = {"RGB": 3, "RGBA": 4, "LA": 2}.get(mode)
    return (
        grey.convert(mode)
        if bands is None
        else Image.merge(mode, [grey, *[grey.transpose(Image.Transpose.FLIP_TOP_BOTTOM)] * (bands - 1)])
    )


@pytest.mark.parametrize(
    ("kind", "mode", "width", "height"),
    [
        ("PNG", "RGB", 8000, 6250),
        ("PNG", "RGBA", 8000, 6250),
        ("PNG", "RGBA", 5000, 5000),
        ("PNG", "LA", 8000, 6250),
        ("PNG", "P", 8000, 6250),
        ("GIF", "P", 8000, 6250),
        ("PNG", "RGBA", 20_000, 2500),
        ("PNG", "RGBA", 30_000, 1600),
        ("JPEG", "RGB", 4000, 4000),
        ("WEBP", "RGB", 2500, 2000),
    ],
)
def test_the_largest_of_each_kind_takes_little_memory(
    kind: str, mode: str, width: int, height: int, tmp_path: Path
) -> None:
    options = {
        "PNG": {"compress_level": 1},
        "WEBP": {"method": 0},
        "JPEG": {"progressive": True, "subsampling": 0, "quality": 30},
    }.get(kind, {})
    assert memory_for(saved(large(mode, width, height), kind, **options), tmp_path) < MOST_MEMORY_KB


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize("lines", [1, 7, 64, 1000])
def test_bands_of_a_png_are_the_picture(mode: str, lines: int) -> None:
    parts = [Image.effect_noise((130, 150), 60), *[Image.linear_gradient("L").resize((130, 150))] * (len(mode) - 1)]
    picture = Image.merge(mode, parts)
    data = saved(picture, "PNG")
    bands = list(png_bands(data, lines))
    whole = Image.new(mode, picture.size)
    for number, band in enumerate(bands):
        whole.paste(band, (0, number * lines))
    assert whole.tobytes() == picture.tobytes()
    assert sum(band.height for band in bands) == 150


def test_a_colour_that_stands_for_transparency_does_so_in_each_band() -> None:
    picture = halves(400, 1000)
    made = encode_picture(saved(picture, "PNG", transparency=RED))
    assert [shown(made).getpixel((30, y))[3] for y in (10, 500, 990)] == [0, 0, 0]  # type: ignore[index]
    assert shown(made).getpixel((370, 990)) == (*BLUE, 255)


def test_a_large_png_looks_as_it_did() -> None:
    made = encode_picture(saved(halves(5000, 3301), "PNG"))
    assert (made.width, made.height) == (1600, 1056)
    for y in (5, 500, 1050):
        assert is_near(shown(made).convert("RGB").getpixel((30, y)), RED)
        assert is_near(shown(made).convert("RGB").getpixel((1570, y)), BLUE)


def test_it_is_made_in_the_type_that_is_asked_for() -> None:
    assert encode_picture(saved(halves(), "PNG"), "jpg").extension == "jpg"
    assert encode_picture(saved(halves(), "JPEG"), "png").extension == "png"


@pytest.mark.parametrize(("size", "lines"), [((900, 300), (0, 300)), ((300, 900), (150, 450))])
def test_a_square_is_cut_out_of_the_middle_and_of_the_upper_part_of_a_portrait(
    size: tuple[int, int], lines: tuple[int, int]
) -> None:
    picture = Image.linear_gradient("L").resize(size)  # each line is lighter than the one above
    made = encode_picture(saved(picture, "PNG"), "png", square=True)
    assert (made.width, made.height) == (300, 300)
    with Image.open(io.BytesIO(made.largest)) as cut:
        first, last = (cut.convert("L").getpixel((150, line)) for line in (0, 299))
    wanted = [picture.getpixel((150, line)) for line in (lines[0], lines[1] - 1)]
    assert [first, last] == wanted


def test_a_progressive_jpeg_may_have_fewer_pixels_as_it_is_in_memory_as_a_whole() -> None:
    wide = Image.new("L", (5000, 4000))
    assert encode_picture(saved(wide, "JPEG")).width == 1600
    with pytest.raises(InvalidPicture) as refused:
        encode_picture(saved(wide, "JPEG", progressive=True))
    assert refused.value.problem == PictureProblem.TOO_MANY_PIXELS
