"""Checks the pictures of texts against those that are here: one that is gone, and mails that get too heavy."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from sqlalchemy.orm import Session

from rugcourse.content.picture_files import MAIL_ADVICE_BYTES, MAIL_MAX_BYTES, mail_bytes
from rugcourse.content.picture_search import pictures_in
from rugcourse.course_editor.linter import LintFinding
from rugcourse.db.queries import pictures
from rugcourse.pictures.reference import PictureRef

_Place = TypeVar("_Place", bound=Hashable)


def picture_findings(session: Session, fields: Mapping[str, str]) -> list[LintFinding]:
    """Return what is wrong with the pictures of a lesson, and what could be better. `fields`: as in its draft."""
    bodies = {name: text for name, text in fields.items() if name.endswith(".body") and pictures_in(text)}
    digests = {ref.digest for text in bodies.values() for ref in pictures_in(text)}
    sizes = pictures.sizes(session, digests) if digests else {}
    return [one for where, text in bodies.items() for one in _of_body(where, text, sizes)]


def missing_pictures(session: Session, bodies: Mapping[_Place, str], where: str) -> dict[_Place, LintFinding]:
    """Return for each text that shows a picture which is not here the first such picture. `where`: the field."""
    shown = {place: pictures_in(text) for place, text in bodies.items()}
    digests = {ref.digest for refs in shown.values() for ref in refs}
    here = pictures.sizes(session, digests) if digests else {}
    first = {place: next((ref for ref in refs if ref.digest not in here), None) for place, refs in shown.items()}
    return {place: _missing(where, bodies[place], ref) for place, ref in first.items() if ref is not None}


def _of_body(where: str, text: str, sizes: Mapping[str, int]) -> list[LintFinding]:
    missing = next((ref for ref in pictures_in(text) if ref.digest not in sizes), None)
    if missing is not None:
        return [_missing(where, text, missing)]
    weight = mail_bytes(text, sizes)
    values = {"weight": weight // 1000, "quick": MAIL_ADVICE_BYTES // 1000, "most": MAIL_MAX_BYTES // 1000}
    if weight > MAIL_MAX_BYTES:
        return [LintFinding("pictures-too-heavy", where, values=values)]
    if weight > MAIL_ADVICE_BYTES:
        return [LintFinding("pictures-heavy", where, is_error=False, values=values)]
    return []


def _missing(where: str, text: str, ref: PictureRef) -> LintFinding:
    values = {"line": _line_of(text, ref.address), "text": ref.name or ref.address}
    return LintFinding("picture-missing", where, values=values)


def _line_of(text: str, address: str) -> int:
    """Return the line of an address, or the first where it is spelled in another way."""
    return text.count("\n", 0, max(0, text.find(address))) + 1
