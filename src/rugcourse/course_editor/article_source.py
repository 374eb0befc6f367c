"""The article that a course is made from: where it is cut, the lessons it proposes, and what of it they must cover.

It is stored with the drafts of the course, as a part without a form of its own: the article and its cuts until the
lessons are made, then the section of each lesson with its facts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from rugcourse.articles import (
    Article,
    Cuts,
    InvalidCuts,
    ProposedLesson,
    cuts_at_level,
    cuts_from_json,
    draft_lessons,
    leave_out,
    merge_lesson,
    move_start,
    propose_cuts,
    proposed_page,
    start_lesson,
    use,
)
from rugcourse.course_editor import course_edits
from rugcourse.course_editor.course_draft import ORDER_FIELD, CourseDraft
from rugcourse.course_editor.course_edits import PartEdit
from rugcourse.course_editor.drafts import LONGEST_SLUG, MOST_LESSONS, StaleDraft, TooManyLessons
from rugcourse.course_editor.form_fields import clean
from rugcourse.course_editor.lesson_source import source_of
from rugcourse.course_editor.parts import CoursePart
from rugcourse.course_editor.versions import NONE
from rugcourse.db.queries import course_drafts, courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent
from rugcourse.errors import InvalidState
from rugcourse.i18n import N_

_ARTICLE = TypeAdapter(Article)
_NO_ARTICLE = N_("The lessons of this article already exist. Change them one by one.")
_ALL_FIELDS = ("title", "subject", "preheader", "highlight", "today", "body")


class HasLessons(InvalidState):
    """Lessons are made of an article once, and they are made already."""


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article whose lessons are not made yet. `own_text`: its author may use its sentences."""

    article: Article
    cuts: Cuts
    own_text: bool


def create_course(
    session: Session,
    now: datetime,
    article: Article,
    title: str,
    language: str,
    admin_id: int | None,
    *,
    own_text: bool,
) -> str:
    """Make a course with an article to cut; returns its slug. Raises what `course_edits.create` does."""
    slug = course_edits.create(session, now, title or article.title, language, admin_id)
    fields = {
        "article": _ARTICLE.dump_json(article).decode(),
        "cuts": json.dumps(propose_cuts(article).as_json()),
        "own_text": "yes" if own_text else "",
    }
    course_id = course_edits.id_of(session, slug)
    course_drafts.save(session, course_id, CoursePart.ARTICLE, fields, 0, admin_id, now)
    return slug


def article_of(draft: CourseDraft) -> ArticleDraft | None:
    """Return the article of a course, or None if it has none or its lessons are made."""
    fields = _fields(draft)
    if "article" not in fields:
        return None
    article = _ARTICLE.validate_json(fields["article"])
    return ArticleDraft(article, cuts_from_json(article, json.loads(fields["cuts"])), bool(fields.get("own_text")))


@dataclass(frozen=True, slots=True)
class CutChange:
    """A change of the cuts. `action`: start, merge, leave-out, use or move (to the block `to`), of the block `index`;
    or level (`index`: of the headings). Anything else goes back to the proposal.
    """

    action: str
    index: int = 0
    to: int = 0


def is_uncut(draft: CourseDraft) -> bool:
    """Return whether a course has an article whose lessons are not made yet."""
    return "article" in _fields(draft)


def change_cuts(
    session: Session, now: datetime, draft: CourseDraft, change: CutChange, seen: int, admin_id: int | None
) -> None:
    """Change where the article is cut.

    Raises InvalidCuts, and StaleDraft if somebody else changed it since `seen`.
    """
    found = article_of(draft)
    if found is None:
        raise InvalidCuts(_NO_ARTICLE)
    cuts = _changed(found, change)
    fields = {**_fields(draft), "cuts": json.dumps(cuts.as_json())}
    if not course_drafts.save(session, draft.id, CoursePart.ARTICLE, fields, seen, admin_id, now):
        raise StaleDraft


def make_lessons(session: Session, now: datetime, draft: CourseDraft, seen: int, admin_id: int | None) -> int:
    """Make the lessons that the cuts propose, as drafts behind those that there are, and propose the course page.

    Returns how many. Raises HasLessons, TooManyLessons, InvalidCuts and StaleDraft.
    """
    found = article_of(draft)
    if found is None:
        raise HasLessons
    language = draft.languages[0]
    lessons = _with_free_slugs(
        session, draft, draft_lessons(found.article, found.cuts, language, own_text=found.own_text)
    )
    if len(draft.lessons) + len(lessons) > MOST_LESSONS:
        raise TooManyLessons
    for lesson in lessons:
        content = DraftContent(clean(_lesson_fields(lesson, language), [language]), NONE)
        lesson_drafts.save(session, draft.id, lesson.slug, content, 0, admin_id, now)
    slugs = [*(one.slug for one in draft.lessons), *(one.slug for one in lessons)]
    before = draft.parts.get(CoursePart.ORDER)
    order = {**(before.fields if before else {}), ORDER_FIELD: " ".join(slugs)}
    course_drafts.save(session, draft.id, CoursePart.ORDER, order, before.saved if before else 0, admin_id, now)
    if not course_drafts.save(session, draft.id, CoursePart.ARTICLE, _sources(found, lessons), seen, admin_id, now):
        raise StaleDraft
    page = proposed_page(found.article, found.cuts, own_text=found.own_text)
    proposed = {"tagline": page.tagline, "summary": "\n".join(page.summary), "sources": "\n".join(page.sources)}
    written = draft.fields(CoursePart.PAGE)
    names = {f"{language}.{name}": text for name, text in proposed.items()}
    typed = {name: text for name, text in names.items() if text and name not in written}
    edit = PartEdit(typed, draft.parts[CoursePart.PAGE].saved if CoursePart.PAGE in draft.parts else 0)
    course_edits.save_part(session, now, draft, CoursePart.PAGE, edit, admin_id)
    return len(lessons)


def tick_facts(
    session: Session, now: datetime, draft: CourseDraft, slug: str, used: Collection[int], admin_id: int | None
) -> None:
    """Write down which facts a lesson covers. Numbers of no fact are ignored. Raises StaleDraft."""
    fields = _fields(draft)
    source = source_of(fields, slug)
    if source is None:
        return
    ticked = sorted(one for one in set(used) if 0 <= one < len(source.facts))
    fields[f"used.{slug}"] = " ".join(map(str, ticked))
    if not course_drafts.save(
        session, draft.id, CoursePart.ARTICLE, fields, draft.parts[CoursePart.ARTICLE].saved, admin_id, now
    ):
        raise StaleDraft


def _with_free_slugs(session: Session, draft: CourseDraft, lessons: Iterable[ProposedLesson]) -> list[ProposedLesson]:
    """Give lessons another slug whose own is, or was, that of another lesson of the course."""
    taken = {one.slug for one in draft.lessons}
    free = []
    for lesson in lessons:
        slugs = (lesson.slug, *(f"{lesson.slug[: LONGEST_SLUG - 4]}-{number}" for number in range(2, 2 * MOST_LESSONS)))
        slug = next(one for one in slugs if one not in taken and not courses.is_slug_used(session, draft.id, one))
        taken.add(slug)
        free.append(replace(lesson, slug=slug))
    return free


def _fields(draft: CourseDraft) -> dict[str, str]:
    return dict(draft.parts[CoursePart.ARTICLE].fields) if CoursePart.ARTICLE in draft.parts else {}


def _changed(found: ArticleDraft, change: CutChange) -> Cuts:  # noqa: PLR0911 - a table
    article, cuts, index = found.article, found.cuts, change.index
    match change.action:
        case "start":
            return start_lesson(article, cuts, index)
        case "merge":
            return merge_lesson(article, cuts, index)
        case "leave-out":
            return leave_out(article, cuts, index, index + 1)
        case "use":
            return use(article, cuts, index)
        case "move":
            return move_start(article, cuts, index, change.to)
        case "level" if index in article.levels:
            return cuts_at_level(article, index)
        case _:
            return propose_cuts(article)


def _lesson_fields(lesson: ProposedLesson, language: str) -> dict[str, str]:
    fields = {f"{language}.{name}": str(getattr(lesson, name)) for name in _ALL_FIELDS}
    return {**fields, f"{language}.quiz.0.question": lesson.question}


def _sources(found: ArticleDraft, lessons: Iterable[ProposedLesson]) -> dict[str, str]:
    fields = {"own_text": "yes" if found.own_text else ""}
    for lesson in lessons:
        fields[f"section.{lesson.slug}"] = lesson.section
        fields[f"facts.{lesson.slug}"] = json.dumps(lesson.facts)
    return fields
