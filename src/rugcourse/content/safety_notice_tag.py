"""The tag that inserts a course's safety notice into a lesson. It must be on its own line, outside any Markdown."""

from __future__ import annotations

import re

SAFETY_NOTICE_TAG = "{{ safety_notice }}"

_LINE = re.compile(r"^\{\{[ \t]*safety_notice[ \t]*\}\}[ \t]*$", re.MULTILINE)


def split_at_notice(body: str) -> list[str]:
    """Split a body into the Markdown texts before, between and after the tags; one text if there are none."""
    return _LINE.split(body)


def without_notice(body: str) -> str:
    """Replace each tag by an empty line."""
    return _LINE.sub("", body)


def notice_line(body: str) -> int | None:
    """Return the line of the first tag, counted from 0, or None."""
    found = _LINE.search(body)
    return None if found is None else body.count("\n", 0, found.start())
