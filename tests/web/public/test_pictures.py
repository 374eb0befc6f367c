"""The files of pictures are for everybody, for ever, and nothing but pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.pictures import picture_file

from rugcourse.bootstrap import Runtime
from rugcourse.picture_library import files
from rugcourse.picture_library.files import make_renditions
from rugcourse.picture_library.storing import store_files
from rugcourse.picture_storage.folder import FolderStorage
from rugcourse.pictures.encoder import EncodedPicture
from rugcourse.pictures.errors import EncoderUnavailable

PICTURE = picture_file("load", 1000, 20)
DIGEST = PICTURE.ref.digest


@pytest.fixture
def kept(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    made = EncodedPicture("png", 1000, 20, {600: b"six", 800: b"eight", 1000: b"ten"})
    monkeypatch.setattr(files, "encode_picture", lambda *_, **__: made)


def test_a_picture_has_the_headers_of_a_picture(browser: TestClient, kept: None) -> None:
    answer = browser.get(f"/pictures/{DIGEST}-600.png")
    assert (answer.status_code, answer.content) == (200, b"six")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"  # mail programs on the web load it
    assert "set-cookie" not in answer.headers


def test_a_picture_that_is_not_made_yet_is_not_kept_for_ever(
    browser: TestClient, kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> EncodedPicture:
        raise EncoderUnavailable("busy")

    monkeypatch.setattr(files, "encode_picture", busy)
    answer = browser.get(f"/pictures/{DIGEST}-600.png")
    assert answer.content == PICTURE.content
    assert answer.headers["cache-control"] == "public, max-age=60"


def test_from_a_folder_it_has_the_same_headers(
    browser: TestClient, runtime: Runtime, kept: None, tmp_path: Path
) -> None:
    runtime.database.picture_storage = FolderStorage(tmp_path)
    before = browser.get(f"/pictures/{DIGEST}-600.png")
    make_renditions(runtime.database)
    after = browser.get(f"/pictures/{DIGEST}-600.png")
    assert list(tmp_path.glob(f"{DIGEST}-600-*.png"))
    assert (after.content, after.headers) == (before.content, before.headers)


def test_without_its_folder_readers_are_told_to_come_back(
    browser: TestClient, runtime: Runtime, kept: None, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    runtime.database.picture_storage = FolderStorage(tmp_path / "kept")
    make_renditions(runtime.database)
    (tmp_path / "kept").rename(tmp_path / "unplugged")
    answer = browser.get(f"/pictures/{DIGEST}-600.png")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "immutable" not in answer.headers.get("cache-control", "")
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        f"{DIGEST}-601.png",
        f"{DIGEST}-600.jpg",
        f"{DIGEST}-600.svg",
        f"{DIGEST}-0600.png",
        f"{DIGEST}.png",
        f"{'0' * 32}-600.png",
        "..%2f..%2fetc%2fpasswd",
        "x.png",
    ],
)
def test_there_is_nothing_else(browser: TestClient, kept: None, path: str) -> None:
    assert browser.get(f"/pictures/{path}").status_code == 404
