"""Commands for the doctor and for DKIM keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json

if TYPE_CHECKING:
    from rugcourse.emails.dkim_keys import SigningKey

dkim = typer.Typer(help="Keys that sign mails.", no_args_is_help=True)

_SIGNS = {"ok": "✓", "warning": "!", "error": "✗", "unknown": "?"}


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)
    app.add_typer(dkim, name="dkim")


def doctor(as_json: Json = False) -> None:
    """Check settings, servers and the DNS: what is wrong, why it matters, how to fix it. Exit code 1 on errors."""
    from rugcourse.bootstrap import open_runtime
    from rugcourse.doctor.report import CHECKS
    from rugcourse.doctor.runner import run_checks
    from rugcourse.doctor.saved_run import keep
    from rugcourse.settings import load_settings

    runtime = open_runtime(load_settings())
    found = run_checks(runtime.settings, runtime.database, runtime.clock, runtime.links)
    if not any(one.check == "database" for one in found.errors):
        keep(runtime.database, found)
    lines = [
        {
            "check": one.check,
            "state": one.state,
            "title": CHECKS[one.check].title,
            "found": one.found % one.values,
            "why": CHECKS[one.check].why,
            "fix": one.fix % one.values,
        }
        for one in found.findings
    ]
    if as_json:
        print_json(lines)
    else:
        for line in lines:
            typer.echo(f"{_SIGNS[line['state']]} {line['title']}: {line['found']}")
            if line["fix"]:
                typer.echo(f"    {line['why']}\n    → {line['fix']}")
        typer.echo(f"{len(found.errors)} wrong" if found.errors else "nothing is wrong")
    raise typer.Exit(1 if found.errors else 0)


@dkim.command()
def generate(
    name: Annotated[str, typer.Argument(help="What the keys are called in the DNS; default: this month.")] = "",
    folder: Annotated[Path, typer.Option("--dir", help="Where they are kept.")] = Path("var/dkim"),
) -> None:
    """Create DKIM keys (RSA and Ed25519), and print what to add to the DNS and to the settings."""
    from rugcourse.clock import SystemClock
    from rugcourse.emails.dkim_keys import load_keys, make_keys
    from rugcourse.settings import load_settings

    settings = load_settings()
    files = make_keys(folder, name or f"{SystemClock().now():%Y%m}")
    earlier = settings.dkim_files
    setting = ",".join(f"{selector}={file}" for selector, file in {**files, **earlier}.items())
    typer.echo("1. Put this into the DNS:\n")
    _print_records(settings.sender_domain, load_keys(files))
    typer.echo("\n2. When `dig TXT` shows them, set this, and restart the workers:\n")
    typer.echo(f"RUGCOURSE_DKIM_KEYS={setting}\n")
    typer.echo("3. Check everything: rugcourse doctor")
    if earlier:
        typer.echo(f"\n4. After a week take {', '.join(earlier)} out of the setting, and then out of the DNS.")


@dkim.command()
def dns() -> None:
    """Print the DNS records for the DKIM keys in the settings."""
    from rugcourse.emails.dkim_keys import load_keys
    from rugcourse.settings import load_settings

    settings = load_settings()
    if not settings.dkim_files:
        typer.echo("no keys are set (RUGCOURSE_DKIM_KEYS); make some with: rugcourse dkim generate", err=True)
        raise typer.Exit(1)
    _print_records(settings.sender_domain, load_keys(settings.dkim_files))


def _print_records(domain: str, keys: tuple[SigningKey, ...]) -> None:
    from rugcourse.emails.dkim_keys import zone_line

    for key in keys:
        typer.echo(zone_line(domain, key))
