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
from rugcourse.db.models import ACTIVE_STATES, FINAL_STATES, JobKind, JobRow, JobState
from rugcourse.db.queries import admins, jobs
from rugcourse.errors import InvalidInput, InvalidState
from rugcourse.links import Signer
from rugcourse.subscribers import bulk_actions, csv_import
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import CsvList

_STEP_OF = {JobKind.IMPORT: csv_import.step, JobKind.BULK_ACTION: bulk_actions.step}
_ABANDONED_DAYS = 7


class InvalidJobState(InvalidState):
    """The job is not in a state in which that can be done."""


class NotKept(InvalidState):
    """Nothing was kept of one of the columns: the list has to be uploaded once more."""


class OtherList(InvalidInput):
    """The file has other columns than the one that the job is about."""


@dataclass(frozen=True, slots=True)
class JobList:
    """The newest jobs, and the address of each admin by number."""

    jobs: Sequence[JobRow]
    who: Mapping[int, str]


def newest(session: Session, limit: int) -> JobList:
    """The newest jobs of all kinds."""
    return JobList(jobs.newest(session, limit), admins.addresses(session))


def find(session: Session, job_id: int) -> JobRow | None:
    """A job by its number."""
    return jobs.find(session, job_id)


def run_next_batch(database: Database, clock: Clock, signer: Signer) -> bool:
    """Do the next batch of a job. Returns whether there may be more to do."""
    with database.write() as session:
        job = jobs.lock_next(session)
        if job is None:
            return False
        _STEP_OF[JobKind(job.kind)](session, clock.now(), signer, job)
        return True


def check(
    session: Session, job_id: int, intake: ImportSettings, listing: CsvList | None = None, file_name: str = ""
) -> None:
    """Look through a list as it is meant now, without changing anybody.

    `listing`: the list once more, uploaded so that other columns of it are kept. Raises InvalidJobState, OtherList,
    NotKept.
    """
    columns = set(intake.columns.values())
    job = _in(session, job_id, JobState.DRAFT, JobState.CHECKED)
    if listing is not None:
        if job.about.get("headers") != listing.headers:
            raise OtherList
        csv_import.replace_upload(session, job, listing, file_name, columns)
    elif not columns <= set(job.about.get("kept", [])):
        raise NotKept
    job.about = {**job.about, "intake": csv_import.about_of(intake)}
    job.state, job.mark, job.counts, job.problems = JobState.CHECKING, 0, {}, []


def etag(job: JobRow) -> str:
    """What identifies what a job is meant to do, and whom it counted, as whoever starts it saw it (RFC 9110, 8.8.3)."""
    return sha256(json.dumps([job.about, job.counts, job.total], sort_keys=True).encode()).hexdigest()[:32]


def start(session: Session, now: datetime, job_id: int, admin_id: int | None, seen: str | None = None) -> None:
    """Let it be done; that stands in the log. `seen`: its etag as whoever starts it saw it.

    Raises InvalidJobState, DraftConflict; CountChanged for an act whose people are not as many any more.
    """
    job = _in(session, job_id, JobState.CHECKED)
    if seen is not None and seen != etag(job):
        raise DraftConflict
    expected = dict(job.counts)
    if job.kind == JobKind.IMPORT:
        job.counts, job.problems = {}, []
    else:
        bulk_actions.check_count(session, now, job)
    job.state, job.mark = JobState.RUNNING, 0
    about: Mapping[str, object] = job.about.get("intake") or job.about["order"]
    admins.record_change(
        session, now, admin_id, f"{job.kind}: start", f"job:{job.id}", None, {**about, "expected": expected}
    )


def cancel(session: Session, now: datetime, job_id: int, admin_id: int | None) -> None:
    """Stop it where it is; what was done stays done. Raises InvalidJobState."""
    job = _in(session, job_id, JobState.DRAFT, JobState.CHECKED, *ACTIVE_STATES)
    was_running = job.state == JobState.RUNNING
    _cancel(session, now, job)
    if was_running:
        counts = dict(job.counts)
        admins.record_change(session, now, admin_id, f"{job.kind}: stop", f"job:{job.id}", None, counts)


def forget_abandoned(session: Session, now: datetime) -> int:
    """Throw away lists that were uploaded and never used; returns how many."""
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
