"""Writes a course as its files, the way `rugcourse.content.loader` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from pydantic import BaseModel
from ruamel.yaml import YAML

from rugcourse.content.consistency import TextRef, stem_of
from rugcourse.content.model import Course

_WIDTH = 10_000  # a value stays on its line


def file_names(course: Course) -> dict[str, BaseModel]:
    """File name → what stands in it, of all that belongs to this course alone."""
    parts: dict[str, Mapping[str, BaseModel]] = {"course": course.texts, "test": course.tests}
    parts |= {stem_of(lesson.number, lesson.slug): lesson.texts for lesson in course.lessons}
    return {
        TextRef(stem, language).file_name: text for stem, texts in parts.items() for language, text in texts.items()
    }


def to_file(text: BaseModel) -> str:
    """Front matter and body. Fields that say nothing are left out."""
    fields = text.model_dump(exclude_defaults=True, mode="json")
    body = fields.pop("body")
    written = StringIO()
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(fields, written)
    return f"---\n{written.getvalue()}---\n\n{body.strip()}\n"
