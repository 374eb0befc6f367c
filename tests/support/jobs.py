"""Imports and other background jobs, run at once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from tests.support.builders import COURSE

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import JobRow, SubscriberRow
from rugcourse.db.queries import jobs as kept
from rugcourse.subscribers import background_jobs, csv_import
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import Column, read_list

INTAKE = ImportSettings(
    course=COURSE, columns={Column.EMAIL: 0, Column.NAME: 1}, language="nl", zone="Europe/Amsterdam", hour=8,
    tags=("intake",), agreed_at=date(2026, 3, 31), agreed_text="Yes, mail me the course", agreed_where="paper form",
)  # fmt: skip


def store_list(runtime: Runtime, content: str) -> int:
    return runtime.database.run(
        csv_import.store_upload, runtime.clock.now(), read_list(content.encode()), "people.csv", None
    )


def run_jobs(runtime: Runtime) -> None:
    while background_jobs.run_next_batch(runtime.database, runtime.clock, runtime.signer):
        pass


def checked_import(runtime: Runtime, content: str, bounce_handler: ImportSettings = INTAKE) -> int:
    job_id = store_list(runtime, content)
    kept = set(job_of(runtime, job_id).params["kept"])
    columns = {column: place for column, place in bounce_handler.columns.items() if place in kept}
    runtime.database.run(background_jobs.check, job_id, bounce_handler.model_copy(update={"columns": columns}))
    run_jobs(runtime)
    return job_id


def job_of(runtime: Runtime, job_id: int) -> JobRow:
    with runtime.database.read() as session:
        found = kept.find(session, job_id)
    assert found is not None
    return found


def people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.read() as session:
        return {one.email: one.status for one in session.scalars(select(SubscriberRow))}


def imported(runtime: Runtime, content: str, **changes: object) -> None:
    job_id = checked_import(runtime, content, INTAKE.model_copy(update=changes))
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
