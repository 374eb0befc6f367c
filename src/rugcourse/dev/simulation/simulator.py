"""Runs a simulation: moves the clock from one event to the next."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from rugcourse.bootstrap import Runtime, open_dispatcher, open_runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import plan_due
from rugcourse.delivery.reconciliation import Audit, audit
from rugcourse.dev.simulation.events import EventQueue
from rugcourse.dev.simulation.mail_transport import LinksInMail, SimulatedMailServer
from rugcourse.dev.simulation.people import SimulatedReader, make_person
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, find_questions, record_answers
from rugcourse.links import MailRef, TokenPurpose
from rugcourse.scheduling import Schedule
from rugcourse.settings import Settings

START = datetime(2026, 10, 19, 5, tzinfo=UTC)  # a Monday; most of Europe sets its clocks back on the Sunday after
_STEP = timedelta(minutes=15)  # the full hours of all time zones are multiples of this

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """The results of a simulation. Lateness is relative to the reader's own hour, in minutes."""

    subscribers: int
    days: int
    seed: int
    seconds: float
    mails: int
    lessons: int
    lessons_by_local_hour: dict[int, int]
    late_p50: int
    late_p99: int
    late_max: int
    answers: int
    answers_right: int
    paused: int
    moved: int
    left: int
    bounced: int
    audit: Audit


def run_simulation(
    settings: Settings, people: int, days: int, seed: int, progress: Progress = lambda _day: None
) -> SimulationReport:
    """Simulate the first published course for a number of readers and days. Nothing is sent or stored.

    Raises AuthoringErrors. The same seed gives the same simulation. `progress` is called after each day.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'rehearsal.db'}", durable=False)
        upgrade(database)
        clock = VirtualClock(START)
        own = settings.model_copy(update={"data_dir": Path(folder), "base_url": "http://rehearsal.example"})
        runtime = replace(open_runtime(own, clock), database=database)
        import_courses(database, clock, runtime.lessons_dir)
        run = SimulationRun(runtime, clock, people, days, seed)
        run.play(progress)
        found = audit(database, clock.now(), timedelta(hours=1))
        database.close()
    return run.report(time.perf_counter() - begun, found)


@dataclass(slots=True)
class SimulationTotals:
    """The totals of what people did."""

    answers: int = 0
    answers_right: int = 0
    paused: int = 0
    moved: int = 0
    left: int = 0


class SimulationRun:
    """The simulation of a course from the first signup to the last day."""

    def __init__(self, runtime: Runtime, clock: VirtualClock, people: int, days: int, seed: int) -> None:
        self._runtime, self._clock, self._days, self._seed = runtime, clock, days, seed
        self._chance = Random(seed)  # noqa: S311 - a simulation
        self._tally = SimulationTotals()
        self._follow_up = rejection_handler(runtime)
        self._events = EventQueue()
        with runtime.database.read() as session:
            self._course = runtime.course_cache.courses(session)[0]
        languages = sorted(self._course.course.languages, key=lambda one: one != runtime.settings.default_language)
        self._people = [make_person(number, days, seed, languages) for number in range(1, people + 1)]
        self._post = SimulatedMailServer(clock, {one.email: one for one in self._people}, self._read)

    def play(self, progress: Progress) -> None:
        dispatcher = open_dispatcher(self._runtime, self._post.connect)
        for person in self._people:
            self._expect(person)
        for step in range(int(timedelta(days=self._days) / _STEP)):
            self._clock.move_to(START + step * _STEP)
            self._events.run_due(self._clock.now())
            plan_due(self._runtime.database, self._clock, self._runtime.send_window, self._follow_up)
            _send_all(dispatcher)
            if (step + 1) * _STEP % timedelta(days=1) == timedelta():
                progress(int((step + 1) * _STEP / timedelta(days=1)))
        dispatcher.close()

    def report(self, seconds: float, found: Audit) -> SimulationReport:
        late = sorted(self._post.minutes_late.elements())
        return SimulationReport(
            subscribers=len(self._people),
            days=self._days,
            seed=self._seed,
            seconds=round(seconds, 1),
            mails=self._post.taken,
            lessons=self._post.lessons,
            lessons_by_local_hour=dict(sorted(self._post.local_hours.items())),
            late_p50=late[len(late) // 2] if late else 0,
            late_p99=late[int(len(late) * 0.99)] if late else 0,
            late_max=late[-1] if late else 0,
            answers=self._tally.answers,
            answers_right=self._tally.answers_right,
            paused=self._tally.paused,
            moved=self._tally.moved,
            left=self._tally.left,
            bounced=sum(one.bounces for one in self._people),
            audit=found,
        )

    def _expect(self, person: SimulatedReader) -> None:
        self._events.add(START + timedelta(hours=person.signs_up_after_hours), lambda: self._sign_up(person))

    def _sign_up(self, person: SimulatedReader) -> None:
        signup = Signup(person.email, f"Reader {person.number}", _schedule(person))
        runtime = self._runtime
        runtime.database.run(sign_up, runtime.clock, runtime.signer, self._course, signup, person.language)

    def _read(self, mail: LinksInMail) -> None:
        """Decide what a reader will do with a mail that has arrived, and when."""
        now, person = self._clock.now(), mail.person
        if confirms := mail.links.get("c"):
            self._events.add(
                now + timedelta(minutes=self._chance.uniform(1, 120)), lambda: self._confirm(person, confirms[0])
            )
        answers = mail.links.get("a")
        if answers and self._chance.random() < person.opens and self._chance.random() < person.answers:
            at = now + timedelta(minutes=self._chance.expovariate(1 / 180))
            self._events.add(at, lambda: self._answer(person, answers))

    def _confirm(self, person: SimulatedReader, token: str) -> None:
        delivery_id = self._runtime.signer.read_mail(TokenPurpose.CONFIRM, token).delivery_id
        runtime = self._runtime
        runtime.database.run(confirm, self._clock.now(), runtime.signer, delivery_id, news=person.wants_news)
        with self._runtime.database.read() as session:
            found = subscribers.by_delivery(session, delivery_id)
        if found is not None:
            self._plan_life(person, found[0].id, delivery_id)

    def _plan_life(self, person: SimulatedReader, subscriber_id: int, delivery_id: int) -> None:
        for day, act in (
            (person.pauses_on_day, lambda: self._pause(person, subscriber_id)),
            (person.moves_on_day, lambda: self._move(person, subscriber_id)),
            (person.leaves_on_day, lambda: self._leave(delivery_id)),
        ):
            if day is not None:
                self._events.add(self._clock.now() + timedelta(days=day), act)

    def _answer(self, person: SimulatedReader, tokens: list[str]) -> None:
        """Answer the first question of a mail, right with this person's probability."""
        runtime = self._runtime
        read = [runtime.signer.read(TokenPurpose.ANSWER, token, 4) for token in tokens]
        delivery_id, stamp, number, _ = read[0]
        asked = QuestionRef(MailRef(delivery_id, stamp), number)
        with runtime.database.read() as session:
            [asking] = find_questions(session, runtime.course_cache, self._clock, [asked])
        if asking is None:
            return
        right = asking.question.right_option
        others = [option for _, _, asked_in, option in read if asked_in == number and option != right]
        option = right if self._chance.random() < person.knows else self._chance.choice(others)
        with runtime.database.write() as session:
            record_answers(session, runtime.course_cache, self._clock, [SubmittedAnswer(asked, option)])
        self._tally.answers += 1
        self._tally.answers_right += option == right

    def _pause(self, person: SimulatedReader, subscriber_id: int) -> None:
        until = self._clock.now() + timedelta(days=person.pauses_for_days)
        self._unless_gone(
            lambda: self._runtime.database.run(preferences.pause, self._clock.now(), subscriber_id, until)
        )
        self._tally.paused += 1

    def _move(self, person: SimulatedReader, subscriber_id: int) -> None:
        person.zone = person.moves_to
        self._unless_gone(
            lambda: self._runtime.database.run(
                preferences.change_schedule, self._clock.now(), subscriber_id, _schedule(person)
            )
        )
        self._tally.moved += 1

    def _leave(self, delivery_id: int) -> None:
        self._runtime.database.run(preferences.unsubscribe, self._clock.now(), delivery_id)
        self._tally.left += 1

    def _unless_gone(self, act: Callable[[], None]) -> None:
        with suppress(preferences.NotAReader):  # they left before
            act()


def _schedule(person: SimulatedReader) -> Schedule:
    return Schedule(person.zone, person.hour, person.weekdays)


def _send_all(dispatcher: Dispatcher) -> None:
    for queue in (DeliveryQueue.TRANSACTIONAL, DeliveryQueue.LESSONS):
        while dispatcher.send_batch(queue):
            pass
