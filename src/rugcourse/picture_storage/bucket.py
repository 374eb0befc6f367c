"""Keeps the files of pictures in a bucket that speaks S3: of Amazon, or of another with the same protocol."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from rugcourse.picture_storage.storage import (
    MAX_FILE_BYTES,
    StorageUnavailable,
    StoredFileMissing,
    StoredObject,
    check_key,
    is_key,
)
from rugcourse.setting_values import S3Bucket

if TYPE_CHECKING:
    from obstore.store import S3Store

_CONNECT_SECONDS = 3.0
_REQUEST_SECONDS = 10.0
_RETRY_SECONDS = 4.0
_REST_SECONDS = 10.0  # in which nothing is asked of a bucket that did not answer: each question holds a thread
_AT_ONCE = 16  # questions, of the 40 threads of a web process
_WAIT_SECONDS = 2.0
_SHOWN = 300  # characters of an error


class BucketStorage:
    """A bucket. Loads obstore, which takes 12 MB, when it is first asked."""

    def __init__(self, bucket: S3Bucket, key_id: str, secret: str) -> None:
        self._bucket, self._key_id, self._secret = bucket, key_id, secret
        self._asking = threading.BoundedSemaphore(_AT_ONCE)
        self._rests_until = 0.0

    @property
    def name(self) -> str:
        place = f"s3://{self._bucket.name}/{self._bucket.prefix}".rstrip("/")
        return f"{place} at {self._bucket.endpoint}" if self._bucket.endpoint else place

    def get(self, key: str) -> bytes:
        import obstore  # noqa: PLC0415

        check_key(key)
        with self._question(key):
            found = obstore.get(self._store, key)
            if found.meta["size"] > MAX_FILE_BYTES:
                raise StorageUnavailable(f"{self.name}/{key} is too large for a picture")
            return found.bytes().to_bytes()

    def put(self, key: str, content: bytes) -> None:
        import obstore  # noqa: PLC0415

        check_key(key)
        with self._question(key):
            obstore.put(self._store, key, content, use_multipart=False)

    def delete(self, key: str) -> None:
        import obstore  # noqa: PLC0415

        check_key(key)
        with self._question(key):
            obstore.delete(self._store, key)

    def listed(self) -> Iterator[StoredObject]:
        import obstore  # noqa: PLC0415

        with self._question():
            for some in obstore.list(self._store):
                for one in some:
                    if is_key(one["path"]):
                        yield StoredObject(one["path"], one["size"], one["last_modified"])

    @cached_property
    def _store(self) -> S3Store:
        from obstore.store import S3Store  # noqa: PLC0415

        endpoint = self._bucket.endpoint
        return S3Store(
            self._bucket.name,
            prefix=self._bucket.prefix or None,
            access_key_id=self._key_id,
            secret_access_key=self._secret,
            region=self._bucket.region,
            virtual_hosted_style_request=not endpoint,  # others than Amazon have the bucket in the path
            config={"endpoint": endpoint} if endpoint else None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "timeout": timedelta(seconds=_REQUEST_SECONDS),
            },
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
        )

    @contextmanager
    def _question(self, key: str = "") -> Iterator[None]:
        from obstore.exceptions import BaseError, GenericError  # noqa: PLC0415

        where = f"{self.name}/{key}"
        if time.monotonic() < self._rests_until:
            raise StorageUnavailable(f"{self.name} did not answer a moment ago")
        if not self._asking.acquire(timeout=_WAIT_SECONDS):
            raise StorageUnavailable(f"too much is asked of {self.name} at once")
        try:
            yield
        except FileNotFoundError:
            raise StoredFileMissing(f"{where} is not there, or the bucket is not") from None
        except (BaseError, OSError, ValueError) as error:
            if isinstance(error, GenericError):  # no answer, or one that says that it is broken
                self._rests_until = time.monotonic() + _REST_SECONDS
            said = str(error).partition("\n")[0][:_SHOWN].replace(self._secret, "…")
            raise StorageUnavailable(f"{where}: {said}") from None
        finally:
            self._asking.release()
