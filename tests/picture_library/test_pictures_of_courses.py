"""A picture in the folder of a course is in the mail, on the web, in the book, in a course pack and in files again."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE, LESSONS, course_of
from tests.support.emails import HOUSE, LINKS, compose, parse
from tests.support.pictures import jpeg_frame, png

from rugcourse.bootstrap import Runtime
from rugcourse.content import AuthoringErrors, Course
from rugcourse.content.picture_search import pictures_of
from rugcourse.course_editor import pack as packs
from rugcourse.course_editor.file_sync import export_courses, import_courses
from rugcourse.course_editor.pack import InvalidPack, PackTooLarge, read_pack, write_pack
from rugcourse.course_editor.pack_transfer import add_course, course_of_pack, pack_of
from rugcourse.db.models import EbookKind
from rugcourse.db.queries import courses
from rugcourse.ebooks.cache import get_ebook
from rugcourse.email_preview.linter import lint_email
from rugcourse.email_preview.sample import SOMEBODY
from rugcourse.emails.catalogue import lesson_email
from rugcourse.pictures.file_check import check_file
from rugcourse.web.app import create_app

BALANCE, STILL = png(1200, 675, (20, 120, 90)), png(640, 360, (90, 20, 120))
BALANCE_REF, STILL_REF = check_file(BALANCE, "balance.png"), check_file(STILL, "still.png")
VIDEO = "https://video.example/turning"
TEXT = f"""

![Een weegschaal die in evenwicht is](pictures/balance.png)

[![Iemand draait zich om in bed](pictures/still.png)]({VIDEO} "Video: zo draai je je om (2:10)")

![](pictures/still.png "decorative")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped courses, with two pictures in the second lesson in Dutch."""
    source = tmp_path / "lessons"
    shutil.copytree(LESSONS, source)
    shown = source / COURSE / "pictures"
    shown.mkdir(exist_ok=True)
    (shown / "balance.png").write_bytes(BALANCE)
    (shown / "still.png").write_bytes(STILL)
    lesson = source / COURSE / "02-overbelasting.nl.md"
    lesson.write_text(lesson.read_text(encoding="utf-8") + TEXT, encoding="utf-8")
    return source


@pytest.fixture
def course(runtime: Runtime, folder: Path) -> Course:
    import_courses(runtime.database, runtime.clock, folder)
    return course_of(runtime).course


def test_a_mail_shows_it_with_its_size_and_says_it_in_words(course: Course) -> None:
    _, html, text = parse(compose(course, course.lessons[1]))
    shown = [one for one in re.findall(r"<img [^>]*>", html) if "/pictures/" in one]
    assert len(shown) == 4
    images = shown[1:]  # the first one is the lesson's own
    balance = re.sub(r"\s+", " ", images[0])
    assert f'src="{LINKS.base_url}/pictures/{BALANCE_REF.digest}-600.png"' in balance
    assert 'alt="Een weegschaal die in evenwicht is"' in balance
    assert 'width="544" height="306"' in balance
    assert "display:block" in balance
    assert 'alt=""' in images[2]
    assert "[Een weegschaal die in evenwicht is]" in text
    assert "Video: zo draai je je om (2:10)" in text
    assert VIDEO in lesson_email(course, course.lessons[1], "nl", HOUSE, LINKS).targets


def test_a_mail_with_pictures_is_a_good_mail(runtime: Runtime, course: Course) -> None:
    message = runtime.sample_emails.of_lesson(course, course.lessons[1], "nl", runtime.clock.now(), SOMEBODY)
    found = lint_email(message, runtime.settings.base_url)
    assert [one for one in found.remarks if one.is_error] == []


def test_the_web_lesson_shows_it_and_loads_nothing_of_the_video(runtime: Runtime, course: Course) -> None:
    browser = TestClient(create_app(runtime))
    page = browser.get(f"/nl/{COURSE}/lessons/overbelasting")
    sources = re.findall(r'<img [^>]*src="([^"]*)"', page.text)
    assert f"/pictures/{BALANCE_REF.digest}-800.png" in sources
    assert all(one.startswith(("/pictures/", "data:")) for one in sources)
    assert f'<a href="{VIDEO}">' in page.text
    assert "img-src 'self'" in page.headers["content-security-policy"]
    for source in sources:
        assert browser.get(source).headers["content-type"] == "image/png"


def test_the_books_hold_it(runtime: Runtime, course: Course) -> None:
    published = course_of(runtime)
    made = {
        kind: get_ebook(runtime.database, runtime.clock, LINKS, HOUSE, published, "nl", kind)
        for kind in (EbookKind.PDF, EbookKind.EPUB)
    }
    assert made[EbookKind.PDF].count(b"/Subtype /Image") + made[EbookKind.PDF].count(b"/Subtype/Image") >= 2
    with zipfile.ZipFile(io.BytesIO(made[EbookKind.EPUB])) as book:
        assert book.read(f"OEBPS/pictures/{BALANCE_REF.file_name}") == BALANCE
        assert (
            f'href="pictures/{BALANCE_REF.file_name}" media-type="image/png"' in book.read("OEBPS/content.opf").decode()
        )
        assert 'alt="Een weegschaal die in evenwicht is"' in book.read("OEBPS/lesson-02.xhtml").decode()


def test_a_course_pack_brings_it_along(runtime: Runtime, course: Course) -> None:
    data = runtime.database.query(pack_of, COURSE)
    pack = read_pack(data)
    assert pack.pictures[BALANCE_REF.file_name] == BALANCE
    packed = course_of_pack(data, "other")
    assert {one.ref.digest for one in packed.pictures} == {one.digest for one in pictures_of(course)}
    runtime.database.run(add_course, runtime.clock.now(), packed)
    with runtime.database.read() as session:
        added = courses.load_course(session, "other")
    assert added is not None
    assert added.course.lessons == course.lessons


def test_what_is_in_the_admin_pages_comes_out_as_files_with_its_pictures(
    runtime: Runtime, course: Course, tmp_path: Path
) -> None:
    export_courses(runtime.database, tmp_path / "out")
    assert (tmp_path / "out" / COURSE / "pictures" / BALANCE_REF.file_name).read_bytes() == BALANCE
    assert all(one.changed == () for one in import_courses(runtime.database, runtime.clock, tmp_path / "out"))


def test_an_import_twice_changes_nothing(runtime: Runtime, course: Course, folder: Path) -> None:
    assert all(one.changed == () for one in import_courses(runtime.database, runtime.clock, folder))
    before = sorted((folder / COURSE / "pictures").iterdir())
    export_courses(runtime.database, folder)
    assert sorted((folder / COURSE / "pictures").iterdir()) == before


FILES = {"course.en.md": "about\n", "01-welcome.en.md": "hello\n"}


@pytest.mark.parametrize("folder_name", ["", "back-pain/"])
def test_a_pack_zipped_by_hand_may_have_its_pictures_in_its_folder(folder_name: str) -> None:
    data = write_pack(FILES, "back", ["en"], {"load.png": BALANCE})
    moved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(moved, "w") as new:
        for name in old.namelist():
            new.writestr(folder_name + name, old.read(name))
    assert read_pack(moved.getvalue()).pictures == {"load.png": BALANCE}


@pytest.mark.parametrize(
    "name",
    [
        "pictures/evil.js",
        "pictures/x.svg",
        "pictures/../x.png",
        "../pictures/x.png",
        "a/b/pictures/x.png",
        "x.png",
        "/pictures/x.png",
        "//pictures/x.png",
        "back//pictures/x.png",
        "/x.png",
        "pictures//x.png",
    ],
)
def test_a_pack_holds_no_other_files_beside_its_pictures(name: str) -> None:
    data = io.BytesIO(write_pack(FILES, "back", ["en"]))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(name, BALANCE)
    with pytest.raises(InvalidPack):
        read_pack(data.getvalue())


def test_pictures_of_a_pack_have_a_limit_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_pack(FILES, "back", ["en"], {"load.png": BALANCE})
    monkeypatch.setattr(packs, "MAX_PICTURE_BYTES", len(BALANCE) - 1)
    with pytest.raises(PackTooLarge):
        read_pack(data)


def test_a_pack_without_pictures_can_still_be_read_by_older_installations() -> None:
    with zipfile.ZipFile(io.BytesIO(write_pack(FILES, "back", ["en"]))) as archive:
        assert b'"format_version": 1' in archive.read("pack.json")


def test_what_a_pack_says_of_its_pictures_is_not_relied_on(runtime: Runtime, course: Course) -> None:
    pack = read_pack(runtime.database.query(pack_of, COURSE))
    shown = {**pack.pictures, STILL_REF.file_name: STILL + b"PK\x03\x04"}
    with pytest.raises(AuthoringErrors, match="behind the picture"):
        course_of_pack(write_pack(pack.files, COURSE, pack.languages, shown), "other")
    shown[STILL_REF.file_name] = jpeg_frame()
    packed = course_of_pack(write_pack(pack.files, COURSE, pack.languages, shown), "other")
    kept = {one.ref.digest for one in packed.pictures}
    assert check_file(jpeg_frame(), "still.png").digest in kept
    assert STILL_REF.digest not in kept  # whatever the name of its file says
