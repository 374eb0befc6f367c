"""The public pages without a browser: what they answer, and how they meet bad input (drills: "Signup and tokens")."""

from __future__ import annotations

import html
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from tests.support.builders import COURSE, course_of, make_reader, make_runtime, make_settings

from rugcourse.bootstrap import Runtime, open_runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryRow, FeedbackRow, SubscriberRow
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.links import MailRef, TokenPurpose
from rugcourse.privacy.papers import notice_text
from rugcourse.web.app import create_app
from rugcourse.web.forms import shown_at_token
from rugcourse.web.rate_limits import network

SITE = f"/nl/{COURSE}"


def fields(runtime: Runtime, clock: VirtualClock, **changes: object) -> dict[str, object]:
    token = shown_at_token(runtime.signer, clock)
    clock.advance(seconds=5)
    typed = {
        "email": "sam@x.example",
        "zone": "Europe/Amsterdam",
        "hour": "8",
        "days": ["0", "1"],
        "consent": "yes",
        "shown": token,
    }
    return {**typed, **changes}


def count(runtime: Runtime, table: type[SubscriberRow | DeliveryRow]) -> int:
    with runtime.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("path", ["", "/test", "/signup", "/safety-notice", "/lessons/stress", "/lessons/afronding"])
def test_every_public_page_exists_in_each_language_of_the_course(browser: TestClient, language: str, path: str) -> None:
    answer = browser.get(f"/{language}/{COURSE}{path}")
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert browser.head(f"/{language}/{COURSE}{path}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/xx", "/nl/none", "/fr/" + COURSE, SITE + "/lessons/none", SITE + "/result/abc", "/c/abc", "/a/abc", "/w/x", "/p/x", "/u/x", "/t/x", "/l/x", "/o/x.gif", "/static/1/../settings.py", "/static/1/zone.py"],
)  # fmt: skip
def test_not_found_page_is_the_same_for_everybody(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.text == browser.get("/nl/none").text


def test_front_page_redirects_to_the_visitors_language(browser: TestClient) -> None:
    assert browser.get("/", headers={"accept-language": "en-GB,en;q=0.9"}).headers["location"] == "/en"
    assert browser.get("/", headers={"accept-language": "fr,es"}).headers["location"] == "/nl"
    assert browser.get("/", headers={"accept-language": "fr,de-AT"}).headers["location"] == "/de"
    assert "Begrijp je rugpijn" in browser.get("/nl").text


def test_knowledge_test_leads_to_a_result_that_signup_keeps(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    given = ""
    for _ in range(7):
        answer = browser.get(f"{SITE}/test", params={"a": given, "o": "0", "s": "1"})
        given = f"{given}.0" if given else "0"
        assert f'name="a" value="{given}"' in answer.text
    assert "Vraag 8 van 8" in answer.text
    finished = browser.post(f"{SITE}/test", data={"a": given, "o": "1"})
    assert finished.status_code == 303
    result = browser.get(finished.headers["location"])
    questions = course_of(runtime).course.tests["nl"].questions
    right = sum(one.right_option == (index == 7) for index, one in enumerate(questions))
    assert f"{right} van de 8 goed" in result.text
    token = finished.headers["location"].rpartition("/")[2]
    browser.post(f"{SITE}/signup", data=fields(runtime, clock, t=token))
    with runtime.database.read() as session:
        from rugcourse.db.models import AssessmentAttemptRow

        attempt = session.scalars(select(AssessmentAttemptRow)).one()
    assert attempt.subscriber_id == 1
    assert attempt.correct == right


@pytest.mark.parametrize("given", ["x", "0.9.1", "-1", "0..0", "9" * 500, "0.0.0.0.0.0.0.0.0.0.0", "\x00"])
def test_knowledge_test_handles_invalid_answers_in_the_url(browser: TestClient, given: str) -> None:
    assert browser.get(f"{SITE}/test", params={"a": given}).status_code == 200
    assert browser.post(f"{SITE}/test", data={"a": given}).status_code in {200, 303}


def test_signup_response_and_time_do_not_reveal_known_addresses(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make_reader(runtime, "known@x.example")
    runtime.database.run(suppress_address, clock.now(), runtime.signer, "never@x.example", "operator")
    waits: list[float] = []
    monkeypatch.setattr("rugcourse.web.public.signup.time", SimpleNamespace(monotonic=lambda: 5.0))
    after = SimpleNamespace(monotonic=lambda: 5.1, sleep=waits.append)  # so long did the database take
    monkeypatch.setattr("rugcourse.web.forms.time", after)
    answers = {}
    for email in (known, "never@x.example", "new@x.example"):
        answer = browser.post(f"{SITE}/signup", data=fields(runtime, clock, email=email))
        page = re.sub(r'name="shown" value="[^"]+"', "", answer.text.replace(email, "the address"))
        answers[email] = (answer.status_code, answer.headers["cache-control"], page)
    assert len(set(answers.values())) == 1
    assert waits == [pytest.approx(0.15)] * 3  # each is filled up to a quarter of a second


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"email": "a@b@c"}, "wrong-email"), ({"email": "zoë@x.example"}, "wrong-email"), ({"email": "a@x.org\r\nBcc: b@x.org"}, "wrong-email"),
     ({"email": "x" * 10_000}, "wrong-email"), ({"name": "<b>www.x.example</b>"}, "wrong-name"), ({"days": []}, "minstens één dag"),
     ({"zone": "x"}, "tijdzone uit de lijst"), ({"hour": "99"}, "tijd uit de lijst"), ({"consent": ""}, "mogen we je geen lessen")],
)  # fmt: skip
def test_signup_form_reports_wrong_fields_and_stores_nothing(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, changes: dict[str, object], told: str
) -> None:
    answer = browser.post(f"{SITE}/signup", data=fields(runtime, clock, **changes))
    assert answer.status_code == 200
    assert told in answer.text
    assert "<b>www" not in answer.text
    assert count(runtime, SubscriberRow) == 0


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 202),
        ({"email": ["sam@x.example", "sam@x.example"]}, 202),
        ({"email": ["sam@x.example", "not an address"]}, 200),
        ({"days": ["0"] * 500}, 202),
        ({"days": "0"}, 202),
        ({"consent": "x" * 10_000, "unknown": "x" * 10_000}, 202),
        ({"name": "x" * 10_000}, 200),
        ({"t": "x" * 10_000}, 202),
        ({"model_config": "x", "email.name": "x", "__class__": "x"}, 202),
    ],
)
def test_signup_form_reads_whatever_is_sent(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, changes: dict[str, object], status: int
) -> None:
    answer = browser.post(f"{SITE}/signup", data=fields(runtime, clock, **changes))
    assert answer.status_code == status
    assert count(runtime, SubscriberRow) == (status == 202)


@pytest.mark.parametrize(("address", "said"), [("zoë@x.example", True), ("zoe@", False), ("a@b@c", False)])
def test_accents_are_named_only_where_an_address_has_one(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, address: str, said: bool
) -> None:
    page = browser.post(f"{SITE}/signup", data=fields(runtime, clock, email=address)).text
    assert ("Letters met een accent" in page) is said


@pytest.mark.parametrize("left_out", ["email", "zone", "hour", "days", "consent"])
def test_signup_form_without_a_field_is_shown_again(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, left_out: str
) -> None:
    sent = {name: value for name, value in fields(runtime, clock).items() if name != left_out}
    answer = browser.post(f"{SITE}/signup", data=sent)
    assert (answer.status_code, 'role="alert"' in answer.text) == (200, True)
    assert count(runtime, SubscriberRow) == 0


def test_signup_form_with_a_file_for_a_text_is_not_found(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    sent = fields(runtime, clock)
    answer = browser.post(f"{SITE}/signup", data=sent, files={"email": ("a.txt", b"sam@x.example")})
    assert answer.status_code == 404
    assert count(runtime, SubscriberRow) == 0


def test_signup_form_keeps_typed_values_after_a_mistake(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    answer = browser.post(
        f"{SITE}/signup", data=fields(runtime, clock, email="oops", name="Sam", hour="20", zone="Asia/Tokyo")
    )
    for kept in ('value="oops"', 'value="Sam"', '<option value="20" selected>', '<option value="Asia/Tokyo" selected'):
        assert kept in answer.text


def test_the_page_after_a_signup_shows_the_address_and_takes_another_one(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    typed = fields(runtime, clock, email="sam@x.exampel", name="Sam <3".replace("<", "&"), hour="20", zone="Asia/Tokyo")
    answer = browser.post(f"{SITE}/signup", data=typed)
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")
    page = answer.text
    assert "<b>sam@x.exampel</b>" in page
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="(?:hidden|email)" name="(\w+)" value="([^"]*)"', page):
        sent.setdefault(name, []).append(html.unescape(value))
    assert browser.post(f"{SITE}/signup", data={**sent, "email": "sam@x.example"}).status_code == 202
    with runtime.database.read() as session:
        people = session.scalars(select(SubscriberRow).order_by(SubscriberRow.id)).all()
        kept = [
            (one.email, one.name, one.pending_signup["hour"], one.pending_signup["zone"])
            for one in people
            if one.pending_signup
        ]
    assert kept == [("sam@x.exampel", "Sam &3", 20, "Asia/Tokyo"), ("sam@x.example", "Sam &3", 20, "Asia/Tokyo")]


def test_a_hidden_field_of_the_page_after_a_signup_is_only_text(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    hostile = '"><script>alert(1)</script>'
    page = browser.post(f"{SITE}/signup", data=fields(runtime, clock, website="x", email=hostile, name=hostile)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_signup_form_says_what_applies_and_folds_the_choice(browser: TestClient, language: str) -> None:
    page = browser.get(f"/{language}/{COURSE}/signup").text
    first, _, folded = page.partition('<details class="folded">')
    for name in ("email", "name", "consent"):
        assert f'name="{name}"' in first
    for name in ("hour", "days", "zone"):
        assert f'name="{name}"' in folded
        assert f'name="{name}"' not in first
    said = html.unescape(re.sub(r"<[^>]+>", "", folded.partition("</summary>")[0]))
    assert (
        said.split()
        == {"nl": "elke dag één, om 08:00 · wijzigen", "en": "one a day, at 08:00 · change"}[language].split()
    )


@pytest.mark.parametrize("changes", [{"days": []}, {"zone": "x"}, {"hour": "99"}])
def test_what_is_folded_is_open_when_something_in_it_is_wrong(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, changes: dict[str, object]
) -> None:
    page = browser.post(f"{SITE}/signup", data=fields(runtime, clock, **changes)).text
    opened = [*re.findall(r'<details class="folded"( open)?>', page)]
    assert opened == [" open", " open" if "zone" in changes else ""]


def test_the_page_of_a_course_lists_no_lesson_twice_and_ends_with_the_test(browser: TestClient) -> None:
    page = browser.get(SITE).text
    shown, _, folded = page.partition("<main")[2].partition("</main>")[0].partition('<details class="folded">')
    assert f'href="{SITE}/lessons/stress"' in shown
    for lesson in ("welkom", "stress", "afronding"):
        assert folded.partition("</details>")[0].count(f'href="{SITE}/lessons/{lesson}"') == 1
    calls = [match.start() for match in re.finditer(rf'<a class="button" href="{SITE}/test">', page)]
    links = [match.start() for match in re.finditer(r'<a class="tile"|<h2>|<li>', page[: page.index("</main>")])]
    assert calls[0] < links[0]
    assert calls[-1] > links[-1]


def test_signup_honeypot_gets_the_normal_response_and_stores_nothing(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    answer = browser.post(f"{SITE}/signup", data=fields(runtime, clock, website="http://x.example"))
    assert answer.status_code == 202
    assert count(runtime, SubscriberRow) == 0


@pytest.mark.parametrize("shown", ["", "abc", "old", "now", "other"])
def test_signup_form_too_fast_or_without_timestamp_is_shown_again(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, shown: str
) -> None:
    data = fields(runtime, clock)
    if shown == "old":
        clock.advance(days=2)
    elif shown == "now":
        data["shown"] = shown_at_token(runtime.signer, clock)
    elif shown == "other":
        data["shown"] = runtime.signer.sign(TokenPurpose.ATTEMPT, 1)
    else:
        data["shown"] = shown
    answer = browser.post(f"{SITE}/signup", data=data)
    assert "nog een keer op de knop" in answer.text
    assert "Fout:" not in answer.text  # it is nobody's mistake
    assert 'value="sam@x.example"' in answer.text
    assert count(runtime, SubscriberRow) == 0


def test_who_was_too_quick_just_presses_once_more(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    data = fields(runtime, clock) | {"shown": shown_at_token(runtime.signer, clock)}
    clock.advance(seconds=1)
    [shown] = re.findall(r'name="shown" value="([^"]+)"', browser.post(f"{SITE}/signup", data=data).text)
    clock.advance(seconds=1)
    assert browser.post(f"{SITE}/signup", data={**data, "shown": shown}).status_code == 202


def test_a_form_that_was_open_for_days_can_be_sent_with_one_more_press(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    data = fields(runtime, clock)
    clock.advance(days=2)
    [shown] = re.findall(r'name="shown" value="([^"]+)"', browser.post(f"{SITE}/signup", data=data).text)
    clock.advance(seconds=3)
    assert browser.post(f"{SITE}/signup", data={**data, "shown": shown}).status_code == 202


def test_who_mends_a_field_at_once_is_not_too_quick(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    data = fields(runtime, clock)
    answer = browser.post(f"{SITE}/signup", data={**data, "email": "oops"})
    [shown] = re.findall(r'name="shown" value="([^"]+)"', answer.text)
    assert browser.post(f"{SITE}/signup", data={**data, "shown": shown}).status_code == 202


def test_signups_of_one_network_are_limited(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rugcourse.web import forms

    monkeypatch.setattr(forms, "_MIN_RESPONSE_SECONDS", 0.0)
    browser = TestClient(create_app(runtime), follow_redirects=False)
    data = fields(runtime, clock)
    statuses = [
        browser.post(f"{SITE}/signup", data={**data, "email": f"a{number}@x.example"}).status_code
        for number in range(40)
    ]
    assert statuses == [202] * 30 + [429] * 10
    assert count(runtime, DeliveryRow) == 30
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2::1") != network("2001:db8:1:3::1")


def test_a_form_that_is_too_large_is_refused(browser: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post(f"{SITE}/signup", data={"name": "x" * 100_000}).status_code == 413
    assert browser.post(f"{SITE}/signup", content=iter([b"x" * 10_000] * 10), headers=form).status_code == 413


def test_a_lesson_counts_how_often_humans_read_it(browser: TestClient) -> None:
    human = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"}
    assert "keer gelezen" not in browser.get(f"{SITE}/lessons/stress", headers={"user-agent": "curl/8"}).text
    assert "één keer gelezen" in browser.get(f"{SITE}/lessons/stress", headers=human).text
    assert "2 keer gelezen" in browser.get(f"{SITE}/lessons/stress", headers=human).text


def test_public_pages_load_nothing_from_third_parties(browser: TestClient, runtime: Runtime) -> None:
    for path in ("", "/test", "/signup", "/lessons/stress"):
        text = browser.get(SITE + path).text.replace(runtime.settings.base_url, "")
        text = re.sub(r'<a href="https://[^"]+" rel="noopener">', "<a>", text)  # a visitor chooses to follow it
        text = text.replace('"@context": "https://schema.org"', "")  # a name, which nobody fetches
        assert "http://" not in text
        assert "https://" not in text


def test_signups_of_all_networks_are_limited(
    database: Database, clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rugcourse.web import forms

    monkeypatch.setattr(forms, "_MIN_RESPONSE_SECONDS", 0.0)
    settings = make_settings(tmp_path, signups_per_hour_in_all=10)
    runtime = make_runtime(database, settings, clock)
    app = create_app(runtime)
    data = fields(runtime, clock)
    statuses = [
        TestClient(app, follow_redirects=False, client=(f"10.0.0.{number}", 1))
        .post(f"{SITE}/signup", data={**data, "email": f"a{number}@x.example"})
        .status_code
        for number in range(15)
    ]
    assert statuses == [202] * 10 + [429] * 5


def test_signups_of_one_address_from_many_networks_send_one_mail(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rugcourse.web import forms

    monkeypatch.setattr(forms, "_MIN_RESPONSE_SECONDS", 0.0)
    app = create_app(runtime)
    data = fields(runtime, clock)
    for number in range(20):
        browser = TestClient(app, follow_redirects=False, client=(f"10.0.0.{number}", 1))
        assert browser.post(f"{SITE}/signup", data=data).status_code == 202
    assert count(runtime, DeliveryRow) == 1


def test_no_public_page_sets_a_cookie_or_is_over_sixty_kilobytes(browser: TestClient) -> None:
    pages = [
        "/nl",
        "/nl/privacy",
        "/nl/my-page",
        *(SITE + one for one in ("", "/test", "/signup", "/lessons/stress", "/safety-notice")),
        browser.post(f"{SITE}/test", data={"a": ".".join("0" * 7), "o": "1"}).headers["location"],
    ]
    for path in pages:
        answer = browser.get(path)
        assert "set-cookie" not in answer.headers
        files = re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", answer.text)
        assert len(answer.content) + sum(len(browser.get(file).content) for file in files) < 60_000, path


def test_catalogue_shows_content_duration_and_a_sample_of_each_course(
    browser: TestClient,
) -> None:
    page = browser.get("/nl").text
    for words in (
        "9 lessen",
        "3 lessen",
        "Stress en je rug",
        "/nl/stress-en-rugpijn/lessons/kringloop",
        "een test van 6 vragen",
    ):
        assert words in page


def test_privacy_page_follows_the_settings(database: Database, clock: VirtualClock, tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path, "smtp://mail.provider.example:25", keep_left_days=77, keep_measured_days=55, keep_unconfirmed_days=1
    )
    page = TestClient(create_app(make_runtime(database, settings, clock))).get("/nl/privacy").text
    for words in (
        "77 dagen nadat je met alles stopt",
        "Dat je een mail opende of een link volgde: 55 dagen.",
        "Dat onthouden we 30 dagen, zonder het adres zelf",
        "wissen ze na 1 dag",
        "mail.provider.example",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "nl",
            (
                "We vragen niet naar je gezondheid", "uitdrukkelijke toestemming", "artikel 9 lid 2 onder a", "11.7a",
                "Autoriteit Persoonsgegevens", "16 jaar of ouder", "intrekken", "Bezwaar", "Example Host (hosting, Duitsland)",
                "de helft van de lezers", "beperking", "overdraagbaarheid", 'href="https://www.autoriteitpersoonsgegevens.nl"',
                "artikel 6 lid 1 onder b", "Deze tekst is van ", "hooguit 60 dagen", "Els de Wit, fg@praktijk.example", "12345678", "29012345678",
            ),
        ),
        (
            "en",
            (
                "We do not ask about your health", "explicit consent", "16 or over", "half of the readers",
                "restriction", "portability", 'href="https://www.edpb.europa.eu/', "those who run the courses",
            ),
        ),
    ],
)  # fmt: skip
def test_privacy_page_has_the_required_content_and_never_denies_health_data(
    database: Database, clock: VirtualClock, tmp_path: Path, language: str, words: tuple[str, ...]
) -> None:
    settings = make_settings(
        tmp_path, processors="Example Host (hosting, Duitsland)", dpo="Els de Wit, fg@praktijk.example", kvk="12345678",
        big="fysiotherapeut, 29012345678",
    )  # fmt: skip
    page = html.unescape(
        TestClient(create_app(make_runtime(database, settings, clock))).get(f"/{language}/privacy").text
    )
    assert [word for word in words if word not in page] == []
    for untrue in ("Niets over je gezondheid", "write nothing about your health"):
        assert untrue not in page


@pytest.mark.parametrize(
    ("set_to", "words"),
    [
        ("", "Vraag ons ook of een van hen buiten de Europese Economische Ruimte werkt"),
        ("none", "Niemand die voor ons werkt, krijgt het buiten de Europese Economische Ruimte."),
        ("Relay (VS, modelcontract)", "Buiten de Europese Economische Ruimte: Relay (VS, modelcontract)."),
    ],
)
def test_privacy_page_lists_configured_transfers_outside_the_eu(tmp_path: Path, set_to: str, words: str) -> None:
    assert f"- {words}" in notice_text(make_settings(tmp_path, transfers=set_to), "nl")


def test_privacy_page_describes_unlimited_retention_of_bounces(tmp_path: Path) -> None:
    text = notice_text(make_settings(tmp_path, keep_bounce_mail_days=0), "nl")
    assert "tot iemand hem daar weggooit" in text
    assert "0 dagen in onze mailbox" not in text


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_privacy_page_does_not_link_the_dutch_authority_for_another_one(tmp_path: Path, language: str) -> None:
    text = notice_text(make_settings(tmp_path, supervisor="Gegevensbeschermingsautoriteit"), language)
    assert "Gegevensbeschermingsautoriteit. " in text
    assert "edpb.europa.eu" in text
    assert "autoriteitpersoonsgegevens" not in text


def test_imprint_shows_the_configured_controller(database: Database, clock: VirtualClock, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, kvk="12345678", phone="030 123 45 67", postal_address="Dorpsstraat 2, Ede")
    site = TestClient(create_app(make_runtime(database, settings, clock)))
    for language, word in (("nl", "Telefoon"), ("en", "Telephone"), ("de", "Telefon")):
        page = site.get(f"/{language}/imprint").text
        for words in ("Dorpsstraat 2, Ede", f"{word}: 030 123 45 67", "12345678", settings.sender_address):
            assert words in page
        assert "BIG" not in page
    assert (
        "BIG"
        in TestClient(create_app(make_runtime(database, settings.model_copy(update={"big": "29012345678"}), clock)))
        .get("/nl/imprint")
        .text
    )


@pytest.mark.parametrize("path", ["privacy", "imprint", "accessibility"])
def test_every_page_links_the_legal_pages(browser: TestClient, path: str) -> None:
    for language in ("nl", "en", "de"):
        for page in ("", "/my-page", "/privacy", *([f"/{COURSE}"] if language != "de" else [])):
            assert f'href="/{language}/{path}"' in browser.get(f"/{language}{page}").text
        assert browser.get(f"/{language}/{path}").status_code == 200
    assert browser.get(f"/fr/{path}").status_code == 404


def test_share_links_contain_the_course_and_no_token_of_the_visitor(browser: TestClient) -> None:
    given = ".".join("0" * 7)
    result = browser.post(f"{SITE}/test", data={"a": given, "o": "1"}).headers["location"]
    token = result.rpartition("/")[2]
    page = browser.get(result).text
    shared = page[page.index('class="share"') :]
    assert f"courses.example{SITE}" in shared
    assert token not in shared[: shared.index("</section>")]
    picture = browser.get(f"{SITE}/share.png")
    assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert f'content="http://courses.example{SITE}/share.png"' in browser.get(SITE).text


def test_result_shows_the_hardest_question_and_a_picture_for_each_cause(browser: TestClient) -> None:
    result = browser.post(f"{SITE}/test", data={"a": ".".join("0" * 7), "o": "1"}).headers["location"]
    page = browser.get(result).text
    assert page.count("<svg") == 7
    assert "Dit antwoord verrast veel mensen" in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What you know about each topic", "It says nothing about your health", "1 of 2", "still to learn")),
        ("nl", ("Wat je weet per onderwerp", "Het zegt niets over je gezondheid", "1 van 2", "leer je in de cursus")),
    ],
)
def test_a_result_is_about_knowledge_and_each_topic_leads_to_its_lesson(
    browser: TestClient, runtime: Runtime, language: str, words: tuple[str, ...]
) -> None:
    course = course_of(runtime).course
    test = course.tests[language]
    right = [question.right_option for question in test.questions]
    first = next(n for n, one in enumerate(test.questions) if one.topic == "overbelasting")
    right[first] = 1 - min(right[first], 1)
    *given, last = map(str, right)
    where = browser.post(f"/{language}/{COURSE}/test", data={"a": ".".join(given), "o": last}).headers["location"]
    page = browser.get(where).text
    for word in words:
        assert word in page
    topics = page.partition('<ul class="topics">')[2].partition("</ul>")[0]
    for diagnosis in ("strong", "shaky", "sterk", "wankel"):
        assert diagnosis not in topics
    for slug, title in test.topics.items():
        assert f'<a href="/{language}/{COURSE}/lessons/{slug}">{title}</a>' in page
        assert browser.get(f"/{language}/{COURSE}/lessons/{slug}").status_code == 200


def test_a_topic_without_a_lesson_of_its_own_is_no_link(browser: TestClient) -> None:
    where = browser.post("/nl/stress-en-rugpijn/test", data={"a": "0.0.0.0.0", "o": "0"}).headers["location"]
    page = browser.get(where).text
    assert "<span>Je lichaam</span>" in page
    assert '<a href="/nl/stress-en-rugpijn/lessons/kringloop">De cirkel</a>' in page


def test_the_topics_of_the_shipped_tests_can_be_told_apart(runtime: Runtime) -> None:
    for language in ("nl", "en"):
        for texts in (
            course_of(runtime).course.tests[language].topics.values(),
            [tile.title for tile in course_of(runtime).course.texts[language].tiles],
        ):
            about_causes = [one for one in texts if "oorzaken" in one.casefold() or "causes" in one.casefold()]
            assert len(about_causes) == 1


def test_unavailable_database_answers_503_and_loses_nothing(tmp_path: Path) -> None:
    runtime = open_runtime(make_settings(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"))
    browser = TestClient(create_app(runtime))
    token = runtime.signer.sign_mail(TokenPurpose.ANSWER, MailRef(1, 1), 0, 0)
    for answer in (browser.get(SITE), browser.get(f"/a/{token}"), browser.post(f"/a/{token}", data={"o": "0"})):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert "Er is niets kwijt" in answer.text


def test_not_found_page_uses_the_language_of_its_url(browser: TestClient) -> None:
    assert "This page does not exist" in browser.get("/en/none", headers={"accept-language": "nl"}).text


def test_knowledge_test_attempts_are_limited_per_network(browser: TestClient) -> None:
    given = ".".join("0" * 7)
    answers = [browser.post(f"{SITE}/test", data={"a": given, "o": "1"}) for _ in range(203)]
    assert [one.status_code for one in answers] == [303] * 200 + [429] * 3
    assert answers[-1].headers["retry-after"] == "3600"


def test_reloading_after_feedback_does_not_save_it_again(
    browser: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    path = f"{SITE}/lessons/stress"
    shown = shown_at_token(runtime.signer, clock)
    clock.advance(seconds=5)
    answer = browser.post(path, data={"helped": "yes", "shown": shown}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?said=yes")
    for _ in range(2):
        assert "Fijn om te horen" in browser.get(answer.headers["location"]).text
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FeedbackRow)) == 1


def test_health_check_answers_head_requests(browser: TestClient) -> None:
    answer = browser.head("/health/ready")
    assert (answer.status_code, answer.content) == (200, b"")


def test_method_not_allowed_lists_the_allowed_methods(browser: TestClient) -> None:
    answer = browser.delete(f"{SITE}/lessons/stress")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "stelt geen diagnose, voorspelt niets"), ("en", "does not assess your symptoms, diagnose, predict")],
)
def test_a_course_about_health_says_what_it_is_for_and_what_not(browser: TestClient, language: str, words: str) -> None:
    for path in ("test", "safety-notice"):
        assert words in browser.get(f"/{language}/{COURSE}/{path}").text
    same_for_all = {"nl": "voor iedereen gelijk", "en": "the same for everyone"}[language]
    assert same_for_all in browser.get(f"/{language}/{COURSE}/safety-notice").text
    all_courses = {
        "nl": "stellen geen diagnose, voorspellen niets",
        "en": "do not assess your symptoms, diagnose, predict",
    }[language]
    for path in ("privacy", "imprint"):
        assert all_courses in browser.get(f"/{language}/{path}").text
