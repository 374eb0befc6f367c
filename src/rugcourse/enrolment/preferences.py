"""Changes that readers make: schedule, pause, language, consents, objections, unsubscribing and resubscribing."""

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
    webhook_events,
)
from rugcourse.db.queries.email_events import Event
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment import consent_texts, consents
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource, Shown
from rugcourse.errors import InvalidState
from rugcourse.links import MailRef
from rugcourse.scheduling import Schedule, next_mail

UNDO_DAYS = 30  # for which leaving can be undone without a new signup


class NotAReader(InvalidState):
    """The person never confirmed, has left or is suppressed."""


class TooLate(InvalidState):
    """The person left more than `UNDO_DAYS` days ago, and has to sign up again."""


def change_schedule(session: Session, now: datetime, subscriber_id: int, schedule: Schedule) -> None:
    """Change hour, days, time zone or pace. A pause is not affected. Raises NotAReader."""
    locked_reader(session, subscriber_id).pending_signup = None  # an unconfirmed signup must not overwrite this choice
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
    """Record whether opens and clicks may be measured. `shown`, here and below: how the page displayed the text.

    Raises NotAReader.
    """
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown)
    person = locked_reader(session, subscriber_id)
    if not agreed:
        end_measuring(session, person, context)
    elif not person.tracking_consent:
        person.tracking_consent = True
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=True)


def end_measuring(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """Stop measuring, and delete what was measured (GDPR, Art. 7(3) and 17(1)(b)). Runs in the caller's transaction."""
    if person.tracking_consent:
        person.tracking_consent = False
        withdrawal_log.record(session, withdrawal_log.MEASURING, context.at, email=person.email)
        consents.keep(session, person, ConsentPurpose.MEASURING, context, consent_texts.MEASURING, given=False)
        erasure.forget_measured(session, person.id)


def set_news(session: Session, now: datetime, subscriber_id: int, *, agreed: bool, shown: Shown | None = None) -> None:
    """Record whether a reader wants other news; a refusal cancels planned news. Raises NotAReader."""
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown)
    person = locked_reader(session, subscriber_id)
    if agreed and not person.news_consent:
        person.news_consent = True
        consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=True)
    elif not agreed:
        end_news(session, person, context)


def end_news(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """Stop sending other news. Courses continue. Runs in the caller's transaction."""
    if not person.news_consent:
        return
    person.news_consent = False
    withdrawal_log.record(session, withdrawal_log.NEWS, context.at, email=person.email)
    consents.keep(session, person, ConsentPurpose.NEWS, context, consent_texts.NEWS, given=False)
    for enrolment in enrolments.news_enrolments(session, person.id):
        _end(session, enrolment, "the reader wants no news", context.at)


def end_news_by_mail(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Stop sending other news to the recipient of a mail. Raises NotAReader."""
    person, _ = _reader_of(session, delivery_id)
    set_news(session, now, person.id, agreed=False, shown=shown)


def set_statistics_objection(session: Session, now: datetime, subscriber_id: int, *, left_out: bool) -> None:
    """Exclude a reader from comparisons and statistics, or include them again (GDPR, Art. 21). Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    if left_out:
        object_to_statistics(session, person, now)
    elif person.statistics_objected_at is not None:
        person.statistics_objected_at = None
        withdrawal_log.record(session, withdrawal_log.STATISTICS_ALLOWED, now, email=person.email)


def object_to_statistics(session: Session, person: SubscriberRow, now: datetime) -> None:
    """Exclude a subscriber from comparisons and statistics. Idempotent; runs in the caller's transaction."""
    if person.statistics_objected_at is None:
        person.statistics_objected_at = now
        withdrawal_log.record(session, withdrawal_log.STATISTICS_OBJECTED, now, email=person.email)
        learning.leave_out(session, person.id)


class Objection(StrEnum):
    """Processing for a legitimate interest that a person can object to (GDPR, Art. 21)."""

    TAGS = "tags"
    STATISTICS = "statistics"


def object_on_request(session: Session, now: datetime, subscriber_id: int, objection: Objection) -> None:
    """Record an objection that somebody made through an admin, even if they have left."""
    keep = {Objection.TAGS: object_to_tags, Objection.STATISTICS: object_to_statistics}[objection]
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is not None:
        keep(session, person, now)


def set_tag_objection(session: Session, now: datetime, subscriber_id: int, *, untagged: bool) -> None:
    """Remove all tags of a reader and allow no new ones, or allow them again (GDPR, Art. 21). Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    if untagged:
        object_to_tags(session, person, now)
    elif person.tags_objected_at is not None:
        person.tags_objected_at = None
        withdrawal_log.record(session, withdrawal_log.TAGS_ALLOWED, now, email=person.email)


def object_to_tags(session: Session, person: SubscriberRow, now: datetime) -> None:
    """Remove all tags of a subscriber and allow no new ones. Idempotent; runs in the caller's transaction."""
    if person.tags_objected_at is None:
        person.tags_objected_at = now
        withdrawal_log.record(session, withdrawal_log.TAGS_OBJECTED, now, email=person.email)
        subscribers.remove_tags(session, person.id)


def set_language(session: Session, subscriber_id: int, language: str) -> None:
    """Change the language of a reader's mails. Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    person.language, person.pending_signup = language, None


def close_links(session: Session, now: datetime, subscriber_id: int) -> None:
    """Invalidate the links in all mails sent so far. Raises NotAReader."""
    close_links_of(session, locked_reader(session, subscriber_id), now)


def close_links_of(session: Session, person: SubscriberRow, at: datetime) -> None:
    """Invalidate the links in mails to a subscriber from before an instant (UTC)."""
    person.links_revoked_at = at
    withdrawal_log.record(session, withdrawal_log.LINKS_CLOSED, at, email=person.email)
    address_changes.withdraw(session, person.id)


def set_name(session: Session, subscriber_id: int, name: str) -> None:
    """Change a reader's name; empty for none. `name`: from `signup.clean_name`. Raises NotAReader."""
    person = locked_reader(session, subscriber_id)
    person.name, person.pending_signup = name, None


def leave_course(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Leave the course of a mail; other courses continue. Raises NotAReader."""
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
    """Unsubscribe the recipient of a mail from everything. Idempotent."""
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is None or found[0].status not in {SubscriberStatus.ACTIVE, SubscriberStatus.SUPPRESSED}:
        return
    person, _ = found
    if person.left_at is not None:  # left before they were suppressed
        return
    leave_everything(session, person, ConsentContext(now, source, shown, delivery_id=delivery_id))
    email_events.add_events(session, [Event(delivery_id, EventKind.UNSUBSCRIBE, Verdict.HUMAN, now)])
    arrivals.confirm_by_activity(session, delivery_id, now)


def unsubscribe_on_request(session: Session, now: datetime, subscriber_id: int) -> None:
    """Unsubscribe a person who asked an admin. Idempotent; runs in the caller's transaction.

    Raises NotAReader for a subscriber who never confirmed.
    """
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is None or person.status == SubscriberStatus.PENDING:
        raise NotAReader
    if person.left_at is None:
        leave_everything(session, person, ConsentContext(now, ConsentSource.ADMIN))


def leave_everything(session: Session, person: SubscriberRow, context: ConsentContext) -> None:
    """End all mail to a person by their own wish. Runs in the caller's transaction."""
    withdrawal_log.record(session, withdrawal_log.UNSUBSCRIBED, context.at, email=person.email)
    end_courses(session, person.id, "the reader left", context.at)
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.UNSUBSCRIBE, given=False)
    end_measuring(session, person, context)
    end_news(session, person, context)
    person.left_at = context.at
    if person.status == SubscriberStatus.ACTIVE:  # a suppressed reader counts as left once the suppression is lifted
        person.status = SubscriberStatus.LEFT
    webhook_events.note_unsubscribed(session, context.at, person.id)


def unsubscribe_one_click(session: Session, now: datetime, mail: MailRef) -> None:
    """Unsubscribe by the button of a mail program (RFC 8058, RFC 2369), without asking for confirmation.

    Does nothing for a person who has left, was erased or is suppressed: they get no mail anyway.
    """
    found = subscribers.by_link(session, mail)
    if found is not None:
        unsubscribe(session, now, mail.delivery_id, ConsentSource.ONE_CLICK)


def end_courses(session: Session, subscriber_id: int, why: str, now: datetime) -> None:
    """End all enrolments of a person. Runs in the caller's transaction."""
    cancellations.cancel_planned(session, subscriber_id, why, now)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        _leave(enrolment, now)


def come_back(session: Session, now: datetime, delivery_id: int, shown: Shown | None = None) -> None:
    """Undo leaving: continue the course of a mail, or after unsubscribing everything that ended with it.

    Optional consents have to be given again. Raises NotAReader if there is nothing to undo, TooLate after `UNDO_DAYS`.
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
        person.status, person.left_at, person.pending_signup = SubscriberStatus.ACTIVE, None, None
        webhook_events.note_confirmed(session, now, person.id, delivery.campaign_id or 0)
    course = None if left_everything else delivery.campaign_id
    context = ConsentContext(now, ConsentSource.OWN_PAGE, shown, course, delivery_id)
    consents.keep(session, person, ConsentPurpose.LESSONS, context, consent_texts.COME_BACK, given=True)
    news = set() if person.news_consent else {one.id for one in enrolments.news_enrolments(session, person.id)}
    mine = enrolments.of_mail(session, delivery)
    together = enrolments.left_together(session, mine) if mine is not None else set()
    goes_on = False
    schedule = subscribers.load_schedule(session, person.id)
    for enrolment in enrolments.of_subscriber(session, person.id, lock=True):
        if enrolment.id in news:
            continue
        # An active enrolment was reopened for a new lesson while its reader was away.
        undone = enrolment.left_at == left_at if left_everything else enrolment.id in together
        waits = enrolment.status == EnrolmentStatus.LEFT and undone
        if waits or (left_everything and enrolment.status == EnrolmentStatus.ACTIVE):
            enrolment.status, enrolment.left_at = EnrolmentStatus.ACTIVE, None
            schedule_next_lesson(session, enrolment, schedule, now)
            goes_on = True
    if not left_everything and not goes_on:
        raise NotAReader  # rolls back the consent recorded above


def may_come_back(person: SubscriberRow, now: datetime) -> bool:
    """Return whether a person who unsubscribed from everything can still undo it."""
    return person.left_at is not None and now - person.left_at <= timedelta(days=UNDO_DAYS)


def _end(session: Session, enrolment: EnrolmentRow, why: str, now: datetime) -> None:
    """End one enrolment, even a completed one, so that lessons added later are not sent."""
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
    """Return an active reader, locked until the transaction ends. Raises NotAReader."""
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None or person.status != SubscriberStatus.ACTIVE:
        raise NotAReader
    return person


def resume_enrolments(session: Session, subscriber_id: int, now: datetime) -> None:
    """Schedule the next lesson of each active enrolment. Runs in the caller's transaction."""
    schedule = subscribers.load_schedule(session, subscriber_id)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        if enrolment.status == EnrolmentStatus.ACTIVE:
            schedule_next_lesson(session, enrolment, schedule, now)


def _reschedule(session: Session, subscriber_id: int, schedule: Schedule, now: datetime) -> None:
    """Save a schedule, and apply it to lessons that are already planned."""
    before = subscribers.load_schedule(session, subscriber_id)
    zone_before = before.zone
    if (before.zone, before.hour, before.weekdays) != (schedule.zone, schedule.hour, schedule.weekdays):
        # Also mails that are being retried: they would arrive at the old hour.
        cancellations.cancel_planned(session, subscriber_id, "the reader chose another time", now)
        cancellations.expire_submitted(session, subscriber_id, now)
    subscribers.save_schedule(session, subscriber_id, schedule)
    for enrolment in enrolments.of_subscriber(session, subscriber_id, lock=True):
        if schedule.zone != zone_before:
            cancellations.redate_latest(session, enrolment, schedule.tz)
        if enrolment.status == EnrolmentStatus.ACTIVE:
            schedule_next_lesson(session, enrolment, schedule, now)


def schedule_next_lesson(session: Session, enrolment: EnrolmentRow, schedule: Schedule, now: datetime) -> None:
    """Schedule an enrolment's next lesson at the reader's next hour. Runs in the caller's transaction.

    A lesson that is already due, and not yet planned, stays due.
    """
    timing = campaigns.find_timing(session, enrolment.campaign_id)
    after = min(now, enrolment.next_due_at or now)
    enrolment.next_due_at = next_mail(
        timing, schedule, after, enrolment.last_local_date, awaits_answer=enrolment.awaits_answer
    )
