"""Scores mails with SpamAssassin (Debian package spamassassin), if it is installed, without network tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage

from rugcourse.errors import UnavailableError

_SECONDS = 60
_PROGRAM = "spamassassin"
_FROM_LINE = re.compile(rb"(?m)^From ")
_SCORE = re.compile(r"score=(-?[\d.]+)")
_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z0-9_]{3,})\s+(.*)$", re.MULTILINE)


class SpamAssassinAway(UnavailableError):
    """SpamAssassin is not installed, or does not respond."""


@dataclass(frozen=True, slots=True)
class SpamScore:
    """The score of a mail: from 5 on it counts as spam by default.

    `rules`: (points, name, description) of the rules that added or subtracted points.
    """

    score: float
    rules: tuple[tuple[float, str, str], ...]


def is_installed() -> bool:
    return shutil.which(_PROGRAM) is not None


def score(messages: Sequence[bytes]) -> list[SpamScore]:
    """Score all messages in one run, as starting it takes longer than scoring. Raises SpamAssassinAway."""
    program = shutil.which(_PROGRAM)
    if program is None:
        raise SpamAssassinAway
    try:
        run = subprocess.run(  # noqa: S603 - a fixed command
            [program, "-L", "-t", "--cf=report_safe 0", "--mbox"],
            input=b"".join(_in_mbox(number, message) for number, message in enumerate(messages)),
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpamAssassinAway from error
    said = re.split(r"(?m)^From rugcourse(?=@)", run.stdout.decode("utf-8", "replace"))[1:]
    opinions = dict(_parse_score(one) for one in said)
    if len(opinions) != len(messages):
        raise SpamAssassinAway
    return [opinions[number] for number in range(len(messages))]


def _in_mbox(number: int, message: bytes) -> bytes:
    """Format a message for an mbox (RFC 4155). SpamAssassin's output has its own order, so each gets a number."""
    lines = _FROM_LINE.sub(b">From ", message.replace(b"\r\n", b"\n"))
    return b"From rugcourse@localhost Wed Nov 25 06:00:00 2026\nX-Number: %d\n%s\n" % (number, lines)


def _parse_score(said: str) -> tuple[int, SpamScore]:
    parsed: EmailMessage = message_from_string(said.partition("\n")[2], policy=policy.default)
    score = _SCORE.search(str(parsed["X-Spam-Status"] or ""))
    if score is None or parsed["X-Number"] is None:
        raise SpamAssassinAway
    rules = tuple((float(points), name, about.strip()) for points, name, about in _RULE.findall(said) if float(points))
    return int(parsed["X-Number"]), SpamScore(float(score[1]), rules)
