"""Signs up as a visitor does: by the form of a course."""

from __future__ import annotations

from fastapi.testclient import TestClient

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.web.forms import shown_at_token


def sign_up(browser: TestClient, runtime: Runtime, site: str, email: str) -> None:
    """`site`: the path of the course's page, such as `/en/back-pain`."""
    shown = shown_at_token(runtime.signer, runtime.clock)
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(seconds=30)
    form = {
        "email": email,
        "name": "Sam",
        "zone": "Europe/Amsterdam",
        "hour": "8",
        "days": list("0123456"),
        "consent": "yes",
    }
    assert browser.post(f"{site}/signup", data={**form, "shown": shown}).status_code == 303
