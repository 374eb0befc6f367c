"""What all rules need: one run of the product and the expectations beside it, compared after every step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select
from tests.model import course
from tests.model.expectations import Campaign, Expectations, Reader, Sent, Status
from tests.model.installation import Installation, start_of
from tests.model.mail_server import Behaviour, Mail

from rugcourse.campaigns import lifecycle
from rugcourse.campaigns.drafts import Actor
from rugcourse.db.engine import Database
from rugcourse.db.models import (
    OPEN_STATES,
    CampaignKind,
    CampaignRow,
    CampaignStatus,
    DeliveryRow,
    DeliveryState,
    SubscriberRow,
)
from rugcourse.db.queries import sending_holds
from rugcourse.delivery import holds
from rugcourse.delivery.planner import TOO_LATE
from rugcourse.scheduling import Schedule

STARTS = (
    start_of(2026, 11, 23, 5),  # a Monday
    start_of(2026, 3, 27, 5),  # two days later the clocks of Europe go forward
    start_of(2026, 10, 23, 5),  # and back
)
ZONES = ("Europe/Amsterdam", "America/Los_Angeles", "Pacific/Auckland", "Asia/Tokyo")
SCHEDULES = st.builds(
    Schedule,
    zone=st.sampled_from(ZONES),
    hour=st.sampled_from([8, 9, 19, 20, 2, 23]),
    weekdays=st.sampled_from([frozenset(range(7)), frozenset(range(7)), frozenset(range(5)), frozenset({0})]),
    every_days=st.sampled_from([1, 1, 7, 2]),
)


class Disagreement(AssertionError):
    """The product and the model say different things."""


class Play(RuleBasedStateMachine):
    """One run. `open_database` gives an empty one."""

    open_database: ClassVar[Callable[[], tuple[Database, Path]]]

    def __init__(self) -> None:
        super().__init__()
        self.looked = False
        self._compared_at = -1  # changes of the database

    def open(self, start: Any) -> None:
        database, folder = type(self).open_database()
        self.product = Installation(database, folder, start)
        with database.read() as session:
            evergreen = session.scalars(select(CampaignRow.id)).one()
        self.model = Expectations(Campaign(evergreen, CampaignKind.EVERGREEN, started=start), [*course.FIRST_LESSONS])
        self.product.server.on_accepted = self._accepted
        self.product.server.tried = self._tried

    def teardown(self) -> None:
        if not hasattr(self, "product"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.end()
        finally:
            self.product.close()

    # Small things that rules are made of

    @property
    def database(self) -> Database:
        return self.product.database

    @property
    def clock(self) -> Any:
        return self.product.clock

    course = course.SLUG

    @property
    def now(self) -> Any:
        return self.product.clock.now()

    def reader(self, who: int) -> Reader:
        """A reader of the model, who may not have signed up yet."""
        readers = self.model.readers
        while len(readers) <= who:
            readers.append(Reader(len(readers), f"reader{len(readers)}@mail{len(readers)}.example"))
        return readers[who]

    def person_id(self, reader: Reader) -> int:
        """Who they are for the product; 0 for nobody."""
        person = self.product.person(reader.email)
        return person.id if person is not None else 0

    def mail_of(self, reader: Reader, which: int, kind: str | None = None) -> Sent | None:
        """One of the mails that a reader ever got, of former lives too."""
        mails = [one for one in self.model.sent.values() if one.reader is reader and kind in {None, one.kind}]
        return mails[-1 - which % len(mails)] if mails else None

    def attempt(self, action: Callable[[], Any], *refusals: type[Exception]) -> bool:
        """Do something that the product may refuse; returns whether it did it."""
        try:
            action()
        except refusals:
            return False
        return True

    def expect(self, expected: object, found: object, what: str) -> None:
        if expected != found:
            self.disagree(f"{what}: {found}, and not {expected}")

    def disagree(self, words: str) -> None:
        self.model.disagreements.append(words)

    # Time

    def run_until(self, end: Any) -> None:
        """Let the product run: it looks whenever there is something to do."""
        self.work()
        while self.now < end:
            self.product.clock.move_to(self.product.next_event(end))
            self.work()

    def work(self) -> None:
        if self.product.server.for_all != Behaviour.FINE:
            self.model.trouble(self.now)
        self.product.tick()
        self.notice_pauses()
        self.send()
        self.looked = True

    def send(self) -> None:
        self.doubt(self.product.send())
        for reader in self.model.readers:
            reader.just_changed = False
        self._believe_suppressions()

    def _believe_suppressions(self) -> None:
        for reader in self.model.may_be_gone:
            person = self.product.person(reader.email)
            if person is not None and person.status == Status.SUPPRESSED:
                self.model.suppress(reader, "bounce")

    def doubt(self, ids: set[int]) -> None:
        """Of these deliveries nobody can be sure."""
        self.model.doubtful |= ids
        for reader in self.model.readers if ids else ():
            reader.last_end = self.now

    def notice_pauses(self) -> None:
        """A campaign may pause by itself when something was wrong with the whole, and never because of one reader."""
        with self.product.database.read() as session:
            paused = session.execute(
                select(CampaignRow.id, CampaignRow.pause_reason).where(CampaignRow.status == CampaignStatus.PAUSED)
            ).all()
        for campaign_id, because in paused:
            campaign = self.model.campaigns[campaign_id]
            if campaign.stopped:
                continue
            campaign.stopped = campaign.paused_itself = True
            if because != TOO_LATE or not any(campaign.started <= one for one in self.model.troubles):
                self.disagree(
                    f"campaign {campaign_id} paused by itself ({because}), and nothing was wrong with the whole"
                )

    # What the server sees

    def _accepted(self, mail: Mail) -> None:
        delivery_id = self.product.runtime.links.quoted(mail.message_id).delivery_id
        (row,) = self.product.ledger(DeliveryRow.id == delivery_id)
        self.model.accept(mail, delivery_id, row.queue)

    def _tried(self, recipient: str, behaviour: Behaviour, message_id: str) -> None:
        delivery_id = self.product.runtime.links.quoted(message_id).delivery_id if message_id else None
        if behaviour == Behaviour.POLICY:
            self.model.trouble(self.now)
        self.model.tried(recipient, behaviour, delivery_id, self.now)

    # After each step, and at the end

    def compare(self) -> None:
        if self.product.changes != self._compared_at or self.model.disagreements:
            self.model.disagreements += self.product.findings(looked=self.looked)
            self._compare()
        self._compared_at, self.looked = self.product.changes, False

    def _compare(self) -> None:
        self._believe_suppressions()
        with self.product.database.read() as session:
            people = dict(iter(session.execute(select(SubscriberRow.email, SubscriberRow.status)).all()))
        owners = self.product.owners([*self.model.sent])
        self.model.disagreements += self.model.differences(people, owners)
        if self.model.disagreements:
            raise Disagreement("\n".join(dict.fromkeys(self.model.disagreements)))

    def end(self) -> None:
        """All is well again, and goes on day by day: what is still to come, comes in time."""
        self._make_well()
        self.run_until(self.now + timedelta(hours=1))
        self._compare()
        begun = self.now
        waiting = [
            (by, reader, enrolment, most)
            for reader in self.model.readers
            for enrolment in reader.enrolments.values()
            if (missing := len(self._waits(reader, enrolment)))
            for by, most in zip(self.model.deadlines(reader, enrolment, missing, begun), (missing - 1, 0), strict=True)
        ]
        for by, reader, enrolment, most in sorted(waiting, key=lambda one: one[0]):
            self.run_until(by)
            missing = self._waits(reader, enrolment)
            if len(missing) > most:
                self.disagree(
                    f"{reader.name} waits for {', '.join(sorted(missing))} of campaign {enrolment.campaign.id} "
                    f"since {begun:%d %b %H:%M} or longer; it is {self.now:%d %b %H:%M}"
                )
            self._compare()
        self._nothing_is_left()
        self.model.disagreements += self.product.findings(looked=True)
        self._compare()

    def _make_well(self) -> None:
        server = self.product.server
        server.for_all, server.once = Behaviour.FINE, None
        server.for_recipient.clear()
        self.product.worker.dies_at = self.product.worker.disk_full_at = ""
        self.run_until(self.now + timedelta(minutes=10))
        with self.product.database.read() as session:
            held = [one.key for one in sending_holds.all_holds(session)]
        for key in held:
            self.product.database.run(holds.release, self.product.clock.now(), key)
        for campaign in self.model.campaigns.values():
            if campaign.paused_itself:
                self.product.database.run(lifecycle.resume, Actor(None, self.now), campaign.id)
                campaign.stopped = campaign.paused_itself = False

    def _waits(self, reader: Reader, enrolment: Any) -> set[str]:
        states = self.product.states(reader.email, enrolment.campaign.id) if reader.status == Status.ACTIVE else {}
        return self.model.waits(reader, enrolment, states)

    def _nothing_is_left(self) -> None:
        stopped = {one.id for one in self.model.campaigns.values() if one.stopped}
        for row in self.product.ledger(DeliveryRow.state.in_(OPEN_STATES)):
            if row.campaign_id not in stopped and row.not_before is not None and row.not_before <= self.now:
                self.disagree(f"delivery {row.id} ({row.kind}) still stands {row.state}")
        for row in self.product.ledger(DeliveryRow.state == DeliveryState.UNKNOWN):
            if row.id not in self.model.doubtful:
                self.disagree(f"delivery {row.id} ({row.kind}) is unknown, and nothing was in doubt")
