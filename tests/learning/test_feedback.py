"""What readers say of a lesson."""

from __future__ import annotations

import pytest
from tests.support.builders import course_of, lessons_to, reader_with_lesson

from rugcourse.bootstrap import Runtime
from rugcourse.db.queries import learning
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.feedback import MAX_REMARK, Feedback, count_reading, readings, save_feedback


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" good\n\nthanks \n", "good\n\nthanks"),
        ("a\x00b\x1b[31m\tc", "ab[31mc"),
        ("x" * MAX_REMARK, "x" * MAX_REMARK),
        ("x" * (MAX_REMARK + 1), "x" * MAX_REMARK),
        (f"{' ' * MAX_REMARK}late", "late"),
    ],
)
def test_a_remark_is_kept_readable_and_no_longer_than_promised(
    runtime: Runtime, dispatcher: Dispatcher, typed: str, kept: str
) -> None:
    [mail] = lessons_to(runtime, reader_with_lesson(runtime, dispatcher))
    feedback = Feedback(mail.lesson_id or 0, "nl", helped=True, remark=typed, delivery_id=mail.id)
    runtime.database.run(save_feedback, runtime.clock.now(), feedback)
    with runtime.database.read() as session:
        found = learning.find_feedback(session, mail.id)
    assert found is not None
    assert (found.remark, found.helped, found.at) == (kept, True, runtime.clock.now())


def test_readings_on_the_web_are_counted_for_each_lesson(runtime: Runtime) -> None:
    one, other = list(course_of(runtime).lesson_ids.values())[:2]
    assert [runtime.database.run(count_reading, one) for _ in range(2)] == [1, 2]
    assert runtime.database.query(readings, one) == 2
    assert runtime.database.query(readings, other) == 0
