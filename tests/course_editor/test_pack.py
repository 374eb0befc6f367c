"""Course packs come from anywhere: what is no pack is refused with a reason, and nothing in one is taken at its word."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import LESSONS

from rugcourse.content import load_course
from rugcourse.content.loader import find_courses, is_course_file
from rugcourse.content.writer import files_of
from rugcourse.course_editor.pack import (
    MANIFEST,
    MAX_BYTES,
    MAX_ENTRIES,
    MAX_UNPACKED_BYTES,
    InvalidPack,
    NewerPack,
    PackTooLarge,
    read_pack,
    write_pack,
)

FILES = {"course.en.md": "about\n", "01-welcome.en.md": "hello\n"}
GOOD = {
    "format": "rugcourse-course",
    "format_version": 1,
    "slug": "back",
    "languages": ["en"],
    "product_version": "0.1.0",
}


def zipped(*entries: tuple[str | zipfile.ZipInfo, str | bytes], manifest: object = GOOD) -> bytes:
    """A zip file with these entries after the manifest, packed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest is not None:
            archive.writestr(MANIFEST, json.dumps(manifest))
        for name, text in entries:
            archive.writestr(name, text)
    return file.getvalue()


def kind_of(data: bytes) -> str:
    """Why a pack is refused."""
    with pytest.raises(InvalidPack) as refused:
        read_pack(data)
    return refused.value.kind


@pytest.mark.parametrize("folder", find_courses(LESSONS), ids=lambda folder: folder.name)
def test_a_shipped_course_is_the_same_after_a_pack(folder: Path) -> None:
    course = load_course(folder)
    files = files_of(course)
    pack = read_pack(write_pack(files, course.slug, course.languages))
    assert dict(pack.files) == files
    assert (pack.slug, pack.languages) == (course.slug, course.languages)
    assert all(is_course_file(name) for name in files)


def test_the_same_course_gives_the_same_bytes_in_whatever_order_its_files_come() -> None:
    backwards = dict(reversed(FILES.items()))
    assert write_pack(FILES, "back", ["en"]) == write_pack(backwards, "back", ["en"])


def test_a_folder_that_was_zipped_by_hand_is_read_with_its_readme_left_out() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.mkdir("My course")
        archive.writestr(f"My course/{MANIFEST}", json.dumps(GOOD))
        archive.writestr("My course/README.md", "for authors")
        archive.writestr("My course/course.en.md", "\ufeffabout")
    assert dict(read_pack(file.getvalue()).files) == {"course.en.md": "about"}


@given(st.text(min_size=1, max_size=40) | st.from_regex(r"\A[./\\a-zA-Z:\0-]{1,20}course\.en\.md\Z"))
def test_only_names_of_course_files_come_out_of_a_pack_whatever_is_in_it(name: str) -> None:
    try:
        pack = read_pack(zipped((name, "text")))
    except (InvalidPack, UnicodeEncodeError, IndexError):  # the last two: it can't be written
        return
    assert all(is_course_file(one) and "/" not in one for one in pack.files)


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=3))
def test_what_can_be_written_can_be_read(files: dict[str, str]) -> None:
    try:
        data = write_pack(files, "back", ["en"])
    except (InvalidPack, UnicodeEncodeError):
        assert any(not is_course_file(name) for name in files)
        return
    assert dict(read_pack(data).files) == files


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_pack_is_refused_or_read_and_nothing_else(place: int, damage: bytes) -> None:
    data = bytearray(write_pack(FILES, "back", ["en"]))
    place %= len(data)
    data[place : place + len(damage)] = damage
    try:
        assert set(read_pack(bytes(data)).files) <= set(FILES)
    except InvalidPack:
        return


@pytest.mark.parametrize(
    "name",
    [
        "../course.en.md",
        "../../etc/cron.d/01-x.en.md",
        "/course.en.md",
        "//host/course.en.md",
        "C:/course.en.md",
        "./course.en.md",
        "a/b/course.en.md",
        "a//course.en.md",
        "../",
        "/",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert kind_of(zipped((name, "x"))) == "unsafe-name"


@pytest.mark.parametrize(
    "name",
    ["..\\course.en.md", "C:course.en.md", "course.en.md\n", "01-x.en.exe", "x.md", "Course.EN.md", "01-\u0435.en.md", "__MACOSX/._course.en.md"],
)  # fmt: skip
def test_what_is_no_file_of_a_course_is_refused(name: str) -> None:
    assert kind_of(zipped((name, "x"))) == "unknown-file"


def test_a_name_with_something_hidden_behind_its_end_is_refused() -> None:
    data = zipped(("course.en.md.exe", "x")).replace(b"course.en.md.exe", b"course.en.md\0exe")
    assert kind_of(data) in {"unknown-file", "unreadable"}


def test_the_message_cuts_and_escapes_the_name_that_somebody_else_chose() -> None:
    with pytest.raises(InvalidPack) as refused:
        read_pack(zipped(("\x1b[31m" + "x" * 500, "x")))
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_two_entries_of_one_name_are_refused_and_also_two_that_differ_in_capitals() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(("course.en.md", "a"), ("course.en.md", "b"))
    assert kind_of(twice) == "twice"
    assert kind_of(zipped(("README.md", "a"), ("readme.md", "b"))) == "twice"


def test_files_in_two_folders_are_refused() -> None:
    assert kind_of(zipped(("one/course.en.md", "a"))) == "folders"


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644])
def test_a_link_or_a_device_is_refused(mode: int) -> None:
    link = zipfile.ZipInfo("course.en.md")
    link.create_system, link.external_attr = 3, mode << 16
    assert kind_of(zipped((link, "/etc/passwd"))) == "no-file"


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(zipped(("course.en.md", "x")))
    flags = data.rindex(b"PK\x01\x02") + 8
    data[flags] |= 1
    assert kind_of(bytes(data)) == "encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_unpacks_without_a_limit_is_refused(method: int) -> None:
    entry = zipfile.ZipInfo("course.en.md")
    entry.compress_type = method
    assert kind_of(zipped((entry, "x"))) == "method"


@pytest.mark.parametrize("count", [MAX_ENTRIES, 10_000])
def test_too_many_files_are_refused(count: int) -> None:
    assert kind_of(zipped(*((f"01-l{number}.en.md", "") for number in range(count)))) == "too-many"


def test_a_file_over_the_limit_is_not_even_opened() -> None:
    with pytest.raises(PackTooLarge, match="larger than 40 MB"):
        read_pack(b"P" * (MAX_BYTES + 1))


def test_a_bomb_is_refused_by_what_it_says_and_by_its_ratio() -> None:
    zeros = bytes(MAX_UNPACKED_BYTES // 2)
    assert kind_of(zipped(("01-a.en.md", zeros), ("02-b.en.md", zeros), ("03-c.en.md", zeros))) == "too-large"
    assert kind_of(zipped(("01-a.en.md", zeros))) == "too-large"


def test_a_bomb_whose_header_says_that_it_is_small_is_refused() -> None:
    data = bytearray(zipped(("01-a.en.md", bytes(MAX_UNPACKED_BYTES))))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.rindex(mark) + place, 10)
    assert kind_of(bytes(data)) == "unreadable"


def test_an_entry_that_is_smaller_than_its_header_says_is_refused() -> None:
    data = bytearray(zipped(("01-a.en.md", "some text")))
    struct.pack_into("<I", data, data.rindex(b"PK\x01\x02") + 24, 5000)
    assert kind_of(bytes(data)) == "unreadable"


def test_a_pack_in_the_zip64_format_is_read_and_one_that_lies_in_it_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in ((MANIFEST, json.dumps(GOOD)), *FILES.items()):
            with archive.open(name, "w", force_zip64=True) as opened:
                opened.write(text.encode())
    assert dict(read_pack(file.getvalue()).files) == FILES
    entry = zipfile.ZipInfo("01-a.en.md")
    entry.extra = struct.pack("<HHQQ", 1, 16, 2**60, 2**60)
    data = bytearray(zipped((entry, "x")))
    struct.pack_into("<II", data, data.rindex(b"PK\x01\x02") + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    assert kind_of(bytes(data)) in {"too-large", "unreadable"}


def test_a_text_that_is_not_utf_8_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidPack, match=r"course\.en\.md is not UTF-8"):
        read_pack(zipped(("course.en.md", b"caf\xe9")))


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    data = zipped(("01-é.en.md", "x")).replace("é".encode(), b"\xff\xfe")
    assert kind_of(data) == "unreadable"


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_file_or_has_nothing_in_it_is_refused(data: bytes) -> None:
    assert kind_of(data) in {"unreadable", "no-manifest"}


def test_a_zip_file_without_a_manifest_says_how_to_make_one() -> None:
    with pytest.raises(InvalidPack, match="rugcourse courses pack"):
        read_pack(zipped(("course.en.md", "x"), manifest=None))


def test_a_newer_format_is_refused_with_both_versions_and_whatever_else_it_says() -> None:
    newer = {"format": "rugcourse-course", "format_version": 3, "product_version": "9.1", "course": {"slug": "back"}}
    with pytest.raises(NewerPack, match=r"rugcourse 9\.1 made this pack, in format 3; .* reads format 2") as refused:
        read_pack(zipped(manifest=newer))
    assert refused.value.kind == "newer"


def test_fields_that_this_version_does_not_know_are_left_out() -> None:
    assert read_pack(zipped(("course.en.md", "x"), manifest={**GOOD, "author": "Kim"})).slug == "back"


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "other"},
        {"format_version": 0},
        {"format_version": "1"},
        {"format_version": True},
        {"slug": "../x"},
        {"slug": "x" * 61},
        {"slug": None},
        {"languages": []},
        {"languages": ["../"]},
        {"product_version": "1\n2"},
    ],
)
def test_a_manifest_with_a_wrong_field_says_which(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidPack, match=next(iter(wrong))) as refused:
        read_pack(zipped(manifest={**GOOD, **wrong}))
    assert refused.value.kind == "manifest"


@pytest.mark.parametrize("content", [b"", b"[" * 9_000, b"null", b'{"format": 1e999}', b"\xff", b"{" * 20_000])
def test_a_manifest_that_can_not_be_read_is_refused(content: bytes) -> None:
    assert kind_of(zipped((MANIFEST, content), manifest=None)) in {"manifest", "too-large"}


def test_a_course_that_is_too_large_for_a_pack_is_not_written() -> None:
    with pytest.raises(PackTooLarge):
        write_pack({f"{number:03}-l.en.md": "" for number in range(MAX_ENTRIES)}, "back", ["en"])
