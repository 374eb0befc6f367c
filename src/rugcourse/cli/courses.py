"""Commands for authors: check and render lessons, and sync files with the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugcourse.cli.derive import derive
from rugcourse.cli.output import Json, print_json

if TYPE_CHECKING:
    from rugcourse.content import Course
    from rugcourse.course_editor.merge import OnConflict

app = typer.Typer(help="Courses and their lessons.", no_args_is_help=True)
app.command()(derive)

Folder = Annotated[Path | None, typer.Option("--dir", help="The folder with courses. Default: RUGCOURSE_LESSONS_DIR.")]
ConflictOption = Annotated[
    str,
    typer.Option(
        "--on-conflict",
        help=r"What was changed in the files and in the admin pages: fail, theirs \(the files\) or ours.",
    ),
]


@app.command()
def check(folder: Folder = None, as_json: Json = False) -> None:
    """Read every course and report each mistake with its file and line."""
    from rugcourse.content.picture_files import heavy_lessons
    from rugcourse.course_editor.email_size import large_emails
    from rugcourse.course_editor.linter import left_out_of_books, places_named
    from rugcourse.course_editor.question_advice import guessable

    source = _lessons_in(folder)
    courses = load_or_exit(folder, as_json=as_json, email_sizes=True)
    summary = [
        {
            "course": one.slug,
            "languages": list(one.languages),
            "lessons": [lesson.slug for lesson in one.lessons],
            "unsigned": list(one.unsigned_notices),
        }
        for one in courses
    ]
    if as_json:
        print_json(summary)
        return
    for one in courses:
        typer.echo(f"{one.slug}: {len(one.lessons)} lessons in {', '.join(one.languages)}; no mistakes")
        if one.unsigned_notices:
            languages = ", ".join(one.unsigned_notices)
            typer.echo(f"    remark: no expert has signed the safety notice in {languages} (`reviewed_by` is empty)")
        place = source / one.slug
        advice = [
            *left_out_of_books(place),
            *places_named(place),
            *guessable(one, place),
            *heavy_lessons(place),
            *large_emails(one, place),
        ]
        for remark in advice:
            typer.echo(f"    remark: {remark}")


@app.command()
def render(
    slug: Annotated[str, typer.Argument(help="The slug of a lesson, such as `welkom`.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
    language: Annotated[str | None, typer.Option(help="Only this language.")] = None,
    folder: Folder = None,
) -> None:
    """Write a lesson as readers get it: .html with its pictures, .txt, .eml; with Chromium also screenshots."""
    from rugcourse.dev.lesson_preview import PreviewNotFound, render_lesson
    from rugcourse.settings import load_settings

    try:
        files = render_lesson(load_settings(), load_or_exit(folder), slug, language, out, _lessons_in(folder))
    except PreviewNotFound as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for file in files:
        typer.echo(str(file))


@app.command("import")
def import_(folder: Folder = None, on_conflict: ConflictOption = "fail") -> None:
    """Publish the lessons in the folder. Newer changes from the admin pages stay."""
    from rugcourse.bootstrap import import_lessons, make_ebooks
    from rugcourse.cli.context import open_checked
    from rugcourse.content import AuthoringErrors
    from rugcourse.course_editor.merge import MergeConflict

    chosen = _conflict_rule_or_exit(on_conflict)
    runtime = open_checked()
    try:
        imported = import_lessons(runtime, folder, chosen)
        make_ebooks(runtime)
    except (AuthoringErrors, MergeConflict) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for one in imported:
        changed = f"changed: {', '.join(one.changed)}" if one.changed else "nothing changed"
        newer = f"; newer here, so kept: {', '.join(one.newer_here)}" if one.newer_here else ""
        typer.echo(f"{one.course}: {one.lessons} lessons; {changed}{newer}")


@app.command()
def export(folder: Folder = None, on_conflict: ConflictOption = "fail") -> None:
    """Write changes from the admin pages to the files in the folder. Newer changes in the files stay."""
    from rugcourse import paths
    from rugcourse.cli.context import open_checked
    from rugcourse.content import AuthoringErrors
    from rugcourse.course_editor.file_sync import export_courses
    from rugcourse.course_editor.merge import MergeConflict

    chosen = _conflict_rule_or_exit(on_conflict)
    runtime = open_checked()
    target = folder or runtime.settings.lessons_dir
    if target is None or target == paths.folder("lessons"):
        typer.echo("error: say where to with --dir, or with RUGCOURSE_LESSONS_DIR", err=True)
        raise typer.Exit(2)
    is_source = target.resolve() == runtime.lessons_dir.resolve()
    try:
        done = export_courses(runtime.database, target, chosen, is_source=is_source)
    except OSError as error:
        typer.echo(f"error: {error.filename}: {error.strerror}; nothing is recorded as exported", err=True)
        raise typer.Exit(1) from None
    except MergeConflict as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except AuthoringErrors as error:
        typer.echo(
            f"{error}\nNothing was exported: correct these files, or overwrite them with `--on-conflict ours`", err=True
        )
        raise typer.Exit(1) from None
    for file in done.written:
        typer.echo(str(file))
    for file in done.removed:
        typer.echo(f"{file}: removed")
    for file in done.set_aside:
        typer.echo(f"{file}: backup of a newer file", err=True)
    for part in done.newer_in_files:
        typer.echo(f"{part}: newer in the files, so left as it is (`rugcourse courses import`)", err=True)
    if not (done.written or done.removed or done.set_aside or done.newer_in_files):
        typer.echo("the files are up to date", err=True)


@app.command()
def pack(
    slug: Annotated[str, typer.Argument(help="The slug of a course, such as `oorzaken-van-rugpijn`.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write. Default: the slug with .zip.")] = None,
) -> None:
    """Write a published course to one file, to pass on to another installation."""
    from rugcourse.cli.context import open_checked
    from rugcourse.course_editor.pack_transfer import pack_of

    data = open_checked().database.query(pack_of, slug)
    target = out or Path(f"{slug}.zip")
    try:
        target.write_bytes(data)
    except OSError as error:
        typer.echo(f"error: {target}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(target))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A course pack, as `rugcourse courses pack` writes it.")],
    slug: Annotated[str | None, typer.Option("--as", help="Its slug here. Default: the slug in the pack.")] = None,
) -> None:
    """Publish the course of a pack as a new course. A course that is here already is never changed."""
    from rugcourse.bootstrap import make_ebooks
    from rugcourse.cli.context import open_checked
    from rugcourse.content import AuthoringErrors
    from rugcourse.course_editor.pack import MAX_BYTES
    from rugcourse.course_editor.pack_transfer import add_course, course_of_pack

    runtime = open_checked()
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)  # one more than a pack may have, which is told as too large
        course = runtime.database.run(add_course, runtime.clock.now(), course_of_pack(data, slug))
        make_ebooks(runtime)
    except OSError as error:
        typer.echo(f"error: {file}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    except AuthoringErrors as error:
        typer.echo(f"{error}\nNothing was added: correct these files in the pack", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{course.slug}: {len(course.lessons)} lessons in {', '.join(course.languages)}; added")


@app.command()
def picture(
    file: Annotated[Path, typer.Argument(help="A photo or drawing: JPEG, PNG, WebP or GIF.")],
    out: Annotated[Path, typer.Option("--out", help="The folder `pictures` of a course.")],
) -> None:
    """Make a picture ready for the files of a course: small enough for a mail, upright, without what a camera adds."""
    from rugcourse.pictures.encoder import encode_picture
    from rugcourse.pictures.reference import picture_name

    try:
        with file.open("rb") as opened:
            made = encode_picture(opened)
        target = out / f"{picture_name(file.name) or 'picture'}.{made.extension}"
        out.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as written:  # one that is there already is never changed
            written.write(made.largest)
    except OSError as error:
        typer.echo(f"error: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{target}: {made.width} × {made.height} pixels, {len(made.largest) // 1000} kB")


def _conflict_rule_or_exit(on_conflict: str) -> OnConflict:
    from rugcourse.course_editor.merge import OnConflict

    if on_conflict not in {*OnConflict}:
        typer.echo(f"error: --on-conflict must be one of {', '.join(OnConflict)}", err=True)
        raise typer.Exit(2)
    return OnConflict(on_conflict)


def load_or_exit(folder: Path | None, *, as_json: bool = False, email_sizes: bool = False) -> list[Course]:
    """Load the courses, or print every mistake and exit with code 1. `email_sizes`: also mails that are too large."""
    from rugcourse.content import AuthoringErrors, load_courses
    from rugcourse.course_editor.email_size import check_email_sizes

    try:
        courses = load_courses(_lessons_in(folder))
        for course in courses if email_sizes else ():
            check_email_sizes(course)
    except AuthoringErrors as error:
        if as_json:
            print_json([{"file": one.file, "line": one.line, "message": one.message} for one in error.problems])
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    return courses


def _lessons_in(folder: Path | None) -> Path:
    from rugcourse import paths
    from rugcourse.settings import load_settings

    return folder or load_settings().lessons_dir or paths.folder("lessons")
