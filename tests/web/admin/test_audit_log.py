"""The page of the audit log says in words what was done to whom."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins
from rugcourse.subscribers.admin_actions import ACTION_NAMES


def _template(name: str) -> str:
    return (paths.folder("templates") / "web" / "admin" / name).read_text(encoding="utf-8")


def test_audit_log_page_describes_actions_and_subjects(admin: TestClient, runtime: Runtime) -> None:
    with runtime.database.write() as session:
        for action in AuditAction:
            admins.record_change(
                session,
                runtime.clock.now(),
                None,
                action,
                "campaign:3",
                None,
                {"audience": {"tags": ["knee"], "following": "completed"}},
            )
        for subject in ("subscriber 12", "lesson:stress-en-rugpijn/kringloop", "job:4", "domain:x.example", "<b>"):
            admins.record_change(session, runtime.clock.now(), None, AuditAction.SUBSCRIBER_TAG, subject)
    page = admin.get("/admin/audit-log").text
    for words in (
        *('<a href="/admin/campaigns/3">campagne 3</a>', '<a href="/admin/subscribers/12">abonnee 12</a>'),
        *('href="/admin/lessons/stress-en-rugpijn/kringloop"', "bulkactie 4", "Mail naar x.example", "&lt;b&gt;"),
        *("campagne gestart", "Wie: Label: knee; Ze: hebben alle lessen gehad", "gaf een abonnee een label"),
    ):
        assert words in page, words
    assert not [action for action in AuditAction if action in page]


def test_every_action_of_the_audit_log_has_words() -> None:
    known = set(re.findall(r'"([a-z_]+\.[a-z_]+)": _\(', _template("audit-log-labels.html")))
    assert known == set(AuditAction)


def test_every_action_for_a_subscriber_has_words_on_their_timeline() -> None:
    actions = {one for one in AuditAction if one.startswith("subscriber.")} - {AuditAction.SUBSCRIBER_ERASE}
    assert set(re.findall(r'"(subscriber\.[a-z_]+)": _\(', _template("history.html"))) == actions


def test_every_action_for_a_subscriber_can_be_written_to_the_audit_log() -> None:
    for name in ACTION_NAMES:
        assert AuditAction(f"subscriber.{name}")
