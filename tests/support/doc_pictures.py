"""Pictures of the pages for the documentation, taken by the tests that walk through them: `make screenshots`."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from playwright.sync_api import Page

FOLDER = "PICTURES"  # the environment variable that names the folder; without it nothing is taken
_SIZE = {"width": 1100, "height": 780}
_QUALITY = 0.75
_TO_WEBP = """async ([png, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


def take_picture(page: Page, name: str, top: str = "h1") -> None:
    """Write `<name>.webp` if pictures are wanted. `top`: what stands at the top of the window."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    before = page.viewport_size
    page.set_viewport_size(_SIZE)  # type: ignore[arg-type]
    page.evaluate("(top) => scrollTo(0, document.querySelector(top).getBoundingClientRect().top + scrollY - 24)", top)
    page.wait_for_load_state("networkidle")
    png = base64.b64encode(page.screenshot()).decode()
    blank = page.context.new_page()
    webp = base64.b64decode(blank.evaluate(_TO_WEBP, [png, _QUALITY]))
    blank.close()
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / f"{name}.webp").write_bytes(webp)
    if before:
        page.set_viewport_size(before)
