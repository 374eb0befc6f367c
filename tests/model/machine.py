"""The machine that plays: all rules, and those of the clock, which belong to no group."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.model import days
from tests.model.admins import AdminRules
from tests.model.authors import AuthorRules
from tests.model.base import SCHEDULES, STARTS
from tests.model.bounces import BounceRules
from tests.model.groups import WHO, step
from tests.model.readers import ReaderRules
from tests.model.server import ServerRules
from tests.model.workers import WorkerRules

from rugcourse.scheduling import Schedule


class Machine(ReaderRules, ServerRules, BounceRules, WorkerRules, AuthorRules, AdminRules):
    @initialize(start=st.sampled_from(STARTS), first=SCHEDULES, second=SCHEDULES)
    def begin(self, start: datetime, first: Schedule, second: Schedule) -> None:
        """With two readers."""
        self.open(start)
        self.join_now(self.reader(0), first)
        self.join_now(self.reader(1), second)

    @step(hours=st.integers(1, 12))
    def hours_pass(self, hours: int) -> None:
        self.run_until(self.now + timedelta(hours=hours))

    @step(count=st.integers(1, 9))
    def days_pass(self, count: int) -> None:
        self.run_until(self.now + timedelta(days=count))

    @step(who=WHO, minutes=st.sampled_from([0, 30, 239, 241]))
    def until_the_hour_of(self, who: int, minutes: int) -> None:
        """To the reader's next hour, or so long after it."""
        reader = self.reader(who)
        if reader.schedules:
            at = days.slots_after(reader.schedule, self.now + timedelta(seconds=1), 1)
            self.run_until(at + timedelta(minutes=minutes))

    @step(hours=st.sampled_from([1, 3, 5, 15, 30, 60, 200]), sends_first=st.booleans())
    def host_is_off(self, hours: int, sends_first: bool) -> None:
        """Nothing runs for some hours; then a worker may be quicker than the planner."""
        self.model.trouble(self.now)
        self.product.clock.advance(hours=hours)
        self.model.trouble(self.now)
        if sends_first:
            self.send()
        self.product.tick()  # what somebody had before is passed over; what follows it is planned by the next tick
        self.work()
