"""Events reach endpoints at least once and in order, and one endpoint does not hold up another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook
from tests.support.builders import make_pending, make_reader
from tests.support.query_plans import explained
from tests.support.webhook_receiver import (
    EVERY_EVENT,
    Received,
    Receiver,
    Reply,
    add_endpoint,
    closed_port,
    make_dispatcher,
    receiver,
)

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DisabledReason, WebhookDeliveryRow, WebhookEndpointRow, WebhookEvent, WebhookState
from rugcourse.db.queries import webhook_deliveries, webhook_events
from rugcourse.delivery import holds
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.outgoing_webhooks.dispatcher import BACKOFF_SECONDS
from rugcourse.secret_box import SecretBox

BOTH = ("subscriber.subscribed", "subscriber.confirmed")


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def rows(runtime: Runtime) -> list[WebhookDeliveryRow]:
    with runtime.database.read() as session:
        return list(session.scalars(select(WebhookDeliveryRow).order_by(WebhookDeliveryRow.id)))


def endpoint(runtime: Runtime, number: int = 1) -> WebhookEndpointRow:
    with runtime.database.read() as session:
        return session.get_one(WebhookEndpointRow, number)


def clock_of(runtime: Runtime) -> VirtualClock:
    assert isinstance(runtime.clock, VirtualClock)
    return runtime.clock


def note(runtime: Runtime, *people: int) -> None:
    """Somebody confirmed: an event about each of these numbers."""
    told = [(one, {"course": "c"}) for one in people]
    runtime.database.run(webhook_events.note, WebhookEvent.CONFIRMED, runtime.clock.now(), told)


def test_a_later_event_about_a_person_waits_for_the_earlier_one(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, BOTH)
    there.reply = lambda _: Reply(500)
    make_reader(runtime)
    make_dispatcher(runtime).send_due()
    assert there.types == ["subscriber.subscribed"]
    there.reply = lambda _: Reply(200)
    clock_of(runtime).advance(minutes=1)
    make_dispatcher(runtime).send_due()
    assert there.types == ["subscriber.subscribed", "subscriber.subscribed", "subscriber.confirmed"]
    assert there.received[0].id == there.received[1].id


def test_a_refused_event_holds_up_nobody_else(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda one: Reply(422 if one.payload["data"]["subscriber_id"] == 1 else 204)
    note(runtime, 1, 2, 3)
    note(runtime, 1, 2, 3)
    make_dispatcher(runtime).send_due()
    assert sorted(one.payload["data"]["subscriber_id"] for one in there.received) == [1, 2, 2, 3, 3]
    assert endpoint(runtime).is_enabled


def test_an_event_is_given_up_after_ten_attempts_in_three_days_and_the_next_one_goes_out(
    runtime: Runtime, there: Receiver
) -> None:
    add_endpoint(runtime, there.url)
    begun = runtime.clock.now()
    there.reply = lambda _: Reply(400, body=b"<b>no</b>")
    note(runtime, 1)
    note(runtime, 1)
    for wait in BACKOFF_SECONDS:
        make_dispatcher(runtime).send_due()
        clock_of(runtime).advance(seconds=wait * 1.2)
    make_dispatcher(runtime).send_due()
    first, second = rows(runtime)
    assert (first.state, first.attempts, first.status_code) == (WebhookState.FAILED, 10, 400)
    assert first.reply == "<b>no</b>"
    assert timedelta(days=3) < runtime.clock.now() - begun < timedelta(days=4)
    assert {one.id for one in there.received} == {there.received[0].id}
    assert second.state == WebhookState.WAITING
    there.reply = lambda _: Reply(200)
    clock_of(runtime).advance(minutes=6)
    make_dispatcher(runtime).send_due()
    assert rows(runtime)[1].state == WebhookState.ACCEPTED


def test_a_hanging_endpoint_gets_few_requests_and_holds_up_no_other(runtime: Runtime, there: Receiver) -> None:
    with receiver() as slow:
        slow.reply = lambda _: Reply(hang=True)
        add_endpoint(runtime, slow.url)
        add_endpoint(runtime, there.url)
        note(runtime, *range(1, 61))
        make_dispatcher(runtime, total_seconds=1.5).send_due()
        assert len(there.received) == 60
        assert len(slow.received) <= 10
    waiting = [one for one in rows(runtime) if one.endpoint_id == 1]
    assert {one.state for one in waiting} == {WebhookState.WAITING}
    assert sum(one.attempts for one in waiting) == len(slow.received)


def test_an_endpoint_that_is_back_gets_everything_that_waited(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda _: Reply(503)
    note(runtime, *range(1, 31))
    make_dispatcher(runtime).send_due()
    refused = len(there.received)
    assert refused <= 10
    make_dispatcher(runtime).send_due()
    assert len(there.received) == refused, "it is left alone for a while"
    clock_of(runtime).advance(seconds=6)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == refused + 1, "one event shows whether it is back"
    there.reply = lambda _: Reply(200)
    clock_of(runtime).advance(hours=1)
    make_dispatcher(runtime).send_due()
    assert {one.state for one in rows(runtime)} == {WebhookState.ACCEPTED}
    assert endpoint(runtime).failures == 0
    assert endpoint(runtime).failing_since is None


def test_retry_after_is_obeyed_within_bounds(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda _: Reply(429, {"retry-after": "600"})
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    clock_of(runtime).advance(seconds=590)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 1
    there.reply = lambda _: Reply(429, {"retry-after": "99999999999"})
    clock_of(runtime).advance(seconds=11)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 2
    clock_of(runtime).advance(days=1, minutes=1)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 3


@pytest.mark.parametrize("header", ["soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "٣", "1e9"])
def test_a_strange_retry_after_does_no_harm(runtime: Runtime, there: Receiver, header: str) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda _: Reply(503, {"retry-after": header.encode("utf-8").decode("latin-1")})
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    clock_of(runtime).advance(seconds=7)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 2


def test_gone_disables_an_endpoint_and_it_is_told_nothing_more(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    there.reply = lambda _: Reply(410)
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    assert endpoint(runtime).disabled_reason == DisabledReason.GONE
    note(runtime, 2)
    assert len(rows(runtime)) == 1
    clock_of(runtime).advance(days=1)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 1


def test_an_endpoint_that_takes_nothing_for_five_days_is_disabled(runtime: Runtime) -> None:
    add_endpoint(runtime, f"http://127.0.0.1:{closed_port()}/")
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    clock_of(runtime).advance(days=4)
    make_dispatcher(runtime).send_due()
    assert endpoint(runtime).is_enabled
    clock_of(runtime).advance(days=2)
    make_dispatcher(runtime).send_due()
    assert endpoint(runtime).disabled_reason == DisabledReason.FAILING


def test_both_secrets_sign_for_a_day_after_a_rotation(runtime: Runtime, there: Receiver) -> None:
    old = add_endpoint(runtime, there.url).secret
    box = SecretBox(runtime.settings.secret_keys)
    new = runtime.database.run(endpoints.rotate_secret, runtime.clock.now(), box, 1, None).secret
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    clock_of(runtime).advance(hours=25)
    note(runtime, 2)
    make_dispatcher(runtime).send_due()
    during, after = there.received
    for secret in (old, new):
        Webhook(secret).verify(during.body, dict(during.headers))
    Webhook(new).verify(after.body, dict(after.headers))
    assert " " not in after.headers["webhook-signature"]
    assert " " in during.headers["webhook-signature"]


def test_secrets_are_not_readable_in_the_database(runtime: Runtime, there: Receiver) -> None:
    secret = add_endpoint(runtime, there.url).secret
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_") not in endpoint(runtime).secret


def test_an_event_under_another_worker_s_lease_is_left_to_it_and_taken_once_the_lease_is_over(
    runtime: Runtime, there: Receiver
) -> None:
    add_endpoint(runtime, there.url)
    note(runtime, 1)
    note(runtime, 1)
    now = runtime.clock.now()
    with runtime.database.write() as session:
        taken = webhook_deliveries.claim(session, 1, "another", now, now + timedelta(minutes=2), 10)
    assert len(taken) == 1
    make_dispatcher(runtime).send_due()
    assert there.received == []
    clock_of(runtime).advance(minutes=3)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 2
    with runtime.database.write() as session:  # the other one wakes up
        late = webhook_deliveries.WebhookResult(taken[0].id, WebhookState.FAILED, 1, 500, "late")
        webhook_deliveries.settle(session, "another", [late], now)
    assert {one.state for one in rows(runtime)} == {WebhookState.ACCEPTED}


def test_nothing_is_told_while_a_restored_database_waits_for_an_admin(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    note(runtime, 1)
    runtime.database.run(holds.hold_until_released, "a backup was put back", runtime.clock.now())
    make_dispatcher(runtime).send_due()
    assert there.received == []
    runtime.database.run(holds.release, runtime.clock.now(), "all", None)
    make_dispatcher(runtime).send_due()
    assert len(there.received) == 1


def test_a_test_event_and_a_replay_reach_the_endpoint(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    runtime.database.run(endpoints.send_test, runtime.clock.now(), 1)
    make_dispatcher(runtime).send_due()
    runtime.database.run(endpoints.replay, runtime.clock.now(), 1, rows(runtime)[0].id, None)
    make_dispatcher(runtime).send_due()
    assert there.types == ["webhook.test", "webhook.test"]
    assert there.received[0].id == there.received[1].id


def test_events_of_a_disabled_endpoint_wait_until_it_is_enabled(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    note(runtime, 1)
    runtime.database.run(endpoints.set_enabled, runtime.clock.now(), 1, None, enabled=False)
    note(runtime, 2)
    make_dispatcher(runtime).send_due()
    assert there.received == []
    runtime.database.run(endpoints.set_enabled, runtime.clock.now(), 1, None, enabled=True)
    make_dispatcher(runtime).send_due()
    assert [one.payload["data"]["subscriber_id"] for one in there.received] == [1]


def test_a_secret_that_can_t_be_read_any_more_sends_nothing_unsigned(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url)
    with runtime.database.write() as session:
        session.execute(update(WebhookEndpointRow).values(secret="another key's"))
    note(runtime, 1)
    make_dispatcher(runtime).send_due()
    assert there.received == []
    assert "secret can't be read" in (rows(runtime)[0].reply or "")


def test_nothing_waits_after_a_crowd_and_every_person_s_events_came_in_order(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, EVERY_EVENT)
    for _ in range(4):
        note(runtime, *range(1, 41))
    there.reply = lambda one: Reply(
        500 if sum(one.id == other.id for other in there.received) % 3 == 1 and "7" in one.id.split("_")[1] else 200
    )
    for _ in range(12):
        make_dispatcher(runtime).send_due()
        clock_of(runtime).advance(hours=2)
    assert {one.state for one in rows(runtime)} == {WebhookState.ACCEPTED}
    assert in_order(there.received)


def in_order(received: list[Received]) -> bool:
    """Whether each person's events came by number, apart from repetitions."""
    latest: dict[int, int] = {}
    for one in received:
        person, number = one.payload["data"]["subscriber_id"], int(one.id.split("_")[1])
        if number < latest.get(person, 0):
            return False
        latest[person] = number
    return True


def test_claiming_and_listing_use_indexes(runtime: Runtime) -> None:
    from tests.support.query_plans import recorded

    add_endpoint(runtime, "http://127.0.0.1:9/")
    make_pending(runtime)
    now = runtime.clock.now()
    with recorded(runtime.database) as statements, runtime.database.write_batch() as session:
        webhook_deliveries.endpoints_with_work(session, now)
        webhook_deliveries.claim(session, 1, "x", now, now, 10)
        webhook_deliveries.listed(session, 1, 5, 10)
        webhook_deliveries.forget(session, now - timedelta(days=30), 10)
    with runtime.database.write_batch() as session:
        for statement, parameters in statements.seen.items():
            plan = explained(session.connection(), statement, parameters)
            assert "Seq Scan on webhook_delivery" not in plan
            assert "SCAN webhook_delivery" not in plan.replace("SCAN webhook_delivery USING", "")
