"""What came of a campaign, lesson by lesson, from the counters: arrived, opened, answered, helped, learned."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rugcourse.campaigns.figures import gain_of
from rugcourse.content import Lesson
from rugcourse.store import campaigns, tallies
from rugcourse.store.library import Library
from rugcourse.store.tables import CampaignRow


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a question, and how many chose it first."""

    text: str
    right: bool
    chosen: int


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What readers answered first. The right share is None while nobody answered."""

    question: str
    choices: tuple[Choice, ...]

    @property
    def answered(self) -> int:
        return sum(one.chosen for one in self.choices)

    @property
    def right_share(self) -> float | None:
        right = sum(one.chosen for one in self.choices if one.right)
        return right / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class MailResult:
    """One mail of a campaign. Opens and clicks are of readers who agreed to measuring, so they are an estimate.

    `opened`: mails that a human opened; `opened_by_machines`: those that a machine fetched. `helped`: of all campaigns
    with this lesson.
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
    """`twice`: readers of the course who took the test before and after, with the mean share of right answers (0 to 1)
    before and after, None while nobody did.
    """

    mails: tuple[MailResult, ...]
    twice: int
    before: float | None
    after: float | None


def results_of(session: Session, library: Library, row: CampaignRow, language: str) -> Results:
    """The results of a campaign, in a language as far as it is there."""
    published = library.of_campaign(session, row.id)
    by_slug = {lesson.slug: lesson for lesson in published.course.lessons} if published else {}
    counted = {**tallies.totals(session, 0), **tallies.totals(session, row.id)}
    mails = tuple(
        _result(counted, row, lesson_id, by_slug.get(slug), language)
        for campaign_id, _, lesson_id, slug in sorted(campaigns.places_of_lessons(session))
        if campaign_id == row.id
    )
    gain = gain_of(session, row.course_id)
    return Results(mails, gain.twice, gain.before, gain.after)


def _result(
    counted: dict[tuple[int, int, str], int], row: CampaignRow, lesson_id: int, lesson: Lesson | None, language: str
) -> MailResult:
    def number(what: str, campaign_id: int = row.id) -> int:
        return counted.get((campaign_id, lesson_id, what), 0)

    text = (lesson.texts.get(language) or next(iter(lesson.texts.values()))) if lesson else None
    questions = tuple(
        QuestionResult(
            question.question,
            tuple(
                Choice(option.text, option.right, number(f"option {question.id} {index}"))
                for index, option in enumerate(question.options)
            ),
        )
        for question in (text.quiz if text else ())
    )
    return MailResult(
        title=f"{lesson.number}. {text.title}" if lesson and text else row.name,
        arrived=number("mail accepted"),
        opened=number("event open human"),
        opened_by_machines=number("event open machine"),
        clicked=number("event click human"),
        helped=number("helped", 0),
        not_helped=number("not helped", 0),
        questions=questions,
    )
