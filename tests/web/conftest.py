from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.admin_pages import MESSAGE, log_in, make_draft, post
from tests.support.admins import make_admin
from tests.support.builders import COURSE, reader_with_lesson
from tests.support.pages import CHROME
from tests.support.pictures import picture_file
from tests.support.routes import browser_of
from tests.support.webhook_receiver import add_endpoint

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.picture_library.storing import store_files
from rugcourse.subscribers import csv_import, csv_reader
from rugcourse.web.app import create_app


@pytest.fixture
def answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes as long whoever asks takes no time, where hundreds ask and a test is about something else."""
    monkeypatch.setattr("rugcourse.web.forms._MIN_RESPONSE_SECONDS", 0.0)


@pytest.fixture
def browser(runtime: Runtime) -> TestClient:
    return TestClient(create_app(runtime), follow_redirects=False, headers=CHROME)


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who has had the first lesson."""
    return reader_with_lesson(runtime, dispatcher)


@pytest.fixture
def editor(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock, "editor@x.example", Role.EDITOR)
    browser.headers["accept-language"] = "en"
    log_in(browser, "editor@x.example")
    return browser


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    """At a name, where passkeys work, so that their routes are there."""
    settings = runtime.settings.model_copy(update={"base_url": "http://localhost:8000"})
    return create_app(replace(runtime, settings=settings))


@pytest.fixture
def places(app: FastAPI, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> dict[str, str]:
    """Something that is there for each name in a path."""
    reader_with_lesson(runtime, dispatcher)
    make_admin(runtime.database, clock, "maker@x.example", Role.EDITOR)
    maker = browser_of(app, "maker@x.example")
    draft = make_draft(maker, runtime)
    post(maker, f"{draft}/what", **MESSAGE)
    campaign = draft.rsplit("/", 1)[1]
    listing = csv_reader.read_list(b"email\na@x.example\n")
    picture = picture_file()
    runtime.database.run(store_files, clock.now(), [picture])
    job = runtime.database.run(csv_import.store_upload, clock.now(), listing, "list.csv", None)
    return {
        "endpoint_id": str(add_endpoint(runtime, "http://127.0.0.1:9/").id),
        "campaign_id": campaign, "subscriber_id": "1", "job_id": str(job), "lesson_id": "1", "course": COURSE,
        "slug": "stress", "part": "page", "page": "admin", "what": "page", "mail_language": "en", "language": "nl", "token": "x", "kind": "pdf", "provider": "postmark", "tag": "winter", "rest": "x",
        "fingerprint": "x", "name": "style.css", "digest": picture.ref.digest, "list_name": "campaigns", "file": f"{picture.ref.digest}-60.png",
    }  # fmt: skip
