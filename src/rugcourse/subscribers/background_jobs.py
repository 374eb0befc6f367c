"""Background jobs (imports and bulk actions): checked, started, run one batch at a time, cancelled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from rugcourse.campaigns.drafts import DraftConflict
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import ACTIVE_STATES, FINAL_STATES, AuditAction, JobKind, JobRow, JobState
from rugcourse.db.queries import admins, jobs
from rugcourse.errors import InvalidInput, InvalidState
from rugcourse.links import Signer
from rugcourse.subscribers import bulk_actions, csv_import
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import CsvList

_STEP_OF = {JobKind.IMPORT: csv_import.step, JobKind.BULK_ACTION: bulk_actions.step}
_ABANDONED_DAYS = 7


class InvalidJobState(InvalidState):
    """The job's state does not allow this."""


class NotKept(InvalidState):
    """A chosen column was not stored; the file has to be uploaded again."""


class OtherList(InvalidInput):
    """The file has other columns than the job's."""


@dataclass(frozen=True, slots=True)
class JobList:
    """The newest jobs, and the address of each admin by id."""

    jobs: Sequence[JobRow]
    who: Mapping[int, str]


def newest(session: Session, limit: int) -> JobList:
    """Return the newest jobs of all kinds."""
    return JobList(jobs.newest(session, limit), admins.addresses(session))


def find(session: Session, job_id: int) -> JobRow | None:
    """Return a job, or None."""
    return jobs.find(session, job_id)


def run_next_batch(database: Database, clock: Clock, signer: Signer) -> bool:
    """Run the next batch of a job. Returns whether there may be more to do."""
    with database.write() as session:
        job = jobs.lock_next(session)
        if job is None:
            return False
        _STEP_OF[JobKind(job.kind)](session, clock.now(), signer, job)
        return True


def check(
    session: Session, job_id: int, intake: ImportSettings, listing: CsvList | None = None, file_name: str = ""
) -> None:
    """Start a dry run of an import, which changes nothing.

    `listing`: the file, if it was uploaded again to store other columns. Raises InvalidJobState, OtherList, NotKept.
    """
    columns = set(intake.columns.values())
    job = _in(session, job_id, JobState.DRAFT, JobState.CHECKED)
    if listing is not None:
        if job.params.get("headers") != listing.headers:
            raise OtherList
        csv_import.replace_upload(session, job, listing, file_name, columns)
    elif not columns <= set(job.params.get("kept", [])):
        raise NotKept
    job.params = {**job.params, "intake": csv_import.about_of(intake)}
    job.state, job.cursor, job.counts, job.problems = JobState.CHECKING, 0, {}, []


def etag(job: JobRow) -> str:
    """Return the entity tag of a job's settings and counts (RFC 9110, 8.8.3)."""
    return sha256(json.dumps([job.params, job.counts, job.total], sort_keys=True).encode()).hexdigest()[:32]


def start(session: Session, now: datetime, job_id: int, admin_id: int | None, seen: str | None = None) -> None:
    """Start a checked job, and record it in the audit log. `seen`: the etag when the page was loaded.

    Raises InvalidJobState and DraftConflict, and CountChanged if the audience of a bulk action has another size.
    """
    job = _in(session, job_id, JobState.CHECKED)
    if seen is not None and seen != etag(job):
        raise DraftConflict
    expected = dict(job.counts)
    if job.kind == JobKind.IMPORT:
        job.counts, job.problems = {}, []
    else:
        bulk_actions.check_count(session, now, job)
    job.state, job.cursor = JobState.RUNNING, 0
    about: Mapping[str, object] = job.params.get("intake") or job.params["order"]
    admins.record_change(
        session, now, admin_id, AuditAction(f"{job.kind}.start"), f"job:{job.id}", None, {**about, "expected": expected}
    )


def cancel(session: Session, now: datetime, job_id: int, admin_id: int | None) -> None:
    """Stop a job. Changes that were made stay. Raises InvalidJobState."""
    job = _in(session, job_id, JobState.DRAFT, JobState.CHECKED, *ACTIVE_STATES)
    was_running = job.state == JobState.RUNNING
    _cancel(session, now, job)
    if was_running:
        counts = dict(job.counts)
        admins.record_change(session, now, admin_id, AuditAction(f"{job.kind}.stop"), f"job:{job.id}", None, counts)


def forget_abandoned(session: Session, now: datetime) -> int:
    """Delete uploads that were not used for a week. Returns how many."""
    found = jobs.abandoned(session, now - timedelta(days=_ABANDONED_DAYS))
    for job in found:
        _cancel(session, now, job)
    return len(found)


def _cancel(session: Session, now: datetime, job: JobRow) -> None:
    job.state, job.ended_at = JobState.CANCELLED, now
    if job.kind == JobKind.IMPORT:
        csv_import.forget_lines(session, job)


def _in(session: Session, job_id: int, *states: JobState) -> JobRow:
    job = jobs.find(session, job_id, lock=True)
    if job is None or job.state in FINAL_STATES or job.state not in states:
        raise InvalidJobState
    return job
