"""Other systems are told what happens, in order, signed as Standard Webhooks says, and no more than they should know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook
from tests.support.builders import (
    answer,
    at_eight,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
)
from tests.support.query_plans import recorded
from tests.support.webhook_receiver import Receiver, add_endpoint, make_dispatcher, receiver

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryKind, WebhookDeliveryRow, WebhookEvent
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.privacy.erase import erase


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def id_of(runtime: Runtime, email: str) -> int:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return person.id


def test_a_reader_s_way_is_told_in_order_and_each_request_can_be_verified(
    runtime: Runtime, dispatcher: Dispatcher, there: Receiver
) -> None:
    secret = add_endpoint(runtime, there.url).secret
    email = reader_with_lesson(runtime, dispatcher)
    answer(runtime, email)
    runtime.database.run(preferences.unsubscribe, runtime.clock.now(), lessons_to(runtime, email)[0].id)
    make_dispatcher(runtime).send_due()
    assert there.types == [
        "subscriber.subscribed",
        "subscriber.confirmed",
        "lesson.accepted",
        "question.answered",
        "subscriber.unsubscribed",
    ]
    for one in there.received:
        told = Webhook(secret).verify(one.body, dict(one.headers))
        assert told["data"]["subscriber_id"] == id_of(runtime, email)
        assert email not in one.body.decode()
    assert len({one.id for one in there.received}) == 5
    lesson = there.received[2].payload["data"]
    assert lesson["course"] == "oorzaken-van-rugpijn"
    assert lesson["delivery_id"] == lessons_to(runtime, email)[0].id


def test_the_address_is_told_only_to_an_endpoint_that_gets_addresses(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, ("subscriber.subscribed",), includes_email=True)
    email = make_pending(runtime)
    make_dispatcher(runtime).send_due()
    assert there.received[0].payload["data"]["email"] == email


def test_an_endpoint_is_told_only_what_it_wants(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, ("subscriber.confirmed",))
    make_reader(runtime)
    make_dispatcher(runtime).send_due()
    assert there.types == ["subscriber.confirmed"]


def test_what_is_rolled_back_is_not_told(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, ("subscriber.confirmed",))
    email = make_pending(runtime)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0]

    def confirm_and_fail(session: Session) -> None:
        confirm(session, runtime.clock.now(), runtime.signer, mail.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runtime.database.run(confirm_and_fail)
    make_dispatcher(runtime).send_due()
    assert there.received == []


def test_every_lesson_of_a_batch_is_told(runtime: Runtime, dispatcher: Dispatcher, there: Receiver) -> None:
    add_endpoint(runtime, there.url, ("lesson.accepted",))
    people = {id_of(runtime, make_reader(runtime)) for _ in range(12)}
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    make_dispatcher(runtime).send_due()
    assert sorted(one.payload["data"]["subscriber_id"] for one in there.received) == sorted(people)


def test_erasing_a_person_leaves_nothing_about_them_to_tell(runtime: Runtime, there: Receiver) -> None:
    add_endpoint(runtime, there.url, ("subscriber.subscribed", "subscriber.confirmed"))
    email, other = make_reader(runtime), make_reader(runtime)
    gone = id_of(runtime, email)
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, gone)
    make_dispatcher(runtime).send_due()
    assert {one.payload["data"]["subscriber_id"] for one in there.received} == {id_of(runtime, other)}
    with runtime.database.read() as session:
        about = select(func.count()).where(WebhookDeliveryRow.subscriber_id == gone)
        assert session.scalar(about) == 0


def test_without_an_endpoint_sending_a_batch_costs_one_look_more(runtime: Runtime, dispatcher: Dispatcher) -> None:
    for _ in range(3):
        make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    with recorded(runtime.database) as statements:
        send_all(dispatcher)
    about = [one for one in statements.seen if "webhook" in one]
    assert len(about) == 1
    assert "webhook_endpoint" in about[0]
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(WebhookDeliveryRow)) == 0


def test_every_event_has_a_name_of_its_own() -> None:
    assert len({*WebhookEvent}) == 9
