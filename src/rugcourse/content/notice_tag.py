"""The tag that puts the alarm signs of a course into a lesson. It stands on a line of its own, outside all Markdown."""

from __future__ import annotations

import re

NOTICE_TAG = "{{ warning_signs }}"

_LINE = re.compile(r"^\{\{[ \t]*warning_signs[ \t]*\}\}[ \t]*$", re.MULTILINE)


def split_at_notice(body: str) -> list[str]:
    """The Markdown texts between which the alarm signs stand: one text where the lesson has no such tag."""
    return _LINE.split(body)


def without_notice(body: str) -> str:
    """The same text with an empty line in the place of each tag."""
    return _LINE.sub("", body)


def notice_line(body: str) -> int | None:
    """The line of the first tag, from 0; None where there is none."""
    found = _LINE.search(body)
    return None if found is None else body.count("\n", 0, found.start())
