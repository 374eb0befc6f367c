"""What the admins of the sample data did, through the same functions that the admin pages call."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import NamedTuple

from rugcourse.auth.admins import invite
from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import ab_tests, drafts, lifecycle
from rugcourse.campaigns.drafts import Actor
from rugcourse.content import Message
from rugcourse.course_editor import drafts as lesson_drafts
from rugcourse.db.audience import Audience, Following
from rugcourse.db.models import CampaignKind, Ground, Role
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import ab_tests as ab_test_rows
from rugcourse.db.queries import subscribers
from rugcourse.dev.sample_data.people import HOME_ZONE, SEED, DemoReader, Incident
from rugcourse.dev.sample_data.readers import ReaderActs
from rugcourse.dev.sample_data.texts import AB_SUBJECTS, OPEN_EVENING, WALKING_GROUP
from rugcourse.scheduling import Timing
from rugcourse.subscribers import admin_actions, background_jobs, bulk_actions, csv_import
from rugcourse.subscribers.admin_actions import ActionRequest
from rugcourse.subscribers.bulk_actions import BulkAction, BulkActionRequest
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import guess, read_list

_ANALYST = "tom@rugcourse.example"
_GROUP_TAG = "rugschool"
_AB_LESSON, _DRAFTED_LESSON = "stress", "meerdere-oorzaken"
_NOT_AN_ADDRESS = "onleesbaar"  # a line of the imported list that can't be used
_BY_PHONE = "vroeg het aan de telefoon"


class AdminIds(NamedTuple):
    """The admins of the sample data who do something."""

    owner: int
    editor: int


class PlannedAct(NamedTuple):
    """Something that an admin did: on which day of the history (from 0), at which local hour."""

    day: int
    hour: int
    act: Callable[[], object]


@dataclass(frozen=True, slots=True)
class AdminActs:
    """Does what admins do. `local`: day of the history and local hour → instant (UTC).

    `imported`: the readers of the list, whom nobody else signs up.
    """

    runtime: Runtime
    readers: ReaderActs
    admins: AdminIds
    imported: tuple[DemoReader, ...]
    local: Callable[[int, float], datetime]

    def planned(self) -> tuple[PlannedAct, ...]:
        """Return all that they do, in order of time."""
        pausing, leaving, erased, objecting, renamed = self.imported[2:7]
        return (
            PlannedAct(1, 10, self._import_list),
            PlannedAct(5, 11, lambda: self._correct_address(renamed)),
            PlannedAct(3, 14, self._begin_ab_test),
            PlannedAct(16, 9, lambda: self._one(leaving, "unsubscribe", _BY_PHONE)),
            PlannedAct(17, 9, lambda: self._one(objecting, "no_statistics", "schreef ons een brief")),
            PlannedAct(20, 16, lambda: self._one(erased, "erase", "vroeg om vergetelheid", sure=True)),
            PlannedAct(22, 10, self._tag_english_readers),
            PlannedAct(24, 11, lambda: self._tag_some("terugbellen")),
            PlannedAct(26, 9, self._suppress_address),
            PlannedAct(25, 10, self._export_list),
            PlannedAct(27, 15, self._start_cohort),
            PlannedAct(31, 14, lambda: self._send_broadcast("Open avond", OPEN_EVENING, Audience(), Ground.NEWS, 33)),
            PlannedAct(35, 9, lambda: self._one(pausing, "pause", _BY_PHONE)),
            PlannedAct(37, 15, self._draft_lesson),
            PlannedAct(40, 11, self._schedule_walking_group),
            PlannedAct(41, 9, self._draft_cohort),
            PlannedAct(41, 18, self._invite_analyst),
        )

    @property
    def _now(self) -> datetime:
        return self.runtime.clock.now()

    @property
    def _actor(self) -> Actor:
        return Actor(self.admins.editor, self._now)

    def _course(self, number: int = 0) -> PublishedCourse:
        return self.readers.courses[number]

    def _import_list(self) -> None:
        """Import the readers who agreed on a paper form, with one line that can't be used."""
        database, now, owner = self.runtime.database, self._now, self.admins.owner
        listing = read_list(_as_csv(self.imported).encode())
        job_id = database.run(csv_import.store_upload, now, listing, "intakeformulieren.csv", owner)
        settings = ImportSettings(
            course=self._course().course.slug,
            columns=guess(listing.headers),
            language="nl",
            zone=HOME_ZONE,
            hour=8,
            tags=(_GROUP_TAG,),
            agreed_at=self._day(0),
            agreed_text="Ja, stuur mij de cursus over rugpijn en nieuws van de praktijk per e-mail.",
            agreed_where="intakeformulier op papier, aan de balie",
            news=True,
        )
        database.run(background_jobs.check, job_id, settings)
        self._run_jobs()
        database.run(background_jobs.start, now, job_id, owner)
        self._run_jobs()

    def _run_jobs(self) -> None:
        runtime = self.runtime
        while background_jobs.run_next_batch(runtime.database, runtime.clock, runtime.signer):
            pass

    def _day(self, day: int) -> date:
        return self.local(day, 12).date()

    def _begin_ab_test(self) -> None:
        """Begin an A/B test. Its halves are drawn anew from the seed, so that they are the same each time."""
        lesson_id, database = self._course().lesson_ids[_AB_LESSON], self.runtime.database
        database.run(ab_tests.begin, self._now, lesson_id, AB_SUBJECTS, ab_tests.MIN_SAMPLE, self.admins.editor)
        with database.write() as session:
            for row in ab_test_rows.lock_open(session, lesson_id):
                row.multiplier, row.shift = ab_test_rows.draw_hash(Random(SEED))  # noqa: S311 - a simulation

    def _start_cohort(self) -> None:
        """Start the short course for all who agreed to news and did not have it, on the next morning."""
        made = self._draft(CampaignKind.COHORT, 1, "Stress en je rug, groep 1")
        audience = Audience(course_id=self._course(1).id, following=Following.NEVER)
        drafts.set_audience(self.runtime.database, self.runtime.clock, made, audience)
        self.runtime.database.run(drafts.set_timing, made, Timing(day=self._day(28), hour=8))
        self._start(made)

    def _draft(self, kind: CampaignKind, course: int, name: str) -> int:
        return self.runtime.database.run(drafts.create, self._actor, kind, self._course(course).id, name)

    def _start(self, campaign_id: int) -> None:
        runtime = self.runtime
        runtime.database.run(lifecycle.start, self._actor, campaign_id)
        while runtime.database.run(lifecycle.enrol_batch, self._now, runtime.send_window.quiet):
            pass

    def _send_broadcast(self, name: str, message: Message, audience: Audience, ground: Ground, day: int) -> None:
        runtime = self.runtime
        made = self._draft(CampaignKind.BROADCAST, 0, name)
        runtime.database.run(drafts.write, self._now, made, name, message)
        drafts.set_audience(runtime.database, runtime.clock, made, audience, ground=ground)
        runtime.database.run(drafts.set_timing, made, Timing(at=self.local(day, 10)))
        self._start(made)

    def _schedule_walking_group(self) -> None:
        """Schedule a broadcast for some days after the demo begins."""
        audience = Audience(course_id=self._course().id, following=Following.COMPLETED)
        self._send_broadcast("Wandelgroep", WALKING_GROUP, audience, Ground.COURSE, 46)

    def _draft_cohort(self) -> None:
        made = self._draft(CampaignKind.COHORT, 1, "Stress en je rug, groep 2")
        audience = Audience(course_id=self._course(1).id, following=Following.NEVER, languages=("nl",))
        drafts.set_audience(self.runtime.database, self.runtime.clock, made, audience)

    def _tag_english_readers(self) -> None:
        database, owner = self.runtime.database, self.admins.owner
        wanted = BulkActionRequest(
            audience=Audience(languages=("en",)), act=BulkAction.TAG, reason="voor de Engelse avond", tag="english"
        )
        job_id = database.run(bulk_actions.preview, self._now, wanted, owner)
        database.run(background_jobs.start, self._now, job_id, owner)
        self._run_jobs()

    def _tag_some(self, tag: str) -> None:
        for person in self._readers_who_stay()[::5]:
            self._one(person, "tag", "wil een afspraak", tag=tag)

    def _readers_who_stay(self) -> list[DemoReader]:
        """Return those who have signed up and do nothing special."""
        people = self.readers.people.values()
        return [one for one in people if one.incident == Incident.NONE and one.joins_after and self._has_joined(one)]

    def _has_joined(self, person: DemoReader) -> bool:
        with self.runtime.database.read() as session:
            row = subscribers.by_email(session, person.email)
        return row is not None and row.confirmed_at is not None

    def _one(self, person: DemoReader, action: str, reason: str, *, sure: bool = False, tag: str = "") -> None:
        self._perform(person, ActionRequest(action, reason, sure=sure, tag=tag))

    def _correct_address(self, person: DemoReader) -> None:
        """Correct an address that was misread from the paper form."""
        first, _, rest = person.email.partition(".")
        right = f"{first[0]}.{rest}"
        self.readers.people[right] = person
        self._perform(person, ActionRequest("correct", "verkeerd overgetypt", email=right, told=True))

    def _perform(self, person: DemoReader, request: ActionRequest) -> None:
        runtime = self.runtime
        with runtime.database.read() as session:
            row = subscribers.by_email(session, person.email)
        if row is not None:
            runtime.database.run(admin_actions.perform, self._now, runtime.signer, self.admins.editor, row.id, request)

    def _suppress_address(self) -> None:
        runtime = self.runtime
        runtime.database.run(
            admin_actions.suppress_address,
            *(self._now, runtime.signer, self.admins.owner, "balie@clinic.example", "wil geen post van ons"),
        )

    def _export_list(self) -> None:
        about: dict[str, object] = {"language": "nl"}
        self.runtime.database.run(admin_actions.record_list_export, self._now, self.admins.owner, about)

    def _invite_analyst(self) -> None:
        self.runtime.database.run(invite, self.runtime.clock, _ANALYST, Role.ANALYST, self.admins.owner)

    def _draft_lesson(self) -> None:
        """Begin to rewrite a lesson: a draft that nobody gets."""
        runtime, slug = self.runtime, self._course().course.slug
        state = runtime.database.query(lesson_drafts.load_editor, runtime.course_cache, slug, _DRAFTED_LESSON)
        typed = {**state.lesson_draft.fields, "nl.title": "Meestal is het een optelsom"}
        draft = lesson_drafts.with_input(state, typed)
        runtime.database.run(lesson_drafts.save, self._now, state, draft, self.admins.editor, 0)


def _as_csv(people: tuple[DemoReader, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(_lines(people))
    return written.getvalue()


def _lines(people: tuple[DemoReader, ...]) -> Iterator[tuple[str, str]]:
    yield "email", "naam"
    yield from ((one.email, one.name) for one in people)
    yield f"{_NOT_AN_ADDRESS}@", "Onbekend"
