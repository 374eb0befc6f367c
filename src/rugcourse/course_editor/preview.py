"""A course as visitors and readers would see it, from its drafts, even where parts of it are missing or wrong."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rugcourse.content import Course, KnowledgeTest, SafetyNotice
from rugcourse.content.markdown import UnknownTag, check_tags
from rugcourse.content.model import CourseText, Tile
from rugcourse.course_editor import part_fields
from rugcourse.course_editor.course_draft import CourseDraft
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.part_fields import language_document
from rugcourse.course_editor.parts import FORMS, CoursePart

_NOTHING = "…"

Model = TypeVar("Model", bound=BaseModel)


def preview_course(draft: CourseDraft, language: str) -> Course:
    """Return the course in one language. A test or a notice that is not complete yet is left out."""
    tests = _valid(draft, CoursePart.TEST, KnowledgeTest, language)
    notices = _valid(draft, CoursePart.NOTICE, SafetyNotice, language)
    shown = [one for one in draft.lessons if one.slug not in draft.left_out]
    lessons = [
        LessonDraft(draft.course, one.slug, number, one.fields, draft.languages).lenient_lesson(language)
        for number, one in enumerate(shown, 1)
    ]
    page = language_document(FORMS[CoursePart.PAGE], draft.fields(CoursePart.PAGE), language, draft.languages)
    return Course.model_construct(
        slug=draft.slug,
        texts={language: _page(page)},
        tests=tests,
        safety_notices=notices,
        lessons=tuple(lessons),
    )


def _page(document: part_fields.Document | None) -> CourseText:
    found = document or {}
    body = found.get("body") or _NOTHING
    try:
        check_tags(body)
    except UnknownTag as error:
        body = str(error)
    tiles = tuple(Tile.model_construct(**one) for one in found.get("tiles", ()) if one["lesson"])
    return CourseText.model_construct(
        title=found.get("title") or _NOTHING,
        tagline=found.get("tagline") or _NOTHING,
        summary=tuple(found.get("summary", ())),
        tiles=tiles,
        body=body,
    )


def _valid(draft: CourseDraft, part: CoursePart, model: type[Model], language: str) -> dict[str, Model]:
    document = language_document(FORMS[part], draft.fields(part), language, draft.languages)
    if document is None:
        return {}
    try:
        return {language: model.model_validate(document)}
    except ValidationError:
        return {}
