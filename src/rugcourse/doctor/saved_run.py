"""Saves the findings of the last run, and returns them to the admin pages, which load no checks for that."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from rugcourse.db.engine import Database
from rugcourse.db.queries import heartbeats
from rugcourse.doctor.report import CHECKS, Finding, State

_KEY = "doctor"


@dataclass(frozen=True, slots=True)
class DoctorRun:
    """The findings of one run, and its time (UTC)."""

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.state == State.ERROR)


def keep(database: Database, found: DoctorRun) -> None:
    """Save the findings for the admin page."""
    findings = [
        {**asdict(one), "values": {name: str(value) for name, value in one.values.items()}} for one in found.findings
    ]
    with database.write() as session:
        heartbeats.set_value(session, _KEY, json.dumps({"at": found.at.isoformat(), "findings": findings}))


def last_run(database: Database) -> DoctorRun | None:
    """Return the last run, or None before the first."""
    with database.read() as session:
        kept = heartbeats.get_value(session, _KEY)
    if kept is None:
        return None
    value = json.loads(kept)
    findings = (Finding(**{**one, "state": State(one["state"])}) for one in value["findings"])
    return DoctorRun(datetime.fromisoformat(value["at"]), tuple(one for one in findings if one.check in CHECKS))
