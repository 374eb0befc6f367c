"""Reads an uploaded CSV file: encoding, delimiter, lines and cells, and what its columns seem to hold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rugcourse.enrolment.signup import normalise_email
from rugcourse.errors import InvalidInput

LONGEST_TEXT = 1000
_DELIMITERS = ",;\t|"


_MOST_LINES, MAX_COLUMNS, _LONGEST_CELL = 500_000, 100, LONGEST_TEXT + 1


_MOST_CELLS = 5_000_000  # of all lines: a few hundred megabytes while it is read
_LONGEST_LINE = MAX_COLUMNS * _LONGEST_CELL
_DELIMITER_SAID = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)  # the line by which Excel knows it


class Column(StrEnum):
    """What a column of a list can hold."""

    EMAIL = "email"
    NAME = "name"
    LANGUAGE = "language"
    ZONE = "zone"
    HOUR = "hour"
    TAGS = "tags"  # words for choosing an audience, with commas between
    AGREED_AT = "agreed_at"
    AGREED_TEXT = "agreed_text"
    AGREED_WHERE = "agreed_where"


_GUESSES = {
    Column.EMAIL: (
        "e-mail",
        "email",
        "mail",
        "e-mailadres",
        "emailadres",
        "e-mail-adresse",
        "emailadresse",
        "address",
        "email address",
        "e-mail address",
    ),
    Column.NAME: ("name", "naam", "first name", "voornaam", "vorname", "firstname", "first_name", "full name"),
    Column.LANGUAGE: ("language", "taal", "sprache", "lang"),
    Column.ZONE: ("zone", "time zone", "timezone", "tijdzone", "zeitzone"),
    Column.HOUR: ("hour", "uur", "uhrzeit", "stunde"),
    Column.TAGS: ("tags", "tag", "labels", "label", "words", "schlagwörter", "schlagwort"),
    Column.AGREED_AT: (
        "consent_at",
        "consent date",
        "agreed on",
        "opt-in date",
        "optin_time",
        "toestemming op",
        "einwilligung am",
    ),
    Column.AGREED_TEXT: ("consent_text", "consent text", "agreed to", "toestemmingstekst", "einwilligungstext"),
    Column.AGREED_WHERE: ("consent_source", "consent source", "agreed where", "bron", "quelle", "source"),
}


class InvalidList(InvalidInput):
    """The file is no list of people that can be read; the argument says why: empty, no-table, quotes, too-long, binary.

    `line`: where the quotes are wrong.
    """

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class CsvList:
    """A file as it was read. `headers`: what its first line calls the columns, empty where that is a person already;
    `lines`: (number in the file, cells) of what is below.
    """

    headers: list[str]
    lines: list[tuple[int, list[str]]]


def read_list(content: bytes) -> CsvList:
    """A file of values with commas, semicolons, tabs or bars between, as spreadsheets write it. Raises InvalidList."""
    rows = _limited(_rows(_decoded(content)))
    if not rows:
        raise InvalidList("empty")
    (_, headers), *lines = rows
    if any(normalise_email(cell) for cell in headers):
        headers, lines = [""] * len(headers), rows
    if not lines:
        raise InvalidList("empty")
    if len(headers) > MAX_COLUMNS or not any("@" in cell for _, cells in lines[:1000] for cell in cells):
        raise InvalidList("no-table")
    return CsvList([header[:80] for header in headers], lines)


def _limited(rows: Iterator[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """All rows; no more are read than may be. Raises InvalidList."""
    kept, cells = [], 0
    for row in rows:
        kept.append(row)
        cells += len(row[1])
        if len(kept) > _MOST_LINES or cells > _MOST_CELLS:
            raise InvalidList("too-long")
    return kept


def guess(headers: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> dict[Column, int]:
    """What the columns seem to hold, by their names; where they have none, by the first lines."""
    if sample and not any(headers):
        addresses = [place for place, cell in enumerate(sample[0]) if "@" in cell]
        return {Column.EMAIL: addresses[0]} if addresses else {}
    plain = [header.strip().lower() for header in headers]
    named = {column: [one for one in names if one in plain] for column, names in _GUESSES.items()}
    return {column: plain.index(found[0]) for column, found in named.items() if found}


def _decoded(content: bytes) -> str:
    # What spreadsheets write; the last one on Windows.
    for encoding in ["utf-16"] if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text or text.lstrip()[:1] == "<":  # a picture, a page, a document
            raise InvalidList("binary")
        return text.removeprefix("\ufeff")
    raise InvalidList("binary")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the line it begins on, cells) of each line that holds something."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    said = _DELIMITER_SAID.fullmatch(first)
    delimiter = said[1] if said else max(_DELIMITERS, key=first.count)
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not (said and cells[0].lower().startswith("sep=")):
                yield begin, [_plain(cell) for cell in cells[: MAX_COLUMNS + 1]]
            begin = reader.line_num + 1
    except csv.Error:
        raise InvalidList("quotes", begin) from None


def _lines(text: str) -> Iterator[str]:
    """Raises InvalidList for a line that no table has: its cells would fill the memory before anybody counts them."""
    for line in io.StringIO(text, newline=""):
        if len(line) > _LONGEST_LINE:
            raise InvalidList("no-table")
        yield line


def _plain(cell: str) -> str:
    """Without the apostrophe that our own lists carry against formulas (see `rugcourse.subscribers.csv_export`)."""
    cell = cell.strip()[:_LONGEST_CELL]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in set("=+-@") else cell
