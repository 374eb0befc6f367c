"""The results of a campaign by lesson, from the counters: deliveries, opens, answers, feedback and learning gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.content import LessonText, Question
from rugcourse.content.languages import text_for
from rugcourse.db import counters
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import CampaignRow, EnrolmentStatus, LessonRow
from rugcourse.db.queries import campaigns
from rugcourse.reports import funnel_steps
from rugcourse.reports.cached_stats import gain_of
from rugcourse.reports.funnel_steps import FunnelStep


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a question. `chosen`: how many readers chose it first."""

    text: str
    right: bool
    chosen: int


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """First answers to a question. `right`: counted as the question was then; `choices`: the current options."""

    question: str
    choices: tuple[Choice, ...]
    answered: int
    right: int

    @property
    def right_share(self) -> float | None:
        return self.right / self.answered if self.answered else None

    @property
    def outdated(self) -> int:
        """Answers with options that were removed, or whose correctness has changed."""
        return self.answered - sum(one.chosen for one in self.choices)


@dataclass(frozen=True, slots=True)
class MailResult:
    """One mail of a campaign. Opens and clicks are an estimate: only of readers who agreed to measuring.

    `opened`: mails that a human opened. `opened_by_machines`: mails that a machine fetched. `helped`, `not_helped`: in
    all campaigns with this lesson.
    """

    title: str
    arrived: int
    opened: int
    opened_by_machines: int
    clicked: int
    helped: int
    not_helped: int
    questions: tuple[QuestionResult, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a campaign. `places`: position → lesson id. `funnel`: empty for a message.

    `twice`: readers who took the test before and after the course. `before`, `after`: their mean share of right answers
    (0 to 1), None if there are none.
    """

    mails: tuple[MailResult, ...]
    places: dict[int, int]
    twice: int
    before: float | None
    after: float | None
    funnel: tuple[FunnelStep, ...]


def results_of(session: Session, course_cache: CourseCache, row: CampaignRow, language: str) -> Results:
    """Return the results of a campaign, with texts in `language` where they exist."""
    counted = {**counters.totals(session, 0), **counters.totals(session, row.id)}
    lessons = campaigns.lessons_ever_in(session, row)
    had_mails = {lesson_id for campaign_id, lesson_id, _ in counted if campaign_id == row.id}
    mails = tuple(
        _result(counted, row, one, text_of(session, course_cache, one, language))
        for one in lessons
        if one.position is not None or one.id in had_mails  # removed lessons keep their figures
    )
    gain = gain_of(session, row.course_id)
    return Results(
        mails,
        campaigns.lessons_of(session, row.id),
        gain.twice,
        gain.before,
        gain.after,
        _funnel(counted, row, lessons),
    )


def _funnel(
    counted: Mapping[tuple[int, int, str], int], row: CampaignRow, lessons: Sequence[LessonRow]
) -> tuple[FunnelStep, ...]:
    if not row.sends_course:
        return ()
    return funnel_steps.steps(
        sum(counted.get((row.id, 0, f"reader {status}"), 0) for status in EnrolmentStatus),
        [counted.get((row.id, one.id, "mail accepted"), 0) for one in lessons if one.position is not None],
        counted.get((row.id, 0, f"reader {EnrolmentStatus.COMPLETED}"), 0),
    )


def _result(
    counted: dict[tuple[int, int, str], int], row: CampaignRow, lesson: LessonRow, text: LessonText | None
) -> MailResult:
    def number(what: str, campaign_id: int = row.id) -> int:
        return counted.get((campaign_id, lesson.id, what), 0)

    mine = {
        what: n
        for (campaign_id, lesson_id, what), n in counted.items()
        if (campaign_id, lesson_id) == (row.id, lesson.id)
    }
    return MailResult(
        title=title_of(lesson, text.title) if text else row.name,
        arrived=number("mail accepted"),
        opened=number("event open human"),
        opened_by_machines=number("event open machine"),
        clicked=number("event click human"),
        helped=number("helped", 0),
        not_helped=number("not helped", 0),
        questions=tuple(_question(mine, question) for question in (text.quiz if text else ())),
    )


def text_of(session: Session, course_cache: CourseCache, lesson: LessonRow, language: str) -> LessonText | None:
    """Return the current text of a lesson, None for the message of a broadcast."""
    if lesson.campaign_id is not None or lesson.current_version_id is None:
        return None
    return text_for(course_cache.version(session, lesson.current_version_id).texts, language)


def title_of(lesson: LessonRow, title: str) -> str:
    """Return the title with the lesson's number, if it is still in its course."""
    return f"{lesson.position}. {title}" if lesson.position else title


def _question(counted: Mapping[str, int], question: Question) -> QuestionResult:
    choices = tuple(
        Choice(option.text, option.right, counted.get(counters.option_key(question.id, index, right=option.right), 0))
        for index, option in enumerate(question.options)
    )
    answers = counters.answers_in(counted.items(), question.id)
    return QuestionResult(question.question, choices, answers.given, answers.right)
