"""The part of an article that a lesson is made from, to read and tick beside the editor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rugcourse.articles import overlap


@dataclass(frozen=True, slots=True)
class LessonSource:
    """The part of the article that a lesson is made from, as Markdown, and its facts. `used`: those that are ticked."""

    section: str
    facts: tuple[str, ...]
    used: frozenset[int]
    own_text: bool

    def shared_with(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return what texts have in common with the article word for word; nothing if that is allowed."""
        return () if self.own_text else tuple(piece for text in texts for piece in overlap(self.section, text))


def source_of(fields: Mapping[str, str], slug: str) -> LessonSource | None:
    """Return what a lesson is made from. `fields`: of the part `ARTICLE`."""
    if f"section.{slug}" not in fields:
        return None
    used = frozenset(int(one) for one in fields.get(f"used.{slug}", "").split())
    facts: list[str] = json.loads(fields.get(f"facts.{slug}", "[]"))
    return LessonSource(fields[f"section.{slug}"], tuple(facts), used, bool(fields.get("own_text")))
