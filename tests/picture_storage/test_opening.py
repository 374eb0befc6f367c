"""The setting names the database, a folder or a bucket, and says what is wrong with any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from rugcourse.picture_storage import opening
from rugcourse.picture_storage.opening import StorageNotConfigured, open_storage
from rugcourse.setting_values import S3Bucket, read_picture_storage
from rugcourse.settings import Settings, SettingsError, load_settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("database", None),
        ("/srv/pictures", Path("/srv/pictures")),
        ("s3://ours", S3Bucket("ours", "", "", "us-east-1")),
        ("s3://ours/a/b/?region=eu-west-1", S3Bucket("ours", "a/b", "", "eu-west-1")),
        (
            "s3://ours?endpoint=https://s3.example.org:9000/",
            S3Bucket("ours", "", "https://s3.example.org:9000", "us-east-1"),
        ),
        ("s3://ours?endpoint=http://minio:9000", S3Bucket("ours", "", "http://minio:9000", "us-east-1")),
        ("s3://ours?endpoint=http://127.0.0.1:9000", S3Bucket("ours", "", "http://127.0.0.1:9000", "us-east-1")),
    ],
)
def test_a_location_is_read(value: str, expected: Path | S3Bucket | None) -> None:
    assert read_picture_storage(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "pictures",
        "./pictures",
        "/srv/../etc",
        "s3://",
        "s3://Ours",
        "s3://key:secret@ours",
        "s3://ours:9000",
        "s3://ours/../x",
        "s3://ours/a//b",
        "s3://ours#x",
        "s3://ours?secret=x",
        "s3://ours?region=eu west",
        "s3://ours?endpoint=ftp://s3.example.org",
        "s3://ours?endpoint=http://s3.example.org",
        "s3://ours?endpoint=https://key:secret@s3.example.org",
        "s3://ours?endpoint=https://s3.example.org/path",
        "s3://ours?endpoint=https://",
        "https://s3.example.org/ours",
    ],
)
def test_any_other_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"expected|endpoint|unencrypted"):
        read_picture_storage(value)


def test_a_mistake_in_the_setting_is_said_with_its_name() -> None:
    with pytest.raises(SettingsError, match="RUGCOURSE_PICTURE_STORAGE: expected `database`"):
        load_settings(picture_storage="pictures")


def test_a_bucket_needs_its_key() -> None:
    with pytest.raises(StorageNotConfigured, match="RUGCOURSE_PICTURE_STORAGE_SECRET"):
        open_storage("s3://ours", "id", "")


def test_a_bucket_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _name: None)
    with pytest.raises(StorageNotConfigured, match=r"rugcourse\[s3\]"):
        open_storage("s3://ours", "id", "secret")
    assert open_storage("database", "", "") is None


def test_the_secret_can_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("RUGCOURSE_PICTURE_STORAGE_SECRET_FILE", str(file))
    settings: Settings = load_settings()
    assert settings.picture_storage_secret == "from a file"
