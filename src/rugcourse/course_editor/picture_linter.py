"""Checks the pictures of texts against those that are here: one that is gone, and mails that get too heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy.orm import Session

from rugcourse.content.picture_files import MAIL_ADVICE_BYTES, MAIL_MAX_BYTES, mail_bytes
from rugcourse.content.picture_search import pictures_in
from rugcourse.course_editor.linter import LintFinding
from rugcourse.db.queries import pictures


def picture_findings(session: Session, fields: Mapping[str, str]) -> list[LintFinding]:
    """Return what is wrong with the pictures of a lesson, and what could be better. `fields`: as in its draft."""
    bodies = {name: text for name, text in fields.items() if name.endswith(".body") and pictures_in(text)}
    digests = {ref.digest for text in bodies.values() for ref in pictures_in(text)}
    sizes = pictures.sizes(session, digests) if digests else {}
    return [one for where, text in bodies.items() for one in _of_body(where, text, sizes)]


def has_missing_pictures(session: Session, texts: Iterable[str]) -> bool:
    """Whether a text names a picture that is not here."""
    digests = {ref.digest for text in texts for ref in pictures_in(text)}
    return bool(digests) and len(pictures.sizes(session, digests)) < len(digests)


def _of_body(where: str, text: str, sizes: Mapping[str, int]) -> list[LintFinding]:
    missing = next((ref for ref in pictures_in(text) if ref.digest not in sizes), None)
    if missing is not None:
        return [
            LintFinding(
                "picture-missing", where, values={"line": _line_of(text, missing.address), "text": missing.name}
            )
        ]
    weight = mail_bytes(text, sizes)
    values = {"weight": weight // 1000, "quick": MAIL_ADVICE_BYTES // 1000, "most": MAIL_MAX_BYTES // 1000}
    if weight > MAIL_MAX_BYTES:
        return [LintFinding("pictures-too-heavy", where, values=values)]
    if weight > MAIL_ADVICE_BYTES:
        return [LintFinding("pictures-heavy", where, is_error=False, values=values)]
    return []


def _line_of(text: str, address: str) -> int:
    """Return the line of an address, or the first where it is spelled in another way."""
    return text[: max(0, text.find(address))].count("\n") + 1
