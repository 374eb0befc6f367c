"""Owners manage outgoing webhooks in the browser: secrets are shown once, answers are harmless, others stay out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from standardwebhooks import Webhook
from tests.support.admin_pages import form_of
from tests.support.admins import PASSWORD
from tests.support.webhook_receiver import Receiver, Reply, add_endpoint, make_dispatcher, receiver

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import AuditLogRow, DisabledReason, WebhookEndpointRow

PAGE = "/admin/webhooks"
NEW = {
    "action": "add",
    "url": "https://hooks.example/in",
    "description": "our website",
    "events": ["subscriber.confirmed"],
    "password": PASSWORD,
}


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def shown_secret(page: str) -> str:
    found = re.search(r"<code>(whsec_[^<]+)</code>", page)
    return found[1] if found else ""


def submit(admin: TestClient, action: str, **others: str) -> int:
    return admin.post(f"{PAGE}/1", data={**form_of(admin), "action": action, **others}).status_code


def test_endpoint_is_added_and_its_secret_is_shown_once(admin: TestClient) -> None:
    made = admin.post(PAGE, data={**form_of(admin), **NEW})
    assert made.status_code == 200
    assert shown_secret(made.text)
    for page in (PAGE, f"{PAGE}/1"):
        later = admin.get(page).text
        assert "https://hooks.example/in" in later
        assert "whsec_" not in later


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"password": "wrong"}, 403),
        ({"url": "http://hooks.example/"}, 400),
        ({"url": "http://127.0.0.1/"}, 400),
        ({"url": "ftp://hooks.example/"}, 400),
        ({"url": "javascript:alert(1)"}, 400),
        ({"url": "https://"}, 400),
        ({"url": "https://[::1/"}, 400),
        ({"url": "https://hooks.example:99999/"}, 400),
        ({"url": "https://user:secret@hooks.example/"}, 400),
        ({"url": "https://hooks.example/#x"}, 400),
        ({"url": "https://hooks.example/ x"}, 400),
        ({"url": "https://hooks.example/\r\nx"}, 400),
        ({"url": "https://hooks.example/" + "x" * 500}, 400),
        ({"url": "https://hööks.example/"}, 400),
        ({"events": []}, 400),
        ({"events": ["everything"]}, 400),
        ({"events": ["webhook.test"]}, 400),
        ({"description": "x" * 81}, 400),
    ],
)
def test_nothing_is_added_that_can_t_be_used(admin: TestClient, change: dict[str, str], status: int) -> None:
    answer = admin.post(PAGE, data={**form_of(admin), **NEW, **change})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert not shown_secret(answer.text)
    assert "/admin/webhooks/1" not in admin.get(PAGE).text


def test_a_test_event_arrives_and_its_answer_is_shown_as_text(
    admin: TestClient, runtime: Runtime, there: Receiver
) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda _: Reply(400, body=b"<script>alert(1)</script>")
    assert submit(admin, "test") == 303
    make_dispatcher(runtime).send_due()
    page = admin.get(f"{PAGE}/1").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_an_event_is_sent_again_by_a_button(admin: TestClient, runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    submit(admin, "test")
    make_dispatcher(runtime).send_due()
    assert submit(admin, "replay", delivery="1") == 303
    assert submit(admin, "replay", delivery="99") == 404
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 2


def test_a_new_secret_needs_the_password_and_signs_beside_the_old_one(
    admin: TestClient, runtime: Runtime, there: Receiver
) -> None:
    old = add_endpoint(runtime, there.url).secret
    assert submit(admin, "rotate") == 403
    data = {**form_of(admin), "action": "rotate", "password": PASSWORD}
    new = shown_secret(admin.post(f"{PAGE}/1", data=data).text)
    submit(admin, "test")
    make_dispatcher(runtime).send_due()
    for secret in (old, new):
        Webhook(secret).verify(there.received[0].body, dict(there.received[0].headers))


def test_it_is_changed_disabled_enabled_and_deleted_and_the_audit_log_says_so(
    admin: TestClient, runtime: Runtime
) -> None:
    add_endpoint(runtime, "http://127.0.0.1:9/")
    changed = {key: value for key, value in NEW.items() if key != "action"}
    assert submit(admin, "change", **changed) == 303  # type: ignore[arg-type]
    assert submit(admin, "disable") == 303
    assert submit(admin, "enable") == 303
    assert submit(admin, "delete") == 403
    assert submit(admin, "nonsense") == 404
    assert submit(admin, "delete", password=PASSWORD) == 303
    assert admin.get(f"{PAGE}/1").status_code == 404
    with runtime.database.read() as session:
        done = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()
    assert [one for one in done if one.startswith("webhook")] == [
        "webhook.add",
        "webhook.change",
        "webhook.disable",
        "webhook.enable",
        "webhook.delete",
    ]
    assert "webhook 1" in admin.get("/admin/audit-log").text


def test_the_dashboard_says_that_an_endpoint_was_disabled(admin: TestClient, runtime: Runtime) -> None:
    add_endpoint(runtime, "http://127.0.0.1:9/")
    with runtime.database.write() as session:
        row = session.get_one(WebhookEndpointRow, 1)
        row.is_enabled, row.disabled_reason = False, DisabledReason.FAILING
    assert "/admin/webhooks/1" in admin.get("/admin?view=overview").text


def test_editors_have_no_webhooks(editor: TestClient, runtime: Runtime) -> None:
    add_endpoint(runtime, "http://127.0.0.1:9/")
    assert editor.get(PAGE).status_code == 404
    assert editor.get(f"{PAGE}/1").status_code == 404
