"""The command that makes drafts of lessons from an article."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rugcourse.articles import Article, Cuts, DraftFile
    from rugcourse.pictures.reference import PictureRef


def derive(
    article: Annotated[Path, typer.Argument(help="The article: .docx, .odt, .html, .md or .txt.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to, which is new or empty.")],
    language: Annotated[
        str | None, typer.Option(help="The language of the article. Default: RUGCOURSE_DEFAULT_LANGUAGE.")
    ] = None,
    level: Annotated[
        int | None, typer.Option(help="Cut at headings of this level, 1 to 6. Default: the level that fits best.")
    ] = None,
    own_text: Annotated[
        bool, typer.Option("--own-text", help="You may use the sentences of the article, not only its facts.")
    ] = False,
) -> None:
    """Make drafts of lessons from an article, one for each section, to be completed by hand.

    With `--own-text` its pictures come along, in the folder `pictures`.
    """
    from rugcourse.articles import cuts_at_level, draft_files, propose_cuts, read_article, with_pictures, write_drafts

    chosen = _language_or_exit(language)
    content = _content_or_exit(article)
    text = read_article(content, article.name)
    pictures = _pictures(content, article.name) if own_text else {}
    read = with_pictures(text, {source: ref for source, (ref, _) in pictures.items()})
    cuts = propose_cuts(read) if level is None else cuts_at_level(read, level)
    files = draft_files(read, cuts, chosen, own_text=own_text)
    try:
        write_drafts(files, out, {ref.file_name: made for ref, made in pictures.values()})
    except OSError as error:
        typer.echo(f"error: {error.filename}: {error.strerror}; nothing was written", err=True)
        raise typer.Exit(1) from None
    _report(read, cuts, files, out)


def _pictures(content: bytes, name: str) -> dict[str, tuple[PictureRef, bytes]]:
    """Return the pictures of the article, made anew, by where the file has them."""
    from rugcourse.articles import article_pictures
    from rugcourse.picture_library.storing import encode_all

    return encode_all(article_pictures(content, name))


def _report(read: Article, cuts: Cuts, files: tuple[DraftFile, ...], out: Path) -> None:
    """Say what was written, and what is left to do."""
    from rugcourse.articles import reading_minutes

    for file in files:
        words = f"{file.words} words, {reading_minutes(file.words)} min; " if file.words else ""
        typer.echo(f"{out / file.name}: {words}still to write: {', '.join(file.missing)}")
    typer.echo(f"{len(files) - 1} lessons, and the page of the course")
    if cuts.by_length:
        typer.echo(f"{len(cuts.by_length)} lessons were cut by length: no heading stood there", err=True)
    unused = sum(block.words for block in read.blocks if cuts.is_unused(block.index) and not block.is_heading)
    if unused:
        typer.echo(f"{unused} words were not used: what is above the title, contents, sources", err=True)
    left_out = [f"{name.replace('_', ' ')}: {count}" for name, count in read.left_out.counted()]
    if left_out:
        typer.echo(f"left out: {', '.join(left_out)}", err=True)


def _content_or_exit(article: Path) -> bytes:
    """Return what is in the file, up to a little more than an article may have."""
    from rugcourse.articles.limits import MOST_BYTES

    try:
        with article.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        typer.echo(f"error: {article}: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _language_or_exit(language: str | None) -> str:
    from rugcourse.locales import check_language
    from rugcourse.settings import load_settings

    try:
        return check_language(language or load_settings().default_language)
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
