"""The last step says what happens before it does, and its button says so once more."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import MESSAGE, log_in, make_draft, post
from tests.support.builders import at_eight, make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind


def review_of(editor: TestClient, draft: str) -> str:
    return unescape(re.sub(r"\s+", " ", editor.get(f"{draft}/review").text))


def button_of(page: str) -> list[str]:
    return re.findall(r'<button class="button" name="action" value="start">([^<]+)</button>', page)


def ready(editor: TestClient, runtime: Runtime, kind: CampaignKind = CampaignKind.BROADCAST, **when: str) -> str:
    draft = make_draft(editor, runtime, kind)
    if kind == CampaignKind.BROADCAST:
        post(editor, f"{draft}/what", **MESSAGE)
    post(editor, f"{draft}/who", ground="news")
    post(editor, f"{draft}/when", **{"way": "now", **when})
    return draft


@pytest.mark.parametrize(("people", "said"), [(1, "Send to one person"), (3, "Send to 3 people")])
def test_button_says_to_how_many_it_sends(editor: TestClient, runtime: Runtime, people: int, said: str) -> None:
    for _ in range(people):
        make_reader(runtime)
    assert button_of(review_of(editor, ready(editor, runtime))) == [said]


def test_button_of_a_course_starts_and_one_of_a_later_day_schedules(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    assert button_of(review_of(editor, ready(editor, runtime, CampaignKind.COHORT))) == ["Start with one person"]
    later = ready(editor, runtime, way="local", local_day="2026-12-24")
    assert button_of(review_of(editor, later)) == ["Schedule for one person"]


def test_no_button_where_nobody_would_get_it(editor: TestClient, runtime: Runtime) -> None:
    page = review_of(editor, ready(editor, runtime))
    assert button_of(page) == []
    assert "Nobody matches your choices" in page


def test_no_button_before_the_message_is_written(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/who", ground="news")
    page = review_of(editor, draft)
    assert button_of(page) == []
    assert f'href="{draft}/what">Write the message</a>' in page


def test_who_does_not_get_it_in_their_own_language_is_told_above_the_button(
    editor: TestClient, runtime: Runtime
) -> None:
    for _ in range(2):
        make_reader(runtime)  # in Dutch, and the message is in English
    page = review_of(editor, ready(editor, runtime))
    assert "<dt>Languages</dt><dd>Dutch 2</dd>" in page
    warning = page.index("2 people read Dutch and get it in English.")
    assert warning < page.index('value="start"')


def test_who_did_not_agree_is_counted_above_the_button(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    make_reader(runtime, news=False)
    page = review_of(editor, ready(editor, runtime))
    assert page.index("one person who has not agreed to this is left out") < page.index("Send to one person")


def test_first_mail_is_told_in_the_zone_of_the_practice(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    at_eight(runtime)  # out of the quiet hours
    log_in(editor, "editor@x.example")
    assert "First email: as soon as you start it" in review_of(editor, ready(editor, runtime))
    later = ready(editor, runtime, way="instant", instant_day="2026-12-24", instant_time="09:00")
    page = review_of(editor, later)
    assert "First email: Thursday 24 December, 09:00" in page
    assert '<dt>First email</dt><dd>Thursday 24 December, 09:00 <span class="quiet">(Europe/Amsterdam)' in page


def test_who_gets_a_message_later_since_it_is_night_for_them_is_counted(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    at_eight(runtime)  # in the evening in Tokyo, where it is night soon
    for zone in ("Europe/Amsterdam", "Asia/Tokyo"):
        make_reader(runtime, zone=zone)
    clock.advance(hours=6)
    log_in(editor, "editor@x.example")
    page = review_of(editor, ready(editor, runtime))
    assert "One person gets it later. Nothing is sent from 22:00 to 07:00 in each reader’s time zone." in page
    assert "gets it later" not in review_of(editor, ready(editor, runtime, CampaignKind.COHORT))
