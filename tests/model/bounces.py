"""Rules: mail that comes back, late, twice, by several doors, of an old address; and what admins do about addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from hypothesis import strategies as st
from tests.model.base import Play
from tests.model.expectations import Sent, Status
from tests.model.groups import WHICH, WHO, in_group
from tests.model.installation import BOUNCES

from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.enrolment import admin_changes, suppression
from rugcourse.enrolment.admin_changes import AddressTaken
from rugcourse.enrolment.suppression import NotSuppressed

_GROUP = "bounces"
_STATUSES = {BounceType.HARD: "5.1.1", BounceType.SOFT: "4.2.2", BounceType.POLICY: "5.7.1"}
_MAY_COME_BACK = {DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.SUBMITTING}
_MOST_COMPLAINTS = 2  # more within a week, and their campaign is held


@dataclass(frozen=True)
class Bounce:
    """Something that came back. `again` takes it in once more."""

    sent: Sent
    again: Callable[[], BounceOutcome]


class BounceRules(Play):
    def __init__(self) -> None:
        super().__init__()
        self.bounces: list[Bounce] = []
        self.complaints = 0

    @in_group(
        _GROUP, who=WHO, which=WHICH, kind=st.sampled_from(list(_STATUSES)), by_mail=st.booleans(),
        hours=st.sampled_from([0, 0, 3, 30]),
    )  # fmt: skip
    def mail_comes_back(self, who: int, which: int, kind: BounceType, by_mail: bool, hours: int) -> None:
        """`hours`: so long after it was taken, if that is not over yet."""
        sent = self.mail_of(self.reader(who), which)
        if sent is None or sent.is_back:
            return
        self.run_until(sent.at[-1] + timedelta(hours=hours))
        if sent.is_back:
            return
        door = self._report(sent, kind) if by_mail else self._webhook(sent, kind)
        self.bounces.append(Bounce(sent, door))
        self._follow(sent, kind, by_mail=by_mail, take=door)

    @in_group(_GROUP, which=WHICH, when=lambda self: bool(self.bounces))
    def it_is_taken_in_once_more(self, which: int) -> None:
        """By the same door, or another one: it says the same."""
        bounce = self.bounces[which % len(self.bounces)]
        before = self._state(bounce.sent)
        done = bounce.again()
        if done in {BounceOutcome.RECORDED, BounceOutcome.SUPPRESSED} and before != self._state(bounce.sent):
            self.disagree(f"what came back counted twice: {bounce.sent.kind} {bounce.sent.lesson} ({done})")

    @in_group(_GROUP, who=WHO, which=WHICH)
    def reader_complains(self, who: int, which: int) -> None:
        reader = self.reader(who)
        sent = self.mail_of(reader, which)
        if sent is None or self.complaints == _MOST_COMPLAINTS:
            return
        self.complaints += 1
        bounce_handler = self.product.runtime.bounce_handler
        complaint = ProviderEvent(BounceReport(BounceType.COMPLAINT), self._return_path(sent), sent.to, self.now)
        done = bounce_handler.handle_event(complaint).done
        if sent.life == reader.life and done == BounceOutcome.SUPPRESSED:
            self.model.complain(reader, self.now)
        # Who has the address that they had before says nothing for them.
        heard = {
            BounceOutcome.SUPPRESSED if sent.to == reader.email else BounceOutcome.RECORDED,
            BounceOutcome.DUPLICATE,
        }
        self.expect(sent.life == reader.life, done in heard, f"{reader.name} complains")

    @in_group(_GROUP, who=WHO)
    def admin_suppresses(self, who: int) -> None:
        reader = self.reader(who)
        self.database.run(
            suppression.suppress_address, self.clock.now(), self.product.runtime.signer, reader.email, "admin"
        )
        self.model.suppress(reader, "admin")

    @in_group(_GROUP, who=WHO)
    def admin_lifts(self, who: int) -> None:
        reader = self.reader(who)
        did = self.attempt(
            lambda: self.database.run(suppression.lift, self.clock.now(), self.product.runtime.signer, reader.email),
            NotSuppressed,
        )
        self.expect(reader.email in self.model.suppressions, did, f"lifting the suppression of {reader.name}")
        if did and reader.email in self.model.suppressions:
            self.model.lift(reader, self.now)

    @in_group(_GROUP, who=WHO)
    def address_is_corrected(self, who: int) -> None:
        reader = self.reader(who)
        person_id = self.person_id(reader)
        local, _, domain = reader.email.partition("@")
        email = f"{local}x@{domain}"
        did = self.attempt(
            lambda: self.database.run(
                admin_changes.correct_address, self.clock.now(), self.product.runtime.signer, person_id, email
            ),
            AddressTaken,
        )
        may = reader.status not in {Status.UNKNOWN, Status.SUPPRESSED}
        self.expect(may, did, f"correcting the address of {reader.name}")
        if did:
            reader.email = email
            self.model.failed_comes_again(reader)

    def _follow(self, sent: Sent, kind: BounceType, *, by_mail: bool, take: Callable[[], BounceOutcome]) -> None:
        reader, row = sent.reader, self._row(sent)
        counts = row is not None and row.state in _MAY_COME_BACK and sent.life == reader.life
        to_present_address = sent.to == reader.email
        used = not (kind == BounceType.HARD and to_present_address) and self.product.was_used(sent.delivery_id)
        done = take()
        if not counts:
            self.expect(
                expected=True,
                found=done in {BounceOutcome.DUPLICATE, BounceOutcome.UNMATCHED},
                what=f"{kind} of {sent.kind}: {done}",
            )
            return
        if used:  # the report is about a forward
            self.expect(BounceOutcome.DUPLICATE, done, f"{kind} of {sent.kind} that {reader.name} used")
            return
        if kind == BounceType.HARD and not to_present_address:
            self._follow_old_address(sent, done)
            return
        self.model.returned(sent, comes_again=kind != BounceType.HARD)
        if kind == BounceType.HARD:
            self.expect(BounceOutcome.SUPPRESSED, done, f"{kind} of {sent.kind} of {reader.name}")
            self.model.suppress(reader, "bounce")
            return
        reader.soft_returns += kind != BounceType.POLICY
        reader.refused = True  # after the third time it counts as failed
        if kind == BounceType.POLICY and not by_mail and to_present_address:
            self.expect(BounceOutcome.DOMAIN_HELD, done, f"{kind} of {sent.kind} of {reader.name}")
            self.model.trouble(self.now)

    def _follow_old_address(self, sent: Sent, done: BounceOutcome) -> None:
        """It says nothing about the present one; whether the lesson comes again is the product's to say."""
        sent.is_back = done != BounceOutcome.DUPLICATE
        if sent.is_back:
            self.model.takes_no_date(sent)
        sent.allowed += 1
        sent.reader.refused = True

    def _report(self, sent: Sent, kind: BounceType) -> Callable[[], BounceOutcome]:
        """A delivery report by mail, the same bytes each time."""
        path = self._return_path(sent)
        raw = _report_of(path, sent, kind, self.now)
        return lambda: self.product.runtime.bounce_handler.handle_message(path, raw).done

    def _webhook(self, sent: Sent, kind: BounceType) -> Callable[[], BounceOutcome]:
        told = ProviderEvent(
            BounceReport(kind, _STATUSES[kind], "as the relay says"), self._return_path(sent), sent.to, self.now
        )
        return lambda: self.product.runtime.bounce_handler.handle_event(told).done

    def _return_path(self, sent: Sent) -> str:
        links = self.product.runtime.links
        return links.return_path(links.quoted(sent.message_id), BOUNCES)

    def _row(self, sent: Sent) -> DeliveryRow | None:
        return next(iter(self.product.ledger(DeliveryRow.id == sent.delivery_id)), None)

    def _state(self, sent: Sent) -> Any:
        row = self._row(sent)
        return row and row.state


def _report_of(path: str, sent: Sent, kind: BounceType, now: datetime) -> bytes:
    """As RFC 3464 has it."""
    lines = [
        "From: MAILER-DAEMON@mx.example",
        f"To: {path}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{sent.delivery_id}.{len(sent.at)}.{kind}@mx.example>",
        "Subject: Undelivered Mail Returned to Sender",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "It could not be delivered.",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        f"Arrival-Date: {format_datetime(sent.at[-1])}",
        "",
        f"Final-Recipient: rfc822; {sent.to}",
        "Action: failed",
        f"Status: {_STATUSES[kind]}",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()
