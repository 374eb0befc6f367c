"""Shows a mail in a frame beside the form in which it is written: as on a screen, in the dark, or its text."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from rugcourse.email_preview.sample import parts_of
from rugcourse.web.admin.auth import mail_page, text_page
from rugcourse.web.rendering import runtime_of

_DARK = ("@media (prefers-color-scheme: dark)", "@media all")


def mail_view(request: Request, message: bytes, look: str) -> HTMLResponse:
    """Return a mail for a frame. `look`: "text" or "dark"; any other one is that of a screen."""
    html, text = parts_of(message)
    if look == "text":
        return text_page(text)
    shown = html.replace(*_DARK) if look == "dark" else html
    return mail_page(shown, runtime_of(request).settings.base_url)
