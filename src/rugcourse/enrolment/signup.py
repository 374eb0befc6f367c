"""The signup form: validates it, and plans the mail that asks the owner of the address to confirm.

The response is the same whether or not an address is known, so that nobody can find out who is a reader.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.models import ERASED, DeliveryKind, EnrolmentRow, EnrolmentStatus, SubscriberRow, SubscriberStatus
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import (
    address_changes,
    cancellations,
    delivery_planning,
    enrolments,
    subscribers,
    webhook_events,
)
from rugcourse.errors import InvalidInput
from rugcourse.learning.assessment import adopt
from rugcourse.links import Signer
from rugcourse.scheduling import DAILY, EVERY_DAY, Cadence, Schedule, is_zone

MAX_NAME = 60
MAX_CONFIRMATION_MAILS = 3  # without a response, within `CONFIRMATION_WINDOW`
CONFIRMATION_WINDOW = timedelta(days=30)
REMIND_AFTER = timedelta(days=1)
PACES = (1, 2, 7)  # days from one lesson to the next


class SignupField(StrEnum):
    """A field that can be wrong."""

    EMAIL = "email"
    NAME = "name"
    HOUR = "hour"
    DAYS = "days"
    ZONE = "zone"
    PACE = "pace"
    CONSENT = "consent"


class NotAnAddress(InvalidInput):
    """The text is not a valid e-mail address."""


class InvalidForm(InvalidInput):
    """Some fields can't be used. `fields`: which; the page has a message for each."""

    def __init__(self, fields: Sequence[SignupField]) -> None:
        self.fields = frozenset(fields)
        super().__init__(", ".join(sorted(self.fields)))


class SignupForm(BaseModel):
    """The signup form as a browser sends it, not validated: any text, of any length. What is missing is empty."""

    model_config = ConfigDict(frozen=True)

    email: str = ""
    name: str = ""
    zone: str = ""
    hour: str = ""
    days: tuple[str, ...] = ()
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Signup:
    """A validated signup. `email`: normalised, with the domain in ASCII and lower case."""

    email: str
    name: str
    schedule: Schedule


class PendingSignup(BaseModel):
    """A signup as it is stored, in JSON, until the owner of the address confirms it. `weekdays`: 0 is Monday.

    A field that is added needs a default: signups from before lack it.
    """

    name: str
    language: str
    zone: str
    hour: int
    weekdays: list[int]
    every_days: int = 1

    @classmethod
    def of(cls, signup: Signup, language: str) -> PendingSignup:
        schedule = signup.schedule
        return cls(
            name=signup.name,
            language=language,
            zone=schedule.zone,
            hour=schedule.hour,
            weekdays=sorted(schedule.weekdays),
            every_days=schedule.every_days,
        )

    def signup(self, email: str) -> Signup:
        weekdays = frozenset(self.weekdays)
        return Signup(email, self.name, Schedule(self.zone, self.hour, weekdays, every_days=self.every_days))


def check(form: SignupForm, cadence: Cadence = DAILY) -> Signup:
    """Validate a form. Raises InvalidForm with all wrong fields.

    `cadence`: that of the course, whose days the form offered. Who leaves all of them ticked has made no choice, which
    another course of theirs would have to follow.
    """
    wrong: list[SignupField] = []
    email = normalise_email(form.email)
    name = clean_name(form.name)
    schedule, schedule_wrong = read_schedule(form.zone, form.hour, form.days)
    wrong += schedule_wrong
    if email is None:
        wrong.append(SignupField.EMAIL)
    if name is None:
        wrong.append(SignupField.NAME)
    if not form.consent:
        wrong.append(SignupField.CONSENT)
    if wrong or email is None or name is None or schedule is None:
        raise InvalidForm(wrong)
    if schedule.weekdays >= cadence.days:
        schedule = replace(schedule, weekdays=EVERY_DAY)
    return Signup(email, name, schedule)


def normalise_email(text: str) -> str | None:
    """Return one spelling for each mailbox, or None for an address that can't be used.

    International domains are allowed (they become IDNA: RFC 5891). A local part outside ASCII is refused, as it needs
    SMTPUTF8 (RFC 6531) on every server on the way, which many lack.
    """
    try:
        found = validate_email(text.strip()[:400], check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    address = found.ascii_email
    if address is None:
        return None
    local, _, domain = address.rpartition("@")
    return f"{local.lower()}@{domain.lower()}"


def clean_name(text: str) -> str | None:
    """Return a name to greet somebody by, empty for none, or None if the text is not a name.

    Line ends and control characters become spaces. Anything like a URL is refused: the name appears in mails, and the
    form must not be a way to send links to other people.
    """
    plain = unicodedata.normalize("NFC", text)
    name = " ".join("".join(" " if _is_control(character) else character for character in plain).split())
    if len(name) > MAX_NAME or any(mark in name.lower() for mark in ("://", "www.", "@", "/", "\\", "<", ">")):
        return None
    return name


def read_schedule(
    zone: str, hour: str, days: Sequence[str], every_days: str = "1"
) -> tuple[Schedule | None, list[SignupField]]:
    """Return the schedule of a form, or the wrong fields. `days`: "0" (Monday) to "6"."""
    wrong: list[SignupField] = []
    if not is_zone(zone):
        wrong.append(SignupField.ZONE)
    if hour not in {str(number) for number in range(24)}:
        wrong.append(SignupField.HOUR)
    if not days or any(day not in set("0123456") for day in days):
        wrong.append(SignupField.DAYS)
    if every_days not in {str(number) for number in PACES}:
        wrong.append(SignupField.PACE)
    if wrong:
        return None, wrong
    return Schedule(zone, int(hour), frozenset(int(day) for day in days), every_days=int(every_days)), []


def sign_up(
    session: Session,
    clock: Clock,
    signer: Signer,
    published: PublishedCourse,
    signup: Signup,
    language: str,
    attempt_id: int | None = None,
) -> None:
    """Store a signup, and plan the mail to confirm it: at most one a day for each address.

    A signup changes nothing for active readers, as anybody can type their address: until it is confirmed, it is stored
    only for people who never confirmed, or apart from the data of those who left. Suppressed addresses get no mail. An
    address that never confirms gets three mails in thirty days, reminders included; a reader gets as many for each
    course.
    """
    now = clock.now()
    if not may_sign_up(session, signer, signup.email):
        return
    person = subscribers.add_pending(session, signup.email, language, now)
    if person.status == SubscriberStatus.SUPPRESSED or not may_sign_up(session, signer, signup.email):
        return  # also if it was suppressed by a concurrent transaction
    enrolment = enrolments.find_in_course(session, published.campaign_id, person.id)
    reads_already = person.status == SubscriberStatus.ACTIVE and has_course(enrolment)
    if person.status == SubscriberStatus.PENDING:
        _keep(session, person, signup, language)
        if attempt_id is not None:
            adopt(session, clock, attempt_id, person.id, published.id)
    elif subscribers.find_schedule(session, person.id) is None:
        subscribers.save_schedule(session, person.id, signup.schedule)
    if person.status != SubscriberStatus.ACTIVE:
        person.pending_signup = PendingSignup.of(signup, language).model_dump()
    if asked_too_often(session, signer, person, published.campaign_id, now):
        return
    kind = DeliveryKind.ALREADY_SUBSCRIBED if reads_already else DeliveryKind.CONFIRM
    # Readers have proven that the address is theirs, so they get one mail a day for each course.
    which = f":{published.campaign_id}" if person.status == SubscriberStatus.ACTIVE else ""
    # A reader who left has to confirm again.
    left_at = person.left_at or (enrolment.left_at if enrolment is not None else None)
    again = f":after:{left_at.timestamp():.0f}" if left_at is not None else ""
    idempotency_key = f"{kind}:{person.id}{which}:{now.date()}{again}"
    planned = delivery_planning.plan_transactional(
        session, kind, person.id, published.campaign_id, idempotency_key, now
    )
    if planned and kind == DeliveryKind.CONFIRM:
        person.remind_at = min(person.remind_at or now + REMIND_AFTER, now + REMIND_AFTER)
        webhook_events.note_signup(session, now, person.id, published.campaign_id)


def asked_too_often(session: Session, signer: Signer, person: SubscriberRow, campaign_id: int, now: datetime) -> bool:
    """Return whether the limit of signup mails is reached: in all, or for readers for this course."""
    since = now - CONFIRMATION_WINDOW
    if person.status == SubscriberStatus.ACTIVE:
        return (
            len(delivery_planning.signup_mails_since(session, person.id, campaign_id, since)) >= MAX_CONFIRMATION_MAILS
        )
    before = address_changes.asked(session, signer.digest(person.email), since)
    return before + len(delivery_planning.asked_to_confirm(session, person.id, since)) >= MAX_CONFIRMATION_MAILS


def may_sign_up(session: Session, signer: Signer, email: str) -> bool:
    """Return whether an address may be asked to confirm. Erased people may be: only they can confirm."""
    reason = subscribers.suppression_of(session, signer.digest(email))
    return reason is None or reason == ERASED


def has_course(enrolment: EnrolmentRow | None) -> bool:
    """Return whether an enrolment is active or completed."""
    return enrolment is not None and enrolment.status in {EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED}


def apply_confirmed_signup(session: Session, person: SubscriberRow) -> None:
    """Apply the values of the latest signup form, which its owner has just confirmed."""
    typed, person.pending_signup = person.pending_signup, None
    if typed is None:
        return
    pending = PendingSignup.model_validate(typed)
    signup = pending.signup(person.email)
    _keep(session, person, signup, pending.language)
    for enrolment in enrolments.of_subscriber(session, person.id, lock=True):
        cancellations.redate_latest(session, enrolment, signup.schedule.tz)


def _keep(session: Session, person: SubscriberRow, signup: Signup, language: str) -> None:
    person.name, person.language = signup.name, language
    subscribers.save_schedule(session, person.id, signup.schedule)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
