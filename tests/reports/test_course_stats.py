"""Figures of a course: its funnel, its answers, lessons that were taken out."""

from __future__ import annotations

from itertools import product

from tests.support.builders import (
    COURSE,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    make_reader,
    plan,
    reader_with_lesson,
    ref,
    send_all,
)
from tests.support.campaigns import campaign_row, draft, start
from tests.support.course_edits import publish
from tests.support.reports import refresh

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns.progress import progress_of as campaign_progress
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import unpublish
from rugcourse.db import counters
from rugcourse.db.models import CampaignKind
from rugcourse.db.queries import course_publishing
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.learning.progress import progress_of
from rugcourse.reports import campaign_comparison, dashboard
from rugcourse.reports.campaign_results import results_of
from rugcourse.reports.funnels import Funnel
from rugcourse.scheduling import Timing


def funnel(runtime: Runtime) -> Funnel:
    with runtime.database.read() as session:
        found = dashboard.overview(session, runtime.course_cache, runtime.clock.now(), "nl")
    return next(one for one in found.funnels if one.slug == course_of(runtime).course.slug)


def test_funnel_counts_a_person_in_two_campaigns_once(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    for _ in range(2):
        make_reader(runtime)
    assert funnel(runtime).readers == 2  # one campaign: its counters count people
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing(hour=8)))
    assert (funnel(runtime).readers, funnel(runtime).completed) == (None, None)  # not worked out yet
    lessons = len(course_of(runtime).course.lessons)
    for day in range(lessons):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert refresh(runtime)
    found = funnel(runtime)
    assert (found.readers, found.completed) == (2, 2)
    assert [people for _, people in found.lessons] == [2] * lessons


def answered_right(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who answered the first question of the first lesson right; returns their address."""
    email = reader_with_lesson(runtime, dispatcher)
    option = course_of(runtime).course.lessons[0].texts["nl"].quiz[0].right_option
    press = SubmittedAnswer(QuestionRef(ref(runtime, lessons_to(runtime, email)[-1].id), 0), option)
    with runtime.database.write() as session:
        record_answers(session, runtime.course_cache, runtime.clock, [press])
    return email


def figures_of_answers(runtime: Runtime) -> tuple[int, int, float | None, float | None]:
    """(first answers and right ones in the funnel, the share of right ones beside other campaigns, and in results)."""
    campaign = course_of(runtime).campaign_id
    with runtime.database.read() as session:
        compared = {one.row.id: one.right for one in campaign_comparison.compare(session, 50)}[campaign]
        mails = results_of(session, runtime.course_cache, campaign_row(runtime, campaign), "nl").mails
        assert counters.differences(session) == {}
    shares = [one.right_share for mail in mails for one in mail.questions if one.answered]
    return funnel(runtime).answered, funnel(runtime).answered_right, compared, *shares  # type: ignore[return-value]


def swap_options(runtime: Runtime) -> None:
    """Publish the first lesson with the right option of its first question in another place."""
    course = course_of(runtime).course
    right = course.lessons[0].texts["nl"].quiz[0].right_option
    other, fields = (right + 1) % 3, fields_of(course.lessons[0])
    for language, part in product(course.languages, ("text", "why")):
        one, two = (f"{language}.quiz.0.options.{option}.{part}" for option in (right, other))
        fields[one], fields[two] = fields[two], fields[one]
    publish(runtime, LessonDraft(course, course.lessons[0].slug, 1, {**fields, "quiz.0.right": str(other)}))


def test_answers_keep_their_correctness_when_options_are_reordered(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = answered_right(runtime, dispatcher)
    before = figures_of_answers(runtime)
    assert before == (1, 1, 1.0, 1.0)
    with runtime.database.read() as session:
        published = course_of(runtime)
        kept = (
            progress_of(session, runtime.course_cache, published, "nl", enrolment_of(runtime, email)).lessons[0].given
        )
    swap_options(runtime)
    assert figures_of_answers(runtime) == before
    with runtime.database.read() as session:
        published = course_of(runtime)
        progress = progress_of(session, runtime.course_cache, published, "nl", enrolment_of(runtime, email))
        [question] = [
            one
            for one in results_of(session, runtime.course_cache, campaign_row(runtime, published.campaign_id), "nl")
            .mails[0]
            .questions
            if one.answered
        ]
    assert progress.lessons[0].given == kept
    assert kept[0].right
    assert ([one.chosen for one in question.choices], question.outdated) == ([0, 0, 0], 1)


def test_removed_lesson_keeps_its_figures(runtime: Runtime, dispatcher: Dispatcher) -> None:
    with runtime.database.write() as session:  # the landing page names some lessons, which therefore can't be taken out
        course = course_of(runtime).course
        bare = {key: text.model_copy(update={"tiles": (), "sample": None}) for key, text in course.texts.items()}
        course_publishing.save_course(session, course.model_copy(update={"texts": bare}), runtime.clock.now())
    answered_right(runtime, dispatcher)
    campaign, first = course_of(runtime).campaign_id, course_of(runtime).course.lessons[0]

    def mails() -> tuple[int, list[str], list[int], int]:
        with runtime.database.read() as session:
            row = campaign_row(runtime, campaign)
            results = results_of(session, runtime.course_cache, row, "nl").mails
            return (
                campaign_progress(session, row).total.planned,
                [one.title for one in results if one.arrived],
                [one.arrived for one in results if one.arrived],
                sum(count or 0 for _, count in funnel(runtime).lessons),
            )

    answers = figures_of_answers(runtime)
    title = first.texts["nl"].title
    assert mails() == (1, [f"1. {title}"], [1], 1)
    runtime.database.run(unpublish, runtime.clock.now(), None, COURSE, first.slug)
    assert mails() == (1, [title], [1], 1)
    assert figures_of_answers(runtime) == answers
