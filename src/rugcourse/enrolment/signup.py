"""The signup form: checks what was typed, and asks the owner of the address to confirm.

Whatever is known about an address, the visitor gets the same answer: who is a reader is nobody's business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.models import ERASED, DeliveryKind, EnrolmentRow, EnrolmentStatus, SubscriberRow, SubscriberStatus
from rugcourse.db.models.documents import PendingSignup
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import address_changes, cancellations, delivery_planning, enrolments, subscribers
from rugcourse.errors import InvalidInput
from rugcourse.learning.assessment import adopt
from rugcourse.links import Signer
from rugcourse.scheduling import Schedule, is_zone

MAX_NAME = 60
MOST_ASKED = 3  # mails that ask to confirm, to somebody who does not, within `ASKING`
ASKING = timedelta(days=30)
PACES = (1, 2, 7)  # days from one lesson to the next


class SignupField(StrEnum):
    """What can be wrong with a form."""

    EMAIL = "email"
    NAME = "name"
    HOUR = "hour"
    DAYS = "days"
    ZONE = "zone"
    PACE = "pace"
    CONSENT = "consent"


class NotAnAddress(InvalidInput):
    """The text is no e-mail address."""


class InvalidForm(InvalidInput):
    """Something typed into a form can't be used. `fields` says what; the page says how to mend it."""

    def __init__(self, fields: Sequence[SignupField]) -> None:
        self.fields = frozenset(fields)
        super().__init__(", ".join(sorted(self.fields)))


@dataclass(frozen=True, slots=True)
class SignupForm:
    """A signup as it was typed: nothing in it has been checked."""

    email: str
    name: str = ""
    zone: str = ""
    hour: str = ""
    days: Sequence[str] = field(default_factory=tuple)
    consent: bool = False


@dataclass(frozen=True, slots=True)
class Signup:
    """A signup that can be used. `email` is normalised: its domain in ASCII and lower case."""

    email: str
    name: str
    schedule: Schedule


def check(form: SignupForm) -> Signup:
    """Raises InvalidForm with everything that is wrong."""
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
    return Signup(email, name, schedule)


def normalise_email(text: str) -> str | None:
    """One spelling per mailbox, or None for what can't be written to.

    Domains may be international (they go out as IDNA, RFC 5891). A local part outside ASCII would need SMTPUTF8
    (RFC 6531) all the way, which many servers lack, so it is refused at the door instead of failing later.
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
    """A name to greet somebody by, empty if they gave none, or None for what is no name.

    Line ends and other control characters become spaces. What looks like an address is refused: a name is printed in
    mails, and nobody's form is a way to send links to others.
    """
    plain = unicodedata.normalize("NFC", text)
    name = " ".join("".join(" " if _is_control(character) else character for character in plain).split())
    if len(name) > MAX_NAME or any(mark in name.lower() for mark in ("://", "www.", "@", "/", "\\", "<", ">")):
        return None
    return name


def read_schedule(
    zone: str, hour: str, days: Sequence[str], every_days: str = "1"
) -> tuple[Schedule | None, list[SignupField]]:
    """A schedule from a form's fields, or what is wrong with them. `days`: "0" (Monday) to "6"."""
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
    """Remember a signup and plan the mail that asks to confirm it: at most one a day for an address.

    Nothing that a stranger types changes a reader who is there already: until it is confirmed it is only kept for
    people who were never confirmed before, or apart from what is known of who left. Nobody has agreed to anything
    before they confirm. A suppressed address gets nothing, and one that never confirms three mails in thirty days; a
    reader gets as many about each course.
    """
    now = clock.now()
    if not may_sign_up(session, signer, signup.email):
        return
    person = subscribers.add_pending(session, signup.email, language, now)
    if person.status == SubscriberStatus.SUPPRESSED or not may_sign_up(session, signer, signup.email):
        return  # also just now
    enrolment = enrolments.find_in_course(session, published.campaign_id, person.id)
    reads_already = person.status == SubscriberStatus.ACTIVE and has_course(enrolment)
    if person.status == SubscriberStatus.PENDING:
        _keep(session, person, signup, language)
        if attempt_id is not None:
            adopt(session, clock, attempt_id, person.id, published.id)
    elif subscribers.find_schedule(session, person.id) is None:
        subscribers.save_schedule(session, person.id, signup.schedule)
    if person.status != SubscriberStatus.ACTIVE:
        person.signup = _document(signup, language)
    if _asked_too_often(session, signer, person, published.campaign_id, now):
        return
    kind = DeliveryKind.ALREADY_SUBSCRIBED if reads_already else DeliveryKind.CONFIRM
    # Who reads already has proven that the address is theirs: for another course the limit is one more mail.
    which = f":{published.campaign_id}" if person.status == SubscriberStatus.ACTIVE else ""
    # Who left since they confirmed confirms anew.
    left_at = person.left_at or (enrolment.left_at if enrolment is not None else None)
    again = f":after:{left_at.timestamp():.0f}" if left_at is not None else ""
    once_key = f"{kind}:{person.id}{which}:{now.date()}{again}"
    delivery_planning.plan_transactional(session, kind, person.id, published.campaign_id, once_key, now)


def _asked_too_often(session: Session, signer: Signer, person: SubscriberRow, campaign_id: int, now: datetime) -> bool:
    """Whether three mails about signups went to somebody in thirty days; to a reader, about one course."""
    since = now - ASKING
    if person.status == SubscriberStatus.ACTIVE:
        return len(delivery_planning.signup_mails_since(session, person.id, campaign_id, since)) >= MOST_ASKED
    before = address_changes.asked(session, signer.digest(person.email), since)
    return before + len(delivery_planning.asked_to_confirm(session, person.id, since)) >= MOST_ASKED


def may_sign_up(session: Session, signer: Signer, email: str) -> bool:
    """Whether an address may be asked to confirm a signup. One whose owner was erased may: only they can confirm."""
    reason = subscribers.suppression_of(session, signer.digest(email))
    return reason is None or reason == ERASED


def has_course(enrolment: EnrolmentRow | None) -> bool:
    """Whether somebody reads a course, or had all of it."""
    return enrolment is not None and enrolment.status in {EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED}


def keep_confirmed(session: Session, person: SubscriberRow) -> None:
    """What somebody had typed when they signed up is theirs: they confirmed it."""
    typed, person.signup = person.signup, None
    if typed is None:
        return
    weekdays = frozenset(typed["weekdays"])
    schedule = Schedule(typed["zone"], typed["hour"], weekdays, every_days=typed["every_days"])
    _keep(session, person, Signup(person.email, typed["name"], schedule), typed["language"])
    for enrolment in enrolments.of_subscriber(session, person.id, lock=True):
        cancellations.redate_latest(session, enrolment, schedule.tz)


def _document(signup: Signup, language: str) -> PendingSignup:
    schedule = signup.schedule
    return {
        "name": signup.name,
        "language": language,
        "zone": schedule.zone,
        "hour": schedule.hour,
        "weekdays": sorted(schedule.weekdays),
        "every_days": schedule.every_days,
    }


def _keep(session: Session, person: SubscriberRow, signup: Signup, language: str) -> None:
    person.name, person.language = signup.name, language
    subscribers.save_schedule(session, person.id, signup.schedule)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
