"""Commands that print the documents that the GDPR requires."""

from __future__ import annotations

from typing import Annotated

import typer

from rugcourse.locales import check_language, languages

app = typer.Typer(help="Privacy documents, generated from the settings, as Markdown.", no_args_is_help=True)

Language = Annotated[str, typer.Option("--language", help=f"{' or '.join(languages())}; default: the installation's.")]


@app.command()
def record(language: Language = "") -> None:
    """Print the record of processing (GDPR, article 30)."""
    _print("record", language)


@app.command()
def dpia(language: Language = "") -> None:
    """Print a draft of the data protection impact assessment (article 35)."""
    _print("dpia", language)


@app.command()
def breach(language: Language = "") -> None:
    """Print what to do after a data breach, and how to answer requests of data subjects."""
    _print("breach", language)


@app.command()
def notice(language: Language = "") -> None:
    """Print the privacy page as text."""
    _print("notice", language)


def _print(which: str, language: str) -> None:
    from rugcourse.privacy.papers import Paper, notice_text, paper, paper_language
    from rugcourse.settings import load_settings

    settings = load_settings()
    language = language or settings.default_language
    try:
        check_language(language)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if which != "notice" and (spoken := paper_language(Paper(which), language)) != language:
        typer.echo(f"there is no {which}.{language}.md in templates/privacy; this is the one in {spoken}", err=True)
    text = notice_text(settings, language) if which == "notice" else paper(Paper(which), settings, language)
    typer.echo(text, nl=False)
