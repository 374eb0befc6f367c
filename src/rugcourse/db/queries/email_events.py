"""Queries for email events. Most functions handle many mails at once, see `db.group_commit`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    Executable,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import dialect_of, insert_into, is_among, run, run_many
from rugcourse.db.models import DeliveryRow, EmailEventRow, EventKind, SubscriberRow, Verdict
from rugcourse.links import MailRef, is_old

_ADDING: Insert = insert(EmailEventRow.__table__)  # type: ignore[arg-type]


class MailRead(NamedTuple):
    """A mail that a reader interacts with, as it was sent, and its subscriber. `language` is the mail's."""

    id: int
    kind: str
    state: str
    campaign_id: int | None
    lesson_id: int | None
    lesson_version_id: int | None
    language: str | None
    recap_question: str | None
    planned_at: datetime
    subscriber_id: int
    subscriber_status: str
    subscriber_language: str
    measuring: bool
    left_out: bool
    links_closed_at: datetime | None
    stamp: int

    def link_is_old(self, now: datetime) -> bool:
        """Whether the links of the mail are too old to open anything of its reader."""
        return is_old(self.planned_at, self.links_closed_at, now)

    @property
    def ref(self) -> MailRef:
        """The reference that links to the mail contain."""
        return MailRef(self.id, self.stamp)


class Event(NamedTuple):
    """An email event to store."""

    delivery_id: int
    kind: EventKind
    verdict: Verdict
    at: datetime
    link: int | None = None


def find_mails(session: Session, links: Collection[MailRef]) -> dict[MailRef, MailRead]:
    """Return the mails that links refer to, if they exist and still belong to the person they were sent to."""
    rows = run(session, _mails(dialect_of(session)), {"ids": {one.delivery_id for one in links}})
    mails = (MailRead(*row) for row in rows)
    return {mail.ref: mail for mail in mails}


def add_events(session: Session, events: Sequence[Event]) -> None:
    """Save events. If two are the first of their kind at the same instant, only one counts as first (PostgreSQL)."""
    if not events:
        return
    known = {
        tuple(row) for row in run(session, _kinds(dialect_of(session)), {"ids": {one.delivery_id for one in events}})
    }
    rows = []
    for event in events:
        kind = (event.delivery_id, event.kind, event.verdict)
        rows.append({**event._asdict(), "is_first": kind not in known})
        known.add(kind)
    later = [row for row in rows if not row["is_first"]]
    firsts = [row for row in rows if row["is_first"]]
    if firsts:
        added = {tuple(row) for row in run_many(session, _adding_first(dialect_of(session)), firsts)}
        missing = [one for one in firsts if (one["delivery_id"], one["kind"], one["verdict"]) not in added]
        later += [{**one, "is_first": False} for one in missing]
    if later:
        session.connection().execute(_ADDING, later)


class Clicked(NamedTuple):
    """A mail, its state, and how many different links of it were fetched recently."""

    delivery_id: int
    state: str
    links: int


class AnswersInMail(NamedTuple):
    """A mail, its state, and how often questions in it were answered recently."""

    delivery_id: int
    state: str
    subscriber_id: int
    answers: int


def clicks_since(session: Session, delivery_ids: Collection[int], since: datetime) -> list[Clicked]:
    """Return these mails with their state and the number of links fetched since an instant."""
    rows = run(session, _clicks_since(dialect_of(session)), {"ids": delivery_ids, "since": since})
    return [Clicked(*row) for row in rows]


def classify_since(
    session: Session, delivery_ids: Collection[int], kind: EventKind, since: datetime, verdict: Verdict
) -> None:
    """Change the verdict of events of a kind since an instant. Only one event per mail remains the first."""
    if delivery_ids:
        parameters = {"ids": delivery_ids, "of_kind": kind, "since": since, "judged": verdict}
        run(session, _classifying(dialect_of(session)), parameters)


def answers_since(session: Session, subscriber_ids: Collection[int], since: datetime) -> list[AnswersInMail]:
    """Return the mails to these people with their state and the number of answers since an instant."""
    rows = run(session, _answers_since(dialect_of(session)), {"ids": subscriber_ids, "since": since})
    return [AnswersInMail(*row) for row in rows]


def of_delivery(session: Session, delivery_id: int) -> Sequence[EmailEventRow]:
    return session.scalars(
        select(EmailEventRow).where(EmailEventRow.delivery_id == delivery_id).order_by(EmailEventRow.id)
    ).all()


def of_person(session: Session, subscriber_id: int) -> Sequence[EmailEventRow]:
    return session.scalars(
        select(EmailEventRow)
        .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(EmailEventRow.id)
    ).all()


@cache
def _mails(dialect: str) -> Select[*tuple[object, ...]]:
    return (
        select(
            DeliveryRow.id,
            DeliveryRow.kind,
            DeliveryRow.state,
            DeliveryRow.campaign_id,
            DeliveryRow.lesson_id,
            DeliveryRow.lesson_version_id,
            DeliveryRow.language,
            DeliveryRow.recap_question,
            DeliveryRow.planned_at,
            SubscriberRow.id,
            SubscriberRow.status,
            SubscriberRow.language,
            SubscriberRow.tracking_consent,
            SubscriberRow.statistics_objected_at.is_not(None),
            SubscriberRow.links_revoked_at,
            SubscriberRow.security_stamp,
        )
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(is_among(DeliveryRow.id, dialect))
    )


@cache
def _kinds(dialect: str) -> Select[int, str, str]:
    return select(EmailEventRow.delivery_id, EmailEventRow.kind, EmailEventRow.verdict).where(
        is_among(EmailEventRow.delivery_id, dialect)
    )


@cache
def _clicks_since(dialect: str) -> Select[*tuple[object, ...]]:
    links = (
        select(func.count(EmailEventRow.link.distinct()))
        .where(
            EmailEventRow.delivery_id == DeliveryRow.id,
            EmailEventRow.kind == EventKind.CLICK,
            EmailEventRow.at >= bindparam("since"),
        )
        .correlate(DeliveryRow)
        .scalar_subquery()
    )
    return select(DeliveryRow.id, DeliveryRow.state, links).where(is_among(DeliveryRow.id, dialect))


@cache
def _adding_first(dialect: str) -> Executable:
    statement = insert_into(EmailEventRow, dialect).on_conflict_do_nothing(
        index_elements=["delivery_id", "kind", "verdict"], index_where=text("is_first")
    )
    return statement.returning(EmailEventRow.delivery_id, EmailEventRow.kind, EmailEventRow.verdict)


@cache
def _classifying(dialect: str) -> Update:
    since: BindParameter[datetime] = bindparam("since")
    kind: BindParameter[str] = bindparam("of_kind")
    judged: BindParameter[str] = bindparam("judged")
    other = aliased(EmailEventRow)
    # Another event is the first with this verdict: it already had it, or is reclassified now and came earlier.
    is_later = (
        exists()
        .where(
            other.delivery_id == EmailEventRow.delivery_id,
            other.kind == EmailEventRow.kind,
            other.is_first,
            other.id != EmailEventRow.id,
            or_(other.verdict == judged, and_(other.at >= since, other.id < EmailEventRow.id)),
        )
        .correlate(EmailEventRow)
    )
    return (
        update(EmailEventRow)
        .where(
            is_among(EmailEventRow.delivery_id, dialect),
            EmailEventRow.kind == kind,
            EmailEventRow.at >= since,
            EmailEventRow.verdict != judged,
        )
        .values(verdict=judged, is_first=and_(EmailEventRow.is_first, ~is_later))
    )


@cache
def _answers_since(dialect: str) -> Select[*tuple[object, ...]]:
    # Counted mail by mail, as a look-up in an index: in a join, PostgreSQL would read all events.
    answers = (
        select(func.count())
        .where(
            EmailEventRow.delivery_id == DeliveryRow.id,
            EmailEventRow.kind == EventKind.ANSWER,
            EmailEventRow.at >= bindparam("since"),
        )
        .correlate(DeliveryRow)
        .scalar_subquery()
    )
    return select(DeliveryRow.id, DeliveryRow.state, DeliveryRow.subscriber_id, answers).where(
        is_among(DeliveryRow.subscriber_id, dialect)
    )
