"""CSV files for spreadsheets. Cells can't run as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from rugcourse.i18n import has_decimal_comma

BOM = "\ufeff"  # by which spreadsheets recognise UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how formulas begin (OWASP: CSV injection)


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
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
