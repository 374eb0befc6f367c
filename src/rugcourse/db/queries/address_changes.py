"""Queries for address changes that wait for confirmation, and how often an address was requested."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count
from rugcourse.db.models import AddressChangeRow


def add(
    session: Session, subscriber_id: int | None, email: str | None, address_hash: str, now: datetime
) -> AddressChangeRow:
    row = AddressChangeRow(subscriber_id=subscriber_id, email=email, address_hash=address_hash, requested_at=now)
    session.add(row)
    session.flush()
    return row


def find(session: Session, change_id: int) -> AddressChangeRow | None:
    return session.get(AddressChangeRow, change_id, populate_existing=True)


def asked(session: Session, address_hash: str, since: datetime) -> int:
    """Count the requests for an address since an instant (UTC), for any reader."""
    times = select(func.count(AddressChangeRow.id)).where(
        AddressChangeRow.address_hash == address_hash, AddressChangeRow.requested_at >= since
    )
    return session.scalar(times) or 0


def anonymise(session: Session, subscriber_id: int) -> None:
    """Keep the requests, but remove the addresses and the person."""
    session.execute(
        update(AddressChangeRow)
        .where(AddressChangeRow.subscriber_id == subscriber_id)
        .values(email=None, subscriber_id=None, confirmed_at=None)
        .execution_options(synchronize_session=False)
    )


def of_person(session: Session, subscriber_id: int) -> Sequence[AddressChangeRow]:
    return session.scalars(
        select(AddressChangeRow).where(AddressChangeRow.subscriber_id == subscriber_id).order_by(AddressChangeRow.id)
    ).all()


def withdraw(session: Session, subscriber_id: int) -> None:
    """Invalidate all links that would confirm another address of a person."""
    session.execute(
        update(AddressChangeRow)
        .where(AddressChangeRow.subscriber_id == subscriber_id, AddressChangeRow.email.is_not(None))
        .values(email=None)
        .execution_options(synchronize_session=False)
    )


def end(session: Session, before: datetime) -> None:
    """Remove the addresses of requests from before an instant."""
    session.execute(
        update(AddressChangeRow)
        .where(AddressChangeRow.email.is_not(None), AddressChangeRow.requested_at < before)
        .values(email=None)
        .execution_options(synchronize_session=False)
    )


def forget(session: Session, before: datetime) -> int:
    """Delete requests from before an instant; returns how many."""
    return count(
        session.execute(
            delete(AddressChangeRow)
            .where(AddressChangeRow.requested_at < before)
            .execution_options(synchronize_session=False)
        )
    )
