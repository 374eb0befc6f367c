"""Converts the parts of a course to the fields of their forms and back: flat names, and texts. See `parts`."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from rugcourse.content.model import (
    CourseText,
    KnowledgeTest,
    SafetyNotice,
    without_invisible,
)
from rugcourse.course_editor.parts import FORMS, CoursePart, Field, Form, Input, RowGroup, names_of

LONGEST = 30_000
_SEVERAL_LINES = {Input.MARKDOWN, Input.LINES}
_CHOICES = {"id", "right", "topic"}
_CADENCE = "cadence_"  # what the names of its fields begin with
_NOT_CLOSED_UP = {"topics", "options"}  # named by their number in another field
Fields = Mapping[str, str]
Document = dict[str, Any]

MODELS: Mapping[CoursePart, type[BaseModel]] = {
    CoursePart.PAGE: CourseText,
    CoursePart.TEST: KnowledgeTest,
    CoursePart.NOTICE: SafetyNotice,
}


def clean(typed: Fields, form: Form, languages: Sequence[str], *, close_up: bool = True) -> dict[str, str]:
    """Return the known fields that are not empty, without control characters.

    `close_up`: rows that are empty are closed up. Not while somebody types: the form keeps the numbers that it has.
    """
    found = {}
    for name, field in names_of(form, languages):
        text = unicodedata.normalize("NFC", without_invisible(typed.get(name, "")[:LONGEST]).replace("\r\n", "\n"))
        text = text.strip() if field.input in _SEVERAL_LINES else re.sub(r"[ \t\r\n\f\v]+", " ", text).strip()
        if text:
            found[name] = text
    for item in form.fields:
        if close_up and isinstance(item, RowGroup) and item.name not in _NOT_CLOSED_UP:
            found = _closed_up(found, item, languages)
    return found


def _closed_up(fields: dict[str, str], rows: RowGroup, languages: Sequence[str]) -> dict[str, str]:
    """Renumber the rows so that none is empty in all languages."""
    new_number = {old: new for new, old in enumerate(kept_rows(fields, rows, "", languages))}
    pattern = _row_pattern(rows, "", languages)
    closed = {}
    for name, text in fields.items():
        match = pattern.fullmatch(name)
        if match is None:
            closed[name] = text
        elif int(match["row"]) in new_number:
            closed[f"{match['before']}{new_number[int(match['row'])]}.{match['after']}"] = text
    return closed


def kept_rows(fields: Fields, rows: RowGroup, path: str, languages: Sequence[str]) -> list[int]:
    """Return the numbers of the rows that say something in any language. A choice alone says nothing."""
    pattern = _row_pattern(rows, path, languages)
    found = (pattern.fullmatch(name) for name, text in fields.items() if text)
    return sorted({int(match["row"]) for match in found if match and match["after"] not in _CHOICES})


def with_question_ids(fields: Fields) -> dict[str, str]:
    """Give each new question of the test an id that no question ever had: answers are kept by it."""
    asked = {name.split(".")[2] for name in fields if re.fullmatch(r"[a-z]{2}\.questions\.\d+\.question", name)}
    new = {f"questions.{row}.id": f"test-{secrets.token_hex(4)}" for row in sorted(asked)}
    return {**new, **fields}


def shown_rows(fields: Fields, rows: RowGroup, path: str, languages: Sequence[str]) -> int:
    """Return how many rows a form shows: those that say something, and an empty one."""
    kept = kept_rows(fields, rows, path, languages)
    return min(max(kept, default=-1) + 2, rows.most)


def row_of(name: str) -> str:
    """Return the row that a field is in, such as `questions.0.` for `nl.questions.0.options.1.why`; empty for none."""
    found = re.match(r"(?:[a-z]{2}\.)?([a-z_]+\.\d+\.)", name)
    return found[1] if found else ""


def _row_pattern(rows: RowGroup, path: str, languages: Sequence[str]) -> re.Pattern[str]:
    spoken = "|".join(map(re.escape, languages))
    return re.compile(rf"(?P<before>(?:(?:{spoken})\.)?{re.escape(path)}{rows.name}\.)(?P<row>\d+)\.(?P<after>.+)")


def language_document(form: Form, fields: Fields, language: str, languages: Sequence[str]) -> Document | None:
    """Return a part in one language as plain data, which may be invalid; None if nothing is typed in that language."""
    if not any(name.startswith(f"{language}.") for name in fields):
        return None
    raw = {item.name: _value(item, fields, "", language, languages) for item in form.fields}
    return _TO_DOCUMENT[form.part](raw)


def fields_of(part: CoursePart, texts: Mapping[str, BaseModel], lessons: Collection[str]) -> dict[str, str]:
    """Return the fields of a part, from its texts by language. `lessons`: the slugs of the course's lessons."""
    fields: dict[str, str] = {}
    for language, text in texts.items():
        raw = _FROM_DOCUMENT[part](text.model_dump(mode="json"), lessons)
        for item in FORMS[part].fields:
            fields |= _typed(item, raw.get(item.name), "", language)
    return {name: text for name, text in fields.items() if text}


def field_at(part: CoursePart, language: str, location: Sequence[str | int]) -> str:
    """Return the name of the field for a location in a document, such as `("questions", 2, "options", 1, "why")`."""
    path = [str(one) for one in location]
    if path[:1] == ["numbers"] and len(path) > 2:
        path = ["numbers", *path[2:]]
    if path[:1] == ["topics"]:
        path = ["topics", "0", "name"]
    if path[:1] == ["reviewed_by"]:
        path = ["reviewer"]
    if path[:1] == ["cadence"]:
        path = [f"{_CADENCE}{path[1]}" if len(path) > 1 else f"{_CADENCE}unanswered_days"]
    name = ".".join(path)
    names = dict(names_of(FORMS[part], [language]))
    candidates = (
        f"{language}.{name}",
        name,
        *(f"{language}.{'.'.join(path[:end])}" for end in range(len(path) - 1, 0, -1)),
    )
    found = next((one for one in candidates if one in names), None)
    if found is not None:
        return found
    inside = f"{language}.{'.'.join(path)}."
    return next((one for one in names if one.startswith(inside)), f"{language}.title")


def _value(item: Field | RowGroup, fields: Fields, path: str, language: str, languages: Sequence[str]) -> object:
    if isinstance(item, RowGroup):
        return [
            {one.name: _value(one, fields, f"{path}{item.name}.{number}.", language, languages) for one in item.fields}
            for number in _row_numbers(item, fields, path, language, languages)
        ]
    text = fields.get(f"{path}{item.name}" if item.shared else f"{language}.{path}{item.name}", "")
    if item.input == Input.LINES:
        return _lines(text)
    return text or item.default


def _row_numbers(item: RowGroup, fields: Fields, path: str, language: str, languages: Sequence[str]) -> Iterable[int]:
    """Return the rows of one language: those of all languages where translations must have the same ones."""
    kept = kept_rows(fields, item, path, languages if item.is_shared else [language])
    return range(max(kept) + 1) if kept and item.name in _NOT_CLOSED_UP else kept


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _typed(item: Field | RowGroup, value: object, path: str, language: str) -> dict[str, str]:
    if isinstance(item, RowGroup):
        return {
            name: text
            for number, row in enumerate(value if isinstance(value, list) else [])
            for one in item.fields
            for name, text in _typed(one, row.get(one.name), f"{path}{item.name}.{number}.", language).items()
        }
    text = "\n".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return {f"{path}{item.name}" if item.shared else f"{language}.{path}{item.name}": text}


def _without_empty(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if value or name not in names}


def _page_document(raw: Document) -> Document:
    document = {name: value for name, value in raw.items() if not name.startswith(_CADENCE)}
    further = [{**one, "link": one["link"] or None} for one in raw["further"]]
    cadence = {
        "weekdays": raw[f"{_CADENCE}weekdays"].split(),
        "every_days": raw[f"{_CADENCE}every_days"],
        "unanswered_days": raw[f"{_CADENCE}unanswered_days"] or None,
    }
    return _without_empty({**document, "further": further, "cadence": cadence}, "sample", "author")


def _page_raw(document: Document, _lessons: Collection[str]) -> Document:
    cadence = document["cadence"]
    return {
        **document,
        f"{_CADENCE}weekdays": " ".join(cadence["weekdays"]),
        f"{_CADENCE}every_days": str(cadence["every_days"]),
        f"{_CADENCE}unanswered_days": str(cadence["unanswered_days"] or ""),
    }


def _test_document(raw: Document) -> Document:
    slugs = [one["lesson"] or one["id"] or f"topic-{number + 1}" for number, one in enumerate(raw["topics"])]
    named = [bool(one["name"]) for one in raw["topics"]]
    topics = {slug: one["name"] for slug, one in zip(slugs, raw["topics"], strict=True) if one["name"]}
    questions = [
        {
            "id": one["id"] or f"test-{number + 1}",
            "question": one["question"],
            "topic": next(
                (slug for place, slug in enumerate(slugs) if named[place] and one["topic"] == str(place)), ""
            ),
            "options": [{**option, "right": one["right"] == str(place)} for place, option in enumerate(one["options"])],
        }
        for number, one in enumerate(raw["questions"])
    ]
    document = {"title": raw["title"], "body": raw["body"], "topics": topics, "questions": questions}
    is_asked = any(one["id"] == raw["surprise"] for one in questions)
    return {**document, "surprise": raw["surprise"]} if is_asked else document


def _test_raw(document: Document, lessons: Collection[str]) -> Document:
    slugs = list(document["topics"])
    return {
        **document,
        "topics": [
            {"lesson" if slug in lessons else "id": slug, "name": name} for slug, name in document["topics"].items()
        ],
        "questions": [
            {
                **one,
                "topic": str(slugs.index(one["topic"])),
                "right": str(next(place for place, option in enumerate(one["options"]) if option["right"])),
            }
            for one in document["questions"]
        ],
    }


def _notice_document(raw: Document) -> Document:
    numbers: dict[str, list[Document]] = {}
    for one in raw["numbers"]:
        entry = {"label": one["label"], "number": one["number"], "levels": one["levels"].split()}
        numbers.setdefault(one["country"].lower(), []).append(entry)
    reviewer = {"name": raw["reviewer"], "role": raw["reviewer_role"] or None}
    document = {
        **{name: raw[name] for name in ("title", "line", "body", "good_to_know")},
        "link_text": raw["link_text"],
        "disclaimer": raw["disclaimer"],
        "levels": [{**one, "action": one["action"] or None} for one in raw["levels"]],
        "numbers": numbers,
        "reviewed": raw["reviewed"],
        "reviewed_by": reviewer if raw["reviewer"] else None,
        "sources": [{**one, "year": one["year"] or None, "link": one["link"] or None} for one in raw["sources"]],
    }
    return _without_empty(document, "link_text", "disclaimer", "reviewed", "reviewed_by")


def _notice_raw(document: Document, _lessons: Collection[str]) -> Document:
    reviewer = document.get("reviewed_by") or {}
    return {
        **document,
        "numbers": [
            {**one, "country": country, "levels": " ".join(one["levels"])}
            for country, several in document["numbers"].items()
            for one in several
        ],
        "reviewer": reviewer.get("name"),
        "reviewer_role": reviewer.get("role"),
    }


_TO_DOCUMENT: Mapping[CoursePart, Callable[[Document], Document]] = {
    CoursePart.PAGE: _page_document,
    CoursePart.TEST: _test_document,
    CoursePart.NOTICE: _notice_document,
}
_FROM_DOCUMENT: Mapping[CoursePart, Callable[[Document, Collection[str]], Document]] = {
    CoursePart.PAGE: _page_raw,
    CoursePart.TEST: _test_raw,
    CoursePart.NOTICE: _notice_raw,
}
