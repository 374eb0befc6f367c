"""Checks this installation: settings, database, broker, processes, clock, disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import RedisError

from rugcourse.bounces import webhooks
from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.db.queries import heartbeats
from rugcourse.db.withdrawal_log import WithdrawalLog
from rugcourse.doctor.report import Finding, _, failure, ok, unknown, warning
from rugcourse.settings import DEFAULT_SECRET, MADE_UP_ADDRESS, RESERVED, Settings

_SILENT_SECONDS = 60.0  # wall-clock seconds
_FEWEST_FREE = 1_000_000_000  # bytes
_SKEW_SECONDS = 5.0
_PARTS = ("web", "worker", "beat")


def check_settings(settings: Settings) -> Iterator[Finding]:
    found = True
    if DEFAULT_SECRET in settings.secret_keys:
        found = False
        yield failure(
            "settings",
            _("Links are signed with a key that everyone knows."),
            _("Set RUGCOURSE_SECRET_KEYS to a long random text."),
        )
    if settings.sender_domain.endswith(RESERVED):
        found = False
        yield failure(
            "settings",
            _("Email comes from %(address)s, a placeholder that belongs to no one."),
            _("Set RUGCOURSE_SENDER_ADDRESS to an address of your own."),
            address=settings.sender_address,
        )
    if found:
        yield ok("settings", _("Email comes from %(address)s."), address=settings.sender_address)
    if settings.postal_address == MADE_UP_ADDRESS:
        yield warning(
            "address",
            _("Under each email stands an address that is made up: %(address)s."),
            _("Set RUGCOURSE_POSTAL_ADDRESS to yours."),
            address=settings.postal_address,
        )
    yield from _recipients(settings)


def _recipients(settings: Settings) -> Iterator[Finding]:
    """Check the recipients of data, whom the privacy page has to name (GDPR, article 13(1)(e) and (f))."""
    unset = [one for one in ("processors", "transfers") if not getattr(settings, one)]
    if unset:
        yield warning(
            "privacy",
            _("The privacy page can't say who works on the data for you, or where."),
            _("Set %(settings)s."),
            settings=", ".join(f"RUGCOURSE_{one.upper()}" for one in unset),
        )


def check_database(settings: Settings, database: Database, clock: Clock) -> Iterator[Finding]:
    try:
        if not is_current(database):
            yield failure("database", _("Its tables are of another version."), _("Run: rugcourse db upgrade"))
            return
        with database.read() as session:
            seen = heartbeats.all_processes(session)
            theirs = heartbeats.database_time(session)
    except (DatabaseAway, DatabaseError) as error:
        yield failure("database", _("%(error)s"), _("Correct RUGCOURSE_DATABASE_URL, or fix the server."), error=error)
        return
    yield ok("database", _("%(kind)s answers, and its tables are up to date."), kind=database.dialect)
    yield from _clock(theirs)
    alive = {one.kind for one in seen if one.seen_at >= clock.now() - clock.span(_SILENT_SECONDS)}
    yield from _processes(alive)
    yield from _bounces(settings, alive)


def _clock(theirs: datetime) -> Iterator[Finding]:
    seconds = abs((datetime.now(UTC) - theirs).total_seconds())
    if seconds > _SKEW_SECONDS:
        yield failure(
            "clock",
            _("This machine's clock and that of the database differ by %(seconds)s seconds."),
            _("Let both follow the time of the network (NTP)."),
            seconds=round(seconds),
        )
    else:
        yield ok("clock", _("It agrees with the database's."))


def _processes(alive: set[str]) -> Iterator[Finding]:
    """Check that all processes run: in one (`serve`), or each by itself."""
    missing = [] if "serve" in alive else [one for one in _PARTS if one not in alive]
    if missing:
        yield failure(
            "processes",
            _("No sign of life for a minute from: %(missing)s."),
            _("Start them: rugcourse serve, or rugcourse web, worker and beat."),
            missing=", ".join(missing),
        )
    else:
        yield ok("processes", _("All of them live: %(alive)s."), alive=", ".join(sorted(alive)))


def _bounces(settings: Settings, alive: set[str]) -> Iterator[Finding]:
    hooks = webhooks.configured(settings)
    if not settings.bounce_address and not hooks:
        yield warning(
            "bounces",
            _("Nobody reads what comes back."),
            _("Set RUGCOURSE_BOUNCE_ADDRESS, or let your relay tell: docs/bounces.md says how."),
        )
    elif settings.bounce_address and not (hooks or settings.mailbox or "bounces" in alive):
        yield warning(
            "bounces",
            _("Bounces go to %(address)s, and nothing reads them."),
            _("Run rugcourse bounces serve, or set RUGCOURSE_BOUNCE_MAILBOX."),
            address=settings.bounce_address,
        )
    else:
        yield ok("bounces", _("What comes back is read."))


def check_broker(settings: Settings) -> Iterator[Finding]:
    if not settings.broker_url.startswith("redis"):
        yield ok("broker", _("All in one process; none is needed."))
        return
    client = Redis.from_url(settings.broker_url, socket_timeout=5, socket_connect_timeout=5)
    try:
        client.ping()
    except (RedisError, ValueError) as error:
        yield failure(
            "broker",
            _("Redis does not answer: %(error)s"),
            _("Correct RUGCOURSE_BROKER_URL, or fix the server."),
            error=error,
        )
    else:
        yield ok("broker", _("Redis answers."))
    finally:
        client.close()


def check_disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir / "journal"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield failure(
            "journal",
            _("%(folder)s can't be written to: %(error)s."),
            _("Set RUGCOURSE_DATA_DIR to a folder that this user may write to."),
            folder=folder,
            error=error.strerror or error,
        )
        return
    if free < _FEWEST_FREE:
        yield warning(
            "journal",
            _("On the disk of %(folder)s are only %(free)s MB left."),
            _("Make room."),
            folder=folder,
            free=free // 1_000_000,
        )
    else:
        yield ok("journal", _("%(folder)s can be written to."), folder=folder)


def check_withdrawals(log: WithdrawalLog) -> Iterator[Finding]:
    try:
        log.check()
    except OSError as error:
        yield failure(
            "withdrawals",
            _("%(file)s can't be written to: %(error)s."),
            _("Let this user write to it, and to the folder it stands in."),
            file=log.file,
            error=error.strerror or error,
        )
    else:
        yield ok("withdrawals", _("%(file)s can be written to."), file=log.file)


def check_spamassassin() -> Iterator[Finding]:
    if shutil.which("spamassassin"):
        yield ok("spamassassin", _("It is installed; the email check asks it."))
    else:
        yield unknown(
            "spamassassin",
            _("It is not installed."),
            _("Install it for the email check (Debian: apt install spamassassin)."),
        )
