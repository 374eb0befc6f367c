"""Has an upload made into the files of a picture, in a process of its own that ends when it is done.

One at a time, as each takes up to 150 MB; who comes when too many wait is told to come back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, TypedDict

from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture, PictureProblem
from rugcourse.pictures.header import MAX_UPLOAD_BYTES, check_upload

_COMMAND = (sys.executable, "-P", "-m", "rugcourse.pictures.picture_process")
_LONGEST_SECONDS = 60.0
_MOST_WAITING = 8  # each holds a thread
_WAIT_SECONDS = 30.0
_SETTINGS = "RUGCOURSE_"  # what the names of our settings begin with; Pillow needs none of them

_waiting = threading.BoundedSemaphore(_MOST_WAITING)
_encoding = threading.Lock()


class _Head(TypedDict, total=False):
    """What the process replies: a problem, or the files that follow, with their sizes by width."""

    problem: str
    extension: str
    width: int
    height: int
    files: dict[str, int]


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture made anew: `files` has its files by width, all with `extension`. Sizes are in pixels."""

    extension: str
    width: int
    height: int
    files: Mapping[int, bytes]

    @property
    def largest(self) -> bytes:
        return self.files[self.width]


def encode_picture(
    source: bytes | BinaryIO, extension: str = "", *, patient: bool = True, square: bool = False
) -> EncodedPicture:
    """Make the files of a picture: upright, without metadata, in the widths of mails and pages.

    `source`: its bytes, or a file, which is read when its turn has come: many that wait are not in memory.
    `extension`: their type (`jpg` or `png`), else the one that suits the picture. `patient`: wait while another one is
    made. `square`: cut a square out of it. Raises InvalidPicture for what is no picture, and EncoderUnavailable when
    too many are made at once.
    """
    with _turn(_WAIT_SECONDS if patient else 0.0):
        data = source if isinstance(source, bytes) else source.read(MAX_UPLOAD_BYTES + 1)
        check_upload(data)
        head, body = _run(data, extension, square=square)
    if "problem" in head:
        raise InvalidPicture(PictureProblem(head["problem"]))
    files, place = {}, 0
    for width, size in head["files"].items():
        files[int(width)] = body[place : place + size]
        place += size
    return EncodedPicture(head["extension"], head["width"], head["height"], files)


@contextmanager
def _turn(seconds: float) -> Iterator[None]:
    if not _waiting.acquire(blocking=False):
        raise EncoderUnavailable("too many pictures are being uploaded at once")
    try:
        if not _encoding.acquire(timeout=seconds):
            raise EncoderUnavailable("another picture is still being made ready")
        try:
            yield
        finally:
            _encoding.release()
    finally:
        _waiting.release()


def _run(data: bytes, extension: str, *, square: bool) -> tuple[_Head, bytes]:
    """Run the process; returns the head of its reply, and the files. Raises InvalidPicture and EncoderUnavailable."""
    command = [*_COMMAND, extension, "square" if square else ""]
    try:
        run = subprocess.run(  # noqa: S603 - our own module
            command, input=data, capture_output=True, env=_environment(), timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InvalidPicture(PictureProblem.DAMAGED) from None
    except OSError as error:  # no memory for another process
        raise EncoderUnavailable(f"the picture can't be made ready now: {error}") from error
    if run.returncode < 0:  # killed by a signal: a picture made to take a decoder down, or its time or memory
        raise InvalidPicture(PictureProblem.DAMAGED)
    if run.returncode > 0:
        last = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EncoderUnavailable(f"the picture can't be made ready: {last}")
    first, _, body = run.stdout.partition(b"\n")
    try:
        return json.loads(first), body
    except ValueError:
        raise EncoderUnavailable("the picture can't be made ready: no reply") from None


def _environment() -> dict[str, str]:
    """The same modules are found as here, and nothing of our settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**ours, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
