"""Commands that make a backup and restore one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.output import Json, print_json, progress_bar

if TYPE_CHECKING:
    from rugcourse.backup.create import MadeBackup
    from rugcourse.backup.restore import RestoredBackup
    from rugcourse.bootstrap import Runtime

_SHOWN_TABLES = ("subscriber", "enrolment", "delivery", "answer", "course", "picture")


def add_to(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write, as /srv/backups/monday.zip.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write everything that this installation keeps into one file, while it goes on. See docs/backup.md."""
    from rugcourse.backup.create import create_backup
    from rugcourse.cli.context import open_checked

    runtime = open_checked()
    with progress_bar("backup") as progress:
        made = create_backup(
            runtime.database, _journals(runtime), path, runtime.clock.now(), progress, overwrite=overwrite
        )
    _print_made(made, as_json=as_json)


def restore(
    path: Annotated[Path, typer.Argument(help="The file that `rugcourse backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Delete what is in the database now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty database. Sending stays held until `rugcourse sending resume`.

    Exit code 1 when what was restored does not hold together.
    """
    from rugcourse.backup.restore import RestoreTarget, contents, restore_backup
    from rugcourse.bootstrap import open_runtime, rejection_handler
    from rugcourse.db.migrate import is_current
    from rugcourse.settings import load_settings

    settings = load_settings()
    settings.require_own_secret()
    runtime = open_runtime(settings)
    if replace and not yes and is_current(runtime.database):
        found = runtime.database.query(contents)
        held = ", ".join(f"{found.get(name, 0)} rows of {name}" for name in ("subscriber", "delivery", "course"))
        typer.confirm(f"Delete everything in this database ({held}), and restore {path} instead?", abort=True)
    target = RestoreTarget(
        runtime.database, _journals(runtime), runtime.signer, runtime.clock, rejection_handler(runtime)
    )
    with progress_bar("restore") as progress:
        restored = restore_backup(target, path, replace=replace, progress=progress)
    _print_restored(restored, as_json=as_json)
    raise typer.Exit(0 if restored.is_sound else 1)


def _journals(runtime: Runtime) -> Path:
    return runtime.settings.data_dir / "journal"


def _print_made(made: MadeBackup, *, as_json: bool) -> None:
    from rugcourse.backup.manifest import NOT_INCLUDED

    if as_json:
        print_json(
            {
                "path": str(made.path),
                "bytes": made.size,
                "rows": {one.name: one.rows for one in made.manifest.tables},
                "missing_pictures": made.manifest.missing_pictures,
                "not_included": NOT_INCLUDED,
            }
        )
        return
    counts = ", ".join(f"{made.manifest.rows_of(name)} in {name}" for name in _SHOWN_TABLES)
    typer.echo(f"{made.path}: {made.size / 1e6:.1f} MB, {made.manifest.total_rows} rows ({counts})")
    for key in made.manifest.missing_pictures:
        typer.echo(f"warning: the file of the picture {key} was missing", err=True)
    typer.echo("Not in it:")
    for one in NOT_INCLUDED:
        typer.echo(f"  {one}")


def _print_restored(restored: RestoredBackup, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "made_at": restored.manifest.made_at,
                "rows": {one.name: one.rows for one in restored.manifest.tables},
                "balanced": restored.audit.balanced,
                "findings": restored.audit.findings,
                "unknown": restored.audit.unknown,
                "wrong_counters": restored.miscounted,
                "sending": "held",
            }
        )
        return
    typer.echo(f"restored {restored.manifest.total_rows} rows of {restored.manifest.made_at:%Y-%m-%d %H:%M} UTC")
    for finding in restored.audit.findings:
        typer.echo(f"finding: {finding}")
    typer.echo("the books balance" if restored.audit.balanced else "the books do not balance")
    if restored.miscounted:
        typer.echo(f"{restored.miscounted} counters differ from the rows: rugcourse counters --rebuild")
    typer.echo("Sending is held. When the old server is off: rugcourse sending resume")
