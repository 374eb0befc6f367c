"""Commands that start long-running processes, and the one that upgrades the database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rugcourse.process_memory import begin_start

database = typer.Typer(help="The database.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    for command in (demo, serve, web, worker, beat):
        app.command()(command)
    app.add_typer(database, name="db")


def demo(
    port: Annotated[int, typer.Option(help="The first of three: web, inbox, mail server.", min=1, max=65533)] = 8000,
    day_seconds: Annotated[float, typer.Option("--day", help="How many seconds a day lasts.", min=1)] = 60.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: forget readers, answers and mails.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Begin without made-up readers and their history.")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo stores everything.")] = Path("var/demo"),
) -> None:
    """Run everything on this machine, with its own inbox and a fast clock. Nothing leaves the machine."""
    begin_start()
    from rugcourse.dev.demo import ADMIN, Addresses, DemoOptions, run_demo

    def making() -> None:
        typer.echo("Making up 80 readers and what they did in six weeks. This takes some seconds, once.", err=True)

    def ready(addresses: Addresses) -> None:
        typer.echo(f"Courses       {addresses.site}")
        typer.echo(f"Inbox         {addresses.inbox}")
        typer.echo(f"Admin         {addresses.site}/admin   {ADMIN}   password {addresses.password}")
        typer.echo(f"Mail server   {addresses.smtp}")
        typer.echo(f"A day lasts {day_seconds:g} seconds. Ctrl-C ends; started again, it continues where it was.")

    run_demo(DemoOptions(folder, port, day_seconds, fresh, empty), making, ready)


def serve() -> None:
    """Run web pages, worker and beat in one process. Prepares the database and imports the lessons first."""
    begin_start()
    from rugcourse.bootstrap import import_lessons, make_ebooks_later, open_runtime
    from rugcourse.db.migrate import is_current, upgrade
    from rugcourse.enrolment.suppression import check_key
    from rugcourse.settings import load_settings
    from rugcourse.web.app import create_app
    from rugcourse.web.server import serve as serve_pages
    from rugcourse.worker.embedded import embed

    settings = load_settings()
    settings.require_own_secret()
    runtime = open_runtime(settings)
    if not is_current(runtime.database):  # Alembic takes 9 MB, which this process would keep
        upgrade(runtime.database)
    runtime.database.run(check_key, runtime.signer)
    runtime.current.refresh(runtime.database).settings.require_own_sender()
    for one in import_lessons(runtime):
        if one.changed:
            typer.echo(f"{one.course}: taken from the files: {', '.join(one.changed)}", err=True)
        if one.newer_here:
            parts = ", ".join(one.newer_here)
            typer.echo(f"{one.course}: newer here than in the files: {parts} (`rugcourse courses export`)", err=True)
    runtime, worker = embed(runtime)
    worker.start()
    ebooks = make_ebooks_later(runtime)
    typer.echo(f"rugcourse listens on http://{settings.host}:{settings.port}", err=True)
    try:
        serve_pages(create_app(runtime), settings.host, settings.port, settings.trusted_proxies)
    finally:
        ebooks.cancel()
        worker.stop()


def web() -> None:
    """Run the web pages only."""
    begin_start()
    from rugcourse.cli.context import open_checked
    from rugcourse.web.app import create_app
    from rugcourse.web.server import serve as serve_pages
    from rugcourse.worker.celery_app import create_app as create_celery
    from rugcourse.worker.celery_app import make_notifier
    from rugcourse.worker.heartbeat import Heartbeat

    runtime = open_checked(own_secret=True)
    runtime.current.refresh(runtime.database).settings.require_own_sender()
    settings = runtime.settings
    runtime = replace(runtime, notify_worker=make_notifier(create_celery(settings)))
    heartbeat = Heartbeat(runtime, "web")
    heartbeat.start()
    try:
        serve_pages(create_app(runtime), settings.host, settings.port, settings.trusted_proxies)
    finally:
        heartbeat.stop()


def worker() -> None:
    """Run a worker that plans and sends. Any number of them share the work."""
    begin_start()
    from rugcourse.cli.context import open_checked
    from rugcourse.worker.processes import run_worker

    runtime = open_checked(own_secret=True)
    runtime.current.refresh(runtime.database).settings.require_own_sender()
    raise typer.Exit(run_worker(runtime))


def beat() -> None:
    """Run the beat, which makes workers look for due lessons. More than one does no harm."""
    from rugcourse.cli.context import open_checked
    from rugcourse.worker.processes import run_beat

    run_beat(open_checked())


@database.command("upgrade")
def upgrade_database() -> None:
    """Create the tables, or bring them up to date. Safe to repeat."""
    from rugcourse.bootstrap import open_runtime
    from rugcourse.db.migrate import upgrade
    from rugcourse.settings import load_settings

    upgrade(open_runtime(load_settings()).database)
    typer.echo("the database is up to date")
