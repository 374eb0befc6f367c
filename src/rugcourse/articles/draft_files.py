"""Writes proposed lessons as files of a course, to be completed by hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from rugcourse.articles.cuts import Cuts
from rugcourse.articles.drafts import ProposedLesson, ProposedPage, draft_lessons, proposed_page
from rugcourse.articles.model import Article
from rugcourse.content import CourseText, LessonText
from rugcourse.content.consistency import TextRef, stem_of
from rugcourse.content.model import QuizQuestion
from rugcourse.content.writer import to_file
from rugcourse.errors import ConflictError
from rugcourse.pictures.reference import FOLDER

_FIELDS = ("title", "subject", "preheader", "highlight", "today")
_LONGEST_ID = 60


class FolderInUse(ConflictError):
    """Drafts are written to a folder that is new or empty, so that they can't overwrite a lesson."""


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file of a draft. `missing`: the fields that the author has to write before the course can be checked."""

    name: str
    content: str
    words: int
    missing: tuple[str, ...]


def draft_files(article: Article, cuts: Cuts, language: str, *, own_text: bool = False) -> tuple[DraftFile, ...]:
    """Return a file for each lesson, and one for the front page. Raises InvalidCuts."""
    lessons = draft_lessons(article, cuts, language, own_text=own_text)
    page = proposed_page(article, cuts, own_text=own_text)
    return (
        *(_lesson_file(number, lesson, language) for number, lesson in enumerate(lessons, 1)),
        _page_file(page, language),
    )


def write_drafts(files: Sequence[DraftFile], folder: Path, pictures: Mapping[str, bytes] | None = None) -> None:
    """Write all files to a folder that is new or empty, or none. Raises FolderInUse and OSError.

    `pictures`: by their names in the folder of pictures.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInUse(f"{folder} is not empty; choose a new folder")
    folder = folder.resolve()  # so that `.` has a name and a folder around it
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for file in files:
            (beside / file.name).write_text(file.content, encoding="utf-8")
        if pictures:
            (beside / FOLDER).mkdir()
        for name, content in (pictures or {}).items():
            (beside / FOLDER / name).write_bytes(content)
        beside.rename(folder)  # takes the place of an empty folder, and fails if it is not empty any more
    except BaseException:
        shutil.rmtree(beside)
        raise


def _lesson_file(number: int, lesson: ProposedLesson, language: str) -> DraftFile:
    fields: dict[str, object] = {name: getattr(lesson, name) for name in _FIELDS}
    missing = [name for name in (*_FIELDS, "body") if not getattr(lesson, name)]
    quiz = [QuizQuestion.model_construct(id=_question_id(lesson.slug), question=lesson.question)] * bool(
        lesson.question
    )
    missing.append("quiz.options" if quiz else "quiz")
    text = LessonText.model_construct(None, **_filled(fields), quiz=tuple(quiz), body=lesson.body)
    name = TextRef(stem_of(number, lesson.slug), language).file_name
    return DraftFile(name, to_file(text), lesson.words, tuple(missing))


def _page_file(page: ProposedPage, language: str) -> DraftFile:
    fields: dict[str, object] = {"title": page.title, "tagline": page.tagline, "summary": page.summary}
    text = CourseText.model_construct(None, **_filled(fields), sources=page.sources, body="")
    missing = [name for name, value in fields.items() if not value]
    return DraftFile(TextRef("course", language).file_name, to_file(text), 0, (*missing, "body"))


def _filled(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}


def _question_id(slug: str) -> str:
    return f"{slug[: _LONGEST_ID - 2].rstrip('-')}-1"
