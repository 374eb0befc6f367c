"""A list of people becomes readers: read from a file, looked through, and taken in batch by batch.

Only columns that are needed are ever kept of it, and those until they are done with. Each batch is one transaction that
moves the mark of how far the job is: it can be killed anywhere and goes on there. Nobody who left, was erased or must
not be written to comes back this way. Each person is kept with when, where and to which words they agreed (GDPR, Art.
7(1)), and told so by their first mail (Art. 14).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import cast

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from rugcourse.db.audience import MAX_TAG_LENGTH
from rugcourse.db.models import DeliveryKind, JobKind, JobRow, JobState, SubscriberRow, SubscriberStatus
from rugcourse.db.models.json_columns import ImportDocument
from rugcourse.db.queries import campaigns, courses, deliveries, delivery_planning, enrolments, jobs, subscribers
from rugcourse.enrolment.confirmation import begin_course
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource, Shown, keep_text
from rugcourse.enrolment.signup import clean_name, normalise_email
from rugcourse.links import Signer
from rugcourse.locales import languages
from rugcourse.scheduling import Schedule, is_zone
from rugcourse.subscribers.csv_reader import LONGEST_TEXT, Column, CsvList, guess

CHUNK = 500


LONGEST_SOURCE, _SHORTEST = 150, 3


_ON_THE_HOUR = re.compile(r"([:.]00)?( Uhr)?$")
SAMPLE_LINES = 5
_MOST_PROBLEMS = 200
_DAY_FIRST = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4})")


_EARLIEST, _MONTHS = date(1990, 1, 1), 12


class Outcome(StrEnum):
    """What becomes of a line."""

    NEW = "new"  # a new reader
    JOINS = "joins"  # reads already, and gets this course too
    ALREADY = "already"  # is in this course
    LEFT = "left"  # unsubscribed, and stays so
    SUPPRESSED = "suppressed"  # must not be written to, or was erased
    FORMER = "former"  # a reader had this address before: whose it is now, nobody can tell
    WRONG = "wrong"  # can't be read


class ImportSettings(BaseModel):
    """What is to become of a list. `columns`: what is where, counted from 0; the rest holds for all where there is no
    column. `agreed_at`, `agreed_text` and `agreed_where`: when (a day, in UTC), to which words and where they agreed to
    get this course by mail; `news`: and to other news of the practice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    course: str
    columns: dict[Column, int]
    language: str
    zone: str
    hour: int = Field(ge=0, le=23)
    tags: tuple[str, ...] = ()
    agreed_at: date | None = None
    agreed_text: str = Field(default="", max_length=LONGEST_TEXT)
    agreed_where: str = Field(default="", max_length=LONGEST_SOURCE)
    news: bool = False

    def unsaid(self) -> set[Column]:
        """What is neither said for all nor in a column."""
        said = {
            Column.AGREED_AT: self.agreed_at is not None,
            Column.AGREED_TEXT: len(self.agreed_text) >= _SHORTEST,
            Column.AGREED_WHERE: len(self.agreed_where) >= _SHORTEST,
        }
        return {column for column, is_said in said.items() if not is_said and column not in self.columns}


@dataclass(frozen=True, slots=True)
class Agreement:
    """When (UTC), to which words and where somebody agreed."""

    at: datetime
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """A line that can be used."""

    email: str
    name: str
    language: str
    schedule: Schedule
    tags: tuple[str, ...]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line, and in which column."""

    line: int
    column: Column
    text: str


def store_upload(session: Session, now: datetime, listing: CsvList, file_name: str, admin_id: int | None) -> int:
    """Keep of a list that was uploaded the columns whose names say that they are needed, until an admin says what is in
    it; returns the job's id.
    """
    job = jobs.add(session, JobKind.IMPORT, JobState.DRAFT, {}, admin_id, now)
    _keep(session, job, listing, file_name, _needed(listing))
    return job.id


def replace_upload(session: Session, job: JobRow, listing: CsvList, file_name: str, columns: Collection[int]) -> None:
    """Keep these columns of a list instead of what was kept of it. The job is locked."""
    jobs.drop_lines(session, job.id)
    _keep(session, job, listing, file_name, columns)


def _keep(session: Session, job: JobRow, listing: CsvList, file_name: str, columns: Collection[int]) -> None:
    lines = [(number, _only(cells, columns)) for number, cells in listing.lines]
    job.total = len(lines)
    job.params = {
        "file": file_name[-80:],
        "headers": listing.headers,
        "kept": sorted(columns),
        "sample": [_only(cells, columns) for _, cells in listing.lines[:SAMPLE_LINES]],
    }
    for number, start in enumerate(range(0, len(lines), CHUNK)):
        jobs.add_lines(session, job.id, number, lines[start : start + CHUNK])


def _needed(listing: CsvList) -> set[int]:
    return set(guess(listing.headers, [cells for _, cells in listing.lines[:SAMPLE_LINES]]).values())


def _only(cells: Sequence[str], columns: Collection[int]) -> list[str]:
    return [cell if place in columns else "" for place, cell in enumerate(cells)]


def step(session: Session, now: datetime, signer: Signer, job: JobRow) -> None:
    """Go through the next lines of a job: look at them, or take them in. The job is locked."""
    lines = jobs.lines_of(session, job.id, job.cursor // CHUNK)
    if lines is None:
        _end(session, job, now)
        return
    intake = ImportSettings.model_validate(job.params["intake"])
    if not job.cursor:
        job.params = {**job.params, "repeated": dict.fromkeys(_repeated(session, job, intake), False)}
    repeated = dict(job.params.get("repeated", {}))
    counts = Counter(job.counts)
    problems = list(job.problems)
    people: dict[str, ImportedPerson] = {}
    for number, cells in lines:
        found = read_line(number, cells, intake, now.date())
        if isinstance(found, LineProblem):
            counts[Outcome.WRONG] += 1
            problems.append((found.line, found.column, found.text))
        elif repeated.get(found.email):
            counts[Outcome.ALREADY] += 1
        else:
            people[found.email] = found
            if found.email in repeated:
                repeated[found.email] = True
    counts.update(_import_lines(session, now, signer, intake, job, people))
    if any(repeated.values()):
        job.params = {**job.params, "repeated": repeated}
    job.counts, job.problems = dict(counts), problems[:_MOST_PROBLEMS]
    job.cursor += len(lines)
    if job.cursor >= job.total:
        _end(session, job, now)


def _repeated(session: Session, job: JobRow, intake: ImportSettings) -> set[str]:
    """The addresses that stand on more than one line of the whole list."""
    once, more = set[str](), set[str]()
    place, number = intake.columns[Column.EMAIL], 0
    while (lines := jobs.lines_of(session, job.id, number)) is not None:
        for cells in (cells for _, cells in lines if place < len(cells)):
            typed = cells[place].strip().lower()
            email = typed if typed.isascii() else normalise_email(typed) or typed
            (more if email in once else once).add(email)
        number += 1
    return more


def read_line(  # noqa: PLR0911 - a table
    number: int, cells: Sequence[str], intake: ImportSettings, today: date
) -> ImportedPerson | LineProblem:
    """What a line says about a person, or what is wrong with it. `today` in UTC: nobody agreed later."""

    def cell(column: Column) -> str:
        place = intake.columns.get(column)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    email = normalise_email(cell(Column.EMAIL))
    if email is None:
        return LineProblem(number, Column.EMAIL, cell(Column.EMAIL)[:80])
    name = clean_name(cell(Column.NAME))
    if name is None:
        return LineProblem(number, Column.NAME, cell(Column.NAME)[:80])
    language = cell(Column.LANGUAGE).lower()[:2] or intake.language
    if language not in languages():
        return LineProblem(number, Column.LANGUAGE, cell(Column.LANGUAGE)[:80])
    zone = cell(Column.ZONE) or intake.zone
    if not is_zone(zone):
        return LineProblem(number, Column.ZONE, cell(Column.ZONE)[:80])
    hour = _ON_THE_HOUR.sub("", cell(Column.HOUR)) or str(intake.hour)
    if not (hour.isdecimal() and len(hour) <= 2 and int(hour) < 24):
        return LineProblem(number, Column.HOUR, cell(Column.HOUR)[:80])
    tags = clean_tags(cell(Column.TAGS))
    if tags is None:
        return LineProblem(number, Column.TAGS, cell(Column.TAGS)[:80])
    agreement = _agreement(number, cell, intake, today)
    if isinstance(agreement, LineProblem):
        return agreement
    schedule = Schedule(zone, int(hour))
    return ImportedPerson(email, name, language, schedule, tuple(sorted({*tags, *intake.tags})), agreement)


def _agreement(
    number: int, cell: Callable[[Column], str], intake: ImportSettings, today: date
) -> Agreement | LineProblem:
    """What a line, or what is said for all, tells of somebody's consent."""
    said = cell(Column.AGREED_AT)
    at = read_day(said) if said else intake.agreed_at
    if at is None or not _EARLIEST <= at <= today:
        return LineProblem(number, Column.AGREED_AT, said[:80])
    text = cell(Column.AGREED_TEXT) or intake.agreed_text
    if not _SHORTEST <= len(text) <= LONGEST_TEXT:
        return LineProblem(number, Column.AGREED_TEXT, text[:80])
    where = cell(Column.AGREED_WHERE) or intake.agreed_where
    if not _SHORTEST <= len(where) <= LONGEST_SOURCE:
        return LineProblem(number, Column.AGREED_WHERE, where[:80])
    return Agreement(datetime(at.year, at.month, at.day, tzinfo=UTC), text, where)


def read_day(text: str) -> date | None:
    """A day as lists have it: `2026-03-31`, with or without a time behind it, or `31-3-2026`; None for what is none.

    `3/4/2026` is another day in America than in Europe: that is none.
    """
    parts = _DAY_FIRST.fullmatch(text)
    try:
        if parts is None:
            return datetime.fromisoformat(text).date()
        day, month, year = int(parts[1]), int(parts[3]), int(parts[4])
        if parts[2] == "/" and day != month and max(day, month) <= _MONTHS:
            return None
        return date(year, day, month) if parts[2] == "/" and month > _MONTHS else date(year, month, day)
    except ValueError:
        return None


def clean_tags(text: str) -> tuple[str, ...] | None:
    """Words with commas between, or None if one is too long."""
    tags = tuple(dict.fromkeys(tag.strip().lower() for tag in text.split(",") if tag.strip()))
    return None if any(len(tag) > MAX_TAG_LENGTH for tag in tags) or len(tags) > 20 else tags


def _import_lines(
    session: Session,
    now: datetime,
    signer: Signer,
    intake: ImportSettings,
    job: JobRow,
    people: Mapping[str, ImportedPerson],
) -> Counter[str]:
    published = courses.load_course(session, intake.course)
    if published is None or not people:
        return Counter()
    courses.lock_to_join(session, published.campaign_id)
    digests = {email: signer.digest(email) for email in people}
    suppressed = subscribers.suppressed_among(session, digests.values())
    former = subscribers.former_among(session, digests.values())
    known = subscribers.by_emails(session, list(people))
    readers = enrolments.in_course(session, published.campaign_id, [one.id for one in known.values()])
    counts: Counter[str] = Counter()
    for email, person in sorted(people.items()):  # in order: two lists at once lock people alike
        row = known.get(email)
        outcome = _outcome(row, suppressed=digests[email] in suppressed, enrolled=row is not None and row.id in readers)
        if outcome == Outcome.NEW and digests[email] in former:
            outcome = Outcome.FORMER
        if outcome in {Outcome.NEW, Outcome.JOINS} and row is not None:
            outcome = Outcome.LEFT if _has_refused(session, row, person, published.campaign_id) else outcome
        if job.state == JobState.RUNNING and outcome in {Outcome.NEW, Outcome.JOINS}:
            outcome = _import_one(session, now, intake, published.campaign_id, job, person, digests[email])
        counts[outcome] += 1
    return counts


def _outcome(row: SubscriberRow | None, *, suppressed: bool, enrolled: bool) -> Outcome:
    if row is None or row.status == SubscriberStatus.PENDING:
        return Outcome.SUPPRESSED if suppressed else Outcome.NEW
    if row.status == SubscriberStatus.SUPPRESSED:
        return Outcome.SUPPRESSED
    if row.status == SubscriberStatus.LEFT:
        return Outcome.LEFT
    return Outcome.ALREADY if enrolled else Outcome.JOINS


def _import_one(
    session: Session,
    now: datetime,
    intake: ImportSettings,
    campaign_id: int,
    job: JobRow,
    person: ImportedPerson,
    digest: str,
) -> Outcome:
    """Take somebody in, unless they said something else just now: what is known of them is read anew, locked."""
    row = subscribers.add_pending(session, person.email, person.language, now)
    is_suppressed = subscribers.suppression_of(session, digest) is not None
    outcome = _outcome(
        row, suppressed=is_suppressed, enrolled=bool(enrolments.in_course(session, campaign_id, [row.id]))
    )
    if outcome == Outcome.NEW and subscribers.former_among(session, [digest]):
        outcome = Outcome.FORMER  # put right just now
    if outcome in {Outcome.SUPPRESSED, Outcome.FORMER} and subscribers.find_schedule(session, row.id) is None:
        session.delete(row)  # made just now, of somebody who was erased or moved just before
    if outcome not in {Outcome.NEW, Outcome.JOINS}:
        return outcome
    if _has_refused(session, row, person, campaign_id):
        return Outcome.LEFT
    if outcome == Outcome.NEW:
        row.name, row.language = person.name, person.language
        subscribers.save_schedule(session, row.id, person.schedule)
    for tag in person.tags:
        subscribers.add_tags(session, [row.id], tag)
    begin_course(session, row, campaign_id, subscribers.load_schedule(session, row.id), now)
    idempotency_key = f"imported:{campaign_id}:{row.id}"
    delivery_planning.plan_transactional(session, DeliveryKind.IMPORTED, row.id, campaign_id, idempotency_key, now)
    mail = deliveries.by_idempotency_key(session, idempotency_key)
    source = f"{ConsentSource.IMPORT} {job.id}, {now.date()}: {person.agreement.where}"
    consent = ConsentContext(person.agreement.at, source, Shown(person.language), campaign_id, mail)
    keep_text(session, row, ConsentPurpose.LESSONS, consent, person.agreement.text, given=True)
    if intake.news and not row.news_consent and not _refused_since(session, row, person.agreement, ConsentPurpose.NEWS):
        keep_text(session, row, ConsentPurpose.NEWS, consent, person.agreement.text, given=True)
        row.news_consent = True
    return outcome


def _has_refused(session: Session, row: SubscriberRow, person: ImportedPerson, campaign_id: int) -> bool:
    """Whether somebody withdrew since what a list says of them."""
    course_id = campaigns.course_of(session, campaign_id)
    return _refused_since(session, row, person.agreement, ConsentPurpose.LESSONS, course_id)


def _refused_since(
    session: Session, row: SubscriberRow, agreement: Agreement, purpose: ConsentPurpose, course_id: int | None = None
) -> bool:
    """Whether somebody said no later than they agreed to what a list says, or on that day. `course_id`: to this course,
    or to everything.
    """
    said = [one for one in subscribers.consents(session, row.id) if one.purpose == purpose]
    about_it = [one for one in said if one.course_id is None or one.course_id == course_id]
    return any(not one.granted and one.at >= agreement.at for one in about_it)


def _end(session: Session, job: JobRow, now: datetime) -> None:
    if job.state == JobState.CHECKING:
        job.state, job.cursor = JobState.CHECKED, 0
        return
    job.state, job.ended_at = JobState.DONE, now
    forget_lines(session, job)


def forget_lines(session: Session, job: JobRow) -> None:
    """Of a list that is done with only figures are left, and what was said of it: no address, and not its own name."""
    jobs.drop_lines(session, job.id)
    job.params = {"intake": job.params["intake"]} if "intake" in job.params else {}
    job.problems = [(line, column, "") for line, column, _ in job.problems]


def about_of(intake: ImportSettings) -> ImportDocument:
    """As the store keeps it."""
    return cast("ImportDocument", intake.model_dump(mode="json"))
