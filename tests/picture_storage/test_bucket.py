"""A bucket that does not answer holds up nobody, and no message shows its secret."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from tests.support.buckets import KEY_ID, SECRET, answering, s3_server

from rugcourse.picture_storage import bucket as buckets
from rugcourse.picture_storage.bucket import BucketStorage
from rugcourse.picture_storage.storage import StorageUnavailable, new_key
from rugcourse.setting_values import S3Bucket

KEY = new_key("9f86d081884c7d659a2feaa0c55ad015", 600, "png")
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 32\r\n\r\n<Error><Code>AccessDenied</Code>"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


def storage_at(address: str) -> BucketStorage:
    return BucketStorage(S3Bucket("nobody", "of/ours", address, "eu-west-1"), KEY_ID, SECRET)


def refusal(storage: BucketStorage) -> str:
    with pytest.raises(StorageUnavailable) as caught:
        storage.get(KEY)
    said = str(caught.value)
    assert SECRET not in said
    assert KEY_ID not in said
    assert len(said) < 500
    return said


def test_a_bucket_that_is_not_there_is_named(s3_address: str) -> None:
    assert "s3://nobody/of/ours" in refusal(storage_at(s3_address))
    with pytest.raises(StorageUnavailable, match="s3://nobody/of/ours"):
        storage_at(s3_address).put(KEY, b"x")


def test_a_server_that_is_gone_is_not_asked_again_for_a_moment() -> None:
    with s3_server() as address:
        storage = storage_at(address)
    assert KEY in refusal(storage)
    assert "did not answer a moment ago" in refusal(storage)


def test_after_a_moment_it_is_asked_again(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = BucketStorage(S3Bucket.from_url(bucket), KEY_ID, SECRET)
    storage._rests_until = time.monotonic() + 60
    refusal(storage)
    storage._rests_until = time.monotonic()
    storage.put(KEY, b"x")
    assert storage.get(KEY) == b"x"


@pytest.mark.parametrize("reply", [BROKEN, b"nonsense\r\n\r\n"])
def test_a_server_that_is_broken_is_left_in_peace(reply: bytes) -> None:
    with answering(reply) as (address, asked):
        storage = storage_at(address)
        refusal(storage)
        count = len(asked)
        refusal(storage)
        assert len(asked) == count


def test_a_key_that_is_refused_is_said_at_once_and_each_time() -> None:
    with answering(REFUSED) as (address, asked):
        storage = storage_at(address)
        for _ in range(2):
            refusal(storage)
        assert len(asked) == 2


def test_a_server_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(buckets, "_RETRY_SECONDS", 0.1)
    with answering(b"") as (address, asked):
        refusal(storage_at(address))
        assert asked


def test_the_secret_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(REFUSED) as (address, asked):
        refusal(storage_at(address))
    assert KEY_ID.encode() in asked[0]
    assert SECRET.encode() not in asked[0]


def test_more_questions_than_the_threads_of_a_process_can_bear_are_refused(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_AT_ONCE", 1)
    monkeypatch.setattr(buckets, "_WAIT_SECONDS", 0.0)
    storage = BucketStorage(S3Bucket.from_url(bucket), KEY_ID, SECRET)
    storage.put(KEY, b"x")
    listing = storage.listed()
    next(listing)  # a question that is not over yet
    assert "too much is asked" in refusal(storage)
    list(listing)
    assert storage.get(KEY) == b"x"


def test_who_keeps_pictures_in_the_database_loads_no_obstore() -> None:
    looks = "import sys, rugcourse.web.app, rugcourse.worker.tasks; sys.exit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looks], check=False).returncode == 0
