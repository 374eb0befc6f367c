"""Queries for subscribers, their schedules, tags, consents and suppressions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, delete, false, func, literal_column, select
from sqlalchemy.orm import Session

from rugcourse.db import withdrawal_log
from rugcourse.db.bulk import dialect_of, is_among, run, upsert
from rugcourse.db.models import (
    ADMIN,
    BOUNCE,
    COMPLAINT,
    ERASED,
    OWNER,
    ConsentRow,
    ConsentTextRow,
    DeliveryRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
    SuppressionRow,
    TagRow,
)
from rugcourse.links import MailRef
from rugcourse.scheduling import EVERY_DAY, Schedule

_SQLITE = "sqlite"
# The condition of the partial index of rare statuses. A query must state it for the index to be used.
NOT_ACTIVE = SubscriberRow.status != literal_column("'active'")

REASONS = frozenset({ADMIN, BOUNCE, COMPLAINT, ERASED, OWNER})  # that mean something here; any other is for people
# How a person is locked (PostgreSQL: FOR NO KEY UPDATE): whoever writes a row that names them need not wait.
LOCK: dict[str, bool] = {"key_share": True}
SCHEDULE_COLUMNS = (
    ScheduleRow.zone,
    ScheduleRow.hour,
    ScheduleRow.weekdays,
    ScheduleRow.paused,
    ScheduleRow.paused_until,
    ScheduleRow.every_days,
)
_DAYS = [frozenset(day for day in EVERY_DAY if bits >> day & 1) for bits in range(1 << len(EVERY_DAY))]


def weekday_bits(weekdays: frozenset[int]) -> int:
    """Return weekdays as they are stored: bit 0 is Monday."""
    return sum(1 << day for day in weekdays)


def by_email(session: Session, email: str, *, lock: bool = False) -> SubscriberRow | None:
    query = select(SubscriberRow).where(SubscriberRow.email == email)
    return session.scalar(query.with_for_update(key_share=True) if lock else query)


def by_delivery(session: Session, delivery_id: int, *, lock: bool = False) -> tuple[SubscriberRow, DeliveryRow] | None:
    """Return the subscriber of a delivery.

    `lock`: other changes to this person wait until the transaction ends (such as when a button is pressed twice).
    """
    query = (
        select(SubscriberRow, DeliveryRow)
        .join(DeliveryRow, DeliveryRow.subscriber_id == SubscriberRow.id)
        .where(DeliveryRow.id == delivery_id)
    )
    row = session.execute(query.with_for_update(of=SubscriberRow, key_share=True) if lock else query).one_or_none()
    return (row[0], row[1]) if row else None


def by_link(session: Session, mail: MailRef, *, lock: bool = False) -> tuple[SubscriberRow, DeliveryRow] | None:
    """Return the subscriber of a link; None if the link is outdated, or of somebody who had the id before."""
    found = by_delivery(session, mail.delivery_id, lock=lock)
    return found if found is not None and found[0].security_stamp == mail.stamp else None


def ref_of(person: SubscriberRow, delivery_id: int) -> MailRef:
    """Return the reference that links to a mail of a person contain."""
    return MailRef(delivery_id, person.security_stamp)


def lock_of_mail(session: Session, delivery_id: int) -> None:
    """Lock the subscriber of a delivery."""
    theirs = select(DeliveryRow.subscriber_id).where(DeliveryRow.id == delivery_id).scalar_subquery()
    session.execute(select(SubscriberRow.id).where(SubscriberRow.id == theirs).with_for_update(key_share=True))


def lock(session: Session, subscriber_ids: Collection[int]) -> None:
    """Lock these people until the transaction ends; by id, against deadlocks."""
    dialect = dialect_of(session)
    if dialect != _SQLITE:  # which has one writer at a time
        run(session, _locking(dialect), {"ids": subscriber_ids})


def add_pending(session: Session, email: str, language: str, now: datetime) -> SubscriberRow:
    """Return the subscriber with this address, and create it if needed. Safe if two sign up at the same moment."""
    session.execute(
        upsert(session, SubscriberRow)
        .values(
            email=email,
            name="",
            language=language,
            status=SubscriberStatus.PENDING,
            tracking_consent=False,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return session.scalars(
        select(SubscriberRow)
        .where(SubscriberRow.email == email)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def lock_to_remind(session: Session, now: datetime, limit: int) -> Sequence[SubscriberRow]:
    """Lock and return up to `limit` people who are due for a look whether they confirmed. Skips locked ones."""
    return session.scalars(
        select(SubscriberRow)
        .where(SubscriberRow.remind_at <= now)
        .order_by(SubscriberRow.remind_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def everyone(session: Session, limit: int, offset: int = 0) -> Sequence[SubscriberRow]:
    return session.scalars(select(SubscriberRow).order_by(SubscriberRow.id).limit(limit).offset(offset)).all()


def load_schedule(session: Session, subscriber_id: int) -> Schedule:
    return schedule_of(*session.execute(_schedule(subscriber_id)).one())


def find_schedule(session: Session, subscriber_id: int) -> Schedule | None:
    row = session.execute(_schedule(subscriber_id)).one_or_none()
    return schedule_of(*row) if row else None


@lru_cache(maxsize=4096)  # many readers share a schedule
def schedule_of(
    zone: str, hour: int, weekdays: int, paused: bool, paused_until: datetime | None, every_days: int
) -> Schedule:
    """Create a schedule from the values of `SCHEDULE_COLUMNS`."""
    return Schedule(zone, hour, _DAYS[weekdays], paused, paused_until, every_days)


def save_schedule(session: Session, subscriber_id: int, schedule: Schedule) -> None:
    values = {
        "zone": schedule.zone,
        "hour": schedule.hour,
        "weekdays": weekday_bits(schedule.weekdays),
        "paused": schedule.paused,
        "paused_until": schedule.paused_until,
        "every_days": schedule.every_days,
    }
    session.execute(
        upsert(session, ScheduleRow)
        .values(subscriber_id=subscriber_id, **values)
        .on_conflict_do_update(index_elements=["subscriber_id"], set_=values)
    )
    session.expire_all()


@cache
def _locking(dialect: str) -> Select[int]:
    return (
        select(SubscriberRow.id)
        .where(is_among(SubscriberRow.id, dialect))
        .order_by(SubscriberRow.id)
        .with_for_update(key_share=True)
    )


def _schedule(subscriber_id: int) -> Select[str, int, int, bool, datetime | None, int]:
    return select(*SCHEDULE_COLUMNS).where(ScheduleRow.subscriber_id == subscriber_id)


def tags_of(session: Session, subscriber_id: int) -> Sequence[str]:
    return session.scalars(select(TagRow.tag).where(TagRow.subscriber_id == subscriber_id).order_by(TagRow.tag)).all()


def add_tags(session: Session, subscriber_ids: Collection[int], tag: str) -> None:
    """Add a tag to people, except those who objected to tags."""
    allowed = select(SubscriberRow.id).where(
        SubscriberRow.id.in_(subscriber_ids), SubscriberRow.tags_objected_at.is_(None)
    )
    locked = allowed.order_by(SubscriberRow.id).with_for_update(key_share=True)
    rows = [{"subscriber_id": one, "tag": tag} for one in session.scalars(locked)]
    if rows:
        session.execute(upsert(session, TagRow).values(rows).on_conflict_do_nothing())


def remove_tag(session: Session, subscriber_id: int, tag: str) -> None:
    session.execute(delete(TagRow).where(TagRow.subscriber_id == subscriber_id, TagRow.tag == tag))


def remove_tags(session: Session, subscriber_id: int) -> None:
    session.execute(delete(TagRow).where(TagRow.subscriber_id == subscriber_id))


def add_consent(session: Session, consent: ConsentRow) -> None:
    session.add(consent)


class Agreed(NamedTuple):
    """When (UTC), where and to which wording somebody consented. `news`: also to news."""

    at: datetime
    where: str
    text: str
    news: bool


def keep_wording(session: Session, name: str, language: str, text: str) -> None:
    """Save a consent text under a name derived from it, unless it exists."""
    if session.get(ConsentTextRow, name) is None:
        row = {"name": name, "language": language, "text": text}
        session.execute(upsert(session, ConsentTextRow).values(**row).on_conflict_do_nothing())


def wordings_of(session: Session, names: Collection[str]) -> dict[str, ConsentTextRow]:
    """Return consent texts by name."""
    rows = session.scalars(select(ConsentTextRow).where(ConsentTextRow.name.in_(names)))
    return {row.name: row for row in rows}


def consents(session: Session, subscriber_id: int) -> Sequence[ConsentRow]:
    return session.scalars(
        select(ConsentRow).where(ConsentRow.subscriber_id == subscriber_id).order_by(ConsentRow.id)
    ).all()


def agreed_by_mail(session: Session, mails: Mapping[int, int]) -> dict[int, Agreed]:
    """Return how imported subscribers consented, for their first mails. `mails`: delivery id → subscriber id."""
    columns = (ConsentRow.delivery_id, ConsentRow.purpose, ConsentRow.at, ConsentRow.source, ConsentTextRow.text)
    rows = session.execute(
        select(*columns)
        .join(ConsentTextRow, ConsentTextRow.name == ConsentRow.text_name)
        .where(ConsentRow.subscriber_id.in_(mails.values()), ConsentRow.delivery_id.in_(mails), ConsentRow.granted)
    ).all()
    wants_news = {mail for mail, purpose, *_ in rows if purpose == "news"}
    return {
        mail: Agreed(at, source.partition(": ")[2], text, mail in wants_news)
        for mail, purpose, at, source, text in rows
        if mail is not None and purpose == "lessons"
    }


def suppression_of(session: Session, address_hash: str) -> str | None:
    """Return the reason why an address is suppressed, or None."""
    return session.scalar(select(SuppressionRow.reason).where(SuppressionRow.address_hash == address_hash))


def lift_suppression(session: Session, address_hash: str, reason: str) -> None:
    """Remove a suppression if it has this reason."""
    session.execute(
        delete(SuppressionRow).where(SuppressionRow.address_hash == address_hash, SuppressionRow.reason == reason)
    )


def suppressed_among(session: Session, address_hashes: Collection[str]) -> set[str]:
    """Return the suppressed ones of some addresses."""
    found = select(SuppressionRow.address_hash).where(SuppressionRow.address_hash.in_(address_hashes))
    return set(session.scalars(found))


def find_suppression(session: Session, address_hash: str) -> SuppressionRow | None:
    return session.get(SuppressionRow, address_hash)


def suppressions_among(session: Session, address_hashes: Collection[str]) -> dict[str, SuppressionRow]:
    rows = session.scalars(select(SuppressionRow).where(SuppressionRow.address_hash.in_(address_hashes)))
    return {row.address_hash: row for row in rows}


def suppressions_by_reason(session: Session) -> dict[str, int]:
    """Return reason → number of addresses, most first."""
    count = func.count()
    query = select(SuppressionRow.reason, count).group_by(SuppressionRow.reason).order_by(count.desc())
    return dict(iter(session.execute(query)))


def suppressed_people(session: Session, after_id: int, limit: int) -> Sequence[SubscriberRow]:
    """Return suppressed people who are still subscribers, by id."""
    query = select(SubscriberRow).where(
        SubscriberRow.status == SubscriberStatus.SUPPRESSED, NOT_ACTIVE, SubscriberRow.id > after_id
    )
    return session.scalars(query.order_by(SubscriberRow.id).limit(limit)).all()


def by_emails(session: Session, emails: Collection[str]) -> dict[str, SubscriberRow]:
    rows = session.scalars(select(SubscriberRow).where(SubscriberRow.email.in_(emails)).order_by(SubscriberRow.id))
    return {row.email: row for row in rows}


def former_among(session: Session, address_hashes: Collection[str]) -> set[str]:
    """Return those of some addresses that were somebody's before a correction."""
    found = session.scalars(
        select(SubscriberRow.former_address_hash).where(SubscriberRow.former_address_hash.in_(address_hashes))
    )
    return {one for one in found if one is not None}


def suppress(session: Session, address_hash: str, reason: str, now: datetime, *, noted: str = "") -> None:
    """Suppress an address. An existing reason is only replaced if it is weaker.

    Weaker are a bounce, which is deleted early, and erasure, which the owner can lift. A complaint is the strongest.
    `noted`: the kind for the withdrawal log, if it is not the reason.
    """
    withdrawal_log.record(session, noted or (reason if reason in REASONS else ADMIN), now, digest=address_hash)
    weaker: ColumnElement[bool] = SuppressionRow.reason.in_((ERASED, BOUNCE))
    if reason in {COMPLAINT, BOUNCE}:
        weaker = SuppressionRow.reason != COMPLAINT if reason == COMPLAINT else false()
    session.execute(
        upsert(session, SuppressionRow)
        .values(address_hash=address_hash, reason=reason, created_at=now)
        .on_conflict_do_update(
            index_elements=["address_hash"],
            set_={"reason": reason, "created_at": now},
            where=weaker,
        )
    )


def addresses(session: Session, after_id: int, limit: int) -> list[tuple[int, str]]:
    """Return the ids and addresses of all people with ids above `after_id`, by id."""
    query = select(SubscriberRow.id, SubscriberRow.email).where(SubscriberRow.id > after_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(SubscriberRow.id).limit(limit))]


def has_suppressions(session: Session) -> bool:
    """Whether any address is suppressed."""
    return session.scalar(select(SuppressionRow.address_hash).limit(1)) is not None
