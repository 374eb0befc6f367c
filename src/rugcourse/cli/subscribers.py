"""Commands for subscribers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

if TYPE_CHECKING:
    from rugcourse.bootstrap import Runtime

_FOR_ONE_USER = 0o600

app = typer.Typer(help="Readers.", no_args_is_help=True)


@app.command("list")
def list_people(
    limit: Annotated[int, typer.Option(help="How many to show.", min=1)] = 100,
    offset: Annotated[int, typer.Option(help="How many to skip.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """List readers, in the order of signing up."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import subscribers

    with open_checked().database.read() as session:
        people = subscribers.everyone(session, limit, offset)
    rows = [
        {"id": one.id, "email": one.email, "name": one.name, "status": one.status, "language": one.language,
         "signed_up": one.created_at.isoformat(timespec="minutes")}
        for one in people
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    print_table(
        "", ["id", "e-mail", "name", "status", "language", "signed up (UTC)"], [list(row.values()) for row in rows]
    )


@app.command()
def show(email: Annotated[str, typer.Argument(help="The reader's address.")], as_json: Json = False) -> None:
    """Show a reader, their schedule, and their progress."""
    from rugcourse.cli.context import open_checked
    from rugcourse.subscribers.profile import find_reader

    runtime = open_checked()
    reader = runtime.database.query(find_reader, email)
    if reader is None:
        typer.echo(f"error: nobody with the address {email}", err=True)
        raise typer.Exit(1)
    if as_json:
        print_json(reader)
        return
    typer.echo(f"{reader.email}  {reader.name or '(no name)'}  {reader.status}  language {reader.language}")
    typer.echo(
        f"written to at {reader.hour:02}:00, {reader.days}, {reader.zone}{'  (paused)' if reader.paused else ''}"
    )
    for one in reader.courses:
        typer.echo(f"{one.course}: {one.status}, {one.lessons_planned} lessons so far, next {one.next_due or '-'}")
    typer.echo(f"answers: {reader.answered}, right: {reader.answered_right}")
    print_table("", ["mail", "kind", "lesson", "state", "planned (UTC)", "reply"], [
        (one.id, one.kind, one.lesson, one.state, one.planned_at, one.reply) for one in reader.mails
    ])  # fmt: skip


@app.command()
def suppress(
    email: Annotated[str, typer.Argument(help="The address that must not be written to.")],
    reason: Annotated[str, typer.Option(help="Why, in a word or two.")] = "operator",
) -> None:
    """Never write to an address again, even if it signs up again. To only stop mail, use `unsubscribe`."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries.subscribers import REASONS
    from rugcourse.enrolment.signup import NotAnAddress
    from rugcourse.enrolment.suppression import suppress_address

    if reason.strip().lower() in REASONS:
        typer.echo(f"error: rugcourse gives the reason {reason!r} itself; choose another word", err=True)
        raise typer.Exit(2)
    runtime = open_checked(own_secret=True)
    try:
        runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, reason[:20])
    except NotAnAddress:
        typer.echo(f"error: {email} is not an e-mail address", err=True)
        raise typer.Exit(1) from None
    typer.echo("suppressed")


@app.command()
def unsubscribe(email: Annotated[str, typer.Argument(help="The address that wants no more mail.")]) -> None:
    """End all mail to a person who asked for that. They can undo it for 30 days, and sign up again."""
    from rugcourse.cli.context import open_checked
    from rugcourse.enrolment.preferences import NotAReader, unsubscribe_on_request

    runtime = open_checked(own_secret=True)
    subscriber_id = _id_of(runtime, email)
    try:
        with runtime.database.write() as session:
            unsubscribe_on_request(session, runtime.clock.now(), subscriber_id)
    except NotAReader:
        typer.echo(f"error: {email} has confirmed no signup, and gets no mail", err=True)
        raise typer.Exit(1) from None
    typer.echo("unsubscribed")


@app.command()
def export(
    email: Annotated[str, typer.Argument(help="The reader's address.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write to; else it is printed.")] = None,
) -> None:
    """Export all data on a person as JSON."""
    from rugcourse.cli.context import open_checked

    runtime = open_checked()
    found = runtime.data_export(_id_of(runtime, email))
    if found is None:
        raise typer.Exit(1)
    if out is None:
        print_json(found.sections)
    else:
        out.touch(mode=_FOR_ONE_USER)
        out.chmod(_FOR_ONE_USER)  # also of an existing file
        out.write_text(json.dumps(found.sections, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@app.command()
def erase(
    email: Annotated[str, typer.Argument(help="The reader's address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Delete all data on a person permanently. Only a keyed hash stays, so that no import brings them back."""
    from rugcourse.cli.context import open_checked
    from rugcourse.privacy.erase import erase as erase_person

    runtime = open_checked(own_secret=True)
    subscriber_id = _id_of(runtime, email)
    if not yes:
        typer.confirm(f"Erase everything about {email}? This can't be undone.", abort=True)
    runtime.database.run(erase_person, runtime.clock.now(), runtime.signer, subscriber_id)
    typer.echo("erased")


def _id_of(runtime: Runtime, email: str) -> int:
    from rugcourse.subscribers.profile import find_reader

    reader = runtime.database.query(find_reader, email)
    if reader is None:
        typer.echo(f"error: nobody with the address {email}", err=True)
        raise typer.Exit(1)
    return reader.id
