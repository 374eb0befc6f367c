"""Lists as CSV: what the page shows, for those who may, and in the audit log."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import make_admin
from tests.support.builders import course_of, make_reader
from tests.support.pages import CHROME
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.subscribers import csv_import, csv_reader
from rugcourse.web.admin.tables.files import LISTS

PAGES = {
    "campaigns": "/admin/campaigns", "campaigns-compared": "/admin/campaigns/compare", "jobs": "/admin/imports",
    "campaign-results": "/admin/campaigns/1/results", "campaign-mails": "/admin/campaigns/1/mails",
    "remarks": "/admin/remarks", "suppressions": "/admin/suppressions", "audit-log": "/admin/audit-log", "team": "/admin/team",
}  # fmt: skip


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock, "owner@x.example", Role.OWNER)
    browser.headers["accept-language"] = "en"
    log_in(browser, "owner@x.example")
    return browser


def file_of(browser: TestClient, name: str, **fields: str) -> Any:
    return browser.post(f"/admin/lists/{name}", data={**form_of(browser), **fields})


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))


def first_cells(page: str) -> list[str]:
    found = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", one).split()) for one in found]


@pytest.mark.parametrize("name", PAGES)
def test_the_file_of_a_list_has_the_rows_of_its_page(
    owner: TestClient, runtime: Runtime, clock: VirtualClock, email: str, name: str
) -> None:
    runtime.database.run(save_feedback, runtime.clock.now(), Feedback(1, "nl", helped=True, remark="=Fijn"))
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "admin")
    listing = csv_reader.read_list(b"email\na@x.example\n")
    runtime.database.run(csv_import.store_upload, clock.now(), listing, "list.csv", None)
    page = owner.get(PAGES[name]).text
    page = page[page.index('<table class="list stacked"') :]  # charts have tables, too
    answer = file_of(owner, name, campaign="1")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    heading, *rows = rows_of(answer.text)
    headings = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page)
    assert heading == headings[: len(heading)]
    if name in {"campaigns", "campaigns-compared", "campaign-results", "campaign-mails", "suppressions", "team"}:
        assert [row[0].partition(" (")[0] for row in rows] == [
            one.partition(" course, starts")[0] for one in first_cells(page)
        ]
        assert rows
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_a_file_is_in_the_audit_log_with_its_filters(owner: TestClient, runtime: Runtime) -> None:
    file_of(owner, "campaign-mails", campaign="1", state="failed", after="7")
    [entry] = [row for row in everything(runtime)["audit_log"] if "list.download" in row]
    assert "list:campaign-mails" in entry
    assert "'state': 'failed'" in str(entry)
    log = owner.get("/admin/audit-log").text
    assert "downloaded a list" in log


@pytest.mark.parametrize(("role", "refused"), [(Role.ANALYST, {Role.EDITOR, Role.OWNER}), (Role.EDITOR, {Role.OWNER})])
def test_files_with_addresses_are_for_those_who_may_export_them(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, role: Role, refused: set[Role]
) -> None:
    make_admin(runtime.database, clock, "low@x.example", role)
    log_in(browser, "low@x.example")
    form, campaign = form_of(browser), str(course_of(runtime).campaign_id)
    for name, one in LISTS.items():
        answer = browser.post(f"/admin/lists/{name}", data={**form, "campaign": campaign, "lesson": "1"})
        assert answer.status_code == (404 if one.role in refused else 200), name


def test_a_file_needs_a_form_of_ours_and_a_list_that_there_is(owner: TestClient, runtime: Runtime) -> None:
    before = everything(runtime)["audit_log"]
    assert owner.post("/admin/lists/team").status_code == 403
    assert file_of(owner, "passwords").status_code == 404
    assert file_of(owner, "campaign-results", campaign="99999").status_code == 404
    assert file_of(owner, "campaign-mails", campaign="1", state="secret").status_code == 404
    assert TestClient(owner.app, follow_redirects=False, headers=CHROME).post("/admin/lists/team").status_code == 303
    assert everything(runtime)["audit_log"] == before


def test_subscribers_are_listed_in_the_order_of_a_heading_and_exported_in_it(
    owner: TestClient, runtime: Runtime
) -> None:
    for email in ("m@x.example", "a@x.example", "z@x.example"):
        make_reader(runtime, email)
    page = owner.get("/admin/subscribers?sort=-address").text
    assert first_cells(page) == ["z@x.example", "m@x.example", "a@x.example"]
    assert 'aria-sort="descending"' in page
    assert 'href="?sort=address"' in page
    data = {**form_of(owner), "kind": "csv", "sort": "-address"}
    exported = rows_of(owner.post("/admin/subscribers/list", data=data).text)
    assert [row[1] for row in exported[1:]] == ["z@x.example", "m@x.example", "a@x.example"]
    searched = owner.get("/admin/subscribers?q=a@x").text  # what is found by a text has no index of addresses
    assert re.findall(r'sort=-?(\w+)"', searched) == ["signed_up"]


def test_an_empty_list_says_what_to_do(owner: TestClient) -> None:
    assert "as soon as somebody signs up" in owner.get("/admin/subscribers").text
    assert "empty the filters" in owner.get("/admin/subscribers?q=nobody").text
    assert '<a href="/admin/subscribers">Clear the filters</a>' in owner.get("/admin/subscribers?q=nobody").text
