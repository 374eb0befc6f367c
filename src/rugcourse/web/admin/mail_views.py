"""A mail while it is written: in a frame beside its form, on a screen, in the dark or as text, and as a test mail."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.bootstrap import send_sample
from rugcourse.email_preview.sample import parts_of
from rugcourse.site_settings import store
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


def send_test_email(request: Request, identity: AdminIdentity, message: bytes) -> bool:
    """Send a mail to the admin who looks at it, and record that. Return whether the mail server accepted it."""
    runtime = runtime_of(request)
    if not send_sample(runtime, message, identity.email):
        return False
    runtime.database.run(store.record_test_email, runtime.clock.now(), identity.admin_id, identity.email)
    return True
