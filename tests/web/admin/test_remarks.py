"""What readers and visitors write about a lesson is seen by those who can better it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from tests.support.admin_pages import log_in
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of, lessons_to, mails_to

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.publishing import unpublish
from rugcourse.db.engine import Database
from rugcourse.db.models import Role
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.privacy.erase import erase
from rugcourse.reports import remarks
from rugcourse.site_settings import current


def say(runtime: Runtime, remark: str, *, lesson_id: int = 1, delivery_id: int | None = None, **other: object) -> None:
    feedback = Feedback(lesson_id, "nl", helped=bool(other.get("helped", True)), remark=remark, delivery_id=delivery_id)
    runtime.database.run(save_feedback, runtime.clock.now(), feedback)


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def rows(page: str) -> list[str]:
    """The remarks on a page, each without its tags."""
    body = re.search(r"<tbody[^>]*>(.*?)</tbody>", page, re.DOTALL)
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


@pytest.fixture
def reader_said(runtime: Runtime, email: str) -> str:
    """A reader's address, who had a lesson and wrote about it."""
    [mail] = lessons_to(runtime, email)
    say(runtime, "Te lang", lesson_id=mail.lesson_id or 0, delivery_id=mail.id, helped=False)
    return email


def test_a_reader_and_a_visitor_are_told_apart_and_the_newest_comes_first(
    admin: TestClient, runtime: Runtime, clock: VirtualClock, reader_said: str
) -> None:
    clock.advance(hours=1)
    say(runtime, "Fijne les")
    say(runtime, "", lesson_id=2)
    page = admin.get("/admin/remarks", headers={"accept-language": "en"}).text
    first, second = rows(page)
    assert f"1. {course_of(runtime).course.lessons[0].texts['en'].title}" in first
    assert "yes Fijne les Nederlands the web page, without a name" in first
    assert f"no Te lang Nederlands {reader_said}" in second
    person = mails_to(runtime, reader_said)[0].subscriber_id
    assert f'<a href="/admin/subscribers/{person}">{reader_said}</a>' in page
    assert '<span class="remark" dir="auto" lang="nl">Te lang</span>' in page


def test_what_somebody_typed_is_shown_as_text(admin: TestClient, runtime: Runtime) -> None:
    say(runtime, "<script>alert(1)</script> & {{ 7 * 7 }}\n</td>")
    page = admin.get("/admin/remarks").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ 7 * 7 }}\n&lt;/td&gt;" in page
    assert "<script>alert" not in page


def test_one_lesson_can_be_chosen_also_one_that_was_taken_out(admin: TestClient, runtime: Runtime) -> None:
    ids = course_of(runtime).lesson_ids
    say(runtime, "over afronding", lesson_id=ids["afronding"])
    say(runtime, "over welkom", lesson_id=ids["welkom"])
    runtime.database.run(unpublish, runtime.clock.now(), None, COURSE, "afronding")
    page = admin.get(f"/admin/remarks?lesson={ids['afronding']}", headers={"accept-language": "en"}).text
    [row] = rows(page)
    assert "over afronding" in row
    assert re.search(rf'<option value="{ids["afronding"]}" selected>[^<]+\(no longer in the course\)</option>', page)
    assert len(rows(admin.get("/admin/remarks").text)) == 2


def test_all_remarks_are_reached_page_by_page_and_none_twice(
    admin: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    for number in range(120):
        clock.advance(seconds=number % 2)  # two of each moment
        say(runtime, f"remark-{number}", lesson_id=1 + number % 2)
    for path, wanted in (
        ("/admin/remarks", range(119, -1, -1)),
        ("/admin/remarks?lesson=1", range(118, -1, -2)),
    ):
        found, here = [], path
        while here:
            page = admin.get(here).text
            found += re.findall(r"remark-(\d+)", page)
            more = re.search(r'href="\?([^"]*before=\d+)"', page)
            here = f"/admin/remarks?{more[1].replace('&amp;', '&')}" if more else ""
        assert [int(one) for one in found] == list(wanted)


@pytest.mark.parametrize(
    "query", ["?lesson=x", "?before=-1", "?lesson=0&before=99999999999999999", "?lesson=", "?before=²"]
)
def test_a_page_that_is_not_there_is_the_first_one(admin: TestClient, runtime: Runtime, query: str) -> None:
    say(runtime, "Fijne les")
    assert len(rows(admin.get(f"/admin/remarks{query}").text)) == 1


def test_more_remarks_take_no_more_queries(
    admin: TestClient, runtime: Runtime, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "_FRESH_SECONDS", float("inf"))  # the settings are looked at once a second

    def queries() -> int:
        with recorded_statements(runtime.database) as found:
            admin.get("/admin/remarks")
        return len(found)

    mails = [mail.id for mail in mails_to(runtime, email)]
    say(runtime, "first", delivery_id=mails[0])
    queries()  # what is cached after the first page
    before = queries()
    for number in range(20):
        say(runtime, f"remark {number}", lesson_id=1 + number % 9)
    say(runtime, "second", delivery_id=mails[1])
    assert queries() == before


def test_what_an_erased_reader_wrote_is_gone(admin: TestClient, runtime: Runtime, reader_said: str) -> None:
    assert len(rows(admin.get("/admin/remarks").text)) == 1
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, mails_to(runtime, reader_said)[0].subscriber_id)
    assert rows(admin.get("/admin/remarks").text) == []


def test_the_dashboard_says_how_many_are_new(
    admin: TestClient, runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> str:
        page: str = admin.get("/admin?view=overview", headers={"accept-language": "en"}).text
        return page.partition('class="headline"')[2].partition("</ul>")[0]

    assert "No comments on lessons" in said()
    say(runtime, "old")
    clock.advance(days=30, seconds=1)
    log_in(admin)
    say(runtime, "new")
    assert "One comment on a lesson in the last 30 days" in said()
    say(runtime, "newer")
    say(runtime, "")
    assert "2 comments on lessons" in said()
    assert 'href="/admin/remarks"' in said()
    monkeypatch.setattr(remarks, "MOST_COUNTED", 2)
    assert runtime.database.query(remarks.new_remarks, clock.now()) == 2


def test_the_lessons_and_the_results_of_a_course_lead_to_its_remarks(admin: TestClient, runtime: Runtime) -> None:
    published = course_of(runtime)
    for path in ("/admin/lessons", f"/admin/campaigns/{published.campaign_id}/results"):
        page = admin.get(path).text
        for lesson_id in published.lesson_ids.values():
            assert f'href="/admin/remarks?lesson={lesson_id}"' in page


def test_an_analyst_may_read_them_as_they_may_read_about_subscribers(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    make_admin(runtime.database, clock, "low@x.example", Role.ANALYST)
    assert browser.get("/admin/remarks").status_code == 303
    log_in(browser, "low@x.example")
    assert browser.get("/admin/remarks").status_code == 200
