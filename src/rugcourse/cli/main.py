"""The command line's entry point: all commands, and the handling of user errors."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any

import structlog
import typer

from rugcourse import __version__
from rugcourse.cli import admins, bounces, courses, doctor, planning, privacy, processes, reports, sending, subscribers

app = typer.Typer(
    name="rugcourse",
    help="Courses by e-mail: one short lesson a day, at the reader's own hour, never lost and never twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
processes.add_to(app)
app.add_typer(courses.app, name="courses")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(admins.app, name="admin")
app.add_typer(sending.deliveries, name="deliveries")
app.add_typer(bounces.app, name="bounces")
app.add_typer(sending.sending, name="sending")
app.command()(sending.healthcheck)
app.add_typer(privacy.app, name="privacy")
doctor.add_to(app)
reports.add_to(app)
planning.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command. A user's mistake is one clear message, never a traceback."""
    os.umask(0o077)  # files of commands, above all the database, are private to this user
    _log_to_stderr()
    try:
        app()
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def _is_for_the_user(error: Exception) -> bool:
    from rugcourse.content import AuthoringErrors
    from rugcourse.db.engine import DatabaseError
    from rugcourse.emails.dkim_keys import UnusableKey
    from rugcourse.settings import SettingsError
    from rugcourse.web.ports import PortBusy

    return isinstance(error, (SettingsError, UnusableKey, DatabaseError, PortBusy, AuthoringErrors))


class _RedactingFormatter(logging.Formatter):
    """Removes the row details of PostgreSQL from tracebacks: addresses must not get into logs."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        lines = super().formatException(ei).split("\n")
        return "\n".join(line for line in lines if not line.lstrip().startswith("DETAIL:"))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # shows no values
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
