"""Campaigns in the admin pages: the steps, what bad input says, roles, forged forms, and frames that run nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from tests.support.admin_pages import MESSAGE, form_of, log_in, make_draft, post, seen_on
from tests.support.admins import make_admin
from tests.support.builders import at_eight, course_of, enrolment_of, lessons_to, make_reader, plan, ref, send_all
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import lifecycle
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    AuditLogRow,
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    DeliveryRow,
    DeliveryState,
    EnrolmentStatus,
    Role,
)
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.scheduling import Schedule, Timing
from rugcourse.scheduling.campaign_timing import next_mail


def rows(runtime: Runtime) -> list[CampaignRow]:
    with runtime.database.read() as session:
        return list(session.scalars(select(CampaignRow).order_by(CampaignRow.id)))


def test_campaign_from_draft_to_figures_with_people_behind_them(
    editor: TestClient, runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    log_in(editor, "editor@x.example")
    draft = make_draft(editor, runtime)
    assert post(editor, f"{draft}/what", **MESSAGE) == f"{draft}/who"
    assert post(editor, f"{draft}/who", languages=["nl"]) == f"{draft}/when"
    assert post(editor, f"{draft}/when", way="now") == f"{draft}/review"
    assert post(editor, f"{draft}/pace", per_minute="120") == f"{draft}/review"
    review = editor.get(f"{draft}/review").text
    assert email in review
    assert "<b>1</b> person" in review
    assert "120" in review
    assert post(editor, draft, action="start") == f"{draft}?done=start"
    assert "not-now" in post(editor, draft, action="start")  # pressed twice
    assert runtime.database.run(lifecycle.enrol_batch, clock.now(), None) == 1
    plan(runtime)
    send_all(dispatcher)
    page = editor.get(draft).text
    (behind,) = set(re.findall(r'href="(/admin/campaigns/\d+/mails\?state=accepted)"', page))
    assert email in editor.get(behind).text
    with runtime.database.read() as session:
        logged = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()
    assert [one for one in logged if one.startswith("campaign")] == ["campaign.create", "campaign.start"]


@pytest.mark.parametrize(
    ("step", "fields", "where", "said", "gezegd"),
    [
        ("what", {"subject.en": "S!"}, "en.subject", "no exclamation mark, please", "geen uitroepteken"),
        ("what", {"subject.en": "S 😀"}, "en.subject", "no emoji or symbols", "geen emoji"),
        ("what", {"subject.en": "x" * 66}, "en.subject", "66 characters; at most 50", "66 tekens; hoogstens 50"),
        ("what", {"preheader.en": "x" * 91}, "en.preheader", "91 characters; at most 90", "91 tekens; hoogstens 90"),
        ("what", {"body.en": ""}, "en.body", "this is empty", "dit is leeg"),
        ("what", {"body.en": "a\n\nHi {{ surname }}"}, "en.body", "line 3: {{ surname }} can", "regel 3: {{ surname }}"),
        ("what", {"body.en": "{% for x in range(10**9) %}"}, "en.body", "line 1: {% for x", "regel 1: {% for x"),
        ("what", {"body.en": "{{ ''.__class__ }}"}, "en.body", "can't be used here", "kan hier niet"),
        ("what", {"body.en": "[us](/here)"}, "en.body", "leads nowhere from an email", "nergens heen"),
        ("what", {"body.en": "![us](https://x.example/x.png)"}, "en.body", "line 1: a picture of another site", "regel 1: een afbeelding van een andere site"),
        ("what", {"body.en": f"![us](pictures/us-{'0' * 32}-100x50.png)"}, "en.body", "line 1: there is no such picture: us", "deze afbeelding is er niet: us"),
        ("what", {"body.en": "![us](pictures/us.png)"}, "en.body", "line 1: there is no such picture", "deze afbeelding is er niet"),
        ("what", {"body.en": "Hi <script>alert(1)</script>"}, "en.body", "HTML can't be used", "HTML kan hier niet"),
        ("what", {"title.en": "private \ue000"}, "en.title", "an invisible character", "onzichtbaar teken"),
        ("what", {"title.nl": "Alleen een titel"}, "nl.subject", "this is empty", "dit is leeg"),
        ("what", {"subject.en": "one\r\nBcc: all@x.example"}, "en.subject", "must be a single line", "op één regel"),
        ("what", {"name": " "}, "name", "Give it a name.", "Geef hem een naam."),
        ("who", {"from_lesson": "3"}, "course", "Choose the course", "Kies de cursus"),
        ("who", {"silent_for": "'; DROP TABLE x --"}, "silent_for", "write a whole number from 1 to", "een heel getal van 1"),
        ("who", {"test_from": "101", "course": "1"}, "test_from", "from 0 to 100", "van 0 tot en met 100"),
        ("who", {"confirmed_from": "2026-13-45"}, "confirmed_from", "this date can't be read", "deze datum klopt niet"),
        ("when", {}, "way", "Choose when it goes out.", "Kies wanneer"),
        ("when", {"way": "local"}, "local_day", "Choose a date.", "Kies een datum."),
        ("when", {"way": "local", "local_day": "2020-01-01"}, "local_day", "has passed", "is voorbij"),
        ("when", {"way": "instant", "instant_time": "09:00"}, "instant_day", "Choose a date.", "Kies een datum."),
        ("when", {"way": "instant", "instant_day": "soon"}, "instant_time", "Choose a time.", "Kies een tijd."),
        ("when", {"way": "instant", "instant_day": "soon"}, "instant_day", "this date can't be read", "klopt niet"),
        ("pace", {"per_minute": "-1"}, "per_minute", "a whole number from 1 to 1,000,000", "van 1 tot en met 1.000.000"),
    ],
)  # fmt: skip
def test_campaign_form_shows_mistakes_at_their_field_and_saves_nothing(
    editor: TestClient, runtime: Runtime, step: str, fields: dict[str, str], where: str, said: str, gezegd: str
) -> None:
    draft = make_draft(editor, runtime)
    fields = {**(MESSAGE if step == "what" else {}), **fields}
    before = everything(runtime)
    for language, sentence in (("en", said), ("nl", gezegd)):
        form = {"form": form_of(editor)["form"], **fields}
        answer = editor.post(f"{draft}/{step}", data=form, headers={"accept-language": language})
        page = unescape(answer.text)
        assert answer.status_code == 400
        summary, _, rest = page.partition('class="problems"')[2].partition("</section>")
        assert f'href="#f-{where}"' in summary
        assert sentence in summary
        assert f'id="f-{where}"' in rest
        assert f'aria-invalid="true" aria-describedby="wrong-{where}"' in rest
        assert sentence in rest.partition(f'id="wrong-{where}"')[2].partition("</span> </span>")[0]
        assert "should have" not in page.lower()  # pydantic's own words
    assert "String" not in page
    after = everything(runtime)
    assert [after[table] for table in ("campaign", "lesson_version")] == [
        before[table] for table in ("campaign", "lesson_version")
    ]


def test_campaign_form_shows_all_errors_and_keeps_input(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    page = post(editor, f"{draft}/what", **{**MESSAGE, "subject.en": "Come!", "title.nl": "Kom"})
    for where in ("en.subject", "nl.subject", "nl.body"):
        assert f'href="#f-{where}"' in page
    assert 'value="Come!"' in page
    page = post(editor, f"{draft}/who", from_lesson="many", confirmed_from="soon", tags="winter", course="1")
    assert 'value="many"' in page
    assert 'value="winter"' in page
    assert "Write the message" in unescape(post(editor, f"{draft}/what", name="x"))


def test_audience_count_updates_while_the_form_is_filled_in(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    draft = make_draft(editor, runtime)
    assert "<b>1</b>" in post(editor, f"{draft}/count", languages=["nl"])
    assert "<b>0</b>" in post(editor, f"{draft}/count", languages=["en"])
    assert "<b>0</b>" in post(editor, f"{draft}/count", tags="no such word")


def test_draft_does_not_start_without_a_message_or_after_its_send_time(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    assert post(editor, draft, action="start").endswith("done=no-message")
    assert rows(runtime)[-1].status == CampaignStatus.DRAFT


def ready_cohort(editor: TestClient, runtime: Runtime, **who: str) -> str:
    draft = make_draft(editor, runtime, CampaignKind.COHORT)
    post(editor, f"{draft}/who", **who)
    post(editor, f"{draft}/when", way="now")
    return draft


def finish(runtime: Runtime, email: str) -> None:
    with runtime.database.write() as session:
        mine = session.merge(enrolment_of(runtime, email))
        mine.status, mine.completed_at, mine.next_due_at = EnrolmentStatus.COMPLETED, runtime.clock.now(), None


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_new_cohort_page_excludes_previous_readers(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    draft = make_draft(editor, runtime, CampaignKind.COHORT)
    page = editor.get(f"{draft}/who").text
    assert '<option value="never" selected>' in page
    assert f'<option value="{course_of(runtime).id}" selected>' in page
    broadcast = editor.get(f"{make_draft(editor, runtime)}/who").text
    assert "selected" not in broadcast


def test_previous_readers_get_the_course_only_if_ticked(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    readers = [make_reader(runtime) for _ in range(3)]
    for email in readers[:2]:
        finish(runtime, email)
    draft = ready_cohort(editor, runtime)
    review = editor.get(f"{draft}/review").text
    assert "3 people" in text_of(review)
    assert "2 have had this course · one is taking it now" in text_of(review)
    assert 'name="again" value="3"' in review
    for again in ({}, {"again": "2"}, {"again": "4"}, {"again": "yes"}):
        where = post(editor, draft, action="start", **again)
        assert where == f"{draft}/review?done=unconfirmed"
    page = editor.get(where).text
    assert 'aria-invalid="true" aria-describedby="again-wrong"' in page
    assert "Tick this, or leave these people out." in page
    assert rows(runtime)[-1].status == CampaignStatus.DRAFT
    assert post(editor, draft, action="start", again="3") == f"{draft}?done=start"
    assert runtime.database.run(lifecycle.enrol_batch, clock.now(), None) == 3


def test_changed_cohort_audience_is_counted_again(editor: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    finish(runtime, make_reader(runtime))
    other = make_reader(runtime)
    draft = ready_cohort(editor, runtime)
    assert "one has had this course · one is taking it" in text_of(editor.get(f"{draft}/review").text)
    clock.advance(minutes=1)
    finish(runtime, other)
    where = post(editor, draft, action="start", again="2")
    assert where == f"{draft}/review?done=recounted"
    assert rows(runtime)[-1].status == CampaignStatus.DRAFT
    page = text_of(editor.get(where).text)
    assert "It did not start: how many people had this course has changed" in page
    assert "2 have had this course · 0 are taking it" in page
    assert post(editor, draft, action="start", again="2") == f"{draft}?done=start"


def test_a_discarded_draft_is_listed_and_brought_back_with_one_press(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **MESSAGE)
    where = post(editor, draft, action="discard")
    assert where == f"/admin/campaigns?notice=discarded&draft={draft.rpartition('/')[2]}"
    page = editor.get(where).text
    assert "You can restore it for 30 days" in page
    assert page.count(f'action="{draft}"') == 2  # in the notice and in the list
    assert f'href="{draft}"' not in page
    for step in ("what", "who", "when", "pace", "review"):
        assert editor.get(f"{draft}/{step}").status_code == 404
    assert editor.get(draft).headers["location"] == "/admin/campaigns"
    assert post(editor, draft, action="start").endswith("done=not-now")
    assert post(editor, draft, action="restore") == f"{draft}/review?done=restored"
    assert MESSAGE["subject.en"] in editor.get(f"{draft}/what").text
    assert post(editor, draft, action="restore") == "/admin/campaigns?notice=no-draft"


def test_an_analyst_looks_and_changes_nothing(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    log_in(browser, "analyst@x.example")
    first = rows(runtime)[0].id
    assert browser.get(f"/admin/campaigns/{first}").status_code == 200
    before = everything(runtime)["campaign"]
    form = {"form": form_of(browser)["form"]}
    for path in ("/admin/campaigns", f"/admin/campaigns/{first}", f"/admin/campaigns/{first}/who"):
        assert browser.post(path, data={**form, "action": "pause", "kind": "cohort"}).status_code == 404
    assert everything(runtime)["campaign"] == before


def test_a_form_from_elsewhere_starts_nothing(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    for form in ("", "forged"):
        assert editor.post(draft, data={"form": form, "action": "start"}).status_code == 403
    away = editor.post(
        draft,
        data={"form": form_of(editor)["form"], "action": "start"},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert away.status_code == 403
    assert rows(runtime)[-1].status == CampaignStatus.DRAFT


def test_mail_frame_runs_no_scripts_and_loads_nothing(editor: TestClient, runtime: Runtime) -> None:
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **{**MESSAGE, "title.en": "{{ 7 * 7 }} <script>alert(1)</script>"})
    answer = editor.get(f"{draft}/mail/en")
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "<script>alert" not in answer.text
    assert "7 * 7" in answer.text
    assert editor.get(f"{draft}/mail/nl").status_code == 404


def test_started_campaign_cannot_be_edited(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **MESSAGE)
    post(editor, f"{draft}/who", languages=["nl"])
    post(editor, f"{draft}/when", way="now")
    assert post(editor, draft, action="start").endswith("done=start")
    for step in ("what", "who", "when", "pace", "review"):
        assert editor.get(f"{draft}/{step}").status_code == 404
    assert post(editor, draft, action="pause").endswith("done=pause")
    assert post(editor, draft, action="resume").endswith("done=resume")
    assert post(editor, draft, action="cancel").endswith("done=cancel")
    assert post(editor, draft, action="resume").endswith("done=not-now")


TYPED: dict[str, dict[str, str]] = {
    "what": {**MESSAGE, "body.en": "Mine"}, "who": {"tags": "mine"}, "when": {"way": "now", "hour": "7"},
    "pace": {"per_minute": "77"},
}  # fmt: skip
SHOWN = {"what": "Mine", "who": 'value="mine"', "when": 'value="7"', "pace": 'value="77"'}


@pytest.mark.parametrize("step", [*TYPED])
def test_campaign_form_keeps_typed_values_after_an_edit_conflict(
    editor: TestClient, runtime: Runtime, step: str
) -> None:
    make_reader(runtime)
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **MESSAGE)
    post(editor, f"{draft}/who", languages=["nl"])
    opened = seen_on(editor, f"{draft}/{step}", {})
    looked_at = seen_on(editor, draft, {"action": "start"})
    theirs = {"what": {**MESSAGE, "body.en": "Theirs"}, "who": {}, "when": {"way": "now", "hour": "9"}}
    assert post(editor, f"{draft}/{step}", **theirs.get(step, {"per_minute": "99"})).startswith(draft)
    form = {**form_of(editor), **opened}
    answer = editor.post(f"{draft}/{step}", data={**form, **TYPED[step]})
    assert answer.status_code == 409
    assert "Not saved: someone else changed this step" in answer.text
    assert SHOWN[step] in answer.text
    answer = editor.post(draft, data={**form_of(editor), **looked_at, "action": "start"})
    assert answer.headers["location"] == f"{draft}/review?done=changed"
    assert "the draft was changed since you opened this page" in editor.get(f"{draft}/review?done=changed").text
    assert rows(runtime)[-1].status == CampaignStatus.DRAFT
    assert post(editor, f"{draft}/{step}", **TYPED[step]).startswith(draft)  # they were told, and press once more


def test_results_show_answers_and_the_dashboard_the_funnel(
    editor: TestClient, runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher
) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    lesson = lessons_to(runtime, email)[0]
    with runtime.database.write() as session:
        record_answers(
            session, runtime.course_cache, clock, [SubmittedAnswer(QuestionRef(ref(runtime, lesson.id), 0), 0)]
        )
    log_in(editor, "editor@x.example")
    results = re.sub(r"\s+", " ", editor.get(f"/admin/campaigns/{course_of(runtime).campaign_id}/results").text)
    assert "One answer, 0% right" in results
    assert re.search(r'scope="row"[^>]*>1\. ', results)
    overview = re.sub(r"\s+", " ", editor.get("/admin").text)
    assert '<a href="/admin/subscribers?status=active"><b>1</b>active</a>' in overview
    assert '<th scope="row">confirmed their signup</th><td class="number">1</td>' in overview


def test_dashboard_lists_mails_with_unknown_delivery(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    with runtime.database.write() as session:
        session.execute(update(DeliveryRow).values(state=DeliveryState.UNKNOWN))
    page = editor.get("/admin").text
    assert "not known whether" in page
    assert email in page


@pytest.mark.parametrize(
    ("language", "day", "share"),
    [("nl", "23-11", "12,5 procent"), ("en", "23/11", "12.5%"), ("de", "23.11.", "12,5 Prozent")],
)
def test_dashboard_writes_dates_and_figures_as_in_the_admins_language(
    editor: TestClient, runtime: Runtime, dispatcher: Dispatcher, language: str, day: str, share: str
) -> None:
    for _ in range(4):  # each gets two mails
        make_reader(runtime)
    send_all(dispatcher)
    with runtime.database.write() as session:
        session.execute(update(DeliveryRow).where(DeliveryRow.id == 1).values(state=DeliveryState.FAILED))
    page = editor.get("/admin", headers={"accept-language": language}).text
    assert f'text-anchor="middle">{day}</text>' in page
    assert share in page


def test_cohort_with_an_instant_keeps_its_hour_and_weekdays(
    editor: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    draft = make_draft(editor, runtime, CampaignKind.COHORT)
    typed = {"instant_day": "2026-12-04", "instant_time": "09:00", "days": ["0", "1", "2", "3", "4"], "hour": "7"}
    assert post(editor, f"{draft}/when", way="instant", **typed) == f"{draft}/pace"
    timing = Timing.model_validate(rows(runtime)[-1].timing)
    at = datetime(2026, 12, 4, 8, tzinfo=UTC)  # a Friday
    assert timing == Timing(at=at, hour=7, weekdays=frozenset(range(5)))
    reader = Schedule("Europe/Amsterdam", 20)
    assert next_mail(timing, reader, clock.now()) == at
    assert next_mail(timing, reader, at, at.date()) == datetime(2026, 12, 7, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("step", "typed"),
    [
        ("when", {"way": "instant", "instant_day": "0001-01-01", "instant_time": "00:00"}),
        ("when", {"way": "instant", "instant_day": "9999-12-31", "instant_time": "23:59"}),
        ("when", {"way": "local", "local_day": "9999-12-31"}),
        ("who", {"confirmed_up_to": "9999-12-31"}),
        ("who", {"confirmed_from": "0001-01-01"}),
    ],
)
def test_out_of_range_date_is_reported_at_its_field(
    editor: TestClient, runtime: Runtime, step: str, typed: dict[str, str]
) -> None:
    draft = make_draft(editor, runtime)
    answer = editor.post(f"{draft}/{step}", data={**form_of(editor), **typed})
    assert answer.status_code == 400
    assert "this date can't be read" in unescape(answer.text)
    if step == "who":
        assert editor.post(f"{draft}/count", data={**form_of(editor), **typed}).status_code == 200


def test_review_and_subscriber_show_times_in_the_zone_of_each_reader(editor: TestClient, runtime: Runtime) -> None:
    make_reader(runtime, "ny@x.example", zone="America/New_York", hour=7)
    draft = make_draft(editor, runtime)
    post(editor, f"{draft}/what", **MESSAGE)
    post(editor, f"{draft}/when", way="instant", instant_day="2031-03-03", instant_time="14:30")
    page = editor.get(f"{draft}/review").text
    assert "Monday 3 March 2031, 08:30" in page or "3 March 2031, 08:30" in page
    person = editor.get("/admin/subscribers/1").text
    assert ", 07:00, their time" in person
