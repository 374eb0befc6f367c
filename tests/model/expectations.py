"""What each reader must have had, and must not: kept beside the product, from what was done and what the server saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import product

from tests.model import days
from tests.model.mail_server import Behaviour, Mail

from rugcourse.db.models import CampaignKind, DeliveryKind, DeliveryQueue
from rugcourse.enrolment.signup import REMIND_AFTER
from rugcourse.scheduling import DAILY, Cadence, Schedule, Timing

MOST_TRIES = 8
SOFT_IN_A_ROW = 3
MOST_RETURNS = 2  # times that a lesson is sent once more because it came back
_LESSON = re.compile(r"^Lesson (\w+) (\d+)$")


class Status(StrEnum):
    UNKNOWN = "unknown"  # never signed up, erased, or forgotten
    PENDING = "pending"
    ACTIVE = "active"
    LEFT = "left"
    SUPPRESSED = "suppressed"


@dataclass
class Campaign:
    """`stopped`: nothing of it may go out. `paused_itself`: until an admin resumes it."""

    id: int
    kind: CampaignKind
    timing: Timing = field(default_factory=Timing)
    stopped: bool = False
    cancelled: bool = False
    started: datetime | None = None
    paused_itself: bool = False

    @property
    def has_fixed_start(self) -> bool:
        return self.timing.at is not None or self.timing.day is not None

    def begins(self, schedule: Schedule) -> datetime | None:
        """The moment before which nobody with a schedule gets anything of it, where it names one."""
        if self.timing.at is not None or self.timing.day is None:
            return self.timing.at
        return datetime.combine(self.timing.day, time(0), tzinfo=schedule.tz).astimezone(UTC)

    def applied(self, schedule: Schedule, cadence: Cadence, *, waits: bool = False) -> Schedule:
        """`waits`: the quiz of the last lesson is not answered."""
        timing, of_course = self.timing, self.kind != CampaignKind.BROADCAST
        weekdays, every_days = schedule.weekdays, schedule.every_days
        if of_course:
            weekdays = weekdays & cadence.days or weekdays
            every_days = max(every_days, cadence.every_days, (waits and cadence.unanswered_days) or 1)
        return replace(
            schedule,
            hour=schedule.hour if timing.hour is None else timing.hour,
            weekdays=timing.weekdays or weekdays,
            every_days=timing.every_days or every_days,
        )


@dataclass
class LessonDay:
    """A local date on which a reader had a lesson of a campaign, at the hour `slot` (UTC). `returned`: it came back."""

    slot: datetime
    date: date
    delivery_id: int
    returned: bool = False


@dataclass
class Enrolment:
    """`owed`: lessons, or the message, that are to arrive while the reader reads on."""

    campaign: Campaign
    owed: set[str]
    left: bool = False
    left_at: datetime | None = None
    days: list[LessonDay] = field(default_factory=list)
    last_at: datetime | None = None  # when the server last took something of it


@dataclass
class Sent:
    """A mail that the server took at least once. `allowed`: how often it may."""

    delivery_id: int
    reader: Reader
    life: int
    kind: str
    campaign_id: int
    lesson: str
    queue: str
    to: str
    message_id: str
    at: list[datetime] = field(default_factory=list)
    allowed: int = 1
    returns: int = 0
    is_back: bool = False


@dataclass
class Timed:
    """A schedule, and from when to when it was the reader's."""

    schedule: Schedule
    since: datetime
    until: datetime | None = None


@dataclass
class InForce:
    """How often lessons come, and from when to when that was so."""

    cadence: Cadence
    since: datetime | None = None
    until: datetime | None = None


@dataclass
class Reader:
    """A person. `life`: how often they were erased or forgotten: after it they are somebody new for the product."""

    number: int
    email: str
    status: Status = Status.UNKNOWN
    life: int = 0
    schedules: list[Timed] = field(default_factory=list)
    offered: list[Timed] = field(default_factory=list)  # typed at a signup that is not confirmed yet
    enrolments: dict[int, Enrolment] = field(default_factory=dict)
    was_confirmed: bool = False
    news: bool = False  # they want other news than the course
    agreed: bool = False  # to the course; one that they left comes as news at most
    left_at: datetime | None = None
    signed_up_at: datetime | None = None
    tries: int = 0
    refused: bool = False
    no_such_user: bool = False
    soft_returns: int = 0
    last_end: datetime | None = None  # when the server last refused, or left in doubt, a mail to them
    just_changed: bool = False  # while a batch was under way that may have their mail

    def has_as_news(self, enrolment: Enrolment) -> bool:
        kind = enrolment.campaign.kind
        return kind == CampaignKind.BROADCAST or (kind == CampaignKind.COHORT and not self.agreed)

    @property
    def schedule(self) -> Schedule:
        return self.schedules[-1].schedule

    @property
    def name(self) -> str:
        return f"reader {self.number} ({self.email})"

    def is_reading(self, now: datetime) -> bool:
        return self.status == Status.ACTIVE and not self.schedule.is_paused(now)

    def change(self, schedule: Schedule, now: datetime) -> None:
        if self.schedules:
            self.schedules[-1].until = now
        self.schedules.append(Timed(schedule, now))


@dataclass
class Expectations:
    """What is to be true. `disagreements` gathers what is not, while the product is at work."""

    evergreen: Campaign
    lessons: list[str]
    readers: list[Reader] = field(default_factory=list)
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    cadences: list[InForce] = field(default_factory=lambda: [InForce(DAILY)])
    sent: dict[int, Sent] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    suppressions: dict[str, str] = field(default_factory=dict)
    troubles: list[datetime] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.campaigns[self.evergreen.id] = self.evergreen

    @property
    def cadence(self) -> Cadence:
        return self.cadences[-1].cadence

    def change_cadence(self, cadence: Cadence, now: datetime) -> None:
        self.cadences[-1].until = now
        self.cadences.append(InForce(cadence, now))

    # What the mail server sees

    def accept(self, mail: Mail, delivery_id: int, queue: str) -> None:
        """The server has a mail: whose it is, whether they want it, at which hour, how often."""
        campaign_id, _, kind, _ = mail.header("Feedback-ID").split(":")
        reader = self.reader_at(mail.recipient)
        if reader is None:
            late = next((one for one in self.readers if one.just_changed), None)
            if late is None:
                self._disagree(f"{kind} went to {mail.recipient}, which is nobody's address")
            return
        subject = _LESSON.match(mail.header("Subject"))
        lesson = subject[1] if subject else mail.header("Subject")
        sent = self.sent.get(delivery_id)
        if sent is None:
            sent = self.sent[delivery_id] = Sent(
                delivery_id, reader, reader.life, kind, int(campaign_id), lesson, queue, mail.recipient, mail.message_id
            )
        elif (sent.reader, sent.life) != (reader, reader.life):
            self._disagree(f"the Message-ID of {kind} for {reader.name} was used for {sent.kind} of {sent.reader.name}")
            return
        sent.at.append(mail.at)
        sent.to, sent.queue, sent.is_back, sent.message_id = mail.recipient, queue, False, mail.message_id
        if len(sent.at) > sent.allowed:
            self._disagree(f"{kind} {lesson} was taken {len(sent.at)} times for {reader.name}, at {_times(sent.at)}")
        if kind in {DeliveryKind.LESSON, DeliveryKind.BROADCAST}:
            self._accept_lesson(reader, sent, mail.at)
        elif kind == DeliveryKind.REMINDER:
            self._check_reminder(reader, mail.at)

    def tried(self, recipient: str, behaviour: Behaviour, delivery_id: int | None, at: datetime) -> None:
        if behaviour.leaves_doubt and delivery_id is not None:
            self.doubtful.add(delivery_id)
        reader = self.reader_at(recipient)
        if reader is None:
            return
        if behaviour not in {Behaviour.FINE, Behaviour.FULL, Behaviour.GREYLISTS}:
            reader.last_end = at
        if behaviour in {Behaviour.FULL, Behaviour.GREYLISTS, Behaviour.POLICY}:
            reader.tries += 1
        if behaviour in {Behaviour.NO_SUCH_USER, Behaviour.TOO_LARGE, Behaviour.POLICY}:
            reader.refused = True
        reader.no_such_user |= behaviour == Behaviour.NO_SUCH_USER
        reader.soft_returns += behaviour == Behaviour.TOO_LARGE

    def _accept_lesson(self, reader: Reader, sent: Sent, at: datetime) -> None:
        enrolment = reader.enrolments.get(sent.campaign_id)
        what = f"{sent.kind} {sent.lesson} for {reader.name}"
        if enrolment is None:
            self._disagree(f"{what}, who is not in campaign {sent.campaign_id}")
            return
        enrolment.last_at = at
        if not reader.just_changed:
            self._check_wanted(reader, enrolment, what, at)
        if sent.queue == DeliveryQueue.LESSONS and reader.schedules:
            self._check_hour(reader, enrolment, sent, what, at)

    def _check_reminder(self, reader: Reader, at: datetime) -> None:
        """One for each mail that asked, a day after the newest, to somebody who has neither confirmed nor left since."""
        what = f"a reminder for {reader.name}"
        asked = self.mails_of(reader, DeliveryKind.CONFIRM)
        if len(self.mails_of(reader, DeliveryKind.REMINDER)) > len(asked):
            self._disagree(f"{what}, and not one for each of {len(asked)} mails that asked")
        newest = max(asked, key=lambda one: one.delivery_id, default=None)
        if reader.just_changed or newest is None:
            return
        if not REMIND_AFTER <= at - newest.at[0] < timedelta(days=7):
            self._disagree(f"{what} at {at}, who was asked at {newest.at[0]}")
        evergreen = reader.enrolments.get(self.evergreen.id)
        if reader.status == Status.ACTIVE and evergreen is not None and not evergreen.left:
            self._disagree(f"{what}, who confirmed")
        if reader.status in {Status.UNKNOWN, Status.SUPPRESSED}:
            self._disagree(f"{what}, who is {reader.status}")
        if reader.left_at is not None and reader.left_at > newest.at[0]:
            self._disagree(f"{what}, who left since")

    def _check_wanted(self, reader: Reader, enrolment: Enrolment, what: str, at: datetime) -> None:
        if reader.status != Status.ACTIVE:
            self._disagree(f"{what}, who is {reader.status}")
        elif reader.schedule.is_paused(at):
            self._disagree(f"{what}, who paused")
        elif enrolment.left:
            self._disagree(f"{what}, who left campaign {enrolment.campaign.id}")
        elif enrolment.campaign.stopped:
            self._disagree(f"{what}, of campaign {enrolment.campaign.id}, which is stopped")

    def _check_hour(self, reader: Reader, enrolment: Enrolment, sent: Sent, what: str, at: datetime) -> None:
        campaign = enrolment.campaign
        if campaign.has_fixed_start and not enrolment.days:
            self._check_promise(reader, campaign, what, at)
            # One that had to wait behind midnight is still the lesson of the evening before.
            slot, schedule = next(self._slots(reader, campaign, at), (at, reader.schedule))
            enrolment.days.append(LessonDay(slot, schedule.local_date(slot), sent.delivery_id))
            return
        found = next(self._slots(reader, campaign, at), None)
        if found is None:
            local = at.astimezone(reader.schedule.tz)
            self._disagree(f"{what} at {local:%a %H:%M} {reader.schedule.zone}; theirs: {_said(reader.schedule)}")
            return
        if len(sent.at) == 1:
            self._check_day(reader, enrolment, sent, what, *found)

    def _check_promise(self, reader: Reader, campaign: Campaign, what: str, at: datetime) -> None:
        local = at.astimezone(reader.schedule.tz)
        hour = campaign.applied(reader.schedule, self.cadence).hour
        if campaign.timing.at is not None and at < campaign.timing.at:
            self._disagree(f"{what} before its moment")
        if days.in_quiet_hours(local.hour) and not days.in_quiet_hours(hour):
            self._disagree(f"{what} at {local:%H:%M} {reader.schedule.zone}, of campaign {campaign.id}")

    def _slots(self, reader: Reader, campaign: Campaign, at: datetime) -> Iterator[tuple[datetime, Schedule]]:
        """The hours of the reader, of their schedules of late, to which an instant belongs."""
        schedules = [*reversed(reader.schedules), *reader.offered]
        for timed, one in product(schedules, reversed(self.cadences)):
            schedule = campaign.applied(timed.schedule, one.cadence)
            slot = days.slot_of(schedule, at)
            if slot is not None and all(_in_force(slot, span.since, span.until) for span in (timed, one)):
                yield slot, schedule

    def _check_day(
        self, reader: Reader, enrolment: Enrolment, sent: Sent, what: str, slot: datetime, schedule: Schedule
    ) -> None:
        day = schedule.local_date(slot)
        last = next((one for one in reversed(enrolment.days) if not one.returned), None)
        enrolment.days.append(LessonDay(slot, day, sent.delivery_id))
        if last is None:
            return
        if day <= max(last.date, schedule.local_date(last.slot)):
            self._disagree(
                f"{what}: a second lesson on {day} ({schedule.zone}), after the one of {last.slot:%d %H:%M} UTC"
            )
        paces = [
            enrolment.campaign.applied(one.schedule, cadence.cadence).every_days
            for one, cadence in product([*reader.schedules, *reader.offered], self.cadences)
            if all(span.until is None or span.until >= last.slot for span in (one, cadence))
        ]
        if (day - last.date).days < min(paces):
            self._disagree(f"{what}: {(day - last.date).days} days after the last one, and not {min(paces)}")

    # Who somebody is

    def reader_at(self, email: str) -> Reader | None:
        return next((one for one in self.readers if one.email == email), None)

    def mails_of(self, reader: Reader, kind: str | None = None) -> list[Sent]:
        """The mails that a person has, of their present life."""
        return [
            one
            for one in self.sent.values()
            if (one.reader, one.life) == (reader, reader.life) and kind in {None, one.kind}
        ]

    # What people do

    def sign_up(self, reader: Reader, schedule: Schedule, now: datetime) -> None:
        if self.suppressions.get(reader.email, "erased") != "erased" or reader.status == Status.SUPPRESSED:
            return
        if reader.status in {Status.UNKNOWN, Status.PENDING}:
            reader.status = Status.PENDING
            reader.change(schedule, now)
            reader.signed_up_at = now
        elif reader.status == Status.LEFT:
            reader.offered.append(Timed(schedule, now))

    def confirm(self, reader: Reader, campaign_id: int, now: datetime, *, reads: bool = False) -> None:
        """`campaign_id`: in which a run of the course begins, 0 for none; `reads`: they read it already."""
        if reads:
            return
        reader.agreed = True
        if self.suppressions.get(reader.email) == "erased":
            del self.suppressions[reader.email]
        if reader.status == Status.LEFT and reader.offered:
            kept, reader.offered = reader.offered, []
            if reader.schedules:
                reader.schedules[-1].until = reader.left_at
            # Typed several times before one was confirmed: any of them will do.
            reader.schedules += [replace(one, since=now) for one in kept]
        reader.status, reader.was_confirmed, reader.left_at = Status.ACTIVE, True, None
        if campaign_id and campaign_id not in reader.enrolments:
            reader.enrolments[campaign_id] = Enrolment(self.campaigns[campaign_id], set(self.lessons))

    def choose_news(self, reader: Reader, now: datetime, *, agreed: bool) -> None:
        if reader.news and not agreed:
            for enrolment in reader.enrolments.values():
                if reader.has_as_news(enrolment) and not enrolment.left:
                    enrolment.left, enrolment.left_at = True, now
        reader.news = agreed

    def leave(self, reader: Reader, now: datetime) -> None:
        if reader.left_at is not None or reader.status not in {Status.ACTIVE, Status.SUPPRESSED}:
            return
        self._leave_all(reader, now)
        reader.left_at, reader.news = now, False
        if reader.status == Status.ACTIVE:
            reader.status = Status.LEFT

    def erase(self, reader: Reader) -> None:
        self.suppressions.setdefault(reader.email, "erased")
        self.forget(reader)

    def forget(self, reader: Reader) -> None:
        reader.status, reader.life = Status.UNKNOWN, reader.life + 1
        reader.enrolments, reader.offered, reader.news = {}, [], False
        reader.was_confirmed, reader.left_at, reader.refused, reader.soft_returns = False, None, False, 0
        reader.no_such_user, reader.tries = False, 0

    def suppress(self, reader: Reader, reason: str) -> None:
        if self.suppressions.get(reader.email, "erased") == "erased":
            self.suppressions[reader.email] = reason
        if reader.status != Status.UNKNOWN:
            reader.status = Status.SUPPRESSED

    def complain(self, reader: Reader, now: datetime) -> None:
        self.suppress(reader, "complaint")
        self._leave_all(reader, now)
        reader.left_at, reader.news = reader.left_at or now, False

    def lift(self, reader: Reader, now: datetime) -> None:
        reason = self.suppressions.pop(reader.email)
        if reader.status != Status.SUPPRESSED:
            return
        self.failed_comes_again(reader)
        if reason == "complaint":
            reader.left_at = reader.left_at or now
        if reader.left_at is not None:
            reader.status = Status.LEFT
        else:
            reader.status = Status.ACTIVE if reader.was_confirmed else Status.PENDING

    def failed_comes_again(self, reader: Reader) -> None:
        """Their address is right, or right again: lessons that came back for good may be sent once more."""
        for sent in self.mails_of(reader, DeliveryKind.LESSON):
            if sent.is_back:
                sent.allowed = max(sent.allowed, len(sent.at) + 1)

    def _leave_all(self, reader: Reader, now: datetime) -> None:
        for enrolment in reader.enrolments.values():
            if not enrolment.left:
                enrolment.left, enrolment.left_at = True, now

    # What comes back

    def returned(self, sent: Sent, *, comes_again: bool) -> None:
        """A mail that was taken came back, for the first time since."""
        sent.returns += 1
        sent.is_back = True
        if comes_again and sent.kind == DeliveryKind.LESSON and sent.returns <= MOST_RETURNS:
            sent.allowed = len(sent.at) + 1
        self.takes_no_date(sent)

    def takes_no_date(self, sent: Sent) -> None:
        """What came back leaves its date free: another lesson may come on it, in another zone for instance."""
        enrolment = sent.reader.enrolments.get(sent.campaign_id)
        for day in enrolment.days if enrolment else []:
            if day.delivery_id == sent.delivery_id:
                day.returned = True

    @property
    def may_be_gone(self) -> list[Reader]:
        """Whom a server refused for good, or often enough: when they are suppressed, that is believed."""
        return [
            one
            for one in self.readers
            if one.status not in {Status.UNKNOWN, Status.SUPPRESSED}
            and (
                one.no_such_user or one.soft_returns + one.tries >= SOFT_IN_A_ROW
            )  # a mail may be late at its first try
        ]

    # What follows at once

    def differences(self, people: dict[str, str | None], owners: dict[int, str]) -> Iterable[str]:
        """`people`: address → status in the product; `owners`: delivery → the address its links lead to."""
        for reader in self.readers:
            status = people.get(reader.email)
            wanted = None if reader.status == Status.UNKNOWN else reader.status
            if status != wanted:
                yield f"{reader.name} is {status} for the product, and {wanted} for the model"
        for sent in self.sent.values():
            owner = owners.get(sent.delivery_id)
            wanted = sent.reader.email if sent.life == sent.reader.life else None
            if owner not in {wanted, None}:
                yield f"a link in {sent.kind} {sent.lesson} of {sent.reader.name} leads to {owner}"
            if owner is None and wanted is not None:
                yield f"a link in {sent.kind} {sent.lesson} of {sent.reader.name} leads nowhere"

    # What has to have happened in the end

    def deadlines(self, reader: Reader, enrolment: Enrolment, lessons: int, now: datetime) -> tuple[datetime, datetime]:
        """By when the first, and the last, of some lessons that wait must have come, all being well from now on.

        Two of the reader's hours more than it takes: what was tried today may come tomorrow.
        """
        schedule = enrolment.campaign.applied(reader.schedule, self.cadence, waits=True)
        pace = timedelta(days=schedule.every_days)
        begin = max(now, reader.schedule.paused_until or now) if schedule.paused else now
        if not enrolment.days:
            begin = max(begin, enrolment.campaign.begins(schedule) or begin)
        returned = bool(enrolment.days) and enrolment.days[-1].returned
        ends = [reader.last_end, None if returned else enrolment.last_at]
        begin = max([begin, *(one + pace for one in ends if one is not None)])
        end = begin
        for _ in range(lessons):
            end = days.slots_after(schedule, end, 1) + pace
        return days.slots_after(schedule, begin, 3) + days.GRACE, days.slots_after(schedule, end, 3) + days.GRACE

    def waits(self, reader: Reader, enrolment: Enrolment, states: dict[str, str]) -> set[str]:
        """The lessons that a reader should have had by the end, and did not."""
        if reader.status != Status.ACTIVE or (reader.schedule.paused and reader.schedule.paused_until is None):
            return set()
        if enrolment.left or enrolment.campaign.stopped:
            return set()
        mine = {one.lesson: one for one in self.mails_of(reader) if one.campaign_id == enrolment.campaign.id}
        if enrolment.campaign.kind == CampaignKind.BROADCAST:
            states = dict.fromkeys(enrolment.owed, next(iter(states.values()), ""))
            if reader.tries and states and set(states.values()) == {"cancelled"}:
                return set()  # its moment was over before the mailbox took it
        return {one for one in enrolment.owed if not self._is_done(reader, mine.get(one), states.get(one))}

    def _is_done(self, reader: Reader, sent: Sent | None, state: str | None) -> bool:
        if sent is not None and (not sent.is_back or sent.returns > MOST_RETURNS):
            return True
        if state == "failed":
            return reader.refused or reader.tries >= MOST_TRIES
        return state == "unknown"  # each of which has its cause, see `unknowns`

    def trouble(self, at: datetime) -> None:
        """Something was wrong with the whole, not with one reader."""
        self.troubles.append(at)

    def _disagree(self, words: str) -> None:
        self.disagreements.append(words)


def _in_force(slot: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since - days.GRACE <= slot) and (until is None or slot <= until)


def _times(instants: list[datetime]) -> str:
    return ", ".join(f"{one:%d %H:%M}" for one in instants)


def _said(schedule: Schedule) -> str:
    every = "" if schedule.every_days == 1 else f", every {schedule.every_days} days"
    week = "" if len(schedule.weekdays) == 7 else f" on {sorted(schedule.weekdays)}"
    return f"{schedule.hour}:00 {schedule.zone}{week}{every}"
