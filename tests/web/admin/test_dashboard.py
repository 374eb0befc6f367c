"""The dashboard begins with people, then says what needs attention."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient
from tests.support.builders import COURSE, make_reader, reader_with_lesson, send_all
from tests.support.reports import refresh

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import HeartbeatRow
from rugcourse.db.queries import heartbeats
from rugcourse.delivery.dispatcher import Dispatcher


def page_of(editor: TestClient, path: str = "/admin") -> str:
    return re.sub(r"\s+", " ", editor.get(path).text)


def headline(page: str) -> list[str]:
    shown = page.partition('<ul class="headline">')[2].partition("</ul>")[0]
    return [re.sub(r"<[^>]+>", "", one).strip() for one in shown.split("</li>")[:-1]]


def test_figures_with_too_small_a_base_are_not_shown(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    assert headline(page_of(editor))[:3] == [
        "1 new reader in the last 7 days",
        "of lessons answered: no figure yet",
        "points in the test: no figure yet",
    ]


def test_an_installation_without_people_shows_no_zeros(editor: TestClient) -> None:
    page = page_of(editor)
    assert headline(page)[0] == "Nobody has signed up yet."
    main = re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("<footer")[0])
    assert re.findall(r"\b0\b", main) == []


def test_each_figure_links_to_a_place_on_the_page(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    refresh(runtime)
    page = page_of(editor)
    targets = re.findall(r'<li><a href="#([^"]+)">', page)
    assert len(targets) == 3
    assert all(f'id="{one}"' in page for one in targets)


def test_charts_take_their_colours_from_the_style_sheet(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher
) -> None:
    reader_with_lesson(runtime, dispatcher)
    refresh(runtime)
    charts = re.findall(r'<svg class="chart".*?</svg>', page_of(editor))
    assert len(charts) >= 3
    assert not any(re.search(r"#[0-9a-f]{3}|style=|fill=", one) for one in charts)
    assert all('role="img" aria-label="' in one for one in charts)


def test_every_chart_has_its_table(editor: TestClient, runtime: Runtime, dispatcher: Dispatcher) -> None:
    reader_with_lesson(runtime, dispatcher)
    refresh(runtime)
    for path in ("/admin", "/admin/campaigns/1/results"):
        page = page_of(editor, path)
        assert page.count('<svg class="chart"') >= 2
        assert all("<table" in one.partition("<svg")[0] for one in page.split('<svg class="chart"')[1:])


def test_funnel_of_a_course_and_of_its_campaign_agree(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher
) -> None:
    for _ in range(2):
        reader_with_lesson(runtime, dispatcher)
    course = page_of(editor).partition(f'id="course-{COURSE}"')[2].partition("</section>")[0]
    campaign = page_of(editor, "/admin/campaigns/1/results")
    for row in ("confirmed their signup", "had the first lesson"):
        assert f'<th scope="row">{row}</th><td class="number">2</td>' in course
        assert f'<th scope="row">{row}</th><td class="number">2</td>' in campaign


def test_sending_is_folded_while_a_process_sends(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    make_reader(runtime)
    send_all(dispatcher)
    page = page_of(editor)
    assert "No process that sends email is running" in page
    assert "<details open><summary>Nothing is being sent" in page
    now = clock.now()
    row = HeartbeatRow(id="1", kind="serve", host="here", pid=1, started_at=now, seen_at=now)
    runtime.database.run(heartbeats.register_process, row)
    page = page_of(editor)
    assert "No process that sends email is running" not in page
    assert "<details><summary>All is well" in page
