"""What is kept of a person, and what forgets it."""

from __future__ import annotations

from sqlalchemy import select
from tests.support.builders import enrolment_of

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import Base
from rugcourse.privacy.export import Export, export
from rugcourse.privacy.retention import Forgotten, forget

EMAIL = "erase.me@example.org"


def subscriber_id(runtime: Runtime, email: str) -> int:
    return enrolment_of(runtime, email).subscriber_id


def data_export(runtime: Runtime, email: str) -> Export:
    found = runtime.database.query(export, runtime.course_cache, subscriber_id(runtime, email))
    assert found is not None
    return found


def all_rows_as_text(runtime: Runtime) -> str:
    with runtime.database.read() as session:
        return repr([[tuple(row) for row in session.execute(select(one))] for one in Base.metadata.sorted_tables])


def apply_retention_now(runtime: Runtime) -> Forgotten:
    return forget(runtime.database, runtime.clock, runtime.signer, runtime.retention)


def rows(runtime: Runtime, table: type[Base]) -> int:
    with runtime.database.read() as session:
        return len(session.scalars(select(table)).all())
