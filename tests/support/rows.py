"""What the tables hold, to compare before and after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import Base


def everything(runtime: Runtime, *but: str) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with runtime.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }
