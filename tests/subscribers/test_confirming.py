"""A reader can have their first lesson straight away, once, and only where lessons go out."""

from __future__ import annotations

from datetime import timedelta

from tests.support.builders import enrolment_of, mails_to, make_pending

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind
from rugcourse.delivery import holds
from rugcourse.subscribers.confirming import ConfirmChoices, confirm_signup

NOW, LATER = ConfirmChoices(first_now=True), ConfirmChoices()


def confirm_pending(runtime: Runtime, email: str, choices: ConfirmChoices) -> None:
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0]
    runtime.database.run(confirm_signup, runtime.clock.now(), runtime.signer, mail.id, choices, None)


def lessons_of(runtime: Runtime, email: str) -> list[int | None]:
    return [one.lesson_id for one in mails_to(runtime, email, DeliveryKind.LESSON)]


def test_first_lesson_comes_now_and_the_second_at_the_readers_hour(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    confirm_pending(runtime, email, NOW)
    assert len(lessons_of(runtime, email)) == 1
    enrolment = enrolment_of(runtime, email)
    assert enrolment.next_position == 2
    assert enrolment.next_due_at is not None
    assert enrolment.next_due_at - clock.now() > timedelta(hours=2)


def test_without_the_tick_the_first_lesson_waits_for_the_readers_hour(runtime: Runtime) -> None:
    email = make_pending(runtime)
    confirm_pending(runtime, email, LATER)
    assert lessons_of(runtime, email) == []
    assert enrolment_of(runtime, email).next_position == 1


def test_a_second_press_days_later_sends_nothing_more(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    confirm_pending(runtime, email, NOW)
    clock.advance(days=2)
    confirm_pending(runtime, email, NOW)
    assert len(lessons_of(runtime, email)) == 1


def test_while_sending_is_held_the_signup_is_confirmed_and_the_lesson_waits(runtime: Runtime) -> None:
    email = make_pending(runtime)
    [mail] = mails_to(runtime, email, DeliveryKind.CONFIRM)
    runtime.database.run(holds.hold_by_admin, runtime.clock.now(), f"campaign:{mail.campaign_id}", "a mistake")
    confirm_pending(runtime, email, NOW)
    assert lessons_of(runtime, email) == []
    assert enrolment_of(runtime, email).next_position == 1
