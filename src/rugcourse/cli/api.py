"""Commands for tokens of the API."""

from __future__ import annotations

from typing import Annotated

import typer

from rugcourse.cli.output import Json, print_json, print_table

app = typer.Typer(help="The API for programs.", no_args_is_help=True)
token = typer.Typer(help="Tokens with which programs use the API.", no_args_is_help=True)
app.add_typer(token, name="token")


@token.command()
def create(
    email: Annotated[str, typer.Argument(help="The address of the admin as whom it acts.")],
    name: Annotated[str, typer.Option(help="What will use it, such as `website`.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, such as subscribers:read. Can be repeated.")],
    days: Annotated[int, typer.Option(help="Days until it expires; 0 for never.")] = 365,
) -> None:
    """Create a token and print it, once."""
    from rugcourse.auth import api_tokens
    from rugcourse.cli.context import open_checked

    runtime = open_checked()
    made = runtime.database.run(api_tokens.create, runtime.clock.now(), email, name, scope, days or None)
    typer.echo(made.secret)
    typer.echo(f"token {made.id}: keep it now, it is not shown again", err=True)


@token.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List the tokens, without their secrets."""
    from rugcourse.auth import api_tokens
    from rugcourse.cli.context import open_checked

    rows = [
        {
            "id": one.id,
            "token": f"{one.hint}…",
            "name": one.name,
            "admin": email,
            "scopes": one.scopes,
            "expires_at": one.expires_at,
            "used_at": one.used_at,
            "revoked_at": one.revoked_at,
        }
        for one, email in open_checked().database.query(api_tokens.listed)
    ]
    if as_json:
        print_json(rows)
        return
    headings = ["id", "token", "name", "admin", "scopes", "expires", "last used", "revoked"]
    print_table("", headings, [["" if value is None else value for value in row.values()] for row in rows])


@token.command()
def revoke(token_id: Annotated[int, typer.Argument(help="Its number, see `list`.")]) -> None:
    """End a token for good."""
    from rugcourse.auth import api_tokens
    from rugcourse.cli.context import open_checked

    runtime = open_checked()
    runtime.database.run(api_tokens.revoke, runtime.clock.now(), token_id, None)
    typer.echo(f"token {token_id} is revoked")
