"""Has PDFs and preview pictures built by typst, in a process of its own that ends when it is done.

typst takes 60 MB, and what a book does to it (a crash, a loop without end, all of the memory) happens to that process
alone. Whatever happens there is a TypesettingFailed here.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rugcourse import paths
from rugcourse.ebooks.shown_pictures import ShownPictures, only_with
from rugcourse.errors import UnavailableError

if TYPE_CHECKING:
    from rugcourse.ebooks.document import Book

_log = logging.getLogger(__name__)
_COMMAND = (sys.executable, "-P", "-m", "rugcourse.ebooks.typst_process")
_LONGEST_SECONDS = 60.0  # a book of nine lessons takes less than one
_LONGEST_SECONDS_OF_SIGNS = 10.0  # somebody waits for the answer
_SECRETS = "RUGCOURSE_"  # what the names of our settings begin with; typst needs none of them


class TypesettingFailed(UnavailableError):
    """A book or picture can't be built from these texts, or not now. The message gives the reason."""


def make_pdf(book: Book, pictures: ShownPictures | None = None) -> bytes:
    """Build the book in A5, tagged for screen readers (PDF/UA-1). `pictures`: those of its blocks.

    If it fails that standard it is built without, which is better than no book. Characters that the fonts lack are
    removed. Raises TypesettingFailed.
    """
    head, pdf = _ask(_with_files("pdf", book, pictures), _LONGEST_SECONDS)
    for warning in head["warnings"]:
        _log.warning("%s: a book is built %s", book["title"], warning)
    return pdf


def make_cover(book: Book, pictures: ShownPictures | None = None) -> bytes:
    """Build a PNG of 839 by 1191 pixels, as e-readers show it in their library. Raises TypesettingFailed."""
    shown = {name: content for name, content in (pictures or {}).items() if name in _on_cover(book)}
    return _ask(_with_files("cover", {**book, "chapters": [], "about": []}, shown), _LONGEST_SECONDS)[1]


def make_picture(book: Book) -> bytes:
    """Build a PNG of 1200 by 630 pixels, the size that messengers show with a shared link. Raises TypesettingFailed."""
    return _ask({"make": "picture", "book": book}, _LONGEST_SECONDS)[1]


def shown_signs(signs: Iterable[str]) -> set[str]:
    """Return those characters that the fonts of a book have. Raises TypesettingFailed."""
    head, _ = _ask({"make": "signs", "signs": list(signs)}, _LONGEST_SECONDS_OF_SIGNS)
    return set(head["shown"])


def _on_cover(book: Book) -> set[str]:
    return {one["file"] for one in (book["logo"], book["cover_picture"]) if one}


def _with_files(make: str, book: Book, pictures: ShownPictures | None) -> dict[str, object]:
    files = {name: base64.b64encode(content).decode() for name, content in (pictures or {}).items()}
    return {"make": make, "book": only_with(book, files), "pictures": files}


def _ask(request: Mapping[str, object], seconds: float) -> tuple[dict[str, Any], bytes]:
    """Run typst on a request; returns the head of its reply, and the file. Raises TypesettingFailed."""
    request = {**request, "templates": str(paths.folder("templates") / "ebook")}
    try:
        run = subprocess.run(  # noqa: S603 - our own module
            _COMMAND,
            input=json.dumps(request).encode(),
            capture_output=True,
            env=_environment(),
            timeout=seconds,
            check=True,
        )
        first, _, body = run.stdout.partition(b"\n")
        head = json.loads(first)
    except subprocess.TimeoutExpired:
        raise TypesettingFailed(f"typst was not done after {seconds:g} seconds") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise TypesettingFailed(f"typst ended with code {error.returncode} {last}".rstrip()) from None
    except (OSError, ValueError) as error:  # no memory for another process, or no reply
        raise TypesettingFailed(f"typst could not be run: {error}") from error
    if "error" in head:
        raise TypesettingFailed(head["error"])
    return head, body


def _environment() -> dict[str, str]:
    """The same modules are found as here, and nothing of our settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
    return {**ours, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
