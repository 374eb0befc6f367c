"""Reads a course from its folder.

    oorzaken-van-rugpijn/           the folder's name is the course's slug
        course.nl.md                the landing page. A course is in the languages that have this file, at least one;
                                    each of them must have all the other files
        test.nl.md                  optional: the knowledge test
        safety-notice.nl.md         optional: when to get help, and where
        01-welkom.nl.md             lesson 1, slug `welkom`
        pictures/load.png           what a text shows by `![alt text](pictures/load.png)`, see `content.picture_files`

Mistakes are collected over all files, so that an author sees them all at once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rugcourse.content.consistency import TextRef, find_inconsistencies, stem_of
from rugcourse.content.errors import AuthoringErrors, Problem
from rugcourse.content.front_matter import Document, read_document
from rugcourse.content.lesson_tags import TAGGED_LINES, without_lesson_tags
from rugcourse.content.markdown import UnknownTag, check_tags, tag_in_line
from rugcourse.content.model import MOST_READINGS, Course, CourseText, KnowledgeTest, Lesson, LessonText, SafetyNotice
from rugcourse.content.picture_files import MAIL_MAX_BYTES, MAX_IN_TEXT, PictureFolder
from rugcourse.content.picture_tags import addresses_in
from rugcourse.content.safety_notice_tag import without_notice
from rugcourse.content.unsupported import unsupported
from rugcourse.locales import SOURCE_LANGUAGE, languages

_LESSON_FILE = re.compile(r"^(?P<number>\d{2,3})-(?P<slug>[a-z0-9-]+)\.(?P<language>[a-z]{2})\.md$")
_COURSE_FILE = re.compile(r"^(?P<kind>course|test|safety-notice)\.(?P<language>[a-z]{2})\.md$")
IGNORED = {"README.md"}
RESERVED_SLUGS = frozenset({"privacy", "my-page"})  # paths of pages, which courses can't use

Model = TypeVar("Model", bound=BaseModel)
Parsed = dict[str, tuple[Document, Model]]


def is_course_file(name: str) -> bool:
    """Whether a file of that name is part of a course when it is in the course's folder."""
    return any(pattern.fullmatch(name) for pattern in (_LESSON_FILE, _COURSE_FILE))


def find_courses(folder: Path) -> list[Path]:
    """Return the course folders in `folder`, sorted. Raises AuthoringErrors when there are none."""
    found = sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith((".", "_")))
    if not found:
        raise AuthoringErrors([Problem(folder, 1, "there is no course in this folder")])
    return found


def load_courses(folder: Path) -> list[Course]:
    """Load all courses in `folder`. Raises AuthoringErrors with the mistakes of all of them."""
    courses, problems = [], []
    for path in find_courses(folder):
        try:
            courses.append(load_course(path))
        except AuthoringErrors as error:
            problems += error.problems
    if problems:
        raise AuthoringErrors(problems)
    return courses


def load_course(folder: Path) -> Course:
    """Load the course in `folder`. Raises AuthoringErrors when it has mistakes."""
    return _Reader(folder).course()


class _Reader:
    """Reads one folder and collects problems instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.pictures = PictureFolder(folder)

    def course(self) -> Course:
        lesson_files, course_files = self._sort_files()
        texts = self._parse_all(course_files["course"], CourseText)
        tests = self._parse_all(course_files["test"], KnowledgeTest)
        safety_notices = self._parse_all(course_files["safety-notice"], SafetyNotice)
        languages = sorted(course_files["course"])
        for stem in ("test", "safety-notice"):
            if course_files[stem]:
                self._expect_languages(stem, course_files[stem], languages)
        lessons = [self._lesson(number, slug, files, languages) for (number, slug), files in lesson_files]
        self._check_numbers([key for key, _ in lesson_files])
        self._check_agreement(texts, tests, safety_notices, lessons)
        if self.problems:
            raise AuthoringErrors(self.problems)
        try:
            return Course(
                slug=self.folder.name,
                texts=_values(texts),
                tests=_values(tests),
                safety_notices=_values(safety_notices),
                lessons=tuple(
                    Lesson(number=number, slug=slug, texts=_values(parsed)) for (number, slug), parsed in lessons
                ),
            )
        except ValidationError as error:
            found = error.errors()[0]
            message = (
                f"the name of the folder or of a file ({found['input']!r}) may hold only a-z, 0-9 and single dashes"
            )
            raise AuthoringErrors([Problem(self.folder, 1, message)]) from None

    def _sort_files(self) -> tuple[list[tuple[tuple[int, str], dict[str, Path]]], dict[str, dict[str, Path]]]:
        lessons: dict[tuple[int, str], dict[str, Path]] = defaultdict(dict)
        course: dict[str, dict[str, Path]] = {"course": {}, "test": {}, "safety-notice": {}}
        for file in sorted(self.folder.glob("*.md")):
            if match := _LESSON_FILE.match(file.name):
                lessons[int(match["number"]), match["slug"]][match["language"]] = file
            elif match := _COURSE_FILE.match(file.name):
                course[match["kind"]][match["language"]] = file
            elif file.name not in IGNORED:
                names = ", ".join(f"`{stem}.{SOURCE_LANGUAGE}.md`" for stem in ("03-slug", *course))
                self._problem(file, f"is not named like {names}")
        if self.folder.name in RESERVED_SLUGS:
            self._problem(self.folder, f"a course can't be called {self.folder.name!r}: that is the address of a page")
        self._check_known(course["course"])
        if not course["course"]:
            first = min((language for files in lessons.values() for language in files), default=SOURCE_LANGUAGE)
            self._problem(self.folder / f"course.{first}.md", "is missing: every course says what it is about")
        if not lessons:
            self._problem(self.folder, f"has no lessons: name the first one `01-slug.{SOURCE_LANGUAGE}.md`")
        return sorted(lessons.items()), course

    def _check_known(self, files: dict[str, Path]) -> None:
        for language, file in sorted(files.items()):
            if language not in languages():
                known = ", ".join(languages())
                self._problem(file, f"a course can't be in {language!r} yet: the words around it are in {known}")

    def _parse_all(self, files: dict[str, Path], model: type[Model]) -> Parsed[Model]:
        parsed: Parsed[Model] = {}
        for language, file in sorted(files.items()):
            try:
                document = self._with_pictures(read_document(file))
                parsed[language] = (document, document.parse(model))
                check_tags(without_notice(without_lesson_tags(document.body)) if model is LessonText else document.body)
                self.problems += [
                    Problem(file, document.body_line + one.line, one.message) for one in unsupported(document.body)
                ]
                self.problems += _mistakes_beside_the_text(document, parsed[language][1])
            except UnknownTag as error:
                self.problems.append(Problem(file, document.body_line + error.line, str(error)))
            except AuthoringErrors as error:
                self.problems += error.problems
        return parsed

    def _with_pictures(self, document: Document) -> Document:
        """Return the document with the addresses of its pictures as everything but a folder knows them."""
        if (count := len(addresses_in(document.body))) > MAX_IN_TEXT:
            self._problem(document.file, f"names {count} pictures; at most {MAX_IN_TEXT} in one text: take some out")
            return document
        body, problems = self.pictures.with_addresses(document.body)
        self.problems += problems
        weight = self.pictures.mail_bytes(body)
        if weight > MAIL_MAX_BYTES:
            most = MAIL_MAX_BYTES // 1000
            message = f"the pictures weigh about {weight // 1000} kB; at most {most} in a mail: take some out"
            self._problem(document.file, message)
        return replace(document, body=body)

    def _lesson(
        self, number: int, slug: str, files: dict[str, Path], languages: list[str]
    ) -> tuple[tuple[int, str], Parsed[LessonText]]:
        self._expect_languages(stem_of(number, slug), files, languages)
        return (number, slug), self._parse_all(files, LessonText)

    def _expect_languages(self, stem: str, files: dict[str, Path], languages: list[str]) -> None:
        for language in languages:
            if language not in files:
                self._problem(
                    self.folder / f"{stem}.{language}.md", f"is missing: the course is in {', '.join(languages)}"
                )
        for language, file in files.items():
            if language not in languages:
                self._problem(file, f"there is no course.{language}.md: the course has no such language")

    def _check_numbers(self, keys: list[tuple[int, str]]) -> None:
        for slug, count in Counter(slug for _, slug in keys).items():
            if count > 1:
                number = next(number for number, other in reversed(keys) if other == slug)
                self._problem(self._any_file(number, slug), f"the slug {slug!r} is used by {count} lessons")
        for number, count in Counter(number for number, _ in keys).items():
            if count > 1:
                slug = next(slug for other, slug in reversed(keys) if other == number)
                self._problem(self._any_file(number, slug), f"there are {count} lessons with the number {number}")
        for expected, (number, slug) in enumerate(keys, 1):
            if number > expected and len({n for n, _ in keys}) == len(keys):
                self._problem(
                    self._any_file(number, slug), f"lesson {expected} is missing: number from 01 without gaps"
                )
                break

    def _check_agreement(
        self,
        texts: Parsed[CourseText],
        tests: Parsed[KnowledgeTest],
        safety_notices: Parsed[SafetyNotice],
        lessons: list[tuple[tuple[int, str], Parsed[LessonText]]],
    ) -> None:
        by_stem = {stem_of(number, slug): parsed for (number, slug), parsed in lessons}
        parts: dict[str, Parsed[Any]] = {"course": texts, "test": tests, "safety-notice": safety_notices, **by_stem}
        documents = {
            TextRef(stem, language): document
            for stem, parsed in parts.items()
            for language, (document, _) in parsed.items()
        }
        found = find_inconsistencies(
            _values(texts),
            _values(tests),
            _values(safety_notices),
            {stem: _values(parsed) for stem, parsed in by_stem.items()},
        )
        self.problems += [documents[one.place].problem(one.field, one.message) for one in found]

    def _any_file(self, number: int, slug: str) -> Path:
        return next(iter(sorted(self.folder.glob(f"*{number}-{slug}.*.md"))), self.folder)

    def _problem(self, file: Path, message: str) -> None:
        self.problems.append(Problem(file, 1, message))


def _mistakes_beside_the_text(document: Document, text: BaseModel) -> Iterator[Problem]:
    if isinstance(text, LessonText) and len(text.further) > MOST_READINGS:
        yield document.problem(("further",), f"`further` has {len(text.further)} items; at most {MOST_READINGS}")
    for where, line in _lines_of(text.model_dump(exclude={"body"})):
        is_tagged = isinstance(text, LessonText) and where in {(name,) for name in TAGGED_LINES}
        if tag := tag_in_line(without_lesson_tags(line) if is_tagged else line):
            yield document.problem(where, f"`{tag}` is shown as it stands here; merge tags work in the text only")


def _lines_of(value: object, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path and value of each string in nested plain data."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _lines_of(one, (*where, key))
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _lines_of(one, (*where, index))


def _values(parsed: Parsed[Model]) -> dict[str, Model]:
    return {language: model for language, (_, model) in parsed.items()}
