"""Lists that are imported and acts for many: counted first, batch by batch, killed and gone on, and nobody comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.builders import COURSE, course_of, enrolment_of, mails_to, make_pending, make_reader, plan, send_all
from tests.campaigns.test_campaigns import draft, reader_of_another_course, start
from tests.racing import meanwhile

from rugcourse.campaigns import acts, imports, jobs
from rugcourse.campaigns.acts import Act, Order
from rugcourse.campaigns.imports import CHUNK, Column, Intake, NotAList, Outcome, Problem, guess, read_line, read_list
from rugcourse.campaigns.jobs import NotNow
from rugcourse.clock import VirtualClock
from rugcourse.delivery.send import Dispatcher
from rugcourse.enrolment.confirm import confirm
from rugcourse.enrolment.corrections import correct_address
from rugcourse.enrolment.preferences import pause, unsubscribe
from rugcourse.enrolment.suppression import suppress
from rugcourse.privacy.erase import erase
from rugcourse.runtime import Runtime
from rugcourse.schedule import Timing
from rugcourse.store import jobs as kept
from rugcourse.store import subscribers
from rugcourse.store.audiences import Audience
from rugcourse.store.tables import (
    CampaignKind,
    ConsentRow,
    DeliveryKind,
    EnrolmentRow,
    JobChunkRow,
    JobRow,
    SubscriberRow,
    SubscriberStatus,
)

INTAKE = Intake(
    course=COURSE, columns={Column.EMAIL: 0, Column.NAME: 1}, language="nl", zone="Europe/Amsterdam", hour=8,
    tags=("intake",), source="paper form, 2026", agreed=True,
)  # fmt: skip


def lay_down(runtime: Runtime, content: str) -> int:
    return imports.lay_down(runtime.database, runtime.clock, read_list(content.encode()), "people.csv", None)


def work(runtime: Runtime) -> None:
    while jobs.go_on(runtime.database, runtime.clock, runtime.signer):
        pass


def looked_through(runtime: Runtime, content: str, intake: Intake = INTAKE) -> int:
    job_id = lay_down(runtime, content)
    jobs.check(runtime.database, job_id, intake)
    work(runtime)
    return job_id


def job_of(runtime: Runtime, job_id: int) -> JobRow:
    with runtime.database.read() as session:
        found = kept.find(session, job_id)
    assert found is not None
    return found


def people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.read() as session:
        return {one.email: one.status for one in session.scalars(select(SubscriberRow))}


@pytest.mark.parametrize(
    "content",
    [
        "E-mail,Naam\na@x.example,Ann\n", "E-mail;Naam\r\na@x.example;Ann\r\n", "E-mail\tNaam\na@x.example\tAnn",
        "sep=;\r\nE-mail;Naam\r\na@x.example;Ann\r\n", '"sep=,"\nE-mail,Naam\na@x.example,Ann\n',
        "\ufeffE-mail,Naam\n\na@x.example,Ann\n\n", 'E-mail,Naam\n"a@x.example","Ann"\n',
    ],
)  # fmt: skip
def test_a_list_is_read_as_spreadsheets_write_it(content: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        found = read_list(content.encode(encoding))
        assert found.headers == ["E-mail", "Naam"]
        assert [cells for _, cells in found.lines] == [["a@x.example", "Ann"]]
    assert guess(found.headers) == {Column.EMAIL: 0, Column.NAME: 1}


def test_a_list_without_names_of_its_columns_loses_nobody() -> None:
    found = read_list(b"Ann;a@x.example\nBo;b@x.example\n")
    assert found.lines == [(1, ["Ann", "a@x.example"]), (2, ["Bo", "b@x.example"])]
    assert guess(found.headers, [cells for _, cells in found.lines]) == {Column.EMAIL: 1}


def test_columns_are_known_by_the_names_that_newsletter_programs_give_them() -> None:
    assert guess(["Email Address", "First Name", "TAGS"]) == {Column.EMAIL: 0, Column.NAME: 1, Column.TAGS: 2}


def test_wrong_quotes_are_named_by_their_line() -> None:
    with pytest.raises(NotAList, match="quotes") as caught:
        read_list(b'email,name\na@x.example,Ann\nb@x.example,"Bo "de" Vries"\n')
    assert caught.value.line == 3


@pytest.mark.parametrize("text", ["8", "08", "8:00", "08:00", "08.00", "8.00"])
def test_an_hour_is_read_as_people_write_it(text: str) -> None:
    found = read_line(
        2, ["a@x.example", text], INTAKE.model_copy(update={"columns": {Column.EMAIL: 0, Column.HOUR: 1}})
    )
    assert not isinstance(found, Problem)
    assert found.schedule.hour == 8


@pytest.mark.parametrize("agreed", [True, False])
def test_a_person_who_stands_twice_in_a_long_list_is_taken_once(runtime: Runtime, agreed: bool) -> None:
    others = "".join(f"p{number}@x.example,P\n" for number in range(CHUNK))
    content = f"mail,naam\nP0@x.example,see www.x.example\n{others}p0@x.example,P\n"
    job_id = looked_through(runtime, content, INTAKE.model_copy(update={"agreed": agreed}))
    expected = {Outcome.WRONG: 1, Outcome.NEW: CHUNK, Outcome.ALREADY: 1}
    assert job_of(runtime, job_id).counts == expected
    jobs.start(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    job = job_of(runtime, job_id)
    assert job.counts == expected
    assert "@" not in str(job.about)


def test_letters_of_windows_and_lines_within_quotes_are_read_and_lines_keep_their_numbers() -> None:
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
def test_what_is_no_list_is_refused_whole(content: bytes, why: str) -> None:
    with pytest.raises(NotAList, match=why):
        read_list(content)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["no address", "Ann"], Column.EMAIL), (["a@x@y.example", "Ann"], Column.EMAIL), ([], Column.EMAIL),
        (["a@x.example", "see http://evil.example"], Column.NAME), (["a@x.example", "Ann", "fr"], Column.LANGUAGE),
        (["a@x.example", "Ann", "nl", "Mars/Base"], Column.ZONE), (["a@x.example", "Ann", "nl", "", "25"], Column.HOUR),
        (["a@x.example", "Ann", "nl", "", "-1"], Column.HOUR), (["a@x.example", "Ann", "nl", "", "8", "x" * 41], Column.TAGS),
    ],
)  # fmt: skip
def test_a_line_that_cant_be_read_says_where(cells: list[str], column: Column) -> None:
    every = INTAKE.model_copy(update={"columns": {one: place for place, one in enumerate(Column)}})
    found = read_line(7, cells, every)
    assert isinstance(found, Problem)
    assert (found.line, found.column) == (7, column)


def test_looking_through_changes_nothing_and_says_what_would_happen(runtime: Runtime) -> None:
    reader = make_reader(runtime)
    before = people(runtime)
    job_id = looked_through(runtime, f"mail,naam\nnew@x.example,New\n{reader},Sam\nNEW@X.example,Again\nnobody,Bo\n")
    job = job_of(runtime, job_id)
    assert job.state == "checked"
    assert job.counts == {Outcome.NEW: 1, Outcome.ALREADY: 2, Outcome.WRONG: 1}
    assert job.problems == [[5, "email", "nobody"]]
    assert people(runtime) == before


def test_those_who_agreed_begin_at_their_hour_with_where_their_consent_comes_from(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    job_id = looked_through(runtime, "mail,naam\nnew@x.example,Ann Bo\n")
    jobs.start(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    assert people(runtime) == {"new@x.example": "active"}
    assert job_of(runtime, job_id).counts == {Outcome.NEW: 1}
    send_all(dispatcher)
    assert [one.kind for one in mails_to(runtime, "new@x.example")] == [DeliveryKind.WELCOME]
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(hours=2)
    assert plan(runtime) == 1
    with runtime.database.read() as session:
        consent = session.scalars(select(ConsentRow)).one()
        person = session.scalars(select(SubscriberRow)).one()
        assert subscribers.tags_of(session, person.id) == ["intake"]
        assert session.scalars(select(func.count()).select_from(JobChunkRow)).one() == 0
    assert consent.source == f"import {job_id}: paper form, 2026"
    assert (person.name, person.language, person.measuring) == ("Ann Bo", "nl", False)
    assert "sample" not in job_of(runtime, job_id).about


def test_those_who_have_to_confirm_get_that_mail_and_nothing_else(runtime: Runtime) -> None:
    job_id = looked_through(runtime, "mail\nnew@x.example\n", INTAKE.model_copy(update={"agreed": False}))
    jobs.start(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    assert people(runtime) == {"new@x.example": "pending"}
    [mail] = mails_to(runtime, "new@x.example")
    assert mail.kind == DeliveryKind.CONFIRM
    with runtime.database.read() as session:
        assert session.scalars(select(ConsentRow)).all() == []  # nobody has agreed to anything yet
    confirm(runtime.database, runtime.clock, runtime.signer, mail.id)
    with runtime.database.read() as session:
        kept = {(one.purpose, one.given) for one in session.scalars(select(ConsentRow))}
    assert kept == {("lessons", True), ("measuring", False)}


def test_nobody_who_left_was_erased_or_must_not_be_written_to_comes_back(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    left, erased, suppressed = (make_reader(runtime) for _ in range(3))
    send_all(dispatcher)
    unsubscribe(runtime.database, runtime.clock, mails_to(runtime, left)[0].id)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, erased)
        assert person is not None
    erase(runtime.database, runtime.clock, runtime.signer, person.id)
    suppress(runtime.database, runtime.clock, runtime.signer, suppressed, "complaint")
    suppress(runtime.database, runtime.clock, runtime.signer, "stranger@x.example", "bounce")
    before = people(runtime)
    lines = "\n".join((left, erased, suppressed, "stranger@x.example"))
    job_id = looked_through(runtime, f"mail\n{lines}\n")
    jobs.start(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    assert people(runtime) == before
    assert job_of(runtime, job_id).counts == {Outcome.LEFT: 1, Outcome.SUPPRESSED: 3}


def test_a_job_goes_on_where_it_was_and_takes_everybody_once(runtime: Runtime) -> None:
    lines = "\n".join(f"p{number}@x.example" for number in range(2 * CHUNK + 10))
    job_id = looked_through(runtime, f"mail\n{lines}\n", INTAKE.model_copy(update={"agreed": False}))
    jobs.start(runtime.database, runtime.clock, job_id, None)
    jobs.go_on(runtime.database, runtime.clock, runtime.signer)
    assert len(people(runtime)) == job_of(runtime, job_id).mark == CHUNK
    work(runtime)  # another process, later
    assert len(people(runtime)) == job_of(runtime, job_id).total == 2 * CHUNK + 10
    assert job_of(runtime, job_id).state == "done"
    with pytest.raises(NotNow):
        jobs.start(runtime.database, runtime.clock, job_id, None)


def test_a_reader_of_a_cohort_is_not_taken_into_the_course_once_more(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = reader_of_another_course(runtime, "new@x.example")
    send_all(dispatcher)
    cohort = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, cohort)
    job = looked_through(runtime, f"E-mail,Name\n{email},Ann\n")
    assert job_of(runtime, job).counts == {Outcome.ALREADY: 1}
    jobs.start(runtime.database, runtime.clock, job, None)
    work(runtime)
    with runtime.database.read() as session:
        campaigns = session.scalars(select(EnrolmentRow.campaign_id)).all()
    assert course_of(runtime).campaign_id not in campaigns


def test_an_import_that_is_stopped_keeps_what_is_done_and_no_address(runtime: Runtime) -> None:
    lines = "\n".join(f"p{number}@x.example" for number in range(CHUNK + 10))
    job_id = looked_through(runtime, f"mail\n{lines}\nwrong\n", INTAKE.model_copy(update={"agreed": False}))
    jobs.start(runtime.database, runtime.clock, job_id, None)
    jobs.go_on(runtime.database, runtime.clock, runtime.signer)
    jobs.cancel(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    assert len(people(runtime)) == CHUNK
    with runtime.database.read() as session:
        assert session.scalars(select(func.count()).select_from(JobChunkRow)).one() == 0


def test_a_list_that_nobody_starts_is_forgotten_after_a_week(runtime: Runtime) -> None:
    job_id = looked_through(runtime, "mail\nnew@x.example\nwrong\n")
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(days=6)
    assert jobs.forget_abandoned(runtime.database, runtime.clock) == 0
    runtime.clock.advance(days=2)
    assert jobs.forget_abandoned(runtime.database, runtime.clock) == 1
    job = job_of(runtime, job_id)
    assert (job.state, job.problems) == ("cancelled", [[3, "email", ""]])


def done(runtime: Runtime, act: Act, **others: object) -> dict[str, int]:
    order = Order(audience=others.pop("audience", Audience()), act=act, reason="because", **others)  # type: ignore[arg-type]
    job_id = acts.propose(runtime.database, runtime.clock, order, None)
    jobs.start(runtime.database, runtime.clock, job_id, None)
    work(runtime)
    return job_of(runtime, job_id).counts


def test_an_act_is_done_for_its_audience_alone_and_twice_does_no_harm(runtime: Runtime) -> None:
    emails = [make_reader(runtime) for _ in range(3)]
    make_pending(runtime)
    for _ in range(2):
        assert done(runtime, Act.TAG, tag="winter") == {"people": 3, "done": 3}
    assert done(runtime, Act.UNTAG, tag="winter", audience=Audience(tags=("winter",), languages=("en",)))["done"] == 0
    assert done(runtime, Act.PAUSE, audience=Audience(tags=("winter",))) == {"people": 3, "done": 3}
    assert enrolment_of(runtime, emails[0]).next_due_at is None
    assert done(runtime, Act.RESUME)["done"] == 3
    assert enrolment_of(runtime, emails[0]).next_due_at is not None
    assert done(runtime, Act.SUPPRESS, audience=Audience(tags=("winter",)))["done"] == 3
    assert sorted(people(runtime).values()) == [SubscriberStatus.PENDING] + [SubscriberStatus.SUPPRESSED] * 3


def test_an_act_for_more_than_a_batch_passes_over_nobody(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "BATCH", 2)
    for _ in range(5):
        make_reader(runtime)
    assert done(runtime, Act.SUPPRESS)["done"] == 5
    assert set(people(runtime).values()) == {SubscriberStatus.SUPPRESSED}


def test_who_has_to_confirm_two_courses_on_one_day_is_asked_about_each(runtime: Runtime) -> None:
    for course in (COURSE, "stress-en-rugpijn"):
        intake = INTAKE.model_copy(update={"agreed": False, "course": course})
        job = looked_through(runtime, "E-mail,Name\nann@x.example,Ann\n", intake)
        jobs.start(runtime.database, runtime.clock, job, None)
        work(runtime)
    assert len({one.campaign_id for one in mails_to(runtime, "ann@x.example", DeliveryKind.CONFIRM)}) == 2


def test_pausing_many_until_a_day_does_not_end_a_longer_pause_of_a_reader(
    runtime: Runtime, clock: VirtualClock
) -> None:
    emails = [make_reader(runtime) for _ in range(3)]
    people_ids = [enrolment_of(runtime, email).subscriber_id for email in emails]
    pause(runtime.database, clock, people_ids[0])
    pause(runtime.database, clock, people_ids[1], clock.now() + timedelta(days=30))
    until = clock.now().date() + timedelta(days=3)
    job = acts.propose(
        runtime.database, clock, Order(audience=Audience(), act=Act.PAUSE, reason="holidays", until=until), None
    )
    jobs.start(runtime.database, clock, job, None)
    work(runtime)
    with runtime.database.read() as session:
        ends = [subscribers.load_schedule(session, one).paused_until for one in people_ids]
    assert ends[0] is None
    assert [(end - clock.now()).days for end in ends[1:] if end] == [30, 2]


def started(runtime: Runtime, act: Act, **others: object) -> None:
    order = Order(audience=Audience(), act=act, reason="because", **others)  # type: ignore[arg-type]
    jobs.start(runtime.database, runtime.clock, acts.propose(runtime.database, runtime.clock, order, None), None)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_pausing_many_until_a_day_does_not_end_a_pause_that_a_reader_begins_just_now(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = enrolment_of(runtime, make_reader(runtime)).subscriber_id
    started(runtime, Act.PAUSE, until=clock.now().date() + timedelta(days=3))
    own = f"pause of {who}"

    def pause_too() -> None:
        with runtime.database.write() as session:
            subscribers.lock(session, [who])
            subscribers.save_schedule(session, who, replace(subscribers.load_schedule(session, who), paused=True))

    with meanwhile(monkeypatch, subscribers, "lock", pause_too) as errors:
        work(runtime)
    assert (own, errors) == (own, [])
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, who)
    assert (schedule.paused, schedule.paused_until) == (True, None)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_is_suppressed_with_many_is_not_written_to_at_an_address_that_is_put_right_just_now(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = enrolment_of(runtime, make_reader(runtime)).subscriber_id
    started(runtime, Act.SUPPRESS)

    def put_right() -> None:
        correct_address(runtime.database, clock, runtime.signer, who, "right@x.example")

    with meanwhile(monkeypatch, acts, "suppress_in", put_right):  # which is refused, or comes first
        work(runtime)
    with runtime.database.read() as session:
        assert session.get_one(SubscriberRow, who).status == SubscriberStatus.SUPPRESSED
