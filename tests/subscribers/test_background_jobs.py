"""Background jobs: stopped, killed and continued, and forgotten when nobody starts them."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from tests.support.jobs import checked_import, job_of, people, run_jobs

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import JobChunkRow
from rugcourse.subscribers import background_jobs
from rugcourse.subscribers.background_jobs import InvalidJobState
from rugcourse.subscribers.csv_import import CHUNK


def test_job_resumes_after_a_crash_and_handles_everybody_once(runtime: Runtime) -> None:
    lines = "\n".join(f"p{number}@x.example" for number in range(2 * CHUNK + 10))
    job_id = checked_import(runtime, f"mail\n{lines}\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    background_jobs.run_next_batch(runtime.database, runtime.clock, runtime.signer)
    assert len(people(runtime)) == job_of(runtime, job_id).cursor == CHUNK
    run_jobs(runtime)  # another process, later
    assert len(people(runtime)) == job_of(runtime, job_id).total == 2 * CHUNK + 10
    assert job_of(runtime, job_id).state == "done"
    with pytest.raises(InvalidJobState):
        runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)


def test_cancelled_import_keeps_its_changes_and_no_uploaded_address(runtime: Runtime) -> None:
    lines = "\n".join(f"p{number}@x.example" for number in range(CHUNK + 10))
    job_id = checked_import(runtime, f"mail\n{lines}\nwrong\n")
    runtime.database.run(background_jobs.start, runtime.clock.now(), job_id, None)
    background_jobs.run_next_batch(runtime.database, runtime.clock, runtime.signer)
    runtime.database.run(background_jobs.cancel, runtime.clock.now(), job_id, None)
    run_jobs(runtime)
    assert len(people(runtime)) == CHUNK
    with runtime.database.read() as session:
        assert session.scalars(select(func.count()).select_from(JobChunkRow)).one() == 0


def test_unused_upload_is_deleted_after_a_week(runtime: Runtime) -> None:
    job_id = checked_import(runtime, "mail\nnew@x.example\nwrong\n")
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(days=6)
    assert runtime.database.run(background_jobs.forget_abandoned, runtime.clock.now()) == 0
    runtime.clock.advance(days=2)
    assert runtime.database.run(background_jobs.forget_abandoned, runtime.clock.now()) == 1
    job = job_of(runtime, job_id)
    assert (job.state, job.problems) == ("cancelled", [[3, "email", ""]])
