"""Checks drafts of lessons for errors, and gives advice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from rugcourse.content import AuthoringErrors, Course, Problem
from rugcourse.content.consistency import Inconsistency, find_inconsistencies, stem_of
from rugcourse.content.lesson_tags import TAGGED_LINES, place_words, without_lesson_tags
from rugcourse.content.markdown import UnknownTag, check_tags, count_words, link_targets, tag_in_line
from rugcourse.content.model import has_invisible
from rugcourse.content.readability import reading_ease
from rugcourse.content.safety_notice_tag import without_notice
from rugcourse.content.unsupported import unsupported
from rugcourse.content.wrapping import unwrapped
from rugcourse.course_editor.email_size import email_bytes
from rugcourse.course_editor.form_fields import field_at
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.lesson_source import LessonSource
from rugcourse.ebooks.signs import left_out_of
from rugcourse.ebooks.typesetter import TypesettingFailed
from rugcourse.emails.templates import ADVISED_HTML_BYTES, MAX_HTML_BYTES

log = structlog.get_logger()

SHORTEST, LONGEST = 250, 450  # words of a lesson that takes two or three minutes to read
_READS_EASILY = 60  # plain English on Flesch's scale, and plain Dutch on Douma's
_FULL_LINK = re.compile(r"(https?://[^\s/]+\.[^\s/]+|mailto:[^\s@]+@[^\s@]+\.)")


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A finding. `kind` selects a sentence of `templates/web/admin/findings.html`, which uses `values`.

    `is_error`: it must be corrected before the lesson can be published. `where`: a field, such as `nl.subject`; empty
    for the lesson as a whole.
    """

    kind: str
    where: str
    is_error: bool = True
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """The measurements of a lesson in one language. `ease`: reading ease from 0 (hard) to 100; None if unknown."""

    words: int
    ease: int | None
    subject: int
    preheader: int


def check(lesson_draft: LessonDraft) -> list[LintFinding]:
    """Return all findings, errors before advice."""
    unreadable = unreadable_in(lesson_draft.fields, lesson_draft.languages, notice=True)
    wrong = [*_untranslated(lesson_draft), *unreadable, *_without_right(lesson_draft), *_invalid(lesson_draft)]
    if lesson_draft.source is not None:
        wrong += overlaps(lesson_draft.fields, lesson_draft.source)
    if not wrong:
        wrong += _disagreeing(lesson_draft)
    sizes = [one for language in lesson_draft.languages for one in _size(lesson_draft, language)]
    wrong += [one for one in sizes if one.is_error]
    advice = [one for one in sizes if not one.is_error]
    advice += [one for language in lesson_draft.languages for one in _advice(lesson_draft, language)]
    return [*once(wrong), *advice]


def measure(lesson_draft: LessonDraft, language: str) -> Measure:
    body = lesson_draft.fields.get(f"{language}.body", "")
    try:
        words, ease = count_words(body), reading_ease(body, language)
    except UnknownTag:
        words, ease = 0, None
    lengths = [len(lesson_draft.fields.get(f"{language}.{name}", "")) for name in ("subject", "preheader")]
    return Measure(words, ease, *lengths)


def check_whole(course: Course) -> None:
    """Raise AuthoringErrors if the parts of a course are inconsistent."""
    found = [Problem(Path(course.slug) / one.place.file_name, 1, one.message) for one in _between(course)]
    found += [
        Problem(Path(course.slug) / f"{stem_of(one.number, one.slug)}.{language}.md", 1, "is missing")
        for one in course.lessons
        for language in course.languages
        if language not in one.texts
    ]
    if found:
        raise AuthoringErrors(found)


def left_out_of_books(folder: Path) -> list[Problem]:
    """Return where files of a course contain characters that its PDF omits. These are no errors, but useful to know."""
    lines = {
        (file, number): line
        for file in sorted(folder.glob("*.md"))
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
    }
    return [
        Problem(file, number, f"the PDF has no sign for {' '.join(signs)} and leaves it out")
        for (file, number), signs in zip(lines, _left_out_of(lines.values()), strict=True)
        if signs
    ]


def places_named(folder: Path) -> list[Problem]:
    """Return where lessons in files speak of days or of other lessons by their number."""
    return [
        Problem(file, number, f"“{words}” is wrong once lessons are moved, or for readers who get one a week")
        for file in sorted(folder.glob("[0-9]*.md"))
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        for words in place_words(line)
    ]


def _left_out_of(texts: Collection[str]) -> list[list[str]]:
    """Return what a book leaves out of each text: nothing where typst can't say it, as this is advice only."""
    try:
        return left_out_of(texts)
    except TypesettingFailed as error:
        log.warning("signs_not_checked", error=str(error))
        return [[] for _ in texts]


def _between(course: Course) -> list[Inconsistency]:
    lessons = {stem_of(one.number, one.slug): one.texts for one in course.lessons}
    return find_inconsistencies(course.texts, course.tests, course.safety_notices, lessons)


def once(findings: list[LintFinding]) -> list[LintFinding]:
    """Keep one finding per field: a missing text is not also too short. A long text may have one of each kind."""

    def place(one: LintFinding) -> tuple[str, str]:
        return (one.where, one.kind if not one.where or one.where.endswith(".body") else "")

    return list({place(one): one for one in reversed(findings)}.values())[::-1]


def overlaps(texts: Mapping[str, str], source: LessonSource) -> Iterator[LintFinding]:
    """Yield the fields that share a run of words with the article, where its sentences must not be used."""
    for name, text in texts.items():
        if shared := source.shared_with([text]):
            yield LintFinding("overlap", name, values={"text": shared[0][:120]})


def _untranslated(lesson_draft: LessonDraft) -> Iterator[LintFinding]:
    for language in lesson_draft.course.languages:
        if language not in lesson_draft.languages:
            yield LintFinding("no-translation", f"{language}.title")


def unreadable_in(fields: Mapping[str, str], languages: Sequence[str], *, notice: bool) -> Iterator[LintFinding]:
    """Yield content in fields that mails do not support. `notice`: they are of a lesson, which has tags of its own."""
    for name, text in fields.items():
        if has_invisible(text):
            yield LintFinding("invisible", name)
        is_tagged = notice and name.count(".") == 1 and name.endswith(TAGGED_LINES)
        if not name.endswith(".body") and (tag := tag_in_line(without_lesson_tags(text) if is_tagged else text)):
            yield LintFinding("tag-in-line", name, values={"text": tag})
    for language in languages:
        body = unwrapped(fields.get(f"{language}.body", ""))  # the lines that the form shows
        yield from unsupported_in(body, f"{language}.body")
        try:
            check_tags(without_notice(without_lesson_tags(body)) if notice else body)
        except UnknownTag as error:
            where = f"{language}.body"
            yield LintFinding("tag", where, values={"line": error.line + 1, "text": error.text, "notice": notice})
            continue
        for target in link_targets(body):
            if not _FULL_LINK.match(target):
                yield LintFinding("link", f"{language}.body", values={"text": target[:80]})


def unsupported_in(body: str, where: str) -> list[LintFinding]:
    """Return unsupported elements in a text, the first of each kind: the author then knows how to fix the others."""
    first = {one.kind: one for one in reversed(unsupported(body))}
    in_order = sorted(first.values(), key=lambda one: one.line)
    return [LintFinding(one.kind, where, values={"line": one.line + 1, "text": one.text}) for one in in_order]


def _without_right(lesson_draft: LessonDraft) -> Iterator[LintFinding]:
    if not lesson_draft.languages:
        return
    first = lesson_draft.languages[0]
    for number, question in enumerate(lesson_draft.document["texts"][first]["quiz"]):
        if not any(option["right"] for option in question["options"]):
            name = field_at(("texts", first, "quiz", number, "question"), lesson_draft.fields, lesson_draft.languages)
            yield LintFinding("no-right", name)


def _invalid(lesson_draft: LessonDraft) -> Iterator[LintFinding]:
    try:
        lesson_draft.lesson()
    except ValidationError as error:
        for one in error.errors():
            if one["type"] != "one_right":  # another check reports it better
                yield finding_of(one, field_at(one["loc"], lesson_draft.fields, lesson_draft.languages))


def finding_of(problem: Any, where: str) -> LintFinding:  # noqa: PLR0911 - a table
    """Convert an error of pydantic into a finding."""
    kind, values = problem["type"], problem.get("ctx", {})
    match kind:
        case "string_too_short" | "missing":
            return LintFinding("missing", where)
        case "string_too_long":
            return LintFinding(
                "too-long", where, values={"most": values["max_length"], "length": len(problem["input"])}
            )
        case "too_short" if where.endswith("options"):
            return LintFinding("few-options", where.removesuffix("options") + "question")
        case "too_short":
            return LintFinding("no-question", f"{where}.0.question")
        case "string_pattern_mismatch":
            return LintFinding("address" if where.endswith(".link") else "one-line", where)
        case "exclamation" | "symbol" | "invisible":
            return LintFinding(kind, where)
        case _:
            return LintFinding("other", where, values={"text": problem["msg"]})


def _disagreeing(lesson_draft: LessonDraft) -> Iterator[LintFinding]:
    if not lesson_draft.course.texts:  # never published: publishing it checks all parts together
        return
    lesson = lesson_draft.lesson()
    for one in _between(lesson_draft.course_with(lesson)):
        if one.place.slug == lesson.slug:
            yield LintFinding(
                one.kind,
                field_at(("texts", one.place.language, *one.field), lesson_draft.fields, lesson_draft.languages),
            )
        else:
            yield LintFinding("other", "", values={"text": one.message})


def _advice(lesson_draft: LessonDraft, language: str) -> Iterator[LintFinding]:
    found = measure(lesson_draft, language)
    where = f"{language}.body"
    if found.words and not SHORTEST <= found.words <= LONGEST:
        kind = "few-words" if found.words < SHORTEST else "many-words"
        yield LintFinding(
            kind, where, is_error=False, values={"words": found.words, "least": SHORTEST, "most": LONGEST}
        )
    if found.ease is not None and found.ease < _READS_EASILY:
        yield LintFinding("hard", where, is_error=False, values={"ease": found.ease})
    texts = {name: text for name, text in lesson_draft.fields.items() if name.startswith(f"{language}.")}
    for name, signs in zip(texts, _left_out_of(texts.values()), strict=True):
        if signs:
            yield LintFinding("left-out", name, is_error=False, values={"text": " ".join(signs)[:80]})
    for name, text in texts.items():
        if words := list(dict.fromkeys(place_words(text))):
            yield LintFinding("place-words", name, is_error=False, values={"text": ", ".join(words)[:80]})
    for target in _targets(lesson_draft, language):
        if target.startswith("http://"):
            yield LintFinding("not-encrypted", where, is_error=False, values={"text": target[:80]})


def _size(lesson_draft: LessonDraft, language: str) -> Iterator[LintFinding]:
    """Yield a finding about a mail that Gmail would cut off, or nearly so."""
    lesson = lesson_draft.lenient_lesson(language)
    size = email_bytes(lesson_draft.preview_course(lesson, language), lesson, language)
    values = {"size": size // 1000, "most": MAX_HTML_BYTES // 1000}
    if size > MAX_HTML_BYTES:
        yield LintFinding("email-too-large", f"{language}.body", values=values)
    elif size > ADVISED_HTML_BYTES:
        yield LintFinding("email-large", f"{language}.body", is_error=False, values=values)


def _targets(lesson_draft: LessonDraft, language: str) -> list[str]:
    try:
        return link_targets(lesson_draft.fields.get(f"{language}.body", ""))
    except UnknownTag:
        return []
