"""Every form and webhook gets what nobody should send: too large, too many, binary, code, numbers beyond all bounds.

Whatever comes, the answer is one of ours and never an error of the server, and nothing takes long or much memory. The
fields are found in the routes themselves, so a new form is in this test by itself.
"""

from __future__ import annotations

import base64
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from fastapi.params import Form
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.routing import Route
from tests.support.admin_pages import form_of
from tests.support.admins import PASSWORD, make_admin
from tests.support.builders import COURSE, course_of, ref
from tests.support.pages import CHROME
from tests.support.routes import browser_of, routes
from tests.support.webhook_keys import EC_KEY, SECRET, TOPIC
from tests.support.within import within

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.form_fields import names_of
from rugcourse.db.models import Role
from rugcourse.links import TokenPurpose
from rugcourse.web.access import Access, all_routes
from rugcourse.web.app import create_app
from rugcourse.web.forms import shown_at_token

pytestmark = pytest.mark.usefixtures("answers_at_once")

SECONDS, MEGABYTES = 240, 600  # of processor time for all forms and one kind of value; argon2 takes most of it
# What a form may be answered with. A 5xx is an error of ours; 503 is meant: too many passwords at once.
OURS = {200, 202, 302, 303, 307, 400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 503}
VALUES: dict[str, str] = {
    "oversize": "x" * 60_000,
    "nul": "a\x00b",
    "binary": "".join(map(chr, range(1, 256))),
    "surrogates and private": "\ufffe\ue000\ue001\U0010ffff\u202e\u200d",
    "template code": "{{ 7*7 }}{% for x in range(10**9) %}{{ ''.__class__ }}[[ 7*7 ]]${7*7}",
    "sql": "'; DROP TABLE subscriber; -- %_\\",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>",
    "headers": "a@x.example\r\nBcc: b@x.example\r\n\r\nbody",
    "huge number": "9" * 5_000,
    "negative": "-1",
    "float": "1e309",
    "digits of other scripts": "١٢٣",
    "superscript": "²",
    "date": "0000-00-00",
    "far date": "9999-12-31",
    "deep markdown": "> " * 5_000 + "*a **b _c " * 500 + "[" * 5_000,
    "path": "../../../../etc/passwd%00",
    "json": '{"a":' * 2_000,
    "many lines": "\n" * 10_000,
    "zero width": "\u200b" * 1_000,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["Type", "event", "Message", "x"]) | st.text(), inner)
    ),
)
# So that what stands behind these is reached, too.
KNOWN = {"action", "way", "kind", "what", "look", "shown"}


def fields_of(endpoint: Any) -> list[str]:
    """The names of the fields that an endpoint reads, as FastAPI finds them."""
    names: list[str] = []
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        kind, *marks = get_args(hint)
        form = next((mark for mark in marks if isinstance(mark, Form)), None)
        if form is None:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += [field.alias or own for own, field in kind.model_fields.items()]
        else:
            names.append(form.alias or name)
    return names


def forms(application: FastAPI) -> Iterator[tuple[Route, list[str]]]:
    """Each route that takes a form, with its fields; those that read a form as it comes get those of their pages."""
    free = [
        *names_of(("nl", "en")), "saved", "version", "behind", "stood", "reader", "subject.nl", "subject.en", "minimum", "name", "title.en",
        "preheader.en", "body.en", "start", "o", "email", "draft", "again",
    ]  # fmt: skip
    for route in all_routes(application.routes):
        assert isinstance(route, Route)
        if "POST" in (route.methods or ()) and not route.path.startswith("/webhooks/"):
            yield route, fields_of(route.endpoint) or free


def send_everywhere(
    application: FastAPI, runtime: Runtime, browsers: dict[bool, TestClient], there: dict[str, str], values: list[str]
) -> None:
    """The values in all fields, in turn, with each button, so that more of what stands behind is reached."""
    form = form_of(browsers[True])
    token = runtime.signer.sign_mail(TokenPurpose.LESSON, ref(runtime, 1))
    for route, names in forms(application):
        browser = browsers[route.path.startswith("/admin") and "login" not in route.path and "logout" not in route.path]
        address = re.sub(r"\{(\w+)\}", lambda match: {**there, "token": token}[match[1]], route.path)
        buttons = set(re.findall(r'case "([a-z-]+)"', _source(route.endpoint))) or {"x"}
        for button in sorted(buttons)[:8]:
            data = {name: values[n % len(values)] for n, name in enumerate(names) if name not in KNOWN}
            data |= {name: button for name in KNOWN if name in names}
            data |= {"form": form["form"], "old": PASSWORD, "password": PASSWORD, "website": ""}
            if "shown" in names:
                data["shown"] = shown_at_token(runtime.signer, runtime.clock)
            answer = browser.post(address, data=_cut(data))
            assert answer.status_code in OURS, (route.path, button, answer.status_code)
        answer = browser.get(f"{address}?{'&'.join(f'{name}=' + 'x' * 9 for name in ('a', 'o', 's', 't', 'done'))}")
        assert answer.status_code in OURS, route.path


def _cut(data: dict[str, str]) -> dict[str, str]:
    """So much of each value that the form is taken at all: what is larger is refused before anybody reads it."""
    room = 20_000 // max(1, sum(len(value) > 200 for value in data.values()))
    return {name: value[:room] if len(value) > 200 else value for name, value in data.items()}


def _source(endpoint: Any) -> str:
    return inspect.getsource(inspect.getmodule(endpoint))  # type: ignore[arg-type]


@pytest.fixture
def browsers(app: FastAPI, runtime: Runtime, clock: VirtualClock) -> dict[bool, TestClient]:
    """Of an owner (True) and of a stranger. Errors of the server become answers, as behind a real server."""
    make_admin(runtime.database, clock, "owner@x.example", Role.OWNER)
    inside = browser_of(app, "owner@x.example")
    cookies = dict(inside.cookies)
    quiet = {"follow_redirects": False, "headers": CHROME, "raise_server_exceptions": False}
    return {True: TestClient(app, cookies=cookies, **quiet), False: TestClient(app, **quiet)}  # type: ignore[arg-type]


@pytest.mark.long_drill
@pytest.mark.parametrize("kind", VALUES)
def test_no_single_value_causes_a_server_error(
    app: FastAPI,
    runtime: Runtime,
    browsers: dict[bool, TestClient],
    places: dict[str, str],
    kind: str,
) -> None:
    send_everywhere(app, runtime, browsers, places, [VALUES[kind]])


@pytest.mark.parametrize("first", range(0, 20, 5))
def test_no_combination_of_values_causes_a_server_error(
    app: FastAPI,
    runtime: Runtime,
    browsers: dict[bool, TestClient],
    places: dict[str, str],
    first: int,
) -> None:
    values = [*VALUES.values()]
    send_everywhere(app, runtime, browsers, places, [*values[first:], *values[:first]])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=300), name=st.sampled_from(["email", "name", "zone", "hour", "days", "t", "shown"]))
def test_signup_handles_any_text_in_any_field(runtime: Runtime, browser: TestClient, value: str, name: str) -> None:
    fields = {
        "email": "sam@x.example", "name": "Sam", "zone": "Europe/Amsterdam", "hour": "8", "days": "0", "consent": "yes",
        "website": "", "shown": shown_at_token(runtime.signer, runtime.clock),
    }  # fmt: skip
    answer = browser.post(f"/nl/{COURSE}/signup", data={**fields, name: value})
    assert answer.status_code in OURS


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(max_size=60), query=st.text(max_size=60))
def test_any_path_is_a_page_or_not_found(browser: TestClient, path: str, query: str) -> None:
    answer = browser.get(f"http://testserver/{quote(path.encode('utf-8', 'surrogatepass'))}", params={"a": query})
    assert answer.status_code in OURS


@pytest.mark.parametrize("provider", ["ses", "postmark", "mailgun", "sendgrid", "brevo"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=2_000) | JSON.map(json.dumps).map(str.encode))
def test_webhook_handles_any_bytes(webhooks: TestClient, provider: str, body: bytes) -> None:
    """With the secret, where that is all the proof there is: so that what is behind it reads the bytes."""
    password = base64.b64encode(f"rugcourse:{SECRET}".encode()).decode()
    scheme = f"Bearer {SECRET}" if provider == "brevo" else f"Basic {password}"
    answer = webhooks.post(f"/webhooks/{provider}", content=body, headers={"authorization": scheme})
    assert answer.status_code in OURS


@pytest.fixture
def webhooks(runtime: Runtime) -> TestClient:
    public = EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    changes = {
        "postmark_secret": SECRET,
        "brevo_secret": SECRET,
        "mailgun_key": SECRET,
        "sendgrid_key": base64.b64encode(public).decode(),
        "ses_topics": (TOPIC,),
    }
    theirs = replace(runtime, settings=runtime.settings.model_copy(update=changes))
    return TestClient(create_app(theirs), raise_server_exceptions=False)


def test_forms_of_the_maximum_size_are_handled_quickly(
    app: FastAPI,
    runtime: Runtime,
    browsers: dict[bool, TestClient],
    places: dict[str, str],
) -> None:
    """The costliest shapes of a form that is just small enough, to the pages that anybody can reach."""
    bodies = [b"a&" * 31_000, b"a=" + b"%41" * 20_000, b"%" * 63_000, b"a=b&" * 15_000, b"=" * 63_000]
    form = {"content-type": "application/x-www-form-urlencoded"}
    parts = {"content-type": "multipart/form-data; boundary=b"}
    multipart = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1_200
    strange = b'--b\r\nContent-Disposition: form-data; name="' + b"a" * 60_000
    agent = {"user-agent": "Mozilla/5.0 " * 4_000, "accept-language": "nl," * 10_000}

    def work() -> None:
        runtime.database.engine.dispose(close=False)  # its connections are those of the process that this is a fork of
        for path in (
            f"/nl/{COURSE}/signup",
            "/nl/my-page",
            "/admin/login",
            "/admin/forgot-password",
            f"/nl/{COURSE}/test",
        ):
            for body in bodies:
                assert browsers[False].post(path, content=body, headers=form).status_code in OURS
            for body in (multipart, strange):
                assert browsers[False].post(path, content=body, headers=parts).status_code in OURS
            assert browsers[False].get(path, headers=agent).status_code in OURS
        assert browsers[False].get(f"/nl/{COURSE}/lessons/stress", headers=agent).status_code == 200

    within(60, MEGABYTES, work)


def test_fuzzing_covers_the_known_forms(app: FastAPI, runtime: Runtime) -> None:
    found = {route.path: names for route, names in forms(app)}
    assert {"email", "name", "zone"} <= set(found["/{language}/{course}/signup"])
    assert {"old", "code", "locked"} <= set(found["/admin/account"])
    assert len(found) >= 40
    assert course_of(runtime).course.slug == COURSE
    assert [*routes(app, Access.WEBHOOK)] == [("POST", "/webhooks/{provider}")]
