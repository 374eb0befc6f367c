"""Exports all data about a person in readable form (GDPR, Art. 15 and 20). Times are in UTC.

`rugcourse.privacy.inventory` lists what an export has to contain. Rows that need no more are made from it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from rugcourse.content import Course, Question
from rugcourse.content.languages import text_for
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import AbTestRow, ConsentRow, ConsentTextRow, DeliveryRow, SubscriberRow
from rugcourse.db.queries import (
    ab_tests,
    address_changes,
    admins,
    campaigns,
    courses,
    deliveries,
    email_events,
    enrolments,
    learning,
    lesson_versions,
    subscribers,
)
from rugcourse.learning.recap import find_question
from rugcourse.links import Signer
from rugcourse.privacy.inventory import names_of
from rugcourse.privacy.privacy_notice import notice, summary
from rugcourse.settings import Settings


@dataclass(frozen=True, slots=True)
class Export:
    """An export: section → records, each a dict of names and values."""

    language: str
    sections: dict[str, list[dict[str, object]]]


def export(
    session: Session,
    course_cache: CourseCache,
    subscriber_id: int,
    signer: Signer | None = None,
    settings: Settings | None = None,
) -> Export | None:
    """Return all data about a person, or None if there is no subscriber with this id.

    `signer`: to look up the person's suppression. `settings`: to add purposes, recipients, retention periods and rights
    (GDPR, Art. 15(1)).
    """
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        return None
    about = {"about_this_copy": _about(settings, person.language)} if settings else {}
    return Export(person.language, about | _Copy(session, course_cache, person, signer).sections())


def _about(settings: Settings, language: str) -> list[dict[str, Any]]:
    first = [{"about": "", "text": [summary(language)]}]
    return first + [{"about": one.title, "text": list(one.lines)} for one in notice(settings, language)]


@dataclass(slots=True)
class _Copy:
    """Builds one export. Rows that many records refer to are read once."""

    session: Session
    course_cache: CourseCache
    person: SubscriberRow
    signer: Signer | None
    known: dict[int, Course] = field(init=False)
    history: Sequence[Any] = field(init=False)
    agreed: Sequence[ConsentRow] = field(init=False)
    shown: dict[str, ConsentTextRow] = field(init=False)

    def __post_init__(self) -> None:
        self.known = {one.id: one.course for one in self.course_cache.courses(self.session)}
        self.history = deliveries.history(self.session, self.person.id)
        self.agreed = subscribers.consents(self.session, self.person.id)
        names = {name for one in self.agreed for name in (one.text_name, one.notice_name) if name}
        self.shown = subscribers.wordings_of(self.session, names)

    def sections(self) -> dict[str, list[dict[str, object]]]:
        return {
            "person": [_record("subscriber", self.person)],
            "addresses_asked_for": [
                _record("address_change", one) for one in address_changes.of_person(self.session, self.person.id)
            ],
            "schedule": _schedule(self.session, self.person.id),
            "consents": self._consents(),
            "privacy_notices": self._notices(),
            "courses": self._courses(),
            "mails": self._mails(),
            "opens_and_clicks": [
                _record("email_event", one) for one in email_events.of_person(self.session, self.person.id)
            ],
            "answers": self._answers(),
            "repetition": self._cards(),
            "tests": self._tests(),
            "remarks": _feedback(self.session, self.person.id),
            "tags": [{"tag": tag} for tag in subscribers.tags_of(self.session, self.person.id)],
            "done_by_us": _changes(self.session, self.person.id),
            "not_written_to": self._suppression(),
        }

    def _consents(self) -> list[dict[str, object]]:
        return [
            {
                "at": _when(one.at),
                "purpose": one.purpose,
                "given": one.granted,
                "where": one.source,
                "course": self._slug(one.course_id) if one.course_id is not None else None,
                "mail": one.delivery_id,
                "wording": one.text_name,
                "text": self.shown[one.text_name].text if one.text_name in self.shown else "",
                "privacy_notice": one.notice_name,
            }
            for one in self.agreed
        ]

    def _notices(self) -> list[dict[str, object]]:
        names = dict.fromkeys(one.notice_name for one in self.agreed)
        return [{"privacy_notice": name, "text": self.shown[name].text} for name in names if name in self.shown]

    def _courses(self) -> list[dict[str, object]]:
        return [
            {
                "course": courses.slug_of_campaign(self.session, one.campaign_id),
                "campaign": self._campaign(one.campaign_id),
                "status": one.status,
                "lessons": one.lessons_planned,
                "started": _when(one.started_at),
                "next_lesson": _when(one.next_due_at),
                "next_lesson_number": one.next_position,
                "last_day": _day(one.last_local_date),
                "quiz_is_open": one.awaits_answer,
                "completed": _when(one.completed_at),
                "left": _when(one.left_at),
            }
            for one in enrolments.of_subscriber(self.session, self.person.id)
        ]

    def _mails(self) -> list[dict[str, object]]:
        lessons = [row.lesson_id for row, _slug in self.history if row.lesson_id is not None]
        compared = ab_tests.of_lessons(self.session, lessons)
        return [self._mail(row, slug, compared) for row, slug in self.history]

    def _mail(self, row: DeliveryRow, slug: str | None, compared: Sequence[AbTestRow]) -> dict[str, object]:
        return {
            "mail": row.id,
            "kind": row.kind,
            "campaign": self._campaign(row.campaign_id),
            "lesson": slug,
            "version": row.lesson_version_id,
            "compared": _half(row, compared),
            "recap_question": self._question_words(row),
            "state": row.state,
            "planned": _when(row.planned_at),
            "day": _day(row.local_date),
            "not_before": _when(row.not_before),
            "send_by": _when(row.send_by),
            "attempts": row.attempts,
            "settled": _when(row.settled_at),
            "language": row.language,
            "message_id": row.message_id,
            "server_said": row.smtp_response,
        }

    def _answers(self) -> list[dict[str, object]]:
        found = []
        for row in learning.answers_of(self.session, self.person.id):
            question = self._question(row.course_id, row.question, row.lesson_version_id, row.delivery_id)
            found.append(
                {
                    "course": self._slug(row.course_id),
                    "mail": row.delivery_id,
                    "version": row.lesson_version_id,
                    "question": question.question if question else row.question,
                    "first_answer": _option(question, row.first_option),
                    "first_right": row.first_correct,
                    "first_at": _when(row.first_at),
                    "last_answer": _option(question, row.last_option),
                    "last_right": row.last_correct,
                    "last_at": _when(row.last_at),
                    "verdict": row.verdict,
                    "left_out": row.is_excluded,
                }
            )
        return found

    def _cards(self) -> list[dict[str, object]]:
        return [
            {
                "course": self._slug(row.course_id),
                "question": row.question,
                "comes_back": _when(row.due_at),
                "missed": row.missed,
                "asked_in_mail": row.last_delivery_id,
                "last_asked": _when(row.reviewed_at),
                "memory": row.state,
            }
            for row in learning.find_cards(self.session, [self.person.id])
        ]

    def _tests(self) -> list[dict[str, Any]]:
        found = []
        for row in learning.attempts_of(self.session, self.person.id):
            course = self.known.get(row.course_id)
            tests = course.tests if course is not None else {}
            test = text_for(tests, self.person.language) if tests else None
            questions = {one.id: one for one in test.questions} if test else {}
            answers = {
                (questions[name].question if name in questions else name): _option(questions.get(name), option)
                for name, option in row.options.items()
            }
            found.append(
                {
                    "course": self._slug(row.course_id),
                    "at": _when(row.at),
                    "stage": row.stage,
                    "right": row.correct,
                    "asked": row.total,
                    "answers": answers,
                }
            )
        return found

    def _suppression(self) -> list[dict[str, object]]:
        if self.signer is None:
            return []
        found = subscribers.find_suppression(self.session, self.signer.digest(self.person.email))
        return [_record("suppression", found)] if found else []

    def _campaign(self, campaign_id: int | None) -> str | None:
        found = campaigns.find(self.session, campaign_id) if campaign_id is not None else None
        return found.name if found else None

    def _slug(self, course_id: int) -> str:
        return self.known[course_id].slug if course_id in self.known else str(course_id)

    def _question_words(self, row: DeliveryRow) -> str | None:
        """Return the recap question of a mail, in the wording of the current course, which is how it was sent."""
        if row.recap_question is None:
            return None
        published = self.course_cache.of_campaign(self.session, row.campaign_id)
        place = find_question(published.course, row.language or "", row.recap_question) if published else None
        return place[1].question if place else row.recap_question

    def _question(self, course_id: int, name: str, version_id: int, delivery_id: int) -> Question | None:
        """Return a question in the wording and language of its mail; a recap question in the current wording."""
        language = next((row.language for row, _slug in self.history if row.id == delivery_id), None)
        if lesson_versions.has_version(self.session, version_id):
            version = self.course_cache.version(self.session, version_id)
            text = text_for(version.texts, language or self.person.language)
            found = next((one for one in text.quiz if one.id == name), None)
            if found is not None:
                return found
        course = self.known.get(course_id)
        place = find_question(course, language or self.person.language, name) if course else None
        return place[1] if place else None


def _record(table: str, row: object) -> dict[str, object]:
    """Return a row with the columns that the inventory says are exported, by their names there."""
    return {name: _plain(getattr(row, column)) for column, name in names_of(table).items()}


def _plain(value: object) -> object:
    return _when(value) if isinstance(value, datetime) else value


def _schedule(session: Session, subscriber_id: int) -> list[dict[str, object]]:
    schedule = subscribers.find_schedule(session, subscriber_id)
    if schedule is None:
        return []
    return [
        {
            "zone": schedule.zone,
            "hour": schedule.hour,
            "weekdays": sorted(day + 1 for day in schedule.weekdays),
            "every_days": schedule.every_days,
            "paused": schedule.paused,
            "paused_until": _when(schedule.paused_until),
        }
    ]


def _feedback(session: Session, subscriber_id: int) -> list[dict[str, object]]:
    rows = learning.feedback_of(session, subscriber_id)
    return [
        {
            "lesson": slug,
            "mail": row.delivery_id,
            "language": row.language,
            "at": _when(row.at),
            "helped": row.helped,
            "remark": row.remark,
        }
        for row, slug in rows
    ]


def _changes(session: Session, subscriber_id: int) -> list[dict[str, object]]:
    """Return actions of admins for a person. Admins are given by role: their identity is not the person's data."""
    return [
        {
            "at": _when(change.at),
            "by": _role(session, change.admin_id),
            "action": change.action,
            "before": change.before,
            "after": change.after,
        }
        for change, _email in admins.changes_of(session, admins.subject_of(subscriber_id))
    ]


def _role(session: Session, admin_id: int | None) -> str:
    admin = admins.find(session, admin_id) if admin_id is not None else None
    return admin.role if admin else "command line"


def _half(row: DeliveryRow, compared: Sequence[AbTestRow]) -> str | None:
    """Return the variant of the A/B test that a mail belonged to, or None."""
    for trial in compared:
        during = trial.started_at <= row.planned_at and (trial.decided_at is None or row.planned_at < trial.decided_at)
        if trial.lesson_id == row.lesson_id and during:
            return {trial.version_a_id: "a", trial.version_b_id: "b"}.get(row.lesson_version_id or 0)
    return None


def _option(question: Question | None, option: int) -> str | int:
    return question.options[option].text if question and option < len(question.options) else option


def _when(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
