"""Runs all checks concurrently, because most of them wait for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
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
from rugcourse.doctor.checks.pictures import check_pictures
from rugcourse.doctor.checks.search import check_subscriber_search
from rugcourse.doctor.checks.smtp import check_smtp
from rugcourse.doctor.checks.website import check_website
from rugcourse.doctor.report import CHECKS, Finding
from rugcourse.doctor.resolver import Dns
from rugcourse.doctor.saved_run import DoctorRun
from rugcourse.errors import UnavailableError
from rugcourse.links import Links
from rugcourse.settings import Settings
from rugcourse.site_settings import CurrentSite


def run_checks(settings: Settings, database: Database, clock: Clock, links: Links) -> DoctorRun:
    """Run all checks, which takes some seconds."""
    current = CurrentSite(settings)
    with suppress(UnavailableError):  # which a check of its own reports
        current.refresh(database)
    site = current.site
    looks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: check_settings(site.settings),
        lambda: check_database(settings, database, clock),
        lambda: check_broker(settings),
        lambda: check_disk(settings),
        lambda: check_withdrawals(WithdrawalLog.of(settings, links.signer)),
        lambda: check_courses(database),
        lambda: check_books(database, links, site.branding),
        lambda: check_pictures(database),
        lambda: check_admins(database),
        lambda: check_subscriber_search(database),
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
