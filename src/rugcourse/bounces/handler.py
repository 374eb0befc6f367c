"""What follows from a mail that did not arrive, or that its reader called spam.

Whose a message that came back is stands in the address that it came to, which only we could have made, or in the
Message-ID of the mail that it quotes, which is signed as well. What is neither, or forged, does nothing.

That proves which mail it is about, not who wrote it: the reader of a mail knows both. So by mail no more happens than
that this one reader gets nothing any more. What holds a domain or a campaign, for everybody, is said by a mail server
while we speak to it, or by a relay that proves who it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from rugcourse.bounces.addressee import Addressee, addressee_of, is_former
from rugcourse.bounces.complaint_rate import ComplaintLimits, hold_domain_if_too_many
from rugcourse.bounces.parser import is_automatic, read, read_reply
from rugcourse.bounces.report import BounceReport, BounceType
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import BOUNCE, COMPLAINT, DeliveryKind, DeliveryRow, SubscriberRow
from rugcourse.db.queries import bounces, deliveries, subscribers
from rugcourse.db.queries.bounces import BOUNCED
from rugcourse.delivery import holds
from rugcourse.enrolment import preferences
from rugcourse.enrolment.admin_changes import send_again
from rugcourse.enrolment.signup import normalise_email
from rugcourse.enrolment.suppression import suppress
from rugcourse.links import BadToken, Links, MailRef

log = structlog.get_logger()

SOFT_IN_A_ROW = 3  # mails that did not arrive, with none between that did: then the mailbox is as good as gone
SOFT_DAYS = 60
MAX_REPEATS = 2  # times that a lesson is sent once more
LONGEST_QUEUED = timedelta(days=7)  # mail servers try for five days or less


class BounceOutcome(StrEnum):
    """What was done."""

    UNMATCHED = "nobody's"  # no delivery of ours, or a forged address
    IGNORED = "ignored"  # an automatic reply, a delay, a letter
    DUPLICATE = "duplicate"  # it was known already
    RECORDED = "recorded"  # the mail did not arrive; a lesson goes out again
    SUPPRESSED = "suppressed"  # and nothing more is written to this reader
    UNSUBSCRIBED = "unsubscribed"  # its reader asked for that, now or before
    DOMAIN_HELD = "domain_held"  # and nothing more goes to this domain for a while


@dataclass(frozen=True, slots=True)
class HandledBounce:
    """What a message was, and what was done; `delivery_id` is None where it is nobody's."""

    report: BounceReport
    done: BounceOutcome
    delivery_id: int | None = None


class ProviderEvent(NamedTuple):
    """What somebody whose word is known to be theirs says about a mail: a relay, by a webhook.

    Which mail it is stands in its return path, in a Message-ID of the report, or else it is the newest one that
    `address` had been sent at the instant `at` (UTC).
    """

    report: BounceReport
    return_path: str
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BounceHandler:
    """Takes in what comes back, by whatever door. Taking it in twice is the same as once."""

    database: Database
    clock: Clock
    links: Links
    limits: ComplaintLimits

    def handle_message(self, recipient: str, raw: bytes, sender: str | None = None) -> HandledBounce:
        """A message that came to an address. `sender`: of its envelope, where that is known."""
        with contextlib.suppress(BadToken):
            return self._unsubscribe(self.links.unsubscribed(recipient), raw, sender)
        report = read(raw)
        return self._follow(report, self._named(recipient, report), by_mail=True)

    def handle_event(self, event: ProviderEvent) -> HandledBounce:
        """Do what follows from what a relay reports."""
        mail = self._named(event.return_path, event.report)
        email = normalise_email(event.address)
        if mail is None and email is not None:
            with self.database.read() as session:
                mail = bounces.newest_mail(session, email, event.at)
        return self._follow(replace(event.report, recipient=event.address, at=event.at), mail)

    def handle_rejection(self, session: Session, delivery_id: int, reply: str) -> BounceOutcome:
        """A mail server refused a mail for good, or for too long, while we spoke to it: the same follows from that.

        In the transaction that writes the refusal down.
        """
        found = subscribers.by_delivery(session, delivery_id, lock=True)
        if found is None:
            return BounceOutcome.UNMATCHED
        report = read_reply(reply)
        done = self._follow_in(session, *found, report, refused=True, by_mail=False)
        log.info("a mail was refused", delivery=delivery_id, kind=report.kind, status=report.status, done=done)
        return done

    def _unsubscribe(self, mail: MailRef, raw: bytes, sender: str | None) -> HandledBounce:
        """What the `mailto:` of List-Unsubscribe is for (RFC 2369): whatever somebody writes there, they mean it.

        What a machine answers by itself is no wish of anybody's.
        """
        if sender in {"", "<>"} or is_automatic(raw):
            return HandledBounce(BounceReport(BounceType.AUTO_REPLY), BounceOutcome.IGNORED, mail.delivery_id)
        self.database.run(preferences.unsubscribe_at_once, self.clock.now(), mail)
        log.info("a reader unsubscribed by mail", delivery=mail.delivery_id)
        return HandledBounce(BounceReport(BounceType.OTHER), BounceOutcome.UNSUBSCRIBED, mail.delivery_id)

    def _named(self, recipient: str, report: BounceReport) -> MailRef | None:
        """The mail that an address or a Message-ID of ours names."""
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
        """`by_mail`: anybody can have written it who has the mail."""
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
            log.info("mail came back", delivery=delivery_id, kind=report.kind, status=report.status, done=done)
        return HandledBounce(report, done, delivery_id)

    def _is_of(self, mail: MailRef, person: SubscriberRow, delivery: DeliveryRow) -> bool:
        """Whether what names a mail names this one: as its links do, or, after a correction, as its Message-ID does."""
        if mail == subscribers.ref_of(person, delivery.id):
            return True
        with contextlib.suppress(BadToken):
            return mail == self.links.quoted(delivery.message_id or "")
        return False

    def _went_before(self, person: SubscriberRow, delivery: DeliveryRow) -> bool:
        """Whether a mail went to the address that its reader had before: its Message-ID has the stamp of then."""
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
        # A forward to a full mailbox, or one that refuses us, says so too, and the reader's own has it.
        used = not is_gone and deliveries.was_used(session, delivery.id)
        again = not (is_gone or used) and delivery.kind == DeliveryKind.LESSON and len(noted) < MAX_REPEATS
        words = report.words if refused else f"{BOUNCED}{report.status} {report.words}".strip()
        failure = bounces.Failure(words, again, refused, blames_reader=report.kind != BounceType.POLICY)
        known = identity is not None and any(one == identity for _, one in noted)
        ended = sorted([*(at for at, _ in noted), *bounces.resent_at(session, delivery.id)])
        if (
            known
            or (used and not (refused and report.kind == BounceType.POLICY))  # which still holds the domain
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
        """Who has the address that a reader had before is another person, and says nothing for this one."""
        now = self.clock.now()
        if not bounces.record_complaint(session, delivery.id, now, verified=not by_mail):
            return BounceOutcome.DUPLICATE
        if about == Addressee.FORMER:
            self._suppress_former(session, person, report, COMPLAINT)
        else:
            suppress(session, now, self.links.signer, person.email, COMPLAINT)
            preferences.end_courses(session, person.id, "the reader called it spam", now)
            person.left_at = person.left_at or now
        if not by_mail:
            hold_domain_if_too_many(session, self.limits, delivery.campaign_id, person.domain, now)
        return BounceOutcome.RECORDED if about == Addressee.FORMER else BounceOutcome.SUPPRESSED

    def _suppress_former(self, session: Session, person: SubscriberRow, report: BounceReport, reason: str) -> None:
        """The address that a person had before, where the report names it: only its hash is known otherwise.

        Any other that it names was perhaps never written to. Who has it by now is left alone: nobody can say by a
        report of theirs what becomes of another reader.
        """
        former = normalise_email(report.recipient)
        if former is None or not is_former(person, self.links.signer, former):
            return
        if subscribers.by_email(session, former) is None:
            suppress(session, self.clock.now(), self.links.signer, former, reason)


def _is_of_the_time_before(ended: Sequence[datetime], at: datetime | None, sent_at: datetime) -> bool:
    """Whether a report is about a sending before the newest one. `ended`: when those came back, or were given up.

    The mail was sent again hours later. What was said of it before the middle of these is of the time before: so clocks
    may differ. A report from long before the first of them has a clock that tells nothing.
    """
    if not ended or at is None:
        return False
    first, latest = ended[0], ended[-1]
    return first - LONGEST_QUEUED <= at < latest + (sent_at - latest) / 2


def _is_gone(session: Session, now: datetime, person: SubscriberRow, sent_at: datetime) -> bool:
    """Whether so many mails in a row came back from their address that it makes no sense any more."""
    since = max(now - timedelta(days=SOFT_DAYS), person.address_since or person.created_at)
    return bounces.consecutive_bounces(session, person.id, sent_at, since) >= SOFT_IN_A_ROW
