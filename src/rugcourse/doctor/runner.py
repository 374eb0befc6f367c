"""Runs all checks concurrently, because most of them wait for a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.queries import heartbeats
from rugcourse.db.withdrawal_log import WithdrawalLog
from rugcourse.doctor.checks.admins import check_admins
from rugcourse.doctor.checks.client_address import check_client_address
from rugcourse.doctor.checks.courses import check_books, check_courses
from rugcourse.doctor.checks.dns_records import check_dns
from rugcourse.doctor.checks.files import check_files
from rugcourse.doctor.checks.local import (
    check_broker,
    check_database,
    check_disk,
    check_settings,
    check_spamassassin,
    check_withdrawals,
)
from rugcourse.doctor.checks.smtp import check_smtp
from rugcourse.doctor.checks.website import check_website
from rugcourse.doctor.report import CHECKS, Finding, State
from rugcourse.doctor.resolver import Dns
from rugcourse.emails.catalogue import branding_of
from rugcourse.links import Links
from rugcourse.settings import Settings

_KEY = "doctor"


@dataclass(frozen=True, slots=True)
class DoctorRun:
    """The findings of one run, and its time (UTC)."""

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.state == State.ERROR)


def run_checks(settings: Settings, database: Database, clock: Clock, links: Links) -> DoctorRun:
    """Run all checks, which takes some seconds."""
    looks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: check_settings(settings),
        lambda: check_database(settings, database, clock),
        lambda: check_broker(settings),
        lambda: check_disk(settings),
        lambda: check_withdrawals(WithdrawalLog.of(settings, links.signer)),
        lambda: check_courses(database),
        lambda: check_books(database, links, branding_of(settings)),
        lambda: check_admins(database),
        lambda: check_files(settings, database),
        lambda: check_smtp(settings),
        lambda: check_website(settings, links),
        lambda: check_client_address(settings, links, clock),
        lambda: check_dns(settings, Dns(settings.dns_server)),
        check_spamassassin,
    )
    with ThreadPoolExecutor(len(looks)) as pool:
        found = [finding for findings in pool.map(lambda look: list(look()), looks) for finding in findings]
    order = [*CHECKS]
    return DoctorRun(clock.now(), tuple(sorted(found, key=lambda one: order.index(one.check))))


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
