"""A reader who left as many traces as one can."""

from __future__ import annotations

import pytest
from tests.support.builders import at_eight, course_of, lessons_to, mails_to, make_pending, plan, ref, send_all
from tests.support.privacy import EMAIL

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries import learning, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import new_address, preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.consents import Shown
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.learning.assessment import save_attempt
from rugcourse.learning.feedback import Feedback, save_feedback
from rugcourse.tracking.recorder import TrackingHit, record_hits

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> str:
    """A reader who has done all that leaves a trace."""
    test = course_of(runtime).course.tests["nl"]
    attempt = runtime.database.run(
        save_attempt, clock.now(), course_of(runtime).id, test, {one.id: 0 for one in test.questions}
    )
    make_pending(runtime, EMAIL)
    with runtime.database.write() as session:
        person = subscribers.by_email(session, EMAIL)
        assert person is not None
        learning.adopt_attempt(session, attempt, person.id, course_of(runtime).id, clock.now())
    mail = mails_to(runtime, EMAIL, DeliveryKind.CONFIRM)[0].id
    runtime.database.run(confirm, clock.now(), runtime.signer, mail, shown=Shown("nl", notice="what we keep"))
    runtime.database.run(preferences.set_measuring, clock.now(), person.id, agreed=True)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, EMAIL)
    with runtime.database.write() as session:
        record_hits(session, runtime.course_cache, clock, [TrackingHit(ref(runtime, lesson.id), None, "GET", _BROWSER)])
        record_answers(
            session, runtime.course_cache, clock, [SubmittedAnswer(QuestionRef(ref(runtime, lesson.id), 0), 0)]
        )
        subscribers.add_tags(session, [person.id], "autumn")
    runtime.database.run(save_feedback, clock.now(), Feedback(1, "nl", True, "Mooi <script>", lesson.id))
    runtime.database.run(new_address.request_change, clock.now(), runtime.signer, person.id, "moving.to@example.net")
    return EMAIL
