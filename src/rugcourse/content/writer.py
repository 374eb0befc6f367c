"""Writes a course as files that `rugcourse.content.loader` can read."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from pydantic import BaseModel
from ruamel.yaml import YAML

from rugcourse.content.consistency import NOTICE, TextRef, stem_of
from rugcourse.content.model import Course

_WIDTH = 10_000  # so that values are not wrapped


def file_names(course: Course) -> dict[str, BaseModel]:
    """Return file name → content of the files in the course's folder."""
    parts: dict[str, Mapping[str, BaseModel]] = {
        "course": course.texts,
        "test": course.tests,
        NOTICE: course.safety_notices,
    }
    parts |= {stem_of(lesson.number, lesson.slug): lesson.texts for lesson in course.lessons}
    return {
        TextRef(stem, language).file_name: text for stem, texts in parts.items() for language, text in texts.items()
    }


def files_of(course: Course) -> dict[str, str]:
    """Return file name → text of all files in the course's folder."""
    return {name: to_file(text) for name, text in file_names(course).items()}


def to_file(text: BaseModel) -> str:
    """Format a text as front matter and body. Fields with their default value are left out."""
    fields = text.model_dump(exclude_defaults=True, mode="json")
    body = fields.pop("body")
    written = StringIO()
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(fields, written)
    return f"---\n{written.getvalue()}---\n\n{body.strip()}\n"
