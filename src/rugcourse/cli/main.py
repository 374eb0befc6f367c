"""The command line's entry point: all commands, and the handling of user errors."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from rugcourse import __version__
from rugcourse.cli import (
    admins,
    api,
    backup,
    bounces,
    courses,
    doctor,
    pictures,
    planning,
    privacy,
    processes,
    reports,
    sending,
    subscribers,
)
from rugcourse.errors import RugcourseError
from rugcourse.log_setup import configure_logging

app = typer.Typer(
    name="rugcourse",
    help="Courses by e-mail: one short lesson a day, at the reader's own hour, never lost and never twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
processes.add_to(app)
app.add_typer(courses.app, name="courses")
app.add_typer(pictures.app, name="pictures")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(admins.app, name="admin")
app.add_typer(api.app, name="api")
app.add_typer(sending.deliveries, name="deliveries")
app.add_typer(bounces.app, name="bounces")
app.add_typer(sending.sending, name="sending")
app.command()(sending.healthcheck)
app.add_typer(privacy.app, name="privacy")
backup.add_to(app)
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
    configure_logging()
    try:
        app()
    except RugcourseError as error:
        sys.stderr.write(f"error: {error.message}\n")
        sys.exit(2)
