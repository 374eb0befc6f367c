"""Reads values of JSON that somebody else made, and that may have any shape."""

from __future__ import annotations


def part(value: object, *names: str) -> object:
    """Return a value from nested objects, or None if a key is missing on the way."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: object, *names: str) -> str:
    """Return a text from nested objects, or an empty one if there is none."""
    found = part(value, *names) if names else value
    return found if isinstance(found, str) else ""
