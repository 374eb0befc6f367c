"""The timeline of one subscriber: their actions, their mails, and actions of admins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import EventKind, SubscriberRow
from rugcourse.db.queries import admins, deliveries, email_events, learning, subscribers


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry. `at`: UTC; `what`: a key that the page translates; `about`, `detail`: data."""

    at: datetime
    what: str
    about: str = ""
    detail: str = ""


def timeline(session: Session, subscriber_id: int) -> list[Moment]:
    """Return the entries of a subscriber, newest first; empty if there is no such subscriber."""
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        return []
    return sorted(_moments(session, person), key=lambda one: one.at, reverse=True)


def _moments(session: Session, person: SubscriberRow) -> Iterator[Moment]:
    yield Moment(person.created_at, "signed up")
    for consent in subscribers.consents(session, person.id):
        yield Moment(consent.at, "consent" if consent.granted else "no consent", consent.purpose, consent.source)
    for mail, lesson in deliveries.history(session, person.id):
        yield Moment(
            mail.settled_at or mail.planned_at,
            f"mail {mail.state}",
            lesson or mail.kind,
            f"{mail.id}: {mail.smtp_response or '-'}",
        )
    for event in email_events.of_person(session, person.id):
        if event.kind != EventKind.ANSWER:
            yield Moment(event.at, event.kind, f"mail {event.delivery_id}", event.verdict)
    for answer in learning.answers_of(session, person.id):
        yield Moment(answer.last_at, "answered", answer.question, "right" if answer.last_correct else "wrong")
    for attempt in learning.attempts_of(session, person.id):
        yield Moment(attempt.at, "test", attempt.stage, f"{attempt.correct}/{attempt.total}")
    for remark, lesson in learning.feedback_of(session, person.id):
        yield Moment(remark.at, "remark", lesson, f"{'yes' if remark.helped else 'no'} {remark.remark}".strip())
    for change, who in admins.changes_of(session, admins.subject_of(person.id)):
        yield Moment(change.at, change.action, who or "command line", str((change.after or {}).get("reason", "")))
