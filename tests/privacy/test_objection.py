"""Objections: tags stay off, and answers count in no figure (GDPR, Art. 21)."""

from __future__ import annotations

from tests.support.builders import answer, make_reader, reader_with_lesson
from tests.support.privacy import subscriber_id

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences


def test_objection_to_tags_lasts_until_it_is_withdrawn(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    person = subscriber_id(runtime, email)

    def tagged() -> list[str]:
        with runtime.database.write() as session:
            subscribers.add_tags(session, [person], "autumn")
            return list(subscribers.tags_of(session, person))

    assert tagged() == ["autumn"]
    runtime.database.run(preferences.set_tag_objection, clock.now(), person, untagged=True)
    assert tagged() == []
    runtime.database.run(preferences.set_tag_objection, clock.now(), person, untagged=False)
    assert tagged() == ["autumn"]


def test_objection_to_statistics_excludes_earlier_answers(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    answer(runtime, email)

    def counted() -> int:
        with runtime.database.read() as session:
            return sum(n for key, n in counters.totals(session).items() if key[2].startswith("option "))

    assert counted() == 1
    runtime.database.run(
        preferences.set_statistics_objection, clock.now(), subscriber_id(runtime, email), left_out=True
    )
    assert counted() == 0
