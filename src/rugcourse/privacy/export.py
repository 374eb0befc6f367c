"""A copy of everything that is known of a person, in words that they can read. Times are UTC, as they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from rugcourse.content import Course, Question
from rugcourse.enrolment import wordings
from rugcourse.learning.recaps import find_question
from rugcourse.rendering.languages import translations
from rugcourse.store import courses, deliveries, enrolments, events, learning, subscribers
from rugcourse.store.database import Database
from rugcourse.store.library import Library
from rugcourse.store.tables import DeliveryRow, SubscriberRow


@dataclass(frozen=True, slots=True)
class Export:
    """Section → what stands in it: each a list of records, a record a value for each name."""

    language: str
    sections: dict[str, list[dict[str, Any]]]


def export(database: Database, library: Library, subscriber_id: int) -> Export | None:
    """Everything about a person, or None when there is nobody with this id."""
    with database.read() as session:
        person = session.get(SubscriberRow, subscriber_id)
        if person is None:
            return None
        known = {one.id: one.course for one in library.courses(session)}
        return Export(
            person.language,
            {
                "person": [_person(person)],
                "schedule": _schedule(session, person.id),
                "consents": _consents(session, person),
                "courses": _courses(session, person.id),
                "mails": [_mail(row, lesson) for row, lesson in deliveries.history(session, person.id)],
                "opens_and_clicks": _events(session, person.id),
                "answers": _answers(session, person, known),
                "repetition": _cards(session, person.id),
                "tests": _tests(session, person, known),
                "remarks": _feedback(session, person.id),
                "tags": [{"tag": tag} for tag in subscribers.tags_of(session, person.id)],
            },
        )


def _person(person: SubscriberRow) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "status": person.status,
        "measuring": person.measuring,
        "signed_up": _when(person.created_at),
        "confirmed": _when(person.confirmed_at),
        "left": _when(person.left_at),
        "address_changed": _when(person.address_since),
    }


def _schedule(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
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


def _consents(session: Session, person: SubscriberRow) -> list[dict[str, Any]]:
    gettext = translations(person.language).gettext
    return [
        {
            "at": _when(one.at),
            "purpose": one.purpose,
            "given": one.given,
            "where": one.source,
            "wording": one.wording,
            "text": gettext(wordings.text_of(one.wording) or "") if wordings.text_of(one.wording) else "",
        }
        for one in subscribers.consents(session, person.id)
    ]


def _courses(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    return [
        {
            "course": courses.slug_of_campaign(session, one.campaign_id),
            "status": one.status,
            "lessons": one.lessons_planned,
            "started": _when(one.started_at),
            "next_lesson": _when(one.next_due_at),
            "completed": _when(one.completed_at),
        }
        for one in enrolments.of_subscriber(session, subscriber_id)
    ]


def _mail(row: DeliveryRow, lesson: str | None) -> dict[str, Any]:
    return {
        "mail": row.id,
        "kind": row.kind,
        "lesson": lesson,
        "state": row.state,
        "planned": _when(row.planned_at),
        "settled": _when(row.settled_at),
        "language": row.language,
        "message_id": row.message_id,
        "server_said": row.reply,
    }


def _events(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    rows = events.of_person(session, subscriber_id)
    return [
        {"mail": row.delivery_id, "at": _when(row.at), "kind": row.kind, "link": row.link, "verdict": row.verdict}
        for row in rows
    ]


def _answers(session: Session, person: SubscriberRow, known: dict[int, Course]) -> list[dict[str, Any]]:
    found = []
    for row in learning.answers_of(session, person.id):
        course = known.get(row.course_id)
        place = find_question(course, _language(person, course), row.question) if course is not None else None
        question = place[1] if place else None
        found.append(
            {
                "mail": row.delivery_id,
                "question": question.question if question else row.question,
                "first_answer": _option(question, row.first_option),
                "first_right": row.first_right,
                "first_at": _when(row.first_at),
                "last_answer": _option(question, row.last_option),
                "last_right": row.last_right,
                "last_at": _when(row.last_at),
                "verdict": row.verdict,
            }
        )
    return found


def _cards(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    rows = learning.find_cards(session, [subscriber_id])
    return [
        {"question": row.question, "comes_back": _when(row.due_at), "missed": row.missed, "memory": row.state}
        for row in rows
    ]


def _tests(session: Session, person: SubscriberRow, known: dict[int, Course]) -> list[dict[str, Any]]:
    found = []
    for row in learning.attempts_of(session, person.id):
        course = known.get(row.course_id)
        test = course.tests[_language(person, course)] if course is not None else None
        questions = {one.id: one for one in test.questions} if test else {}
        answers = {
            (questions[name].question if name in questions else name): _option(questions.get(name), option)
            for name, option in row.options.items()
        }
        found.append(
            {"at": _when(row.at), "stage": row.stage, "right": row.right, "asked": row.asked, "answers": answers}
        )
    return found


def _feedback(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    rows = learning.feedback_of(session, subscriber_id)
    return [{"lesson": slug, "at": _when(row.at), "helped": row.helped, "remark": row.remark} for row, slug in rows]


def _language(person: SubscriberRow, course: Course) -> str:
    return person.language if person.language in course.languages else course.languages[0]


def _option(question: Question | None, option: int) -> str | int:
    return question.options[option].text if question and option < len(question.options) else option


def _when(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None
