"""Finds the files that come with rugcourse: lessons, templates, translations and help.

In a checkout they are at its root, where authors look for them; a wheel has the same folders in the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Return the folder `lessons`, `templates`, `locales` or `docs`. Raises FileNotFoundError when it is missing."""
    for candidate in (_PACKAGE / "shipped" / name, _PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of rugcourse; install it again")
