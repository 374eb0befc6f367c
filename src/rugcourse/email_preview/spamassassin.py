"""What SpamAssassin (Debian package spamassassin) makes of mails, where it is installed. It asks nobody else."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage

_SECONDS = 60
_PROGRAM = "spamassassin"
_FROM_LINE = re.compile(rb"(?m)^From ")
_SCORE = re.compile(r"score=(-?[\d.]+)")
_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z0-9_]{3,})\s+(.*)$", re.MULTILINE)


class SpamAssassinAway(Exception):
    """It is not installed, or does not answer."""


@dataclass(frozen=True, slots=True)
class SpamScore:
    """`score`: from 5 on it is taken for spam by default. `rules`: (points, name, what it is about), of those that gave
    or took points.
    """

    score: float
    rules: tuple[tuple[float, str, str], ...]


def is_installed() -> bool:
    return shutil.which(_PROGRAM) is not None


def score(messages: Sequence[bytes]) -> list[SpamScore]:
    """Its opinion of each message, in one run: starting it takes longer than reading. Raises SpamAssassinAway."""
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
    """As a message in a file of many (RFC 4155). It answers in an order of its own, so each gets a number."""
    lines = _FROM_LINE.sub(b">From ", message.replace(b"\r\n", b"\n"))
    return b"From rugcourse@localhost Wed Nov 25 06:00:00 2026\nX-Number: %d\n%s\n" % (number, lines)


def _parse_score(said: str) -> tuple[int, SpamScore]:
    parsed: EmailMessage = message_from_string(said.partition("\n")[2], policy=policy.default)
    score = _SCORE.search(str(parsed["X-Spam-Status"] or ""))
    if score is None or parsed["X-Number"] is None:
        raise SpamAssassinAway
    rules = tuple((float(points), name, about.strip()) for points, name, about in _RULE.findall(said) if float(points))
    return int(parsed["X-Number"]), SpamScore(float(score[1]), rules)
