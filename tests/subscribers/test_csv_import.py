"""Lists that are imported: read as spreadsheets write them, checked first, and nobody comes back who left."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select
from tests.support.builders import course_of, enrolment_of, mails_to, make_pending, make_reader, plan, send_all
from tests.support.campaigns import draft, reader_of_another_course, start
from tests.support.jobs import INTAKE, checked_import, imported, job_of, people, run_jobs, store_list
from tests.support.racing import meanwhile
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, release_hold
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    CampaignKind,
    ConsentRow,
    ConsentTextRow,
    DeliveryKind,
    EnrolmentRow,
    JobChunkRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.email_preview.sample import parts_of
from rugcourse.enrolment.admin_changes import correct_address
from rugcourse.enrolment.confirmation import confirm, refuse
from rugcourse.enrolment.preferences import come_back, set_news, unsubscribe
from rugcourse.enrolment.suppression import lift, suppress_address
from rugcourse.privacy.erase import erase
from rugcourse.scheduling import Timing
from rugcourse.subscribers import background_jobs, csv_import
from rugcourse.subscribers.background_jobs import NotKept, OtherList
from rugcourse.subscribers.csv_import import CHUNK, LineProblem, Outcome, read_line
from rugcourse.subscribers.csv_reader import Column, InvalidList, guess, read_list

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "content",
    [
        "E-mail,Naam\na@x.example,Ann\n", "E-mail;Naam\r\na@x.example;Ann\r\n", "E-mail\tNaam\na@x.example\tAnn",
        "sep=;\r\nE-mail;Naam\r\na@x.example;Ann\r\n", '"sep=,"\nE-mail,Naam\na@x.example,Ann\n',
        "\ufeffE-mail,Naam\n\na@x.example,Ann\n\n", 'E-mail,Naam\n"a@x.example","Ann"\n',
    ],
)  # fmt: skip
def test_csv_import_reads_files_of_spreadsheets(content: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        found = read_list(content.encode(encoding))
        assert found.headers == ["E-mail", "Naam"]
        assert [cells for _, cells in found.lines] == [["a@x.example", "Ann"]]
    assert guess(found.headers) == {Column.EMAIL: 0, Column.NAME: 1}


def test_csv_import_without_header_row_keeps_the_first_line() -> None:
    found = read_list(b"Ann;a@x.example\nBo;b@x.example\n")
    assert found.lines == [(1, ["Ann", "a@x.example"]), (2, ["Bo", "b@x.example"])]
    assert guess(found.headers, [cells for _, cells in found.lines]) == {Column.EMAIL: 1}


def test_csv_import_recognises_column_names_of_newsletter_programs() -> None:
    assert guess(["Email Address", "First Name", "TAGS"]) == {Column.EMAIL: 0, Column.NAME: 1, Column.TAGS: 2}


@pytest.mark.parametrize(
    "names",
    [
        ("E-mailadres", "Naam", "Taal", "Tijdzone", "Uur", "Labels", "Toestemming op", "Toestemmingstekst", "Bron"),
        ("E-Mail-Adresse", "Vorname", "Sprache", "Zeitzone", "Uhrzeit", "Schlagwörter", "Einwilligung am", "Einwilligungstext", "Quelle"),
    ],
)  # fmt: skip
def test_csv_import_recognises_column_names_in_the_languages_of_the_interface(names: tuple[str, ...]) -> None:
    assert guess(names) == {column: place for place, column in enumerate(Column)}


def test_csv_import_reports_the_line_of_wrong_quotes() -> None:
    with pytest.raises(InvalidList, match="quotes") as caught:
        read_list(b'email,name\na@x.example,Ann\nb@x.example,"Bo "de" Vries"\n')
    assert caught.value.line == 3


@pytest.mark.parametrize("text", ["8", "08", "8:00", "08:00", "08.00", "8.00", "8 Uhr", "8:00 Uhr"])
def test_csv_import_reads_common_notations_of_hours(text: str) -> None:
    found = read_line(
        2, ["a@x.example", text], INTAKE.model_copy(update={"columns": {Column.EMAIL: 0, Column.HOUR: 1}}), TODAY
    )
    assert not isinstance(found, LineProblem)
    assert found.schedule.hour == 8


def test_csv_import_takes_duplicate_addresses_once(runtime: Runtime) -> None:
    others = "".join(f"p{number}@x.example,P\n" for number in range(CHUNK))
    content = f"mail,naam\nP0@x.example,see www.x.example\n{others}p0@x.example,P\n"
    job_id = checked_import(runtime, content)
    expected = {Outcome.WRONG: 1, Outcome.NEW: CHUNK, Outcome.ALREADY: 1}
    assert job_of(runtime, job_id).counts == expected
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    job = job_of(runtime, job_id)
    assert job.counts == expected
    assert "@" not in str(job.params)


def test_csv_import_reads_windows_1252_and_multiline_cells_with_right_line_numbers() -> None:
    found = read_list('mail;naam\na@x.example;"René\nde Vries"\n\nb@x.example;Bo\n'.encode("cp1252"))
    assert found.lines == [(2, ["a@x.example", "René\nde Vries"]), (5, ["b@x.example", "Bo"])]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"), (b"email\n", "empty"), (b"<svg xmlns='x'><script/></svg>", "binary"), (b"\x89PNG\r\n\x00\x00", "binary"),
        (b"  <!doctype html><a>a@x.example", "binary"), (b"PK\x03\x04\x00\x00", "binary"), (b"email\nnobody\n", "no-table"),
        (b'email\n"a@x.example', "quotes"), (b"a," * 200 + b"\na@x.example\n", "no-table"), (b"\xff\xfe\x00", "binary"),
    ],
)  # fmt: skip
def test_csv_import_refuses_files_that_are_no_list(content: bytes, why: str) -> None:
    with pytest.raises(InvalidList, match=why):
        read_list(content)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["no address", "Ann"], Column.EMAIL), (["a@x@y.example", "Ann"], Column.EMAIL), ([], Column.EMAIL),
        (["a@x.example", "see http://evil.example"], Column.NAME), (["a@x.example", "Ann", "fr"], Column.LANGUAGE),
        (["a@x.example", "Ann", "nl", "Mars/Base"], Column.ZONE), (["a@x.example", "Ann", "nl", "", "25"], Column.HOUR),
        (["a@x.example", "Ann", "nl", "", "-1"], Column.HOUR), (["a@x.example", "Ann", "nl", "", "8", "x" * 41], Column.TAGS),
        (["a@x.example", "Ann", "nl", "", "8", "", "3/4/2026"], Column.AGREED_AT), (["a@x.example", "", "", "", "", "", "2026-12-24"], Column.AGREED_AT),
        (["a@x.example", "", "", "", "", "", "2026-03-31", "-"], Column.AGREED_TEXT), (["a@x.example", "", "", "", "", "", "", "", "?"], Column.AGREED_WHERE),
    ],
)  # fmt: skip
def test_csv_import_reports_the_place_of_an_invalid_value(cells: list[str], column: Column) -> None:
    every = INTAKE.model_copy(update={"columns": {one: place for place, one in enumerate(Column)}})
    found = read_line(7, cells, every, TODAY)
    assert isinstance(found, LineProblem)
    assert (found.line, found.column) == (7, column)


def test_dry_run_of_an_import_changes_nothing_and_reports_the_result(runtime: Runtime) -> None:
    reader = make_reader(runtime)
    before = people(runtime)
    job_id = checked_import(runtime, f"mail,naam\nnew@x.example,New\n{reader},Sam\nNEW@X.example,Again\nnobody,Bo\n")
    job = job_of(runtime, job_id)
    assert job.state == "checked"
    assert job.counts == {Outcome.NEW: 1, Outcome.ALREADY: 2, Outcome.WRONG: 1}
    assert job.problems == [[5, "email", "nobody"]]
    assert people(runtime) == before


def test_imported_readers_start_at_their_hour_with_the_source_of_their_consent(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    job_id = checked_import(runtime, "mail,naam\nnew@x.example,Ann Bo\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    assert people(runtime) == {"new@x.example": "active"}
    assert job_of(runtime, job_id).counts == {Outcome.NEW: 1}
    send_all(dispatcher)
    [mail] = mails_to(runtime, "new@x.example")
    assert mail.kind == DeliveryKind.IMPORTED
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(hours=2)
    assert plan(runtime) == 1
    with runtime.database.read() as session:
        consent = session.scalars(select(ConsentRow)).one()
        words = session.get(ConsentTextRow, consent.text_name)
        person = session.scalars(select(SubscriberRow)).one()
        assert subscribers.tags_of(session, person.id) == ["intake"]
        assert session.scalars(select(func.count()).select_from(JobChunkRow)).one() == 0
    assert consent.source == f"import {job_id}, 2026-11-23: paper form"
    assert consent.at == datetime(2026, 3, 31, tzinfo=UTC)
    assert (words.text if words else "", consent.course_id) == ("Yes, mail me the course", course_of(runtime).id)
    assert consent.delivery_id == mail.id
    assert (person.name, person.language, person.tracking_consent, person.news_consent) == (
        "Ann Bo",
        "nl",
        False,
        False,
    )
    assert person.confirmed_at is None  # they never did
    assert [*job_of(runtime, job_id).params] == ["intake"]


def test_csv_import_reads_consent_date_source_and_wording_per_line(runtime: Runtime) -> None:
    content = (
        "mail;toestemming op;agreed to;bron\n"
        "ann@x.example;31-1-2026;Yes please;card at the desk\nbo@x.example;2026-02-28T10:00:00+01:00;;\n"
    )
    columns = {Column.EMAIL: 0, Column.AGREED_AT: 1, Column.AGREED_TEXT: 2, Column.AGREED_WHERE: 3}
    job_id = checked_import(runtime, content, INTAKE.model_copy(update={"columns": columns, "news": True}))
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    with runtime.database.read() as session:
        rows = session.execute(
            select(ConsentRow.at, ConsentTextRow.text, ConsentRow.source, ConsentRow.purpose)
            .join(ConsentTextRow, ConsentTextRow.name == ConsentRow.text_name)
            .order_by(ConsentRow.id)
        ).all()
        assert session.scalars(select(SubscriberRow.news_consent)).all() == [True, True]
    assert [(at.date(), text, source.partition(": ")[2], purpose) for at, text, source, purpose in rows] == [
        (date(2026, 1, 31), "Yes please", "card at the desk", "lessons"),
        (date(2026, 1, 31), "Yes please", "card at the desk", "news"),
        (date(2026, 2, 28), "Yes, mail me the course", "paper form", "lessons"),
        (date(2026, 2, 28), "Yes, mail me the course", "paper form", "news"),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-31", date(2026, 3, 31)), ("2026-03-31 14:02", date(2026, 3, 31)), ("31-3-2026", date(2026, 3, 31)),
        ("31.03.2026", date(2026, 3, 31)), ("31/3/2026", date(2026, 3, 31)), ("3/31/2026", date(2026, 3, 31)),
        ("4/4/2026", date(2026, 4, 4)), ("3/4/2026", None), ("31-2-2026", None), ("soon", None), ("", None),
    ],
)  # fmt: skip
def test_csv_import_reads_common_date_formats_and_guesses_none(text: str, day: date | None) -> None:
    assert csv_import.read_day(text) == day


def test_first_mail_after_an_import_states_source_date_and_how_to_unsubscribe(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    job_id = checked_import(runtime, "mail,naam\nnew@x.example,Ann\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    send_all(dispatcher)
    [mail] = sink.taken
    html, text = parts_of(mail.raw)
    for part in (html, " ".join(text.split())):
        for said in ("paper form", "31 maart 2026", "Yes, mail me the course", "/u/", "/p/", "/nl/privacy"):
            assert said in part
        assert "bevestigd" not in part  # they never confirmed anything
    runtime.database.run(unsubscribe, runtime.clock.now(), mails_to(runtime, "new@x.example")[0].id)
    assert people(runtime) == {"new@x.example": "left"}


def test_csv_import_stores_only_the_columns_that_are_needed(runtime: Runtime) -> None:
    content = "Naam;E-mail;Diagnose;BSN\nAnn;ann@x.example;zq-diagnosis;123456782\n"
    job_id = store_list(runtime, content)
    found = str(everything(runtime))
    assert "ann@x.example" in found
    assert "zq-diagnosis" not in found
    assert "123456782" not in found
    with pytest.raises(NotKept):
        runtime.database.run(
            background_jobs.check, job_id, INTAKE.model_copy(update={"columns": {Column.EMAIL: 1, Column.TAGS: 2}})
        )
    with pytest.raises(OtherList):
        runtime.database.run(background_jobs.check, job_id, INTAKE, read_list(b"E-mail\nann@x.example\n"))


def test_second_upload_of_a_list_stores_the_chosen_columns(runtime: Runtime) -> None:
    content = "Wie;Adres;Groep;Diagnose\nAnn;ann@x.example;winter;zq-diagnosis\n"
    job_id = store_list(runtime, content)
    assert job_of(runtime, job_id).params["kept"] == []
    columns = {Column.EMAIL: 1, Column.NAME: 0, Column.TAGS: 2}
    bounce_handler = INTAKE.model_copy(update={"columns": columns})
    runtime.database.run(background_jobs.check, job_id, bounce_handler, read_list(content.encode()), "people.csv")
    run_jobs(runtime)
    assert job_of(runtime, job_id).counts == {Outcome.NEW: 1}
    assert "zq-diagnosis" not in str(everything(runtime))


def test_imported_reader_continues_when_a_suppression_is_lifted(runtime: Runtime) -> None:
    job_id = checked_import(runtime, "mail\nnew@x.example\n", INTAKE.model_copy(update={"columns": {Column.EMAIL: 0}}))
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, "new@x.example", "bounce")
    runtime.database.run(lift, runtime.clock.now(), runtime.signer, "new@x.example")
    assert people(runtime) == {"new@x.example": "active"}


def test_csv_import_skips_readers_who_left_were_erased_or_are_suppressed(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    left, erased, suppressed = (make_reader(runtime) for _ in range(3))
    send_all(dispatcher)
    runtime.database.run(unsubscribe, runtime.clock.now(), mails_to(runtime, left)[0].id)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, erased)
        assert person is not None
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, person.id)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, suppressed, "complaint")
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, "stranger@x.example", "bounce")
    before = people(runtime)
    lines = "\n".join((left, erased, suppressed, "stranger@x.example"))
    job_id = checked_import(runtime, f"mail\n{lines}\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    assert people(runtime) == before
    assert job_of(runtime, job_id).counts == {Outcome.LEFT: 1, Outcome.SUPPRESSED: 3}


def test_csv_import_does_not_enrol_cohort_readers_again(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = reader_of_another_course(runtime, "new@x.example")
    send_all(dispatcher)
    cohort = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, cohort)
    job = checked_import(runtime, f"E-mail,Name\n{email},Ann\n")
    assert job_of(runtime, job).counts == {Outcome.ALREADY: 1}
    runtime.database.run(background_jobs.start, runtime.clock.now(), job, None)
    run_jobs(runtime)
    with runtime.database.read() as session:
        campaigns = session.scalars(select(EnrolmentRow.campaign_id)).all()
    assert course_of(runtime).campaign_id not in campaigns


def started(runtime: Runtime, email: str) -> int:
    job_id = checked_import(runtime, f"E-mail,Name\n{email},Ann\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    return job_id


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("known", [True, False])
def test_reader_suppressed_during_an_import_is_not_written_to(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    email = "ann@x.example"
    if known:
        make_pending(runtime, email)
    job_id = started(runtime, email)

    def complain() -> None:
        runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "complaint")

    with meanwhile(monkeypatch, csv_import, "_import_one", complain) as errors:
        run_jobs(runtime)
    assert errors == []
    assert job_of(runtime, job_id).counts == {Outcome.SUPPRESSED: 1}
    assert people(runtime) == ({email: "suppressed"} if known else {})


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_reader_who_confirms_during_an_import_keeps_their_choices(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = make_pending(runtime, "ann@x.example", hour=20)
    job_id = started(runtime, email)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0].id

    def agree() -> None:
        runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail)

    with meanwhile(monkeypatch, csv_import, "_import_one", agree) as errors:
        run_jobs(runtime)
    assert errors == []
    assert job_of(runtime, job_id).counts == {Outcome.ALREADY: 1}
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert (person.name, subscribers.load_schedule(session, person.id).hour) == ("Sam Reader", 20)
    assert mails_to(runtime, email, DeliveryKind.IMPORTED) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("erases", [True, False])
def test_reader_who_refuses_or_is_erased_during_an_import_is_not_recreated(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, erases: bool
) -> None:
    email = make_pending(runtime, "ann@x.example")
    started(runtime, email)
    [mail] = mails_to(runtime, email, DeliveryKind.CONFIRM)

    def go_away() -> None:
        if erases:
            runtime.database.run(erase, runtime.clock.now(), runtime.signer, mail.subscriber_id)
        else:
            runtime.database.run(refuse, runtime.clock.now(), runtime.signer, mail.id)

    with meanwhile(monkeypatch, csv_import, "_import_one", go_away) as errors:
        run_jobs(runtime)
    assert errors == []
    assert people(runtime) == {}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_concurrent_imports_of_the_same_person_create_one_subscriber(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = "ann@x.example"
    job_ids = [checked_import(runtime, f"E-mail,Name\n{email},Ann\n") for _ in range(2)]
    for job_id in job_ids:
        runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)

    def other() -> None:
        background_jobs.run_next_batch(runtime.database, runtime.clock, runtime.signer)

    with meanwhile(monkeypatch, csv_import, "_import_one", other) as errors:
        run_jobs(runtime)
    assert errors == []
    assert len(mails_to(runtime, email, DeliveryKind.IMPORTED)) == 1
    assert sorted(str(job_of(runtime, one).counts) for one in job_ids) == [
        str({Outcome.ALREADY.value: 1}), str({Outcome.NEW.value: 1}),
    ]  # fmt: skip


def test_csv_import_respects_a_later_refusal_of_news(runtime: Runtime, clock: VirtualClock) -> None:
    email = reader_of_another_course(runtime, "sam@x.example")
    runtime.database.run(set_news, clock.now(), mails_to(runtime, email)[0].subscriber_id, agreed=False)
    imported(runtime, f"mail,naam\n{email},Sam\n", news=True, agreed_at=date(2024, 1, 1))
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    assert not person.news_consent


def test_imported_consent_text_is_deleted_with_its_last_consent(runtime: Runtime, clock: VirtualClock) -> None:
    columns = {Column.EMAIL: 0, Column.AGREED_TEXT: 1}
    words = "I, Ann de Vries (ann@x.example), want the course"
    imported(runtime, f'mail,consent_text\nann@x.example,"{words}"\nbo@x.example,"{words}"\n', columns=columns)
    for email, is_left in (("ann@x.example", True), ("bo@x.example", False)):
        runtime.database.run(erase, clock.now(), runtime.signer, mails_to(runtime, email)[0].subscriber_id)
        assert (words in str(everything(runtime)["consent_text"])) == is_left


def test_first_mail_after_an_import_has_short_lines_and_states_consent_to_news(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    """RFC 5321, 4.5.3.1.6: 998 bytes and a line end."""
    imported(runtime, "mail\nann@x.example\n", news=True, agreed_text=("Ja, ik wil. é" * 76)[:1000])
    imported(runtime, "mail\nbo@x.example\n")
    send_all(dispatcher)
    for email, says_so in (("ann@x.example", True), ("bo@x.example", False)):
        [mail] = sink.to(email)
        assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
        for part in parts_of(mail.raw):
            assert ("Af en toe komt er ook ander nieuws" in " ".join(part.split())) == says_so


def test_csv_import_refuses_lines_with_texts_that_are_too_long(runtime: Runtime) -> None:
    columns = {Column.EMAIL: 0, Column.AGREED_TEXT: 1}
    bounce_handler = INTAKE.model_copy(update={"columns": columns})
    job_id = checked_import(
        runtime, f"mail,consent_text\na@x.example,{'x' * 1001}\nb@x.example,{'x' * 1000}\n", bounce_handler
    )
    assert job_of(runtime, job_id).counts == {Outcome.WRONG: 1, Outcome.NEW: 1}


def test_csv_import_skips_readers_who_withdrew_after_the_imported_consent(
    runtime: Runtime, clock: VirtualClock
) -> None:
    email = reader_of_another_course(runtime, "sam@example.org")
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(unsubscribe, clock.now(), mail)
    clock.advance(days=2)
    runtime.database.run(come_back, clock.now(), mail)
    for day, outcome in ((date(2024, 1, 1), Outcome.LEFT), (clock.now().date(), Outcome.JOINS)):
        bounce_handler = INTAKE.model_copy(update={"agreed_at": day})
        job = checked_import(runtime, f"email,name\n{email},Ann\n", bounce_handler)
        assert job_of(runtime, job).counts.get(outcome) == 1
        runtime.database.run(background_jobs.start, clock.now(), job, None)
        run_jobs(runtime)
        assert job_of(runtime, job).counts.get(outcome) == 1


@pytest.mark.parametrize("erased", [False, True])
def test_csv_import_skips_earlier_addresses_of_readers(runtime: Runtime, clock: VirtualClock, erased: bool) -> None:
    """Nobody can tell whose it is now: theirs still, or somebody else's at home."""
    old = make_reader(runtime, "old@x.example")
    person = enrolment_of(runtime, old).subscriber_id
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, "new@x.example")
    if erased:
        runtime.database.run(erase, clock.now(), runtime.signer, person)
    job = checked_import(runtime, "E-mail,Naam\nold@x.example,Bo\n")
    runtime.database.run(background_jobs.start, clock.now(), job, None)
    run_jobs(runtime)
    assert job_of(runtime, job).counts == {Outcome.SUPPRESSED if erased else Outcome.FORMER: 1}
    assert "old@x.example" not in people(runtime)


def test_signup_at_an_earlier_address_of_a_reader_creates_a_new_subscriber(
    runtime: Runtime, clock: VirtualClock
) -> None:
    """Also after that reader was erased, and after everything was let go on."""
    person = enrolment_of(runtime, make_reader(runtime, "family@x.example")).subscriber_id
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, "ann@x.example")
    bob = reader_of_another_course(runtime, "family@x.example")
    clock.advance(minutes=1)
    runtime.database.run(erase, clock.now(), runtime.signer, person)
    assert release_hold(runtime, ALL).withdrawn == 0
    job = checked_import(runtime, f"E-mail,Naam\n{bob},Bob\n")
    assert job_of(runtime, job).counts == {Outcome.JOINS: 1}
    assert people(runtime)[bob] == SubscriberStatus.ACTIVE
