"""Records readers' answers to the questions in their mails, many at once (see `rugcourse.db.group_commit`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.content import Lesson, Question
from rugcourse.content.languages import text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryKind, EventKind, SubscriberStatus, Verdict, WebhookEvent
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import arrivals, deliveries, email_events, learning, subscribers, webhook_events
from rugcourse.db.queries.email_events import AnswersInMail, Event, MailRead
from rugcourse.db.queries.learning import Answer, CardOfReader
from rugcourse.learning.next_lesson import ReaderOfCampaign, hold_next_lessons, release_next_lessons
from rugcourse.learning.recap import RECAP_NUMBER, find_question
from rugcourse.learning.spaced_repetition import CardState, review
from rugcourse.links import MailRef

# Five answers within two seconds are a machine's: nobody reads that fast.
_BURST_SECONDS = 2.0
_BURST_PRESSES = 5


class QuestionRef(NamedTuple):
    """A question as a link identifies it: the mail, and its position there (`RECAP_NUMBER` for the recap)."""

    mail: MailRef
    number: int


class SubmittedAnswer(NamedTuple):
    """An answer that a reader submitted. `option`: the index of the chosen option."""

    asked: QuestionRef
    option: int


@dataclass(frozen=True, slots=True)
class QuestionInMail:
    """A question as one mail asked it. `given`: the option that its reader chose before, if any.

    `is_own`: False if the link is old or its reader has left; then it shows nothing of the reader and saves nothing.
    """

    mail: MailRead
    published: PublishedCourse
    lesson: Lesson
    question: Question
    number: int
    language: str
    given: int | None
    is_own: bool

    @property
    def person(self) -> AnsweringReader:
        return AnsweringReader(self.mail.subscriber_id, self.published.id)


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """The result of an answer. `option` is the one now stored; `kept` is False if it came after the next lesson.

    `counted` is False for a machine's. `answered` and `answered_right` count the reader's answers in the course.
    `next_lesson_at`: when the next lesson comes, in the reader's time zone, if it waited for this answer.
    """

    option: int
    right: bool
    kept: bool
    counted: bool
    answered: int
    answered_right: int
    next_lesson_at: datetime | None = None


class RecordedAnswer(NamedTuple):
    """An answer to an existing question. `answered` is None if the question does not have the chosen option."""

    asking: QuestionInMail
    answered: AnswerResult | None


class AnsweringReader(NamedTuple):
    """A reader in a course."""

    subscriber_id: int
    course_id: int


def find_questions(
    session: Session, course_cache: CourseCache, clock: Clock, wanted: Sequence[QuestionRef]
) -> list[QuestionInMail | None]:
    """Return the questions behind answer links, as they were sent; None for those that no longer exist."""
    now = clock.now()
    mails = email_events.find_mails(session, {one.mail for one in wanted})
    given = _given(session, {mail.subscriber_id for mail in mails.values()})
    courses = {
        campaign_id: course_cache.of_campaign(session, campaign_id)
        for campaign_id in {mail.campaign_id for mail in mails.values()}
    }
    found: list[QuestionInMail | None] = []
    for one in wanted:
        mail = mails.get(one.mail)
        published = courses[mail.campaign_id] if mail is not None else None
        if mail is None or published is None:
            found.append(None)
        else:
            found.append(_question(session, course_cache, mail, published, one.number, given, now))
    return found


def record_answers(
    session: Session, course_cache: CourseCache, clock: Clock, presses: Sequence[SubmittedAnswer]
) -> list[RecordedAnswer | None]:
    """Save answers and return the result of each; None if the link leads to no question.

    The first and the last answer are stored; readers can change an answer until the next lesson has gone out. Spaced
    repetition only learns from the first answer in each mail: after it, the reader has seen the explanation.
    """
    now = clock.now()
    found = [
        RecordedAnswer(asking, None) if asking else None
        for asking in find_questions(session, course_cache, clock, [press.asked for press in presses])
    ]
    pressed = [
        (number, one.asking, press.option)
        for number, (one, press) in enumerate(zip(found, presses, strict=True))
        if one is not None and press.option in range(len(one.asking.question.options))
    ]
    for number, asking, option in pressed:
        if not asking.is_own:  # the link only shows which option is right
            found[number] = RecordedAnswer(asking, _shown_only(asking, option))
    pressed = [one for one in pressed if one[1].is_own]
    if not pressed:
        return found
    people = {asking.mail.subscriber_id for _, asking, _ in pressed}
    subscribers.lock(session, people)
    email_events.add_events(
        session,
        [Event(asking.mail.id, EventKind.ANSWER, Verdict.HUMAN, now, option) for _, asking, option in pressed],
    )
    book = _AnswerSheet.of(session, people, now)
    kept = [book.enter(asking, option) for _, asking, option in pressed]
    book.save(session)
    since = now - clock.span(_BURST_SECONDS)
    lately = email_events.answers_since(session, people, since)
    machines = _mark_automatic(session, lately, since, now)
    if machines:
        book = _AnswerSheet.of(session, people, now)
    used = {asking.mail.id for _, asking, _ in pressed if asking.mail.subscriber_id not in machines}
    _confirm_arrivals(session, used, lately, now)
    by_machine = _waiting(one for _, one, _ in pressed if one.mail.subscriber_id in machines)
    hold_next_lessons(session, by_machine - book.believed_mails, now)
    counting = _counting(pressed, kept, used)
    webhook_events.note(session, WebhookEvent.ANSWERED, now, (_event_data(*one) for one in counting))
    due = release_next_lessons(session, _waiting(one for one, _ in counting), now)
    for (number, asking, option), was_kept in zip(pressed, kept, strict=True):
        counted = asking.mail.subscriber_id not in machines
        result = book.look_up(asking, option, kept=was_kept, counted=counted)
        found[number] = RecordedAnswer(asking, replace(result, next_lesson_at=due.get(_reader_of(asking))))
    return found


def _counting(
    pressed: Sequence[tuple[int, QuestionInMail, int]], kept: Sequence[bool], used: Container[int]
) -> list[tuple[QuestionInMail, int]]:
    """Return the answers that were entered and are a human's, each with its option."""
    answered = zip(pressed, kept, strict=True)
    return [(one, option) for (_, one, option), was_kept in answered if was_kept and one.mail.id in used]


def _event_data(asking: QuestionInMail, option: int) -> tuple[int, dict[str, object]]:
    """Return what other systems are told about an answer, and whose it is."""
    answer: dict[str, object] = {
        "delivery_id": asking.mail.id,
        "course": asking.published.course.slug,
        "lesson": asking.lesson.slug,
        "question": asking.question.id,
        "correct": option == asking.question.right_option,
    }
    return asking.mail.subscriber_id, answer


def _shown_only(asking: QuestionInMail, option: int) -> AnswerResult:
    right = option == asking.question.right_option
    return AnswerResult(option, right, kept=True, counted=False, answered=0, answered_right=0)


def _confirm_arrivals(session: Session, used: Container[int], lately: Sequence[AnswersInMail], now: datetime) -> None:
    """Answers to a mail prove that it arrived, where the server did not say so."""
    for delivery_id in sorted(one.delivery_id for one in lately if arrivals.is_unknown(one.state)):
        if delivery_id in used:
            arrivals.confirm_by_activity(session, delivery_id, now)


def _reader_of(asking: QuestionInMail) -> ReaderOfCampaign:
    return ReaderOfCampaign(asking.mail.campaign_id or 0, asking.mail.subscriber_id)


def _waiting(answered: Iterable[QuestionInMail]) -> set[int]:
    """Return the mails that were answered in courses whose next lesson waits for that.

    Not those of which the question that comes back was answered: it is not the quiz of the lesson.
    """
    return {
        one.mail.id for one in answered if one.published.course.cadence.waits_for_answer and one.number != RECAP_NUMBER
    }


def _given(session: Session, people: set[int]) -> dict[tuple[AnsweringReader, str], int]:
    """Return (person, question) → the stored option, without answers by machines."""
    return {
        (AnsweringReader(one.subscriber_id, one.course_id), one.question): one.last_option
        for one in learning.find_answers(session, people)
        if one.verdict != Verdict.MACHINE
    }


def _question(
    session: Session,
    course_cache: CourseCache,
    mail: MailRead,
    published: PublishedCourse,
    number: int,
    given: dict[tuple[AnsweringReader, str], int],
    now: datetime,
) -> QuestionInMail | None:
    if mail.kind != DeliveryKind.LESSON or mail.lesson_version_id is None:
        return None
    if mail.subscriber_status == SubscriberStatus.SUPPRESSED:
        return None
    lesson = course_cache.version(session, mail.lesson_version_id)
    language = mail.language or mail.subscriber_language
    if number == RECAP_NUMBER and mail.recap_question is not None:
        recap = find_question(published.course, language, mail.recap_question)
        if recap is None:
            return None
        lesson, question = recap
    elif number < len(quiz := text_for(lesson.texts, language).quiz):
        question = quiz[number]
    else:
        return None
    is_own = mail.subscriber_status == SubscriberStatus.ACTIVE and not mail.link_is_old(now)
    before = given.get((AnsweringReader(mail.subscriber_id, published.id), question.id)) if is_own else None
    return QuestionInMail(mail, published, lesson, question, number, language, before, is_own)


def _mark_automatic(session: Session, lately: Sequence[AnswersInMail], since: datetime, now: datetime) -> set[int]:
    """Mark answers that came too fast as a machine's, and return the subscribers concerned.

    These answers do not count, and do not prove that the mail arrived.
    """
    answers: Counter[int] = Counter()
    for one in lately:
        answers[one.subscriber_id] += one.answers
    machines = {person for person, count in answers.items() if count >= _BURST_PRESSES}
    for person in machines:
        learning.mark_automatic(session, person, since)
    if machines:
        used = [one.delivery_id for one in lately if one.answers and one.subscriber_id in machines]
        email_events.classify_since(session, used, EventKind.ANSWER, since, Verdict.MACHINE)
        arrivals.revoke_activity(session, used, since, now)
    return machines


@dataclass(slots=True)
class _AnswerSheet:
    """The stored answers and review cards of some readers, and those to be saved."""

    now: datetime
    answers: dict[AnsweringReader, dict[str, Answer]]
    cards: dict[tuple[AnsweringReader, str], CardOfReader]
    latest: dict[tuple[int, int], int]
    new_answers: dict[tuple[AnsweringReader, str], Answer] = field(default_factory=dict)
    new_cards: dict[tuple[AnsweringReader, str], CardOfReader] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, people: set[int], now: datetime) -> _AnswerSheet:
        answers: dict[AnsweringReader, dict[str, Answer]] = defaultdict(dict)
        for one in learning.find_answers(session, people):
            answers[AnsweringReader(one.subscriber_id, one.course_id)][one.question] = one
        cards = {
            (AnsweringReader(one.subscriber_id, one.course_id), one.question): one
            for one in learning.find_cards(session, people)
        }
        return cls(now, answers, cards, deliveries.latest_lessons(session, people))

    def enter(self, asking: QuestionInMail, option: int) -> bool:
        """Enter an answer unless the next lesson has gone out; returns whether it was entered."""
        before = self.answers[asking.person].get(asking.question.id)
        believed = before if before is not None and before.verdict != Verdict.MACHINE else None
        if believed is not None and self.latest.get(asking.person, 0) > asking.mail.id:
            return False
        answer = self._answer(asking, believed, option)
        self.answers[asking.person][asking.question.id] = answer
        self.new_answers[asking.person, asking.question.id] = answer
        self._remember(asking, option)
        return True

    @property
    def believed_mails(self) -> set[int]:
        """The mails with an answer that no machine gave."""
        return {
            one.delivery_id for mine in self.answers.values() for one in mine.values() if one.verdict != Verdict.MACHINE
        }

    def save(self, session: Session) -> None:
        learning.save_answers(session, self.new_answers.values())
        learning.save_cards(session, self.new_cards.values())

    def look_up(self, asking: QuestionInMail, option: int, *, kept: bool, counted: bool) -> AnswerResult:
        """Return the result that a reader sees after choosing `option`."""
        mine = self.answers[asking.person]
        stands = mine[asking.question.id].last_option if asking.question.id in mine else option
        believed = [one for one in mine.values() if one.verdict != Verdict.MACHINE]
        right = stands == asking.question.right_option
        return AnswerResult(stands, right, kept, counted, len(believed), sum(one.last_correct for one in believed))

    def _answer(self, asking: QuestionInMail, before: Answer | None, option: int) -> Answer:
        right = option == asking.question.right_option
        if before is not None:
            at = max(self.now, before.first_at)  # the clock of another process may be a moment ahead
            return before._replace(last_option=option, last_correct=right, last_at=at)
        return Answer(
            *asking.person,
            question=asking.question.id,
            delivery_id=asking.mail.id,
            lesson_version_id=asking.mail.lesson_version_id or 0,
            first_option=option,
            first_correct=right,
            first_at=self.now,
            last_option=option,
            last_correct=right,
            last_at=self.now,
            verdict=Verdict.HUMAN,
            is_excluded=asking.mail.left_out,
        )

    def _remember(self, asking: QuestionInMail, option: int) -> None:
        key = (asking.person, asking.question.id)
        card = self.cards.get(key)
        if card is not None and card.last_delivery_id == asking.mail.id:
            return
        right = option == asking.question.right_option
        state = review(CardState(card.due_at, card.state) if card else None, right=right, now=self.now)
        self.cards[key] = self.new_cards[key] = CardOfReader(
            *asking.person,
            question=asking.question.id,
            due_at=state.due_at,
            missed=not right,
            last_delivery_id=asking.mail.id,
            reviewed_at=self.now,
            state=state.memory,
        )
