"""The page of the audit log says in words what was done to whom."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.db.queries import admins


def _template(name: str) -> str:
    return (paths.folder("templates") / "web" / "admin" / name).read_text(encoding="utf-8")


def test_audit_log_page_describes_actions_and_subjects(admin: TestClient, runtime: Runtime) -> None:
    known = set(re.findall(r'"([a-z -]+(?:: [a-z ]+)?)": _\(', _template("audit-log-labels.html")))
    for change in ("subscriber: tag", "address: lift", "campaign: start", "lesson: take out", "act: stop"):
        assert change in known
    with runtime.database.write() as session:
        for change, subject in ((one, "campaign:3") for one in sorted(known)):
            admins.record_change(
                session, runtime.clock.now(), None, change, subject, None, {"audience": {"tags": ["knee"]}}
            )
        for subject in ("subscriber 12", "lesson:stress-en-rugpijn/kringloop", "job:4", "domain:x.example", "<b>"):
            admins.record_change(session, runtime.clock.now(), None, "subscriber: tag", subject)
    page = admin.get("/admin/audit-log").text
    for words in (
        *('<a href="/admin/campaigns/3">campagne 3</a>', '<a href="/admin/subscribers/12">abonnee 12</a>'),
        *('href="/admin/lessons/stress-en-rugpijn/kringloop"', "klus 4", "Mail naar x.example", "&lt;b&gt;"),
        *("campagne gestart", "Wie: tags", "gaf een abonnee een label"),
    ):
        assert words in page, words
    assert "campaign: start" not in page
