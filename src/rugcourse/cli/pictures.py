"""Commands for where pictures are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rugcourse.bootstrap import Runtime
    from rugcourse.picture_storage.storage import PictureStorage

app = typer.Typer(help="Where the pictures of texts are kept.", no_args_is_help=True)

_PLACE = "database, a folder as /srv/pictures, or s3://bucket."


@app.command()
def move(
    source: Annotated[str | None, typer.Option("--from", help=f"Where they are: {_PLACE}")] = None,
    target: Annotated[
        str | None, typer.Option("--to", help=f"Where to: {_PLACE} Default: RUGCOURSE_PICTURE_STORAGE.")
    ] = None,
) -> None:
    """Bring the files of all pictures from one place to another. It can be repeated, and goes on where it stopped.

    Without --from: from the database to a folder or bucket, else from where the setting says. See docs/pictures.md.
    """
    from rugcourse.cli.context import open_checked
    from rugcourse.picture_library import stored_files

    runtime = open_checked()
    there = _opened(runtime, target or runtime.settings.picture_storage)
    usual = "database" if target in {None, runtime.settings.picture_storage} else runtime.settings.picture_storage
    moved = stored_files.move(runtime.database, _opened(runtime, source or usual), there)
    typer.echo(f"{moved.files} files moved to {there.name if there else 'the database'}")
    for key in moved.missing:
        typer.echo(f"error: {key} is missing where it should be", err=True)
    raise typer.Exit(1 if moved.missing else 0)


@app.command()
def clean(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them. Without it they are only counted.")] = False,
) -> None:
    """Find files in the folder or bucket that belong to no picture, as a crash leaves them.

    Two installations can't share a folder or prefix: each would take the other's files for such.
    """
    from rugcourse.cli.context import open_checked
    from rugcourse.clock import SystemClock
    from rugcourse.picture_library.stored_files import StorageNotUsed, remove_unnamed

    database = open_checked().database
    if database.picture_storage is None:
        raise StorageNotUsed("pictures are in the database, which has no such files")
    found = remove_unnamed(database, database.picture_storage, SystemClock().now(), delete=delete)
    typer.echo(f"{len(found)} files {'deleted' if delete else 'belong to no picture; --delete deletes them'}")


def _opened(runtime: Runtime, location: str) -> PictureStorage | None:
    from rugcourse.bootstrap import picture_storage

    try:
        return picture_storage(runtime.settings, location)
    except ValueError as error:
        raise typer.BadParameter(f"{location}: {error}") from None
