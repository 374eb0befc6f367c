"""Applies the consequences of hard and soft bounces and of complaints.

The delivery is identified by the address that the message came to, which only we could have made, or by the quoted
Message-ID, which is signed as well. A message with neither, or with a forged one, has no effect.

That proves which mail the message is about, not who wrote it: the reader of the mail knows both. So a report by mail
can do no more than stop mail to this one reader. A domain or a campaign is held, for everybody, only by what a mail
server says in our own SMTP session, or by an authenticated relay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.orm import Session

from rugcourse.bounces.addressee import Addressee, addressee_of, is_former
from rugcourse.bounces.complaint_rate import ComplaintLimits, hold_domain_if_too_many
from rugcourse.bounces.parser import is_automatic, read, read_reply
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import BOUNCE, COMPLAINT, DeliveryKind, DeliveryRow, SubscriberRow, WebhookEvent
from rugcourse.db.queries import arrivals, bounces, subscribers, webhook_events
from rugcourse.db.queries.bounces import BOUNCED
from rugcourse.delivery import holds, retry
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import send_again
from rugcourse.enrolment.signup import normalise_email
from rugcourse.enrolment.suppression import suppress
from rugcourse.links import BadToken, Links, MailRef

log = structlog.get_logger()


class BounceOutcome(StrEnum):
    """What was done."""

    UNMATCHED = "unmatched"  # no delivery of ours, or a forged address
    IGNORED = "ignored"  # an automatic reply, a delay notice, or a personal message
    DUPLICATE = "duplicate"  # it was known already
    RECORDED = "recorded"  # the mail did not arrive; a lesson may go out again
    SUPPRESSED = "suppressed"  # recorded, and the address is suppressed
    UNSUBSCRIBED = "unsubscribed"  # the reader asked for that, now or before
    DOMAIN_HELD = "domain_held"  # recorded, and sending to the domain is held for a while


@dataclass(frozen=True, slots=True)
class HandledBounce:
    """What a message was, and what was done. `delivery_id` is None if no delivery matches."""

    report: BounceReport
    outcome: BounceOutcome
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class BounceHandler:
    """Handles bounces and complaints from any source. Idempotent."""

    database: Database
    clock: Clock
    links: Links
    limits: ComplaintLimits

    def handle_message(self, recipient: str, raw: bytes, sender: str | None = None) -> HandledBounce:
        """Handle a message to the address `recipient`. `sender`: the envelope sender, if known."""
        with contextlib.suppress(BadToken):
            return self._unsubscribe(self.links.unsubscribed(recipient), raw, sender)
        report = read(raw)
        return self._follow(report, self._named(recipient, report), by_mail=True)

    def handle_event(self, event: ProviderEvent) -> HandledBounce:
        """Handle the report of a relay."""
        mail = self._named(event.return_path, event.report)
        email = normalise_email(event.address)
        if mail is None and email is not None:
            with self.database.read() as session:
                mail = bounces.newest_mail(session, email, event.at)
        return self._follow(replace(event.report, recipient=event.address, at=event.at), mail)

    def handle_rejection(self, session: Session, delivery_id: int, reply: str) -> BounceOutcome:
        """Handle a mail that the server refused during our SMTP session, for good or for too long, like a bounce.

        Runs in the transaction that records the refusal.
        """
        found = subscribers.by_delivery(session, delivery_id, lock=True)
        if found is None:
            return BounceOutcome.UNMATCHED
        report = read_reply(reply)
        done = self._follow_in(session, *found, report, refused=True, by_mail=False)
        log.info("mail_rejected", delivery_id=delivery_id, kind=report.kind, status=report.status, done=done)
        return done

    def _unsubscribe(self, mail: MailRef, raw: bytes, sender: str | None) -> HandledBounce:
        """Handle a mail to the `mailto:` address of List-Unsubscribe (RFC 2369): any text there unsubscribes.

        Automatic replies do not: nobody asked for them.
        """
        if sender in {"", "<>"} or is_automatic(raw):
            return HandledBounce(BounceReport(BounceType.AUTO_REPLY), BounceOutcome.IGNORED, mail.delivery_id)
        self.database.run(preferences.unsubscribe_one_click, self.clock.now(), mail)
        log.info("unsubscribed_by_mail", delivery_id=mail.delivery_id)
        return HandledBounce(BounceReport(BounceType.OTHER), BounceOutcome.UNSUBSCRIBED, mail.delivery_id)

    def _named(self, recipient: str, report: BounceReport) -> MailRef | None:
        """Return the mail that the recipient address or a quoted Message-ID identifies, or None."""
        with contextlib.suppress(BadToken):
            return self.links.returned(recipient)
        for message_id in report.message_ids:
            with contextlib.suppress(BadToken):
                return self.links.quoted(message_id)
        return None

    def _follow(
        self,
        report: BounceReport,
        mail: MailRef | None,
        *,
        by_mail: bool = False,
    ) -> HandledBounce:
        """Handle a report about `mail`. `by_mail`: anybody who has the mail may have written the report."""
        if mail is None:
            return HandledBounce(report, BounceOutcome.UNMATCHED)
        delivery_id = mail.delivery_id
        if report.kind in {BounceType.AUTO_REPLY, BounceType.DELAYED, BounceType.OTHER}:
            return HandledBounce(report, BounceOutcome.IGNORED, delivery_id)
        with self.database.write() as session:
            found = subscribers.by_delivery(session, delivery_id, lock=True)
            if found is None or not self._is_of(mail, *found):  # erased since
                return HandledBounce(report, BounceOutcome.UNMATCHED)
            done = self._follow_in(session, *found, report, refused=False, by_mail=by_mail)
        if done != BounceOutcome.DUPLICATE:
            log.info("mail_bounced", delivery_id=delivery_id, kind=report.kind, status=report.status, done=done)
        return HandledBounce(report, done, delivery_id)

    def _is_of(self, mail: MailRef, person: SubscriberRow, delivery: DeliveryRow) -> bool:
        """Whether `mail` is this delivery: by its links or, after an address correction, by its Message-ID."""
        if mail == subscribers.ref_of(person, delivery.id):
            return True
        with contextlib.suppress(BadToken):
            return mail == self.links.quoted(delivery.message_id or "")
        return False

    def _went_before(self, person: SubscriberRow, delivery: DeliveryRow) -> bool:
        """Whether a mail went to a former address of its reader: its Message-ID then has an older stamp."""
        with contextlib.suppress(BadToken):
            return self.links.quoted(delivery.message_id or "").stamp != person.security_stamp
        return False

    def _follow_in(
        self,
        session: Session,
        person: SubscriberRow,
        delivery: DeliveryRow,
        report: BounceReport,
        *,
        refused: bool,
        by_mail: bool,
    ) -> BounceOutcome:
        sent_at = delivery.settled_at or delivery.planned_at
        about = addressee_of(person, self.links.signer, report.recipient, former=self._went_before(person, delivery))
        if report.kind == BounceType.COMPLAINT:
            return self._complained(session, person, delivery, report, about, by_mail=by_mail)
        now = self.clock.now()
        identity = self.links.signer.digest(report.identity) if report.identity else None
        noted = bounces.bounces_of(session, delivery.id)
        is_gone = report.kind == BounceType.HARD and about == Addressee.READER
        # A reader who used the mail has it: the bounce is from a mailbox that it was forwarded to.
        used = not is_gone and arrivals.was_used(session, delivery.id)
        again = not (is_gone or used) and delivery.kind == DeliveryKind.LESSON and len(noted) < retry.MAX_RESENDS
        words = report.words if refused else f"{BOUNCED}{report.status} {report.words}".strip()
        failure = bounces.Failure(words, again, refused, blames_reader=report.kind != BounceType.POLICY)
        known = identity is not None and any(one == identity for _, one in noted)
        ended = sorted([*(at for at, _ in noted), *bounces.resent_at(session, delivery.id)])
        if (
            known
            or (used and not (refused and report.kind == BounceType.POLICY))  # a policy refusal still holds the domain
            or _is_of_the_time_before(ended, report.at, sent_at)
            or not bounces.record_bounce(session, delivery.id, failure, now, report=identity)
        ):
            return BounceOutcome.DUPLICATE
        if again and delivery.enrolment_id is not None:
            send_again(session, delivery.enrolment_id, delivery.id, now)
        if about == Addressee.FORMER:
            if report.kind == BounceType.HARD:
                self._suppress_former(session, person, report, BOUNCE)
            return BounceOutcome.RECORDED
        if report.kind == BounceType.POLICY and not by_mail:
            holds.hold_domain(session, self.clock, person.domain, words)
            return BounceOutcome.DOMAIN_HELD
        if is_gone or (report.kind != BounceType.POLICY and _is_gone(session, now, person, sent_at)):
            suppress(session, now, self.links.signer, person.email, BOUNCE)
            return BounceOutcome.SUPPRESSED
        return BounceOutcome.RECORDED

    def _complained(
        self,
        session: Session,
        person: SubscriberRow,
        delivery: DeliveryRow,
        report: BounceReport,
        about: Addressee,
        *,
        by_mail: bool,
    ) -> BounceOutcome:
        """Handle a complaint. One from a former address is another person's, so it does not stop the reader's mail."""
        now = self.clock.now()
        if not bounces.record_complaint(session, delivery.id, now, verified=not by_mail):
            return BounceOutcome.DUPLICATE
        if about == Addressee.FORMER:
            self._suppress_former(session, person, report, COMPLAINT)
        else:
            webhook_events.note_mails(session, WebhookEvent.COMPLAINED, now, [delivery.id])
            suppress(session, now, self.links.signer, person.email, COMPLAINT)
            preferences.end_courses(session, person.id, "the reader called it spam", now)
            person.left_at = person.left_at or now
        if not by_mail:
            hold_domain_if_too_many(session, self.limits, delivery.campaign_id, person.domain, now)
        return BounceOutcome.RECORDED if about == Addressee.FORMER else BounceOutcome.SUPPRESSED

    def _suppress_former(self, session: Session, person: SubscriberRow, report: BounceReport, reason: str) -> None:
        """Suppress a former address of a person if the report names it: otherwise only its hash is known.

        Any other address in the report may never have been written to. A subscriber who has the address now is left
        alone: nobody can decide by a report about their own mail what happens to another reader.
        """
        former = normalise_email(report.recipient)
        if former is None or not is_former(person, self.links.signer, former):
            return
        if subscribers.by_email(session, former) is None:
            suppress(session, self.clock.now(), self.links.signer, former, reason)


def _is_of_the_time_before(ended: Sequence[datetime], at: datetime | None, sent_at: datetime) -> bool:
    """Whether a report is about an attempt before the newest one. `ended`: when those bounced or were given up.

    The mail was sent again hours later. A report dated before the midpoint between the last end and the newest
    sending is about an earlier attempt: this tolerates clock differences. A date long before the first end is from a
    clock that can't be trusted.
    """
    if not ended or at is None:
        return False
    first, latest = ended[0], ended[-1]
    return first - retry.LONGEST_QUEUED <= at < latest + (sent_at - latest) / 2


def _is_gone(session: Session, now: datetime, person: SubscriberRow, sent_at: datetime) -> bool:
    """Whether so many mails in a row bounced from their address that it counts as gone."""
    since = max(now - timedelta(days=retry.SOFT_DAYS), person.address_corrected_at or person.created_at)
    return bounces.consecutive_bounces(session, person.id, sent_at, since) >= retry.SOFT_BOUNCES
