"""Commands that look ahead: a simulation with made-up readers, and a forecast for the real ones."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

if TYPE_CHECKING:
    from rugcourse.dev.simulation.simulator import SimulationReport


def add_to(app: typer.Typer) -> None:
    app.command()(simulate)
    app.command()(forecast)


def simulate(
    subscribers: Annotated[int, typer.Option(help="How many readers.", min=1)] = 1000,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=366)] = 12,
    seed: Annotated[int, typer.Option(help="The same seed gives the same simulation.")] = 1,
    as_json: Json = False,
) -> None:
    """Simulate the whole course with made-up readers on a fast clock. Nothing is sent or stored.

    Exit code 1 if the audit has findings.
    """
    from rich.console import Console
    from rich.progress import Progress

    from rugcourse.dev.simulation.simulator import run_simulation
    from rugcourse.settings import load_settings

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("days", total=days)
        report = run_simulation(load_settings(), subscribers, days, seed, lambda day: bar.update(task, completed=day))
    if as_json:
        print_json(report)
    else:
        _print(report)
    raise typer.Exit(0 if report.audit.balanced else 1)


def forecast(
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=366)] = 14,
    who: Annotated[bool, typer.Option("--who", help="Each lesson of each reader, instead of counts per day.")] = False,
    as_json: Json = False,
) -> None:
    """Show who gets what when, without sending."""
    from rugcourse.cli.context import open_checked
    from rugcourse.delivery.forecast import count_by_hour, forecast_mails

    runtime = open_checked()
    ahead = (runtime.database, runtime.clock, runtime.send_window, days)
    if who:
        rows = [
            {"email": one.email, "lesson": one.lesson, "at": one.at.isoformat(), "local": one.local.isoformat()}
            for one in forecast_mails(*ahead)
        ]
        if as_json:
            print_json(rows)
        else:
            print_table("", ["reader", "lesson", "their time"], [(r["email"], r["lesson"], r["local"]) for r in rows])
        return
    per_day: dict[date, Counter[int]] = {}
    for hour, how_many in count_by_hour(*ahead).items():
        per_day.setdefault(hour.date(), Counter())[hour.hour] += how_many
    counts = [
        {"date": day.isoformat(), "lessons": hours.total(), "by_hour_utc": dict(sorted(hours.items()))}
        for day, hours in sorted(per_day.items())
    ]
    if as_json:
        print_json(counts)
        return
    table = [
        (day, hours.total(), *(f"{count} at {hour:02}:00" for hour, count in hours.most_common(1)))
        for day, hours in sorted(per_day.items())
    ]
    print_table("", ["date (UTC)", "lessons", "most"], table)


def _print(report: SimulationReport) -> None:
    typer.echo(f"{report.subscribers} readers, {report.days} days, seed {report.seed}: {report.seconds:g} s")
    typer.echo(f"mails {report.mails}, of which lessons {report.lessons}; {report.bounced} readers bounced")
    typer.echo(f"minutes late: p50 {report.late_p50}, p99 {report.late_p99}, at most {report.late_max}")
    typer.echo(f"answers {report.answers}, right {report.answers_right}")
    typer.echo(f"paused {report.paused}, moved to another zone {report.moved}, left {report.left}")
    rows = [(f"{hour:02}:00", count) for hour, count in report.lessons_by_local_hour.items()]
    print_table("lessons by the readers' own hour", ["hour", "lessons"], rows)
    lines = [(line.lesson or line.kind, line.planned, _states(line.counts)) for line in report.audit.totals]
    print_table("the books", ["mail", "in all", "states"], lines)
    for finding in report.audit.findings:
        typer.echo(f"finding: {finding}")
    typer.echo("the books balance" if report.audit.balanced else "the books do not balance")


def _states(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
