"""Tables of counters, which pages read instead of counting rows."""

from __future__ import annotations

from datetime import date

from sqlalchemy import (
    BigInteger,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId


class CounterRow(Base):
    """A counter: the number of `what` for a campaign and a lesson (0: none), on a day (UTC)."""

    __tablename__ = "counter"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lesson_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class CounterChangeRow(Base):
    """A change that is not yet added to its counter: the current value is the sum of both.

    Triggers insert it, in the transaction of the change. See `rugcourse.db.counters`.
    """

    __tablename__ = "counter_delta"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int]
    lesson_id: Mapped[int]
    day: Mapped[date]
    metric: Mapped[str] = mapped_column(String(120))
    count: Mapped[int] = mapped_column(BigInteger)
