"""Commands that show figures, the audit and the counters."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

if TYPE_CHECKING:
    from rugcourse.delivery.reconciliation import LedgerLine

_STATES = ("planned", "submitting", "accepted", "failed", "unknown", "cancelled")


def add_to(app: typer.Typer) -> None:
    app.command()(stats)
    app.command()(audit)
    app.command()(counters)


def stats(as_json: Json = False) -> None:
    """Show the figures of every course."""
    from rugcourse.cli.context import open_checked
    from rugcourse.reports.course_stats import gather

    found = open_checked().database.query(gather)
    if as_json:
        print_json(found)
        return
    typer.echo(f"subscribers: {_counts(found.subscribers)}")
    for one in found.courses:
        typer.echo(f"\n{one.course}")
        typer.echo(f"  readers: {_counts(one.readers)}")
        typer.echo(f"  lessons: {_counts(one.lessons)}")
        typer.echo(f"  answers: {one.answered}, right: {one.answered_right}")
        if one.right_before is not None and one.right_after is not None:
            before, after = f"{one.right_before:.0%}", f"{one.right_after:.0%}"
            typer.echo(f"  learned: {before} right before, {after} after ({one.tests_twice} readers)")


def audit(
    as_json: Json = False,
    demo: Annotated[Path | None, typer.Option("--demo", help="Audit the demo in this folder.")] = None,
) -> None:
    """Check the ledger: nothing lost, nothing repeated, every mail accounted for. Exit code 1 on findings."""
    from rugcourse.cli.context import open_checked, open_demo
    from rugcourse.delivery.reconciliation import GRACE_SECONDS
    from rugcourse.delivery.reconciliation import audit as check_books

    runtime = open_demo(demo) if demo is not None else open_checked()
    found = check_books(runtime.database, runtime.clock.now(), runtime.clock.span(GRACE_SECONDS))
    if as_json:
        print_json(
            {"balanced": found.balanced, "books": found.totals, "findings": found.findings, "unknown": found.unknown}
        )
    else:
        states = [state for state in _STATES if any(state in book.counts for book in found.totals)]
        for campaign, lines in groupby(found.totals, lambda book: book.campaign):
            rows = [(_what(line), line.planned, *(line.counts.get(state, 0) for state in states)) for line in lines]
            print_table(campaign, ["mail", "in all", *states], rows)
        for one in found.unknown:
            typer.echo(f"unknown: delivery {one.delivery_id}, {one.lesson or 'mail'} to {one.email}")
        for finding in found.findings:
            typer.echo(f"finding: {finding}")
        typer.echo("the books balance" if found.balanced else "the books do not balance")
    raise typer.Exit(0 if found.balanced else 1)


def counters(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Recompute them from the rows.")] = False,
) -> None:
    """Compare the counters behind the admin pages with the rows they count. Exit code 1 if they differ."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.counters import differences
    from rugcourse.db.counters import rebuild as rebuild_counters

    database = open_checked().database
    with database.write() as session:
        wrong = differences(session)
        if rebuild:
            rebuild_counters(session)
    for key, (counter, rows) in wrong.items():
        about = f"campaign {key.campaign_id}, lesson {key.lesson_id}, {key.day}, {key.metric}"
        typer.echo(f"{about}: the counter says {counter}, the rows say {rows}")
    typer.echo(f"{len(wrong)} rebuilt" if rebuild else f"{len(wrong)} differ" if wrong else "the counters are right")
    raise typer.Exit(1 if wrong and not rebuild else 0)


def _what(line: LedgerLine) -> str:
    return line.lesson or line.kind


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
