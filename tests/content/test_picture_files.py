"""Pictures in the folder of a course: named as the author likes, and found again under their hash."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.builders import COURSE, LESSONS
from tests.support.pictures import png

from rugcourse.content import AuthoringErrors, Course, load_course
from rugcourse.content.picture_files import PictureFolder, heavy_lessons
from rugcourse.content.picture_search import pictures_in, pictures_of
from rugcourse.content.writer import files_of
from rugcourse.pictures.file_check import check_file

SHOWN = png(1200, 675)
REF = check_file(SHOWN, "Load.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(LESSONS / COURSE, tmp_path / COURSE, ignore=shutil.ignore_patterns("pictures"))
    for file in (tmp_path / COURSE).glob("*.md"):  # the shipped pictures are not what this is about
        file.write_text(
            re.sub(r"!\[[^\]]*\]\(pictures/[^)]*\)", "", file.read_text(encoding="utf-8")), encoding="utf-8"
        )
    (tmp_path / COURSE / "pictures").mkdir()
    return tmp_path / COURSE


def with_text(folder: Path, text: str) -> Path:
    """Write a text behind the second lesson, in Dutch."""
    file = next(folder.glob("02-*.nl.md"))
    file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{text}\n", encoding="utf-8")
    return file


def body(course: Course) -> str:
    return course.lessons[1].texts["nl"].body


def problems(folder: Path) -> list[str]:
    with pytest.raises(AuthoringErrors) as caught:
        load_course(folder)
    return [f"{one.file.name}:{one.line}: {one.message}" for one in caught.value.problems]


def test_a_file_by_any_name_is_known_by_its_hash_and_size(folder: Path) -> None:
    (folder / "pictures" / "Load.png").write_bytes(SHOWN)
    with_text(folder, "![Een rug](pictures/Load.png)")
    course = load_course(folder)
    assert pictures_of(course) == [REF]
    assert body(course).endswith(f"![Een rug]({REF.address})")
    assert [one.content for one in PictureFolder(folder).files(course)] == [SHOWN]


def test_written_texts_are_read_again_as_the_same_also_beside_a_file_of_another_name(folder: Path) -> None:
    (folder / "pictures" / "Load.png").write_bytes(SHOWN)
    with_text(folder, "![Een rug](pictures/Load.png)")
    course = load_course(folder)
    for name, text in files_of(course).items():
        (folder / name).write_text(text, encoding="utf-8")
    assert load_course(folder) == course
    (folder / "pictures" / "Load.png").rename(folder / "pictures" / REF.file_name)
    assert load_course(folder) == course


def test_another_picture_under_the_same_name_is_another_text(folder: Path) -> None:
    (folder / "pictures" / "load.png").write_bytes(SHOWN)
    with_text(folder, "![Een rug](pictures/load.png)")
    before = load_course(folder)
    (folder / "pictures" / "load.png").write_bytes(png(1200, 675, (1, 2, 3)))
    assert before.content_hash != load_course(folder).content_hash


def test_a_picture_that_is_not_there_is_said_at_its_line(folder: Path) -> None:
    file = with_text(folder, "![Een rug](pictures/lod.png)")
    line = len(file.read_text(encoding="utf-8").splitlines())
    assert problems(folder) == [
        f"{file.name}:{line}: this picture is not in the folder `pictures` of the course: ![Een rug](pictures/lod.png)"
    ]


def test_a_picture_whose_file_is_lost_is_said(folder: Path) -> None:
    with_text(folder, f"![Een rug]({REF.address})")
    assert problems(folder) == [f"{REF.file_name}:1: is missing, and a text shows it"]


def test_a_picture_whose_address_is_spelled_oddly_is_taken_along_and_missed(folder: Path) -> None:
    (folder / "pictures" / "Load.png").write_bytes(SHOWN)
    with_text(folder, f"![Een rug](pictures&#47;{REF.file_name})")
    course = load_course(folder)
    assert [one.content for one in PictureFolder(folder).files(course)] == [SHOWN]
    (folder / "pictures" / "Load.png").unlink()
    assert problems(folder) == [f"{REF.file_name}:1: is missing, and a text shows it"]


def test_the_files_are_listed_once_however_many_addresses_texts_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pictures" / "load.png").write_bytes(SHOWN)
    listed: list[Path] = []
    real = Path.iterdir

    def counted(path: Path) -> Iterator[Path]:
        listed.append(path)
        return real(path)

    monkeypatch.setattr(Path, "iterdir", counted)
    shown = PictureFolder(folder)
    for number in range(50):
        shown.with_addresses(f"![A](pictures/{number:032x}-60x40.png)")
    assert listed == [folder / "pictures"]


def test_a_text_names_no_more_pictures_than_a_mail_could_carry(folder: Path) -> None:
    file = with_text(folder, "\n\n".join(f"![A](pictures/{number:032x}-60x40.png)" for number in range(101)))
    assert problems(folder)[0] == f"{file.name}:1: names 101 pictures; at most 100 in one text: take some out"


def test_a_picture_without_alt_text_is_an_error_and_a_decorative_one_is_not(folder: Path) -> None:
    (folder / "pictures" / "load.png").write_bytes(SHOWN)
    with_text(folder, '![](pictures/load.png "decorative")')
    assert pictures_of(load_course(folder)) == [REF]
    with_text(folder, "![](pictures/load.png)")
    assert "say between the square brackets what the picture shows" in problems(folder)[0]


def test_a_file_that_is_no_picture_is_said_with_what_to_do(folder: Path) -> None:
    (folder / "pictures" / "load.png").write_bytes(b"<script>alert(1)</script>")
    with_text(folder, "![Een rug](pictures/load.png)")
    (only,) = problems(folder)
    assert only.startswith("load.png:1: this is no JPEG, PNG, WebP or GIF")


def test_nothing_outside_of_the_folder_is_read(folder: Path) -> None:
    (folder / "secret.png").write_bytes(SHOWN)
    (folder / "pictures" / "link.png").symlink_to(folder / "secret.png")
    with_text(folder, "![A](pictures/../secret.png)\n\n![B](pictures/link.png)")
    assert len(problems(folder)) == 2


def test_pictures_in_code_are_left_alone_by_readers(folder: Path) -> None:
    with_text(folder, "    ![A](pictures/a.png)")
    assert pictures_in(body(load_course(folder))) == []


def test_heavy_pictures_are_advised_against_and_too_heavy_ones_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pictures" / "load.png").write_bytes(SHOWN)
    file = with_text(folder, "![Een rug](pictures/load.png)")
    assert heavy_lessons(folder) == []
    monkeypatch.setattr("rugcourse.content.picture_files.MAIL_ADVICE_BYTES", len(SHOWN) - 1)
    assert [one.file for one in heavy_lessons(folder)] == [file]
    monkeypatch.setattr("rugcourse.content.loader.MAIL_MAX_BYTES", len(SHOWN) - 1)
    assert "take some out" in problems(folder)[0]
