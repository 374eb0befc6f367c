"""What the readers of the sample data do, through the same functions that their pages and links call."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.db.models import DeliveryKind
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import email_events
from rugcourse.db.queries.email_events import MailRead
from rugcourse.dev.sample_data.people import DemoReader, Incident
from rugcourse.dev.sample_data.reading import Reading, Unsaid, all_remarks, choices
from rugcourse.dev.simulation.events import EventQueue
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.consents import Shown
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.learning.assessment import save_attempt
from rugcourse.links import MailRef
from rugcourse.privacy.papers import notice_text

_SHORT_COURSE = 0.3  # part of the signups for the second course
_IN_THE_FORM, _BEFORE_CONFIRMING = timedelta(minutes=3), timedelta(minutes=7)
_OWN_PAGE = timedelta(hours=1)
_PAUSE = timedelta(days=6)
_NEW_ZONE = "Europe/Lisbon"
_REPORTS = {
    Incident.MAILBOX_GONE: BounceReport(BounceType.HARD, "5.1.1", "550 5.1.1 user unknown"),
    Incident.MAILBOX_FULL: BounceReport(BounceType.SOFT, "5.2.2", "552 5.2.2 mailbox full"),
    Incident.SERVER_IN_TROUBLE: BounceReport(BounceType.SOFT, "4.4.1", "451 4.4.1 no answer from host"),
    Incident.COMPLAINS: BounceReport(BounceType.COMPLAINT),
}
_BOUNCED = {Incident.MAILBOX_GONE, Incident.MAILBOX_FULL, Incident.SERVER_IN_TROUBLE}  # nobody reads what bounced


@dataclass(slots=True)
class ReaderActs:
    """Plans and does what readers do. `people`: by address. `lessons`: how many each has had, by number.
    `campaigns`: the course of each campaign, as far as it was asked for. `unsaid`: see `Reading`.

    `changed`: something was done after which mail may be due. Whoever has looked for due mail sets it to False.
    """

    runtime: Runtime
    events: EventQueue
    courses: list[PublishedCourse]
    people: dict[str, DemoReader]
    lessons: Counter[int] = field(default_factory=Counter)
    campaigns: dict[int | None, PublishedCourse] = field(default_factory=dict)
    unsaid: Unsaid = field(default_factory=all_remarks)
    changed: bool = False

    def expect(self, person: DemoReader, at: datetime) -> None:
        """Plan that somebody visits the site at an instant (UTC), takes the test or not, and signs up."""
        is_short = person.incident == Incident.NONE and person.chance("course").random() < _SHORT_COURSE
        course = self.courses[-1 if is_short else 0]
        self.events.add(at, lambda: self._visit(person, course))

    def receive(self, arrived: list[tuple[str, MailRef]]) -> None:
        """Plan what readers do with the mails that have just arrived."""
        if not arrived:
            return
        with self.runtime.database.read() as session:
            mails = email_events.find_mails(session, {ref for _, ref in arrived})
        for address, ref in arrived:
            self._take(self.people[address], mails[ref])

    @property
    def _now(self) -> datetime:
        return self.runtime.clock.now()

    def _visit(self, person: DemoReader, course: PublishedCourse) -> None:
        attempt_id = None
        if person.takes_test:
            test = course.course.tests[person.language]
            chosen = choices(test, person.chance("before"), person.knows)
            attempt_id = self.runtime.database.run(save_attempt, self._now, course.id, test, chosen)
        self.events.add(self._now + _IN_THE_FORM, lambda: self._sign_up(person, course, attempt_id))

    def _sign_up(self, person: DemoReader, course: PublishedCourse, attempt_id: int | None) -> None:
        runtime = self.runtime
        signup = Signup(person.email, person.name, person.schedule)
        runtime.database.run(sign_up, runtime.clock, runtime.signer, course, signup, person.language, attempt_id)
        self.changed = True

    def _take(self, person: DemoReader, mail: MailRead) -> None:
        match mail.kind:
            case DeliveryKind.CONFIRM if person.incident != Incident.NEVER_CONFIRMS:
                self.events.add(self._now + _BEFORE_CONFIRMING, lambda: self._confirm(person, mail))
            case DeliveryKind.LESSON:
                self._take_lesson(person, mail)
            case DeliveryKind.BROADCAST:
                Reading(self.runtime, self.events, person, mail, self.unsaid).plan_message()

    def _confirm(self, person: DemoReader, mail: MailRead) -> None:
        runtime = self.runtime
        shown = self._shown_to(person, self._course_of(mail.campaign_id))
        runtime.database.run(
            confirm, self._now, runtime.signer, mail.id, measuring=person.measuring, news=person.news, shown=shown
        )
        self.changed = True

    def _take_lesson(self, person: DemoReader, mail: MailRead) -> None:
        self.lessons[person.number] += 1
        is_now = person.incident != Incident.NONE and self.lessons[person.number] == person.incident_after
        if not (is_now and person.incident in _BOUNCED):
            Reading(self.runtime, self.events, person, mail, self.unsaid).plan_lesson(self._course_of(mail.campaign_id))
        if person.joins_after is None and person.measuring and self.lessons[person.number] == 1:
            self.events.add(self._now + _OWN_PAGE, lambda: self._allow_measuring(person, mail))
        if is_now:
            minutes = person.chance("incident").uniform(20, 40) if person.incident in _BOUNCED else 600
            self.events.add(self._now + timedelta(minutes=minutes), lambda: self._meet_incident(person, mail))

    def _allow_measuring(self, person: DemoReader, mail: MailRead) -> None:
        """Agree on one's own page to measuring, which an import can't do."""
        shown = self._shown_to(person, self._course_of(mail.campaign_id))
        with suppress(preferences.NotAReader):
            self.runtime.database.run(
                preferences.set_measuring, self._now, mail.subscriber_id, agreed=True, shown=shown
            )

    def _shown_to(self, person: DemoReader, course: PublishedCourse) -> Shown:
        settings, title = self.runtime.site.settings, course.course.texts[person.language].title
        return Shown(person.language, settings.practice, title, notice_text(settings, person.language))

    def _course_of(self, campaign_id: int | None) -> PublishedCourse:
        """Return the course that a campaign sends, which never changes."""
        if campaign_id not in self.campaigns:
            with self.runtime.database.read() as session:
                course = self.runtime.course_cache.of_campaign(session, campaign_id)
            self.campaigns[campaign_id] = course or self.courses[0]
        return self.campaigns[campaign_id]

    def _meet_incident(self, person: DemoReader, mail: MailRead) -> None:
        database, now = self.runtime.database, self._now
        self.changed = True
        with suppress(preferences.NotAReader):
            match person.incident:
                case Incident.UNSUBSCRIBES:
                    database.run(preferences.unsubscribe, now, mail.id)
                case Incident.ONE_CLICK:
                    database.run(preferences.unsubscribe_one_click, now, mail.ref)
                case Incident.PAUSES:
                    database.run(preferences.pause, now, mail.subscriber_id, now + _PAUSE)
                case Incident.MOVES:
                    schedule = replace(person.schedule, zone=_NEW_ZONE)
                    database.run(preferences.change_schedule, now, mail.subscriber_id, schedule)
                case _:
                    self._report(person, mail, _REPORTS[person.incident])

    def _report(self, person: DemoReader, mail: MailRead, report: BounceReport) -> None:
        """Let a mail server report about a mail, as a relay hands such reports on."""
        runtime = self.runtime
        message_id = runtime.links.message_id(mail.ref, runtime.settings.sender_domain)
        about = replace(report, message_ids=(message_id,), identity=f"report:{mail.id}")
        runtime.bounce_handler.handle_event(ProviderEvent(about, "", person.email, self._now))
