"""Signs up as a visitor does: by the form of a course."""

from __future__ import annotations

from fastapi.testclient import TestClient

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.web.forms import shown_at_token


def sign_up(browser: TestClient, runtime: Runtime, site: str, email: str, days: str = "0123456") -> None:
    """`site`: the path of the course's page, such as `/en/back-pain`. `days`: those ticked; 0 is Monday."""
    shown = shown_at_token(runtime.signer, runtime.clock)
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(seconds=30)
    form = {
        "email": email,
        "name": "Sam",
        "zone": "Europe/Amsterdam",
        "hour": "8",
        "days": list(days),
        "consent": "yes",
    }
    assert browser.post(f"{site}/signup", data={**form, "shown": shown}).status_code == 202
