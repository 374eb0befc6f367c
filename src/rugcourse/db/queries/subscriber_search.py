"""The list of subscribers: filters, order, and search by any part of an address or name where an index serves that."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Select, exists, func, literal_column, select
from sqlalchemy.orm import Session

from rugcourse.db.audience import BY_SIGN_UP, SubscriberFilter, SubscriberOrder
from rugcourse.db.bulk import dialect_of
from rugcourse.db.models import EnrolmentRow, SubscriberRow, SubscriberStatus, TagRow
from rugcourse.db.queries.subscribers import NOT_ACTIVE
from rugcourse.db.search_index import (
    MIN_LETTERS,
    SEARCHED,
    SEARCHED_ON_SQLITE,
    TRIGRAMS,
    finds_parts,
    trigrams_of,
)

# In this form SQLite reads the index first, in the order of ids, and a person for each row: never all people.
_FOUND = literal_column("+subscriber_search.rowid", BigInteger)
_UNORDERED = literal_column("+subscriber.id", BigInteger)  # sorted afterwards, instead of read in order from the first
_LAST = "\U0010ffff"  # behind every address with this beginning


def search(
    session: Session, wanted: SubscriberFilter, after: int | str, limit: int, order: SubscriberOrder = BY_SIGN_UP
) -> Sequence[SubscriberRow]:
    """Return up to `limit` people who match `wanted`, in this order.

    `after`: where the page begins: behind the person with this id, or in the order of addresses behind this address;
    0: with the first.
    """
    by_trigrams = len(wanted.text) >= MIN_LETTERS and finds_parts(session)
    on_sqlite = dialect_of(session) == "sqlite"
    query = _filtered(_searched(wanted.text, by_trigrams=by_trigrams, on_sqlite=on_sqlite), wanted)
    key: ColumnElement[int] | ColumnElement[str] = SubscriberRow.__table__.c.email
    if not order.by_address:
        key = _id_of(wanted.text, by_trigrams=by_trigrams) if on_sqlite else SubscriberRow.__table__.c.id
    if after:
        is_id = order.by_address and isinstance(after, int)
        mark = select(SubscriberRow.email).where(SubscriberRow.id == after).scalar_subquery() if is_id else after
        query = query.where(key < mark if order.backwards else key > mark)
    return session.scalars(query.order_by(key.desc() if order.backwards else key).limit(limit)).all()


def _id_of(wanted: str, *, by_trigrams: bool) -> ColumnElement[int]:
    """SQL on SQLite: the id of a person, in the form in which the index serves that finds a text."""
    if not wanted:
        return SubscriberRow.__table__.c.id
    return TRIGRAMS.c.rowid if by_trigrams else _UNORDERED


def _searched(wanted: str, *, by_trigrams: bool, on_sqlite: bool) -> Select[SubscriberRow]:
    """People with a text in their address or name; where no index serves that, whose address begins with it.

    Wildcards in the text are plain characters.
    """
    query = select(SubscriberRow)
    if not wanted:
        return query
    if not by_trigrams and on_sqlite:  # whose LIKE uses no index
        return query.where(SubscriberRow.email >= wanted, SubscriberRow.email < wanted + _LAST)
    if not by_trigrams:
        return query.where(SubscriberRow.email.startswith(wanted, autoescape=True))
    if not on_sqlite:
        return query.where(SEARCHED.contains(wanted, autoescape=True))
    return (
        query.select_from(TRIGRAMS)
        .join(SubscriberRow, SubscriberRow.id == _FOUND)
        .where(TRIGRAMS.c.subscriber_search.match(trigrams_of(wanted)), func.instr(SEARCHED_ON_SQLITE, wanted) > 0)
    )


def _filtered(query: Select[SubscriberRow], wanted: SubscriberFilter) -> Select[SubscriberRow]:
    if wanted.status is not None:
        query = query.where(SubscriberRow.status == wanted.status)
        if wanted.status != SubscriberStatus.ACTIVE:
            query = query.where(NOT_ACTIVE)
    if wanted.language:
        query = query.where(SubscriberRow.language == wanted.language)
    if wanted.tag:
        tagged = exists().where(TagRow.subscriber_id == SubscriberRow.id, TagRow.tag == wanted.tag)
        query = query.where(tagged)
    if wanted.campaign_id:
        follows = exists().where(
            EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.campaign_id == wanted.campaign_id
        )
        query = query.where(follows)
    return query
