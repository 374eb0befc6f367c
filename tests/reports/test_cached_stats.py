"""Figures that are worked out in the background, and kept."""

from __future__ import annotations

from tests.support.builders import lessons_to, make_reader, reader_with_lesson, ref
from tests.support.reports import refresh

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.queries import learning
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.reports import cached_stats, dashboard


def test_cached_stats_are_recomputed_when_outdated(runtime: Runtime, clock: VirtualClock) -> None:
    make_reader(runtime)
    assert refresh(runtime)
    assert not refresh(runtime)
    make_reader(runtime)
    clock.advance(minutes=11)
    assert refresh(runtime)
    with runtime.database.read() as session:
        kept = cached_stats.kept_figures(session)
    assert kept is not None
    assert len(kept.coming) == cached_stats.DAYS
    assert sum(kept.coming.values()) == 2 * 9
    assert kept.at == clock.now()


def test_dashboard_has_no_figures_before_they_are_computed(runtime: Runtime) -> None:
    with runtime.database.read() as session:
        assert dashboard.overview(session, runtime.course_cache, runtime.clock.now(), "nl").figures is None
    refresh(runtime)
    with runtime.database.read() as session:
        found = dashboard.overview(session, runtime.course_cache, runtime.clock.now(), "nl")
    assert found.figures is not None
    assert {one.gain.twice for one in found.funnels if one.gain} == {0}


def test_a_lesson_is_answered_once_a_reader_answered_one_of_its_questions(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    reader_with_lesson(runtime, dispatcher)
    mail = lessons_to(runtime, email)[-1]
    with runtime.database.write() as session:
        record_answers(
            session, runtime.course_cache, clock, [SubmittedAnswer(QuestionRef(ref(runtime, mail.id), 0), 0)]
        )
    clock.advance(seconds=1)
    assert answered_by_week(runtime)[-1] == (2, 1)
    clock.advance(days=7)
    assert answered_by_week(runtime)[-2:] == [(2, 1), (0, 0)]
    runtime.database.run(learning.leave_out, mail.subscriber_id)


def answered_by_week(runtime: Runtime) -> list[tuple[int, int]]:
    assert refresh(runtime)
    kept = runtime.database.query(cached_stats.kept_figures)
    assert kept is not None
    return [(one.lessons, one.answered) for one in kept.answered.values()]
