"""Stores received mails as files in a folder."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail in the list. `number` counts from 1, in the order of arrival."""

    number: int
    recipient: str
    subject: str
    sent_at: datetime | None


class CaughtMails:
    """The mails in `folder`, one `.eml` file each. Existing files stay. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._mails = [_summary(int(path.stem), path.read_bytes()) for path in sorted(folder.glob("*.eml"))]

    def keep(self, raw: bytes) -> None:
        with self._lock:
            number = self._mails[-1].number + 1 if self._mails else 1
            self._path(number).write_bytes(raw)
            self._mails.append(_summary(number, raw))

    def newest_first(self) -> list[CaughtMail]:
        return self._mails[::-1]

    def source(self, number: int) -> bytes | None:
        path = self._path(number)
        return path.read_bytes() if path.is_file() else None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.eml"


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of the `html` or `plain` part, or an empty string."""
    found = message.get_body((kind,))
    return str(found.get_content()) if found is not None else ""


def _summary(number: int, raw: bytes) -> CaughtMail:
    message: Any = parse(raw)
    date = message["Date"]
    return CaughtMail(number, str(message["To"] or ""), str(message["Subject"] or ""), date.datetime if date else None)
