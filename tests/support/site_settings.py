"""What owners do on the pages with settings, and the pictures that they upload there."""

from __future__ import annotations

import io
from typing import Any

from fastapi.testclient import TestClient
from PIL import Image
from tests.support.admin_pages import form_of
from tests.support.pages import inputs


def drawing(width: int, height: int, kind: str = "PNG", mode: str = "RGBA") -> bytes:
    """A picture whose upper half is another colour than its lower half."""
    picture = Image.new(mode, (width, height), "white")
    picture.paste("navy", (0, 0, width, height // 2))
    written = io.BytesIO()
    picture.save(written, kind)
    return written.getvalue()


def save(owner: TestClient, page: str = "", files: dict[str, bytes] | None = None, **changed: str) -> Any:
    """Send the form of a page (`/authors`, `/words`) as it is shown, with some fields changed and files chosen."""
    form = inputs(owner.get(f"/admin/settings{page}").text) | form_of(owner)
    sent = {f"{name}_file": (f"{name}.png", content, "image/png") for name, content in (files or {}).items()}
    kept = {name: value for name, value in form.items() if not name.endswith(("_file", "_remove", ".remove"))}
    return owner.post(f"/admin/settings{page}", data={**kept, **changed}, files=sent)
