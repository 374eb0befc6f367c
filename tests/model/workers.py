"""Rules: workers that die at any step, full disks, two workers at once, leases that run out."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.model.base import Play
from tests.model.groups import in_group

from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.delivery.resend import resend

_GROUP = "workers"


class WorkerRules(Play):
    @in_group(_GROUP, word=st.sampled_from(["submit", "begin", "reply", "settle", "done"]), after=st.booleans())
    def worker_will_die(self, word: str, after: bool) -> None:
        """With the next mail, before or after it has written that word; a new one starts at once."""
        worker = self.product.worker
        worker.dies_at, worker.after = word, after

    @in_group(_GROUP, word=st.sampled_from(["submit", "begin", "reply", "done"]))
    def disk_will_be_full(self, word: str) -> None:
        self.product.worker.disk_full_at = word

    @in_group(_GROUP)
    def another_worker_comes_in_between(self) -> None:
        self.product.server.once = self.product.other_worker.send_all

    @in_group(_GROUP, minutes=st.sampled_from([4, 6, 60]))
    def server_will_think(self, minutes: int) -> None:
        """So long over the next mail that the lease may run out, and others go on."""

        def think() -> None:
            self.doubt({row.id for row in self.product.ledger(DeliveryRow.state == DeliveryState.SUBMITTING)})
            self.clock.advance(minutes=minutes)
            self.product.tick()
            self.notice_pauses()
            self.product.other_worker.send_all()

        self.product.server.once = think

    @in_group(_GROUP)
    def operator_sends_again(self) -> None:
        """All of which nobody can be sure."""
        unknown = [row.id for row in self.product.ledger(DeliveryRow.state == DeliveryState.UNKNOWN)]
        for delivery_id in self.database.run(resend, self.clock.now(), unknown):
            sent = self.model.sent.get(delivery_id)
            if sent is not None:
                sent.allowed = len(sent.at) + 1
