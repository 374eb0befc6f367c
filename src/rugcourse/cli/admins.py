"""Commands for admin accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

app = typer.Typer(help="Accounts for the admin pages.", no_args_is_help=True)


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="Their address.")],
    role: Annotated[str, typer.Option(help="What they may do: owner, editor or analyst.")] = "owner",
) -> None:
    """Create an admin, or restore their access. Prints a link that sets the password, once, within a day."""
    from rugcourse.auth.admins import invite
    from rugcourse.cli.context import open_checked
    from rugcourse.db.models import Role
    from rugcourse.enrolment.signup import NotAnAddress

    if role not in {*Role}:
        raise typer.BadParameter(f"{role} is none of {', '.join(Role)}", param_hint="--role")
    runtime = open_checked(own_secret=True)
    try:
        invitation = runtime.database.run(invite, runtime.clock, email, Role(role))
    except NotAnAddress:
        typer.echo(f"error: {email} is not an e-mail address", err=True)
        raise typer.Exit(1) from None
    typer.echo(runtime.links.admin_welcome(invitation.token))


@app.command("list")
def list_admins(as_json: Json = False) -> None:
    """List the admins."""
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import admins

    with open_checked().database.read() as session:
        passkeys = admins.with_passkeys(session)
        rows = [
            {"email": one.email, "role": one.role,
             "second_factor": one.totp_secret is not None or one.id in passkeys,
             "came_in": one.password_hash is not None, "disabled": one.disabled_at is not None}
            for one in admins.everyone(session)
        ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    print_table("", ["e-mail", "role", "second factor", "came in", "disabled"], [list(row.values()) for row in rows])


@app.command()
def disable(email: Annotated[str, typer.Argument(help="Their address.")]) -> None:
    """Disable an admin, and end their sessions."""
    from rugcourse.auth.admins import LastOwner, disable_account
    from rugcourse.cli.context import open_checked
    from rugcourse.db.queries import admins
    from rugcourse.enrolment.signup import normalise_email

    runtime = open_checked()
    with runtime.database.read() as session:
        admin = admins.by_email(session, normalise_email(email) or "")
    if admin is None:
        typer.echo(f"error: there is no admin with the address {email}", err=True)
        raise typer.Exit(1)
    try:
        runtime.database.run(disable_account, runtime.clock.now(), admin.id, None)
    except LastOwner:
        typer.echo("error: this is the last owner; create another one first", err=True)
        raise typer.Exit(1) from None
    typer.echo("disabled")
