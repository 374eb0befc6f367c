"""Converts a lesson to the fields of a form and back: flat names such as `nl.quiz.0.options.1.text`, and texts.

Fields that translations share exist once: `quiz.0.right` (which option), `quiz.0.id`, `quiz.0.safety`, `retest`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from rugcourse.content import Lesson
from rugcourse.content.model import MOST_READINGS, without_invisible
from rugcourse.content.wrapping import rewrapped, unwrapped

PLAIN = ("title", "subject", "preheader", "highlight", "today", "body")
QUESTIONS, OPTIONS, READINGS = 2, 4, MOST_READINGS
_READING = ("title", "summary", "link")
LONGEST = 30_000
_LONGEST_ID = 60
Fields = Mapping[str, str]


class LanguageState(StrEnum):
    """How far a language of a lesson or a part is, for its tab."""

    MISSING = "missing"
    DRAFT = "draft"  # written, and not as readers get it
    PUBLISHED = "published"


def language_state(fields: Fields, published: Fields, language: str) -> LanguageState:
    """Return how far a language is. `published`: the fields as readers get them, empty if they get none."""
    own, theirs = (
        {name: text for name, text in one.items() if text and name.startswith(f"{language}.")}
        for one in (fields, published)
    )
    if not own:
        return LanguageState.MISSING
    return LanguageState.PUBLISHED if own == theirs else LanguageState.DRAFT


def names_of(languages: Sequence[str]) -> Iterator[str]:
    """Yield the names of all fields that a form may have."""
    yield "retest"
    for number in range(QUESTIONS):
        yield from (f"quiz.{number}.id", f"quiz.{number}.right", f"quiz.{number}.safety")
    for language in languages:
        yield from (f"{language}.{name}" for name in PLAIN)
        for number in range(QUESTIONS):
            yield f"{language}.quiz.{number}.question"
            for option in range(OPTIONS):
                yield from (f"{language}.quiz.{number}.options.{option}.{name}" for name in ("text", "why"))
        for number in range(READINGS):
            yield from (f"{language}.further.{number}.{name}" for name in _READING)


def clean(typed: Fields, languages: Sequence[str]) -> dict[str, str]:
    """Return the known fields that are not empty; a field of one line is joined to one line.

    Removes control characters, which pasted text may contain, and private-use ones: they are invisible, and may cause
    errors in a database or mail client.
    """
    found = {name: without_invisible(typed.get(name, "")[:LONGEST]) for name in names_of(languages)}
    lines = {
        name: unicodedata.normalize("NFC", text.replace("\r\n", "\n").strip())
        if name.endswith(".body")
        else _one_line(text)
        for name, text in found.items()
    }
    return {name: text for name, text in lines.items() if text}


def shown(fields: Fields) -> dict[str, str]:
    """Return fields as a form shows them: with each paragraph of a body on one line."""
    return {name: unwrapped(text) if name.endswith(".body") else text for name, text in fields.items()}


def wrapped_as(fields: Fields, *before: Fields) -> dict[str, str]:
    """Return fields from a form with their bodies wrapped as they were before, so that files differ in what changed."""
    return {
        name: rewrapped(text, *(one.get(name, "") for one in before)) if name.endswith(".body") else text
        for name, text in fields.items()
    }


def _one_line(text: str) -> str:
    """Replace whitespace that a line in a file can't contain; non-breaking spaces (10 000) stay."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", unicodedata.normalize("NFC", text)).strip()


def fields_of(lesson: Lesson) -> dict[str, str]:
    """Return the fields of a lesson."""
    first = next(iter(lesson.texts.values()))
    fields = {"retest": "yes" if first.retest else ""}
    for number, question in enumerate(first.quiz):
        fields |= {f"quiz.{number}.id": question.id, f"quiz.{number}.right": str(question.right_option)}
        fields[f"quiz.{number}.safety"] = "yes" if question.safety else ""
    for language, text in lesson.texts.items():
        fields |= {f"{language}.{name}": getattr(text, name) for name in PLAIN}
        for number, question in enumerate(text.quiz):
            fields[f"{language}.quiz.{number}.question"] = question.question
            for place, option in enumerate(question.options):
                fields[f"{language}.quiz.{number}.options.{place}.text"] = option.text
                fields[f"{language}.quiz.{number}.options.{place}.why"] = option.why
        for number, reading in enumerate(text.further):
            fields |= {f"{language}.further.{number}.{name}": getattr(reading, name) or "" for name in _READING}
    return {name: text for name, text in fields.items() if text}


def document_of(fields: Fields, slug: str, number: int, languages: Sequence[str]) -> dict[str, object]:
    """Return the lesson as plain data, which may be invalid, without languages that are empty.

    Empty questions, options and readings are omitted in all languages together, as translations must match.
    """
    spoken = [one for one in languages if any(name.startswith(f"{one}.") and fields[name] for name in fields)]
    texts = {language: _text(fields, slug, language, spoken) for language in spoken}
    return {"number": number, "slug": slug, "texts": texts}


def field_at(location: Sequence[str | int], fields: Fields, languages: Sequence[str]) -> str:
    """Return the name of the field for a location in the document, such as `("texts", "nl", "quiz", 0)`."""
    language, *path = location[1:] or ("",)
    if path[:1] == ["quiz"] and len(path) > 1:
        number = _kept_questions(fields, languages)[int(path[1])]
        path[1] = number
        if path[2:3] == ["options"] and len(path) > 3:
            path[3] = _kept_options(fields, languages, number)[int(path[3])]
    if path[:1] == ["further"] and len(path) > 1:
        path[1] = _kept_readings(fields, str(language))[int(path[1])]
    if path[:1] == ["body"]:
        del path[1:]  # the line number
    return ".".join(str(part) for part in (language, *path))


def _text(fields: Fields, slug: str, language: str, spoken: Sequence[str]) -> dict[str, object]:
    def given(name: str) -> str:
        return fields.get(f"{language}.{name}", "")

    text: dict[str, object] = {name: given(name) for name in PLAIN}
    text["retest"] = fields.get("retest") == "yes"
    text["quiz"] = [
        {
            "id": fields.get(f"quiz.{number}.id") or f"{slug[: _LONGEST_ID - 2].rstrip('-')}-{number + 1}",
            "question": given(f"quiz.{number}.question"),
            "safety": fields.get(f"quiz.{number}.safety") == "yes",
            "options": [
                {
                    "text": given(f"quiz.{number}.options.{place}.text"),
                    "why": given(f"quiz.{number}.options.{place}.why"),
                    "right": fields.get(f"quiz.{number}.right") == str(place),
                }
                for place in _kept_options(fields, spoken, number)
            ],
        }
        for number in _kept_questions(fields, spoken)
    ]
    text["further"] = [
        {name: given(f"further.{number}.{name}") or (None if name == "link" else "") for name in _READING}
        for number in _kept_readings(fields, language)
    ]
    return text


def _kept_questions(fields: Fields, languages: Sequence[str]) -> list[int]:
    return [
        number
        for number in range(QUESTIONS)
        if any(fields.get(f"{language}.quiz.{number}.question") for language in languages)
        or _kept_options(fields, languages, number)
    ]


def _kept_options(fields: Fields, languages: Sequence[str], number: int) -> list[int]:
    return [
        place
        for place in range(OPTIONS)
        if any(
            fields.get(f"{language}.quiz.{number}.options.{place}.{name}")
            for language in languages
            for name in ("text", "why")
        )
    ]


def _kept_readings(fields: Fields, language: str) -> list[int]:
    return [
        number
        for number in range(READINGS)
        if any(fields.get(f"{language}.further.{number}.{name}") for name in _READING)
    ]
