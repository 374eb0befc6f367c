"""The timeline of one subscriber: their actions, their mails, and actions of admins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content.languages import text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import EmailEventRow, EventKind, SubscriberRow, Verdict
from rugcourse.db.queries import admins, campaigns, deliveries, email_events, learning, subscribers


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry, of which a page makes a sentence. `at`: UTC; `what`: the key of the sentence.

    `about`: what it is about, in words where there are some; `mail`: the kind of the mail that `about` belongs to;
    `said`: words of a person: a remark, or a reason. `technical`: key → value, for those who look for a fault.
    """

    at: datetime
    what: str
    about: str = ""
    mail: str = ""
    said: str = ""
    technical: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """What lessons and questions are called: by the id of a lesson, and by the id of a course and of its question."""

    lessons: Mapping[int, str]
    questions: Mapping[tuple[int, str], str]


def timeline(session: Session, course_cache: CourseCache, subscriber_id: int, language: str) -> list[Moment]:
    """Return the entries of a subscriber, newest first, with titles in `language` where they exist.

    It is empty if there is no such subscriber.
    """
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        return []
    names = _names(session, course_cache, language)
    found = [*_of_person(session, person, names), *_of_mails(session, person.id, names)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _names(session: Session, course_cache: CourseCache, language: str) -> _Names:
    lessons, questions = {}, {}
    for published in course_cache.courses(session):
        for lesson in published.course.lessons:
            text = text_for(lesson.texts, language)
            lessons[published.lesson_ids[lesson.slug]] = text.title
            questions.update({(published.id, one.id): one.question for one in text.quiz})
    return _Names(lessons, questions)


def _of_person(session: Session, person: SubscriberRow, names: _Names) -> Iterator[Moment]:
    yield Moment(person.created_at, "signed up")
    for consent in subscribers.consents(session, person.id):
        proof = {"source": consent.source, "wording": consent.text_name, "notice": consent.notice_name}
        what = "consent" if consent.granted else "no consent"
        yield Moment(consent.at, what, consent.purpose, technical={**proof, "mail": consent.delivery_id})
    for answer in learning.answers_of(session, person.id):
        about = names.questions.get((answer.course_id, answer.question), answer.question)
        what = "answered right" if answer.last_correct else "answered wrong"
        technical = {"question": answer.question, "mail": answer.delivery_id}
        yield Moment(answer.last_at, what, about, technical=technical)
    for attempt in learning.attempts_of(session, person.id):
        yield Moment(attempt.at, f"test {attempt.stage}", f"{attempt.correct}/{attempt.total}")
    for remark, slug in learning.feedback_of(session, person.id):
        what = "helped" if remark.helped else "did not help"
        yield Moment(remark.at, what, names.lessons.get(remark.lesson_id, slug), said=remark.remark)
    for change, who in admins.changes_of(session, admins.subject_of(person.id)):
        yield Moment(change.at, change.action, who or "", said=str((change.after or {}).get("reason", "")))


def _of_mails(session: Session, subscriber_id: int, names: _Names) -> Iterator[Moment]:
    mails: dict[int, tuple[str, str]] = {}
    for mail, slug in deliveries.history(session, subscriber_id):
        title = names.lessons.get(mail.lesson_id, slug or "")
        if mail.lesson_id is not None and mail.lesson_id not in names.lessons and mail.campaign_id is not None:
            campaign = campaigns.find(session, mail.campaign_id)
            title = campaign.name if campaign is not None and not campaign.sends_course else title
        mails[mail.id] = (title, mail.kind)
        technical = {"mail": mail.id, "server": mail.smtp_response, "message_id": mail.message_id}
        at = mail.settled_at or mail.planned_at
        yield Moment(at, f"mail {mail.state}", title, mail.kind, technical=technical)
    for event in email_events.of_person(session, subscriber_id):
        if event.kind != EventKind.ANSWER:
            yield _event(event, *mails.get(event.delivery_id, ("", "")))


def _event(event: EmailEventRow, title: str, kind: str) -> Moment:
    by_machine = event.verdict == Verdict.MACHINE and event.kind in {EventKind.OPEN, EventKind.CLICK}
    what = f"{event.kind} by a machine" if by_machine else event.kind
    return Moment(event.at, what, title, kind, technical={"mail": event.delivery_id, "verdict": event.verdict})
