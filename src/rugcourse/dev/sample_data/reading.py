"""What a reader of the sample data does with one mail: opens it, answers, follows a link, writes, takes the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from rugcourse.bootstrap import Runtime
from rugcourse.content import KnowledgeTest, Lesson, LessonText, Question
from rugcourse.content.languages import text_for
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries.email_events import MailRead
from rugcourse.dev.sample_data.people import DemoReader
from rugcourse.dev.sample_data.texts import AB_SUBJECTS, REMARKS
from rugcourse.dev.simulation.events import EventQueue
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.learning.assessment import save_attempt
from rugcourse.learning.feedback import Feedback, count_reading, save_feedback
from rugcourse.learning.recap import RECAP_NUMBER, find_question
from rugcourse.tracking.recorder import TrackingHit, record_hits

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_IMAGE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_PROXIED = 0.2  # part of the readers whose mail provider fetches pictures for them
_BETTER_SUBJECT = 0.15  # how much likelier the second subject of the A/B test is opened
_LEARNED, _FORGOTTEN = 0.5, 0.05  # how likely a wrong answer of the first test is right in the second, and the reverse
_TAKES_TEST_AGAIN = 0.9
_SAYS, _SAYS_IN_LIST = 0.8, 0.15  # part of the feedback with a remark: of who signed up, and of who was imported
_GOOD_READER = 0.6  # a lesson answers most of its own questions


Unsaid = dict[str, dict[str, list[tuple[bool, str]]]]  # lesson → language → whether it helped, and the remark


def all_remarks() -> Unsaid:
    """Return all remarks, to be taken from there."""
    return {lesson: {language: list(some) for language, some in texts.items()} for lesson, texts in REMARKS.items()}


@dataclass(frozen=True, slots=True)
class Reading:
    """Plans what one reader does with one mail, some time after it arrived. `unsaid`: remarks that nobody made yet."""

    runtime: Runtime
    events: EventQueue
    person: DemoReader
    mail: MailRead
    unsaid: Unsaid

    def plan_lesson(self, published: PublishedCourse) -> None:
        """Plan what becomes of a lesson of a course."""
        with self.runtime.database.read() as session:
            lesson = self.runtime.course_cache.version(session, self.mail.lesson_version_id or 0)
        text = text_for(lesson.texts, self.person.language)
        chance = self._chance()
        bonus = _BETTER_SUBJECT if text.subject in AB_SUBJECTS.values() else 0
        if chance.random() >= self.person.opens + bonus:
            return
        minutes = 5 + chance.expovariate(1 / 100)
        self._at(minutes, self._open)
        if chance.random() < self.person.answers:
            submitted = self._answers(published, text, chance)
            self._at(minutes + chance.uniform(2, 5), lambda: self._answer(submitted))
        if chance.random() < self.person.clicks:
            self._at(minutes + chance.uniform(5, 8), lambda: self._click(0))
        if chance.random() < self.person.writes:
            self._at(minutes + chance.uniform(6, 12), lambda: self._write(lesson))
        if text.retest and chance.random() < _TAKES_TEST_AGAIN:
            self._at(minutes + chance.uniform(12, 20), lambda: self._take_test_again(published))

    def plan_message(self) -> None:
        """Plan what becomes of the message of a broadcast."""
        chance = self._chance()
        if chance.random() < self.person.opens:
            minutes = 5 + chance.expovariate(1 / 200)
            self._at(minutes, self._open)
            if chance.random() < self.person.clicks * 2:
                self._at(minutes + 1, lambda: self._click(0))

    def _chance(self) -> Random:
        return self.person.chance("mail", self.mail.kind, self.mail.campaign_id, self.mail.lesson_id)

    def _at(self, minutes: float, act: Callable[[], None]) -> None:
        self.events.add(self.runtime.clock.now() + timedelta(minutes=minutes), act)

    def _open(self) -> None:
        is_proxied = self.person.chance("proxy").random() < _PROXIED
        self._hit(None, _IMAGE_PROXY if is_proxied else _BROWSER)

    def _click(self, link: int) -> None:
        self._hit(link, _BROWSER)

    def _hit(self, link: int | None, user_agent: str) -> None:
        """Fetch the tracking picture, or follow a link. Nothing is recorded of who did not agree to it."""
        if self.mail.measuring:
            hit = TrackingHit(self.mail.ref, link, "GET", user_agent)
            self.runtime.database.run(record_hits, self.runtime.course_cache, self.runtime.clock, [hit])

    def _answers(self, published: PublishedCourse, text: LessonText, chance: Random) -> list[SubmittedAnswer]:
        knows = self.person.knows + (1 - self.person.knows) * _GOOD_READER
        asked: list[tuple[int, Question]] = list(enumerate(text.quiz))
        recap = self.mail.recap_question
        if recap is not None and (found := find_question(published.course, self.person.language, recap)):
            asked.insert(0, (RECAP_NUMBER, found[1]))
        return [
            SubmittedAnswer(QuestionRef(self.mail.ref, number), _option(question, chance, knows))
            for number, question in asked
        ]

    def _answer(self, submitted: Sequence[SubmittedAnswer]) -> None:
        self.runtime.database.run(record_answers, self.runtime.course_cache, self.runtime.clock, submitted)

    def _write(self, lesson: Lesson) -> None:
        chance = self.person.chance("remark", self.mail.campaign_id, lesson.slug)
        helped, remark = chance.random() < 0.8, ""
        unsaid = self.unsaid.get(lesson.slug, {}).get(self.person.language, [])
        if unsaid and chance.random() < (_SAYS_IN_LIST if self.person.joins_after is None else _SAYS):
            helped, remark = unsaid.pop(0)
        feedback = Feedback(self.mail.lesson_id or 0, self.person.language, helped, remark, self.mail.id)
        with self.runtime.database.write() as session:
            save_feedback(session, self.runtime.clock.now(), feedback)
            count_reading(session, feedback.lesson_id)

    def _take_test_again(self, published: PublishedCourse) -> None:
        test = published.course.tests[self.person.language]
        before, chance = choices(test, self.person.chance("before"), self.person.knows), self.person.chance("after")
        knew = {question.id for question in test.questions if before[question.id] == question.right_option}
        chosen = {
            question.id: _option(question, chance, 1 - _FORGOTTEN if question.id in knew else _LEARNED)
            for question in test.questions
        }
        self.runtime.database.run(
            save_attempt, self.runtime.clock.now(), published.id, test, chosen, self.mail.subscriber_id
        )


def choices(test: KnowledgeTest, chance: Random, knows: float) -> dict[str, int]:
    """Return the options that somebody chooses in a test, who is right about a question with probability `knows`."""
    return {question.id: _option(question, chance, knows) for question in test.questions}


def _option(question: Question, chance: Random, knows: float) -> int:
    right = question.right_option
    wrong = [number for number in range(len(question.options)) if number != right]
    other = chance.choice(wrong)
    return right if chance.random() < knows else other
