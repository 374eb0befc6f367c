"""Checks and publishes a course: its parts, its languages, the order of its lessons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.orm import Session

from rugcourse.content import Course, CourseText, KnowledgeTest, Lesson, SafetyNotice
from rugcourse.content.consistency import NOTICE, Inconsistency, find_inconsistencies, stem_of
from rugcourse.course_editor import form_fields, part_fields
from rugcourse.course_editor.course_draft import PREDECESSOR_FIELD, CourseDraft, WrittenLesson, load
from rugcourse.course_editor.drafts import StaleDraft
from rugcourse.course_editor.lesson_source import source_of
from rugcourse.course_editor.linter import LintFinding, finding_of, once, overlaps, unreadable_in
from rugcourse.course_editor.part_fields import MODELS, language_document
from rugcourse.course_editor.parts import FORMS, CoursePart
from rugcourse.course_editor.picture_linter import missing_pictures
from rugcourse.course_editor.versions import current_version
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, course_drafts, course_publishing, courses, lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent
from rugcourse.errors import InvalidState
from rugcourse.scheduling.cadence import LONGEST_INTERVAL, LONGEST_WAIT

_CADENCE_LIMITS = {
    "cadence_every_days": (1, LONGEST_INTERVAL),
    "cadence_unanswered_days": (2, LONGEST_WAIT),
}
_STEMS = {"course": CoursePart.PAGE, "test": CoursePart.TEST, NOTICE: CoursePart.NOTICE}


class CourseNotReady(InvalidState):
    """The course has errors in a language that was to be published. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class CourseFinding:
    """A finding about a part in a language, or about the lesson with this slug."""

    place: CoursePart | str
    language: str
    finding: LintFinding

    @property
    def part(self) -> str:
        """The part, or nothing: a lesson may be called like one."""
        return self.place.value if isinstance(self.place, CoursePart) else ""

    @property
    def lesson(self) -> str:
        """The slug of the lesson, or nothing."""
        return "" if isinstance(self.place, CoursePart) else self.place


class SeenCourse(NamedTuple):
    """What the publishing admin had seen: the revision of the drafts, and what was published."""

    revision: int
    content_hash: str


def findings(draft: CourseDraft, language: str) -> list[CourseFinding]:
    """Return what has to be done before the course can be published in a language."""
    found = [CourseFinding(part, language, one) for part in FORMS for one in _part_findings(draft, part, language)]
    for lesson in draft.included:
        found += [CourseFinding(lesson.slug, language, one) for one in _lesson_findings(draft, lesson, language)]
    if not draft.included:
        found.append(CourseFinding(CoursePart.ORDER, language, LintFinding("no-lessons", "")))
    return found


def disagreements(draft: CourseDraft, languages: Sequence[str]) -> list[CourseFinding]:
    """Return where parts of the course contradict each other, in the languages that are to be published."""
    try:
        course = assembled(draft, languages)
    except ValidationError:
        return []
    lessons = {stem_of(one.number, one.slug): one.texts for one in course.lessons}
    found = find_inconsistencies(course.texts, course.tests, course.safety_notices, lessons)
    return [_disagreement(draft, one) for one in found]


def picture_findings(session: Session, draft: CourseDraft, language: str) -> list[CourseFinding]:
    """Return the parts and lessons that show a picture which is not here, in a language without other mistakes."""
    try:
        course = assembled(draft, [language])
    except ValidationError:
        return []
    parts: dict[CoursePart, Mapping[str, CourseText | KnowledgeTest | SafetyNotice]] = {
        CoursePart.PAGE: course.texts,
        CoursePart.TEST: course.tests,
        CoursePart.NOTICE: course.safety_notices,
    }
    bodies: dict[CoursePart | str, str] = {
        part: texts[language].body for part, texts in parts.items() if language in texts
    }
    bodies |= {one.slug: one.texts[language].body for one in course.lessons}
    missing = missing_pictures(session, bodies, f"{language}.body")
    return [CourseFinding(place, language, finding) for place, finding in missing.items()]


def publishable(draft: CourseDraft) -> tuple[str, ...]:
    """Return the languages in which nothing is missing."""
    return tuple(language for language in draft.languages if not findings(draft, language))


def assembled(draft: CourseDraft, languages: Sequence[str]) -> Course:
    """Return the course as it would be published in these languages. Raises ValidationError.

    With the lessons that are included: the first time those that are not left out, later the published ones, whose
    changes are published one by one.
    """
    return Course.model_validate(
        {
            "slug": draft.slug,
            "texts": _part_texts(draft, CoursePart.PAGE, languages),
            "tests": _part_texts(draft, CoursePart.TEST, languages),
            "safety_notices": _part_texts(draft, CoursePart.NOTICE, languages),
            "lessons": [_lesson(one, number, languages) for number, one in enumerate(draft.included, 1)],
        }
    )


def publish_course(
    session: Session,
    now: datetime,
    course_cache: CourseCache,
    slug: str,
    languages: Sequence[str],
    seen: SeenCourse,
    admin_id: int | None,
) -> Course:
    """Publish a course in these languages, and in those in which it is published already.

    Readers under way get each lesson once, also where the order changes. Raises CourseNotFound, StaleDraft if anything
    differs from `seen`, and CourseNotReady.
    """
    courses.lock(session, slug)
    draft = load(session, course_cache, slug)
    if SeenCourse(draft.revision, draft.content_hash) != seen:
        raise StaleDraft
    spoken = tuple(one for one in draft.languages if one in {*languages, *draft.course.languages})
    if not spoken or any(findings(draft, one) for one in spoken) or disagreements(draft, spoken):
        raise CourseNotReady
    if any(picture_findings(session, draft, one) for one in spoken):
        raise CourseNotReady
    course = assembled(draft, spoken)
    current = {one.slug: current_version(session, draft.id, one.slug) for one in draft.lessons}
    course_publishing.save_course(session, course, now)
    if len(draft.included) == len(draft.lessons):  # else it still says where the new ones stand
        course_drafts.remove(session, draft.id, CoursePart.ORDER)
    for part in FORMS:
        course_drafts.remove(session, draft.id, part)
        _keep_unpublished(session, now, draft, part, spoken, admin_id)
    for lesson in draft.included:
        if lesson.draft is not None:
            _settle_lesson_draft(session, now, draft, lesson, course, admin_id, current[lesson.slug])
    after = {"languages": " ".join(spoken), "lessons": len(course.lessons)}
    admins.record_change(session, now, admin_id, AuditAction.COURSE_PUBLISH, slug, None, after)
    return course


def _part_findings(draft: CourseDraft, part: CoursePart, language: str) -> list[LintFinding]:
    fields = draft.fields(part)
    document = language_document(FORMS[part], fields, language, draft.languages)
    if document is None:
        is_needed = part == CoursePart.PAGE or draft.has(part)
        return [LintFinding("no-translation", f"{language}.title")] if is_needed else []
    own = {name: text for name, text in fields.items() if name.startswith(f"{language}.")}
    found = list(unreadable_in(own, [language], notice=False))
    try:
        MODELS[part].model_validate(document)
    except ValidationError as error:
        found += [_part_finding(one, part_fields.field_at(part, language, one["loc"])) for one in error.errors()]
    return once(found)


def _part_finding(problem: ErrorDetails, where: str) -> LintFinding:
    """Convert an error of pydantic into a finding. `problem`: its details, see `finding_of`."""
    if where.startswith("cadence_"):
        return _cadence_finding(problem, where)
    if problem["type"] == "too_short":
        return LintFinding("too-few", where, values={"least": problem["ctx"]["min_length"]})
    if where.endswith(".topic"):
        return LintFinding("no-topic", where)
    if problem["type"] == "one_right":
        return LintFinding("no-right", where)
    return finding_of(problem, where)


def _cadence_finding(problem: ErrorDetails, where: str) -> LintFinding:
    if problem["type"] == "unanswered_days":
        return LintFinding("short-wait", where)
    if where not in _CADENCE_LIMITS:
        return LintFinding("no-day", where)
    least, most = _CADENCE_LIMITS[where]
    return LintFinding("number", where, values={"least": least, "most": most})


def _lesson_findings(draft: CourseDraft, lesson: WrittenLesson, language: str) -> list[LintFinding]:
    fields = lesson.fields
    document = form_fields.document_of(fields, lesson.slug, 1, [language])
    if not document["texts"]:
        return [LintFinding("no-translation", f"{language}.title")]
    own = {name: text for name, text in fields.items() if name.startswith(f"{language}.")}
    found = list(unreadable_in(own, [language], notice=True))
    try:
        Lesson.model_validate(document)
    except ValidationError as error:
        found += [finding_of(one, form_fields.field_at(one["loc"], fields, draft.languages)) for one in error.errors()]
    source = (
        source_of(draft.parts[CoursePart.ARTICLE].fields, lesson.slug) if CoursePart.ARTICLE in draft.parts else None
    )
    if source is not None:
        found += overlaps(own, source)
    return once(found)


def _part_texts(draft: CourseDraft, part: CoursePart, languages: Sequence[str]) -> dict[str, object]:
    fields = draft.fields(part)
    documents = {one: language_document(FORMS[part], fields, one, draft.languages) for one in languages}
    return {one: document for one, document in documents.items() if document is not None}


def _lesson(lesson: WrittenLesson, number: int, languages: Sequence[str]) -> Lesson:
    """Return the lesson in these languages: as it is published, and from its draft what is not yet."""
    if lesson.published is None:
        return Lesson.model_validate(form_fields.document_of(lesson.fields, lesson.slug, number, languages))
    missing = [one for one in languages if one not in lesson.published.texts]
    texts = {one: text for one, text in lesson.published.texts.items() if one in languages}
    if missing:
        texts |= Lesson.model_validate(form_fields.document_of(lesson.fields, lesson.slug, number, missing)).texts
    return Lesson(number=number, slug=lesson.slug, texts={one: texts[one] for one in languages})


def _disagreement(draft: CourseDraft, one: Inconsistency) -> CourseFinding:
    if part := _STEMS.get(one.place.stem):
        where = part_fields.field_at(part, one.place.language, one.field)
        return CourseFinding(part, one.place.language, LintFinding(one.kind, where, values={"text": one.message}))
    lesson = next(each for each in draft.lessons if each.slug == one.place.slug)
    location = ("texts", one.place.language, *one.field)
    where = form_fields.field_at(location, lesson.fields, draft.languages)
    return CourseFinding(lesson.slug, one.place.language, LintFinding(one.kind, where, values={"text": one.message}))


def _keep_unpublished(
    session: Session, now: datetime, draft: CourseDraft, part: CoursePart, spoken: Sequence[str], admin_id: int | None
) -> None:
    """Keep as a draft what is written in languages that were not published."""
    rest = tuple(f"{one}." for one in draft.languages if one not in spoken)
    fields = {name: text for name, text in draft.fields(part).items() if rest and name.startswith(rest)}
    if fields:
        course_drafts.save(session, draft.id, part, fields, 0, admin_id, now)


def _settle_lesson_draft(
    session: Session,
    now: datetime,
    draft: CourseDraft,
    lesson: WrittenLesson,
    course: Course,
    admin_id: int | None,
    was_current: int,
) -> None:
    """Remove the draft of a lesson if all of it is published now; keep it where it says more.

    `was_current`: the version that was published until now. A draft that was begun from an earlier one stays so, and
    its editor is still warned.
    """
    published = course.lesson(lesson.slug)
    if published is None or lesson.draft is None:
        return
    moved = lesson.published is not None and PREDECESSOR_FIELD in lesson.draft.fields
    says_more = moved or _without_ids(form_fields.fields_of(published)) != _without_ids(lesson.fields)
    lesson_drafts.remove(session, draft.id, lesson.slug)
    if says_more:
        is_newest = lesson.draft.began_from == was_current
        began_from = current_version(session, draft.id, lesson.slug) if is_newest else lesson.draft.began_from
        content = DraftContent(dict(lesson.draft.fields if moved else lesson.fields), began_from)
        lesson_drafts.save(session, draft.id, lesson.slug, content, 0, admin_id, now)


def _without_ids(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if not name.endswith(".id")}


def changed_places(draft: CourseDraft) -> Iterator[tuple[str, int]]:
    """Yield (slug, new place) of the published lessons that would move."""
    kept = [one for one in draft.lessons if one.published is not None]
    for number, one in enumerate(kept, 1):
        if one.published is not None and one.published.number != number:
            yield one.slug, number
