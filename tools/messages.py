"""Keeps the catalogues in `locales/` in step with the text in the code and the templates: `make messages`.

It reads what `babel.cfg` names, writes `locales/messages.pot`, and brings each `locales/*.po` up to date: new messages
stand at the end without a translation, those that are gone are removed, and all else stays where it is. So a second run
changes nothing. `--check` writes nothing and fails with a list; `--new de` begins a catalogue.

The .pot is generated and not committed: it names the line of each message, so nearly every commit would change it.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
MAPPING_FILE = "babel.cfg"
LOCALES = "locales"
TEMPLATE = "messages.pot"
CODE = re.compile(r"[a-z]{2}")  # the others have no place in addresses and names of files, see src/rugcourse/locales.py
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

MessageId = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with a catalogue: messages it lacks, those nobody uses, and those without a sound translation."""

    missing: list[str]
    left_over: list[str]
    untranslated: list[str]
    broken: list[str]

    def lines(self) -> Iterator[str]:
        for title, texts in (
            ("is missing", self.missing),
            ("is used nowhere", self.left_over),
            ("has no translation", self.untranslated),
            ("is translated with a mistake", self.broken),
        ):
            yield from (f"{title}: {text!r}" for text in texts)


def extract(root: Path) -> Catalog:
    """Every translatable message of code and templates, in the order of files and lines."""
    with (root / MAPPING_FILE).open(encoding="utf-8") as file:
        patterns, options = parse_mapping_cfg(file, MAPPING_FILE)  # type: ignore[no-untyped-call]
    folders = {Path(pattern).parts[0] for pattern, _method in patterns}
    found = Catalog(project="rugcourse", charset="utf-8")
    for name, line, message, _comments, _context in extract_from_dir(
        root,
        patterns,
        options,
        keywords=KEYWORDS,
        directory_filter=lambda folder: Path(folder).relative_to(root).parts[0] in folders,
    ):
        found.add(message, locations=[(Path(name).as_posix(), line)])
    return found


def extract_constants(
    fileobj: IO[bytes], _keywords: object, _comment_tags: object, **_options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """The texts of a module that gives them to gettext by name: constants that its tuple `ALL` lists.

    For Babel, which calls it as `babel.cfg` says.
    """
    module = ast.parse(fileobj.read())
    values = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for name in ast.walk(values["ALL"]):
        if isinstance(name, ast.Name):
            text = values[name.id]
            yield text.lineno, "gettext", ast.literal_eval(text), []


def catalogues(root: Path) -> list[Path]:
    return sorted((root / LOCALES).glob("*.po"))


def compare(catalogue: Catalog, messages: Catalog) -> Difference:
    """What a catalogue lacks, or has too much of, beside the messages that are used."""
    ours, used = _by_id(catalogue), _by_id(messages)
    return Difference(
        missing=[_english(one) for one in used if one not in ours],
        left_over=[_english(one) for one in ours if one not in used],
        untranslated=[_english(one) for one in ours if one in used and not _is_translated(ours[one])],
        broken=[f"{_english(message.id)} ({errors[0]})" for message, errors in catalogue.check()],
    )


def updated(text: str, language: str, messages: Catalog) -> str:
    """A .po file with all messages and no other ones. What stays keeps its place, its translation and its comments."""
    catalogue = read(text, language)
    ours, used = _by_id(catalogue), _by_id(messages)
    result = Catalog(locale=language)
    for message in (
        *(message for identity, message in ours.items() if identity in used),
        *(Message(message.id) for identity, message in used.items() if identity not in ours),
    ):
        result[message.id] = message
    return f"{_header(text)}\n\n{_entries(result)}"


def begun(language: str, messages: Catalog) -> str:
    """The .po file of a new language, without a translation. Raises UnknownLocaleError."""
    locale = Locale.parse(language)
    header = (
        f"# The words around the lessons, in {locale.english_name}. English is the language of the source.\n"
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {Catalog(locale=locale).plural_forms}\\n"\n'
    )
    return updated(header, language, messages)


def read(text: str, language: str) -> Catalog:
    return read_po(BytesIO(text.encode()), locale=language, ignore_obsolete=True)


def _by_id(catalogue: Catalog) -> dict[MessageId, Message]:
    """The messages without the header. One whose plural is another one is another message."""
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message for message in catalogue if message.id
    }


def _english(identity: MessageId | Sequence[str]) -> str:
    """A message for people: of two forms the first."""
    return identity if isinstance(identity, str) else identity[0]


def _is_translated(message: Message) -> bool:
    forms = message.string or ""
    return all(forms if isinstance(forms, (tuple, list)) else [forms]) and not message.fuzzy


def _header(text: str) -> str:
    """The first entry as it is. Babel would put the date and its own version into it, so each run would change it."""
    return text.partition("\n\n")[0].rstrip("\n")


def _entries(catalogue: Catalog) -> str:
    written = BytesIO()
    write_po(written, catalogue, width=0, no_location=True, omit_header=True, ignore_obsolete=True)
    return written.getvalue().decode().strip("\n") + "\n"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    options = _options(arguments)
    messages = extract(root)
    if options.check:
        return check(root, messages)
    if options.new and not begin(root, options.new, messages):
        return 2
    write(root, messages)
    return 0


def check(root: Path, messages: Catalog) -> int:
    """Say what is wrong with each catalogue; 1 when anything is."""
    wrong = False
    for path in catalogues(root):
        lines = list(compare(read(path.read_text(encoding="utf-8"), path.stem), messages).lines())
        wrong = wrong or bool(lines)
        say(*(f"{LOCALES}/{path.name}: {line}" for line in lines or [f"{len(messages)} messages, all translated"]))
    if wrong:
        say("`make messages` adds what is missing and removes what is used nowhere; translations are written by hand.")
    return int(wrong)


def begin(root: Path, language: str, messages: Catalog) -> bool:
    """Write the catalogue of a new language, unless there is one, or it is no language that Babel and pages know."""
    if not CODE.fullmatch(language):
        sys.stderr.write(f"{language!r} is no code of a language (ISO 639-1): give two letters, such as de\n")
        return False
    path = root / LOCALES / f"{language}.po"
    if path.exists():
        sys.stderr.write(f"{LOCALES}/{path.name} is there already\n")
        return False
    try:
        path.write_text(begun(language, messages), encoding="utf-8")
    except (UnknownLocaleError, ValueError):
        sys.stderr.write(f"{language!r} is no language that Babel knows\n")
        return False
    return True


def write(root: Path, messages: Catalog) -> None:
    with (root / LOCALES / TEMPLATE).open("wb") as file:
        write_po(file, messages, width=0)
    for path in catalogues(root):
        before = path.read_text(encoding="utf-8")
        after = updated(before, path.stem, messages)
        path.write_text(after, encoding="utf-8")
        difference, left = (compare(read(text, path.stem), messages) for text in (before, after))
        say(
            f"{LOCALES}/{path.name}: {len(difference.missing)} added, {len(difference.left_over)} removed, "
            f"{len(left.untranslated)} without a translation"
        )


def say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make messages", description="Keep the catalogues in step with the text.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="write nothing; fail when a catalogue is not in step")
    choice.add_argument("--new", metavar="LANGUAGE", help="begin the catalogue of a language, such as de")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
