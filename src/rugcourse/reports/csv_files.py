"""CSV files for spreadsheets. Cells can't run as formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from rugcourse.i18n import has_decimal_comma

BOM = "\ufeff"  # by which spreadsheets recognise UTF-8
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_BEGINS = re.compile(rf"[{_SIGNS}\t\r\n]")  # how formulas begin (OWASP: CSV injection)
# A file may be opened with the other delimiter, or line by line: what is behind one within a text begins a cell, then.
_WITHIN = re.compile(rf"(?<=[^\t\r\n])([,;\t\r\n]+)(?=[{_SIGNS}])|^([,;]+)(?=[{_SIGNS}])")


def delimiter_in(language: str) -> str:
    """Return the delimiter that spreadsheets expect in a language.

    Where numbers have a decimal comma it is a semicolon. A line `sep=;` is understood by Excel only, which then ignores
    the byte order mark.
    """
    return ";" if has_decimal_comma(language) else ","


def csv_lines(rows: Iterable[Sequence[object]], delimiter: str) -> str:
    """Return rows as lines (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([escape_formula(value) for value in row] for row in rows)
    return out.getvalue()


def escape_formula(value: object) -> object:
    """Return a cell that spreadsheets show as text: an apostrophe is put before anything that looks like a formula."""
    if not isinstance(value, str):
        return value
    within = _WITHIN.sub(lambda match: f"{match[0]}'", value)
    return f"'{within}" if _BEGINS.match(value) else within
