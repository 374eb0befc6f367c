"""Sends again what nobody can be sure about, when a person decides so."""

from __future__ import annotations

from collections.abc import Collection

from rugcourse.clock import Clock
from rugcourse.store import deliveries
from rugcourse.store.database import Database


def resend(database: Database, clock: Clock, ids: Collection[int]) -> list[int]:
    """Plan those of `ids` that are `unknown` once more, with the same Message-ID; returns which.

    Mail programs that did get the first one show one message, or recognise the second as the same.
    """
    with database.write() as session:
        return deliveries.resend(session, ids, clock.now())
