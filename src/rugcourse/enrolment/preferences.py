"""Changes that readers make: schedule, pause, language, measuring, news, objections, leaving and coming back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from rugcourse.db import withdrawal_log
from rugcourse.db.models import (
    DeliveryRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    SubscriberRow,
    SubscriberStatus,
    Verdict,
)
from rugcourse.db.queries import (
    address_changes,
    arrivals,
    campaigns,
    cancellations,
    email_events,
    enrolments,
    erasure,
    learning,
    subscribers,
)
from rugcourse.db.queries.email_events import Event
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment import consent_texts, consents
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource, Shown
from rugcourse.errors import InvalidState
from rugcourse.links import MailRef
from rugcourse.scheduling import Schedule, next_mail

UNDO_DAYS = 30  # for so long one press brings back who left


class NotAReader(InvalidState):
    """The person behind a link was never confirmed, left or is suppressed."""


class TooLate(InvalidState):
    """Leaving was so long ago that it takes a new signup to come back."""


def change_schedule(session: Session, now: datetime, subscriber_id: int, schedule: Schedule) -> None:
    """Keep another hour, other days, zone or pace. A pause stays what it is. Raises NotAReader."""
    locked_reader(session, subscriber_id).signup = None  # what they typed before they chose this
    before = subscribers.load_schedule(session, subscriber_id)
    _reschedule(session, subscriber_id, replace(schedule, paused=before.paused, paused_until=before.paused_until), now)


def pause(session: Session, now: datetime, subscriber_id: int, until: datetime | None = None) -> None:
    """Send nothing until an instant (UTC), or until the reader resumes. Raises NotAReader."""
    locked_reader(session, subscriber_id)
    cancellations.cancel_planned(session, subscriber_id, "the reader paused", now)
    schedule = subscribers.load_schedule(session, subscriber_id)
    _reschedule(session, subscriber_id, replace(schedule, paused=True, paused_until=until), now)


def resume(session: Session, now: datetime, subscriber_id: int) -> None:
    """End a pause. Raises NotAReader."""
    locked_reader(session, subscriber_id)
    schedule = subscribers.load_schedule(session, subscriber_id)
    _reschedule(session, subscriber_id, replace(schedule, paused=False, paused_until=None), now)


def set_measuring(
    session: Session, now: datetime, subscriber_id: int, *, agreed: bool, shown: Shown | None = None
) -> None:
    """Keep whether opens and clicks may be measured. `shown`, here and below: how the page showed its words.

    Raises NotAReader.
    """
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown)
    person = locked_reader(session, subscriber_id)
    if not agreed:
        end_measuring(session, person, context)
    elif not person.measuring:
        person.measuring = True
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=True)


def end_measuring(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """Measure no more, and forget what was measured, in a transaction of the caller (GDPR, Art. 7(3) and 17(1)(b))."""
    if person.measuring:
        person.measuring = False
        withdrawal_log.record(session, withdrawal_log.MEASURING, context.at, email=person.email)
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=False)
        erasure.forget_measured(session, person.id)


def set_news(session: Session, now: datetime, subscriber_id: int, *, agreed: bool, shown: Shown | None = None) -> None:
    """Keep whether somebody gets other news of the practice; what is planned of it is cancelled. Raises NotAReader."""
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown)
    person = locked_reader(session, subscriber_id)
    if agreed and not person.news:
        person.news = True
        consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=True)
    elif not agreed:
        end_news(session, person, context)


def end_news(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """Send no more other news of the practice, in a transaction of the caller. Courses go on."""
    if not person.news:
        return
    person.news = False
    withdrawal_log.record(session, withdrawal_log.NEWS, context.at, email=person.email)
    consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=False)
    for enrolment in enrolments.news_enrolments(session, person.id):
        _end(session, enrolment, "the reader wants no news", context.at)


def end_news_by_mail(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Send no more other news to the person that a mail was sent to. Raises NotAReader."""
    person, _ = _reader_of(session, delivery_id)
    set_news(session, now, person.id, agreed=False, shown=shown)


def set_left_out(session: Session, now: datetime, subscriber_id: int, *, left_out: bool) -> None:
    """Leave a reader out of comparisons and statistics, or no more (GDPR, Art. 21). Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    if left_out:
        leave_out(session, person, now)
    elif person.objected_at is not None:
        person.objected_at = None
        withdrawal_log.record(session, withdrawal_log.COMPARES, now, email=person.email)


def leave_out(session: Session, person: SubscriberRow, now: datetime) -> None:
    """Leave somebody out of comparisons and statistics, in a transaction of the caller. Twice is the same as once."""
    if person.objected_at is None:
        person.objected_at = now
        withdrawal_log.record(session, withdrawal_log.COMPARED, now, email=person.email)
        learning.leave_out(session, person.id)


class Objection(StrEnum):
    """What somebody can object to that is done for a legitimate interest (GDPR, Art. 21)."""

    TAGS = "tags"
    STATISTICS = "statistics"


def object_on_request(session: Session, now: datetime, subscriber_id: int, objection: Objection) -> None:
    """Keep an objection that somebody told an admin, also one who has left."""
    keep = {Objection.TAGS: leave_untagged, Objection.STATISTICS: leave_out}[objection]
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is not None:
        keep(session, person, now)


def set_untagged(session: Session, now: datetime, subscriber_id: int, *, untagged: bool) -> None:
    """Take all tags off a reader and let none be put on them, or allow it again (GDPR, Art. 21). Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    if untagged:
        leave_untagged(session, person, now)
    elif person.untagged_at is not None:
        person.untagged_at = None
        withdrawal_log.record(session, withdrawal_log.TAGS, now, email=person.email)


def leave_untagged(session: Session, person: SubscriberRow, now: datetime) -> None:
    """Take all tags off somebody and let none be put on them, in a transaction of the caller. Twice is as once."""
    if person.untagged_at is None:
        person.untagged_at = now
        withdrawal_log.record(session, withdrawal_log.TAGGED, now, email=person.email)
        subscribers.remove_tags(session, person.id)


def set_language(session: Session, subscriber_id: int, language: str) -> None:
    """Write to a reader in another language from the next mail on. Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    person.language, person.signup = language, None


def close_links(session: Session, now: datetime, subscriber_id: int) -> None:
    """Let the links of all mails until now be old ones. Raises NotAReader."""
    close_links_of(session, locked_reader(session, subscriber_id), now)


def close_links_of(session: Session, person: SubscriberRow, at: datetime) -> None:
    """Let the links of the mails to somebody from before an instant (UTC) be old ones."""
    person.links_closed_at = at
    withdrawal_log.record(session, withdrawal_log.LINKS, at, email=person.email)
    address_changes.withdraw(session, person.id)


def set_name(session: Session, subscriber_id: int, name: str) -> None:
    """Greet a reader by another name, which is clean; empty for none. Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    person.name, person.signup = name, None


def leave_course(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Stop the course that a mail is of; other courses of its reader go on. Raises NotAReader."""
    person, delivery = _reader_of(session, delivery_id)
    enrolment = enrolments.of_mail(session, delivery, lock=True)
    may_leave = person.status in {SubscriberStatus.ACTIVE, SubscriberStatus.SUPPRESSED}
    if not may_leave or enrolment is None or campaigns.is_news(session, enrolment.campaign_id):
        raise NotAReader
    course_id = campaigns.course_of(session, enrolment.campaign_id)
    # An earlier run first: once a later one is left, nothing opens it again, and a lesson of it that waits is lost.
    for one in enrolments.open_in_course(session, person.id, course_id) if course_id is not None else ():
        _end(session, one, "the reader left the course", now)
    _end(session, enrolment, "the reader left the course", now)
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown, delivery.campaign_id, delivery.id)
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.LEAVE_COURSE, given=False)
    arrivals.confirm_by_activity(session, delivery.id, now)


def unsubscribe(
    session: Session,
    now: datetime,
    delivery_id: int,
    source: ConsentSource = ConsentSource.OWN_PAGE,
    shown: Shown | None = None,
) -> None:
    """Stop writing to the person that a mail was sent to. Doing it twice is the same as doing it once."""
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is None or found[0].status not in {SubscriberStatus.ACTIVE, SubscriberStatus.SUPPRESSED}:
        return
    person, _ = found
    if person.left_at is not None:  # suppressed, and left before
        return
    leave_everything(session, person, ConsentContext(now, source, shown, delivery_id=delivery_id))
    email_events.add_events(session, [Event(delivery_id, EventKind.UNSUBSCRIBE, Verdict.HUMAN, now)])
    arrivals.confirm_by_activity(session, delivery_id, now)


def unsubscribe_on_request(session: Session, now: datetime, subscriber_id: int) -> None:
    """Stop writing to a person who asked an admin for that, in a transaction of the caller.

    Raises NotAReader for who never confirmed. Doing it twice is the same as doing it once.
    """
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is None or person.status == SubscriberStatus.PENDING:
        raise NotAReader
    if person.left_at is None:
        leave_everything(session, person, ConsentContext(now, ConsentSource.ADMIN))


def leave_everything(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """Write to a person no more, by their own wish, in a transaction of the caller."""
    withdrawal_log.record(session, withdrawal_log.UNSUBSCRIBED, context.at, email=person.email)
    end_courses(session, person.id, "the reader left", context.at)
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.UNSUBSCRIBE, given=False)
    end_measuring(session, person, context)
    end_news(session, person, context)
    person.left_at = context.at
    if person.status == SubscriberStatus.ACTIVE:  # who is suppressed stays so, and has left when that is lifted
        person.status = SubscriberStatus.LEFT


def unsubscribe_at_once(session: Session, now: datetime, mail: MailRef) -> None:
    """The same by what a mail program does with one press (RFC 8058, RFC 2369), which nobody is asked about again.

    Who left before, was erased or must not be written to gets no more mails as it is.
    """
    found = subscribers.by_link(session, mail)
    if found is not None:
        unsubscribe(session, now, mail.delivery_id, ConsentSource.ONE_CLICK)


def end_courses(session: Session, subscriber_id: int, why: str, now: datetime) -> None:
    """Let a person leave all they follow, in a transaction of the caller."""
    cancellations.cancel_planned(session, subscriber_id, why, now)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        _leave(enrolment, now)


def come_back(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Undo leaving: the course that a mail is of goes on where it was, and after leaving everything, all those that
    were left with it. What they allowed beside the course, they have to allow anew.

    Raises NotAReader for who was never a reader or left nothing, TooLate after `UNDO_DAYS`.
    """
    person, delivery = _reader_of(session, delivery_id)
    left_everything = person.status == SubscriberStatus.LEFT
    if not left_everything and person.status != SubscriberStatus.ACTIVE:
        raise NotAReader
    if left_everything and not may_come_back(person, now):
        raise TooLate
    left_at = person.left_at
    if left_everything:
        withdrawal_log.record(session, withdrawal_log.RETURNED, now, email=person.email)
        person.status, person.left_at, person.signup = SubscriberStatus.ACTIVE, None, None
    course = None if left_everything else delivery.campaign_id
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown, course, delivery_id)
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.COME_BACK, given=True)
    news = set() if person.news else {one.id for one in enrolments.news_enrolments(session, person.id)}
    mine = enrolments.of_mail(session, delivery)
    together = enrolments.left_together(session, mine) if mine is not None else set()
    goes_on = False
    schedule = subscribers.load_schedule(session, person.id)
    for enrolment in enrolments.of_subscriber(session, person.id, lock=True):
        if enrolment.id in news:
            continue
        # One that is active was opened again meanwhile, for a new lesson; it waited for its reader.
        undone = enrolment.left_at == left_at if left_everything else enrolment.id in together
        waits = enrolment.status == EnrolmentStatus.LEFT and undone
        if waits or (left_everything and enrolment.status == EnrolmentStatus.ACTIVE):
            enrolment.status, enrolment.left_at = EnrolmentStatus.ACTIVE, None
            next_from(session, enrolment, schedule, now)
            goes_on = True
    if not left_everything and not goes_on:
        raise NotAReader  # and nothing is kept


def may_come_back(person: SubscriberRow, now: datetime) -> bool:
    """Whether somebody who left everything can undo that with one press."""
    return person.left_at is not None and now - person.left_at <= timedelta(days=UNDO_DAYS)


def _end(session: Session, enrolment: EnrolmentRow, why: str, now: datetime) -> None:
    """Let a person leave one of what they get, also one that is over: what comes later of it is not for them."""
    cancellations.cancel_planned(session, enrolment.subscriber_id, why, now, enrolment_id=enrolment.id)
    session.refresh(enrolment)
    if enrolment.status != EnrolmentStatus.CANCELLED:
        _leave(enrolment, now)
        enrolment.status, enrolment.left_at = EnrolmentStatus.LEFT, enrolment.left_at or now


def _leave(enrolment: EnrolmentRow, now: datetime) -> None:
    enrolment.next_due_at = None
    if enrolment.status == EnrolmentStatus.ACTIVE:
        enrolment.status, enrolment.left_at = EnrolmentStatus.LEFT, now


def _reader_of(session: Session, delivery_id: int) -> tuple[SubscriberRow, DeliveryRow]:
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is None:
        raise NotAReader
    return found


def locked_reader(session: Session, subscriber_id: int) -> SubscriberRow:
    """A reader, locked until the transaction ends. Raises NotAReader."""
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None or person.status != SubscriberStatus.ACTIVE:
        raise NotAReader
    return person


def go_on_from(session: Session, subscriber_id: int, now: datetime) -> None:
    """Let a reader go on where they were, at their next hour, in a transaction of the caller."""
    schedule = subscribers.load_schedule(session, subscriber_id)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        if enrolment.status == EnrolmentStatus.ACTIVE:
            next_from(session, enrolment, schedule, now)


def _reschedule(session: Session, subscriber_id: int, schedule: Schedule, now: datetime) -> None:
    """Save a schedule and let it count at once for what is due next."""
    before = subscribers.load_schedule(session, subscriber_id)
    zone_before = before.zone
    if (before.zone, before.hour, before.weekdays) != (schedule.zone, schedule.hour, schedule.weekdays):
        # Also one that is being tried again: its hour is none of theirs any more.
        cancellations.cancel_planned(session, subscriber_id, "the reader chose another time", now)
        cancellations.expire_submitted(session, subscriber_id, now)
    subscribers.save_schedule(session, subscriber_id, schedule)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        if schedule.zone != zone_before:
            cancellations.redate_latest(session, enrolment, schedule.tz)
        if enrolment.status == EnrolmentStatus.ACTIVE:
            next_from(session, enrolment, schedule, now)


def next_from(session: Session, enrolment: EnrolmentRow, schedule: Schedule, now: datetime) -> None:
    """Let the next lesson of an enrolment come at its reader's next hour, in a transaction of the caller.

    One that is due at this moment, and that no planner has seen yet, stays due.
    """
    timing = campaigns.find_timing(session, enrolment.campaign_id)
    after = min(now, enrolment.next_due_at or now)
    enrolment.next_due_at = next_mail(timing, schedule, after, enrolment.last_local_date)
