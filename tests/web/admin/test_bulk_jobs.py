"""Importing lists and acting for many in the admin pages: step by step, with a count first; and who may."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.support.admin_pages import form_of, log_in, post, seen_on
from tests.support.admins import make_admin
from tests.support.builders import COURSE, make_reader
from tests.support.jobs import people, run_jobs
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import AuditLogRow, Role, SubscriberRow

INTAKE = {"course": COURSE, "language": "nl", "zone": "Europe/Amsterdam", "hour": "8", "agreed_at": "2026-03-31",
          "agreed_text": "Yes, mail me the course", "agreed_where": "paper form"}  # fmt: skip


def upload(browser: TestClient, content: bytes, name: str = "people.csv") -> str:
    answer = browser.post("/admin/imports", data=form_of(browser), files={"file": (name, content, "text/csv")})
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def check(browser: TestClient, job: str, file: bytes = b"", **fields: object) -> str:
    """Say what is in the columns; returns where it leads, or the page that says what is wrong."""
    path = job.replace("/admin/jobs/", "/admin/imports/")
    files = {"file": ("people.csv", file, "text/csv")} if file else {"none": b""}
    answer = browser.post(path, data={**form_of(browser), **INTAKE, **fields}, files=files)
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def test_import_from_upload_to_readers(editor: TestClient, runtime: Runtime) -> None:
    job = upload(editor, b"Naam;E-mailadres;Iets\nAnn;ann@x.example;=1+1\nBo;nobody;x\n")
    page = editor.get(job).text
    assert "ann@x.example" in page
    assert "=1+1" not in page  # nobody needs that column
    assert '<option value="email" selected>' in page  # guessed by its name
    columns = {"column": ["name", "email", ""]}
    assert check(editor, job, **columns) == job
    run_jobs(runtime)
    page = editor.get(job).text
    assert "nobody" in page
    assert people(runtime) == {}
    assert post(editor, job, action="start") == job
    assert "running" in editor.get(job).text
    run_jobs(runtime)
    assert people(runtime) == {"ann@x.example": "active"}
    page = editor.get(job).text
    assert "ann@x.example" not in page
    assert "nobody" not in page
    assert "can&#39;t" not in post(editor, "/admin/imports")
    assert "status does not allow" in post(editor, job, action="start")
    with runtime.database.read() as session:
        change = session.scalars(select(AuditLogRow).where(AuditLogRow.action == "import.start")).one()
    assert (change.after or {})["agreed_where"] == "paper form"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"column": ["name", "", ""]}, "with the email address"), ({"column": ["email", "email", ""]}, "hold the same"),
        ({"column": ["name", "email", ""], "agreed_where": " "}, "where they agreed"), ({"column": ["name", "email", ""], "agreed_text": ""}, "which words"),
        ({"column": ["name", "email", ""], "agreed_at": ""}, "which day"), ({"column": ["name", "email", ""], "agreed_at": "2026-12-24"}, "a day to come"),
        ({"column": ["name", "email", ""], "agreed_at": "soon"}, "be read"), ({"column": ["name", "email", "tags"]}, "nothing was kept"),
        ({"column": ["name", "email", ""], "hour": "99"}, "One of the numbers"), ({"column": ["name", "email", ""], "tags": "x" * 41}, "A tag has"),
    ],
)  # fmt: skip
def test_import_form_asks_for_missing_choices(
    editor: TestClient, runtime: Runtime, fields: dict[str, object], said: str
) -> None:
    job = upload(editor, b"Naam,E-mail,Iets\nAnn,ann@x.example,x\n")
    assert said in check(editor, job, **fields)
    run_jobs(runtime)
    assert "waiting for your choice of columns" in editor.get(job).text


def test_second_upload_reads_a_column_that_was_not_stored(editor: TestClient, runtime: Runtime) -> None:
    content = b"Wie,Adres,Groep\nAnn,ann@x.example,winter\n"
    job = upload(editor, content)
    assert "ann@x.example" not in editor.get(job).text
    columns = {"column": ["name", "email", "tags"]}
    assert "nothing was kept" in check(editor, job, **columns)
    assert "not the same list" in check(editor, job, b"Naam,Adres,Groep\nAnn,ann@x.example,x\n", **columns)
    assert check(editor, job, content, **columns) == job
    run_jobs(runtime)
    assert "ann@x.example" in editor.get(job).text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("../../etc/passwd.csv", b"<svg onload=alert(1)>", "not a text file"), ("x.svg", b"<svg/>", "not a text file"), ("x.csv", b"", "only one line"),
        ("x.html", b"<!doctype html><b>a@x.example</b>", "not a text file"), ("x.csv", b"\x00\x01", "not a text file"), ("x.csv", b"a\nb\n", "No line of this file"),
    ],
)  # fmt: skip
def test_invalid_upload_stores_nothing(
    editor: TestClient,
    runtime: Runtime,
    name: str,
    content: bytes,
    said: str,
) -> None:
    before = everything(runtime, "admin_session")
    assert said in upload(editor, content, name)
    assert everything(runtime, "admin_session") == before


def test_uploaded_file_is_stored_as_its_lines_only(editor: TestClient, runtime: Runtime) -> None:
    job = upload(
        editor, b"<b>,E-mail\n<img src=x onerror=alert(1)>,a@x.example\n".replace(b"<b>", b"b"), "../../<i>x.csv"
    )
    page = editor.get(job).text
    assert "<img src=x" not in page
    assert "<i>x" not in page


def test_bulk_action_is_counted_first(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    assert "<b>1</b>" in post(editor, "/admin/bulk-actions/count", languages=["nl"])
    job = post(editor, "/admin/bulk-actions", languages=["nl"], act="suppress", reason="moved away")
    assert "<b>1</b>" in editor.get(job).text
    run_jobs(runtime)
    assert set(people(runtime).values()) == {"active"}
    post(editor, job, action="start")
    run_jobs(runtime)
    assert set(people(runtime).values()) == {"suppressed"}


def test_bulk_action_is_counted_again_when_the_audience_has_changed(editor: TestClient, runtime: Runtime) -> None:
    for _ in range(2):
        make_reader(runtime)
    job = post(editor, "/admin/bulk-actions", languages=["nl"], act="suppress", reason="moved away")
    with runtime.database.write() as session:
        session.get_one(SubscriberRow, 1).language = "en"
    opened = seen_on(editor, job, {"action": "start"})
    answer = editor.post(job, data={**form_of(editor), **opened, "action": "start"})
    assert answer.status_code == 400
    assert "how many people it is about has changed" in answer.text
    assert "<b>1</b>" in answer.text
    run_jobs(runtime)
    assert set(people(runtime).values()) == {"active"}
    assert post(editor, job, action="start") == job
    run_jobs(runtime)
    assert sorted(people(runtime).values()) == ["active", "suppressed"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose an action"), ({"act": "erase", "reason": "because"}, "Choose an action"), ({"act": "tag", "reason": "because"}, "A tag has"),
        ({"act": "tag", "reason": "because", "tag": "rug, nek"}, "A tag has"),
        ({"act": "tag", "reason": "because", "tag": "autumn", "silent_for": "30"}, "depend on what someone did"),
        ({"act": "untag", "reason": "because", "tag": "autumn", "silent_for": "30"}, "depend on what someone did"),
        ({"act": "pause"}, "Say why"), ({"act": "pause", "reason": "because", "until": "soon"}, "this date can't be read"),
        ({"act": "pause", "reason": "because", "from_lesson": "3"}, "Choose the course"),
    ],
)  # fmt: skip
def test_bulk_action_form_asks_for_missing_values(
    editor: TestClient,
    runtime: Runtime,
    fields: dict[str, str],
    said: str,
) -> None:
    before = everything(runtime, "admin_session")
    assert said in post(editor, "/admin/bulk-actions", **fields)
    assert everything(runtime, "admin_session") == before


def test_import_refuses_analysts_and_strangers(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    content = b"E-mail\na@x.example\n"
    assert browser.post("/admin/imports", files={"file": ("x.csv", content)}).headers["location"] == "/admin/login"
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    log_in(browser, "analyst@x.example")
    before = everything(runtime, "admin_session")
    for path in ("/admin/imports", "/admin/bulk-actions", "/admin/jobs/1"):
        assert browser.get(path).status_code == 404
        assert browser.post(path, data=form_of(browser)).status_code == 404
    assert everything(runtime, "admin_session") == before


def test_an_upload_without_its_token_or_too_large_is_refused(editor: TestClient) -> None:
    assert editor.post("/admin/imports", files={"file": ("x.csv", b"E-mail\na@x.example\n")}).status_code == 403
    assert editor.post("/admin/imports", content=b"x" * 50_100_000).status_code == 413


def test_import_checked_again_is_not_started_by_an_outdated_page(editor: TestClient, runtime: Runtime) -> None:
    job = upload(editor, b"Naam;E-mailadres\nAnn;ann@x.example\n")
    columns = {"column": ["name", "email"]}
    check(editor, job, agreed_text="Yes to something else", **columns)
    run_jobs(runtime)
    opened = seen_on(editor, job, {"action": "start"})
    check(editor, job, **columns)  # a colleague
    run_jobs(runtime)
    answer = editor.post(job, data={**form_of(editor), **opened, "action": "start"})
    assert "someone changed this since you opened the page" in answer.text
    run_jobs(runtime)
    assert people(runtime) == {}
    assert post(editor, job, action="start") == job


def test_pages_that_set_tags_warn_against_sensitive_tags(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime, "sam@example.org")
    job = upload(editor, b"Naam;E-mailadres\nAnn;ann@x.example\n")
    for path in (job, "/admin/bulk-actions", "/admin/subscribers/1"):
        assert "Never a diagnosis, a complaint" in editor.get(path).text
