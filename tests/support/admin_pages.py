"""Forms of the admin pages: to log in, to fill in, to send."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi.testclient import TestClient
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import COURSE, course_of

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.db.models import CampaignKind

LESSON = f"/admin/lessons/{COURSE}/stress"


MESSAGE = {
    "name": "Open evening", "title.en": "Open evening", "subject.en": "You are welcome", "preheader.en": "On Thursday",
    "body.en": "Come and **see** [us](https://example.org/).",
}  # fmt: skip


def log_in(browser: TestClient, email: str = OWNER, password: str = PASSWORD, **headers: str) -> object:
    return browser.post("/admin/login", data={"email": email, "password": password}, headers=headers)


def form_of(browser: TestClient, path: str = "/admin/account") -> dict[str, str]:
    """The hidden fields of the forms on a page."""
    return dict(re.findall(r'name="(form|locked)" value="([^"]+)"', browser.get(path).text))


def post(browser: TestClient, path: str, **fields: object) -> str:
    """Send a form; the address of the page that follows, or the page that says what is wrong."""
    form = {"form": form_of(browser)["form"], **seen_on(browser, path, fields)}
    answer = browser.post(path, data={**form, **fields})
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def seen_on(browser: TestClient, path: str, fields: Mapping[str, object]) -> dict[str, str]:
    """What a form about a draft carries of what its page showed."""
    is_job = path.startswith("/admin/jobs/")
    page = f"{path}/review" if fields.get("action") == "start" and not is_job else path
    if not is_job and page.rsplit("/", 1)[-1] not in {"what", "who", "when", "pace", "review"}:
        return {}
    found = re.search(r'name="seen" value="(\w+)"', browser.get(page).text)
    return {"seen": found[1]} if found else {}


def make_draft(browser: TestClient, runtime: Runtime, kind: CampaignKind = CampaignKind.BROADCAST) -> str:
    course = str(course_of(runtime).id)
    where = post(browser, "/admin/campaigns", kind=kind.value, course=course, name="Open evening")
    return where.rsplit("/", 1)[0]


def typed(runtime: Runtime, **changed: str) -> dict[str, str]:
    """The form of the lesson about stress, changed here and there (`__` stands for a dot)."""
    lesson = course_of(runtime).course.lesson("stress")
    assert lesson is not None
    changes = {name.replace("__", "."): text for name, text in changed.items()}
    return {**fields_of(lesson), "saved": "0", "shown": "nl", **changes}
