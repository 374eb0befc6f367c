"""A mail that somebody waits for is planned once for each idempotency key, and the caller knows whether it was."""

from __future__ import annotations

from tests.support.builders import course_of, mails_to, make_pending

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryKind, DeliveryRow, DeliveryState
from rugcourse.db.queries.delivery_planning import plan_transactional


def test_planning_says_whether_a_mail_was_planned_now(runtime: Runtime) -> None:
    email = make_pending(runtime)
    [asked] = mails_to(runtime, email)

    def plan(key: str = "link:1") -> bool:
        return runtime.database.run(
            plan_transactional,
            DeliveryKind.MAGIC_LINK,
            asked.subscriber_id,
            course_of(runtime).campaign_id,
            key,
            runtime.clock.now(),
        )

    def settle(state: DeliveryState) -> None:
        with runtime.database.write() as session:
            newest = session.get_one(DeliveryRow, mails_to(runtime, email)[-1].id)
            newest.state, newest.not_before, newest.settled_at = state, None, runtime.clock.now()

    assert [plan(), plan(), plan("link:2")] == [True, False, True]
    settle(DeliveryState.CANCELLED)
    assert [plan("link:2"), plan("link:2")] == [True, False]
    settle(DeliveryState.FAILED)
    assert [plan("link:2"), plan("link:2")] == [True, False]
    assert len(mails_to(runtime, email)) == 4
