"""A course that is made in the browser: from its first draft to what readers get."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.support.builders import COURSE

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor import course_edits
from rugcourse.course_editor.course_draft import CourseDraft, CourseNotFound, load
from rugcourse.course_editor.course_edits import CourseIsPublished, CourseSlugTaken, NoTitle, PartEdit, UnknownLanguage
from rugcourse.course_editor.course_publishing import (
    CourseNotReady,
    SeenCourse,
    disagreements,
    findings,
    picture_findings,
    publish_course,
    publishable,
)
from rugcourse.course_editor.drafts import StaleDraft
from rugcourse.course_editor.parts import FORMS, CoursePart
from rugcourse.db.models import AuditLogRow, CampaignRow, CourseRow, CourseVersionRow
from rugcourse.db.queries import lesson_drafts
from rugcourse.db.queries.lesson_drafts import DraftContent

SLUG = "beter-slapen"
PAGE = {
    "nl.tagline": "Vijf korte lessen over slaap.",
    "nl.body": "Wat slaap doet.",
    "nl.summary": "Waarom slaap werkt\nWat helpt",
}


def lesson(language: str, title: str, number: int = 0) -> dict[str, str]:
    question = f"{language}.quiz.0"
    return {
        f"{language}.title": title,
        f"{language}.subject": title,
        f"{language}.preheader": "Vandaag",
        f"{language}.highlight": "Slaap komt vanzelf.",
        f"{language}.today": "Ga op tijd naar bed.",
        f"{language}.body": "Slaap is rust.",
        f"{question}.question": "Wat helpt?",
        **{f"{question}.options.{n}.{name}": f"{name} {n}" for n in range(3) for name in ("text", "why")},
        "quiz.0.right": "1",
        "quiz.0.id": f"vraag-{number}",
    }


@pytest.fixture
def session(runtime: Runtime) -> Iterator[Session]:
    with runtime.database.write() as session:
        yield session


@pytest.fixture
def draft(runtime: Runtime, session: Session) -> Callable[[], CourseDraft]:
    return lambda: load(session, runtime.course_cache, SLUG)


@pytest.fixture
def made(runtime: Runtime, session: Session) -> None:
    lessons = [(f"les-{n}", lesson("nl", f"Les {n}", n)) for n in (1, 2, 3)]
    course_edits.create(session, runtime.clock.now(), "Beter slapen", "nl", None, {CoursePart.PAGE: PAGE}, lessons)


def publish(runtime: Runtime, session: Session, *languages: str, seen: SeenCourse | None = None) -> None:
    found = load(session, runtime.course_cache, SLUG)
    seen = seen or SeenCourse(found.revision, found.content_hash)
    publish_course(session, runtime.clock.now(), runtime.course_cache, SLUG, languages, seen, None)


def save_part(runtime: Runtime, session: Session, part: CoursePart, **typed: str) -> None:
    found = load(session, runtime.course_cache, SLUG)
    seen = found.parts[part].saved if part in found.parts else 0
    fields = {name.replace("__", "."): text for name, text in typed.items()}
    course_edits.save_part(session, runtime.clock.now(), found, part, PartEdit(fields, seen), None)


def test_a_course_in_one_language_without_test_and_notice_is_published_whole(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    assert runtime.course_cache.course(session, SLUG) is None
    assert SLUG not in [one.course.slug for one in runtime.course_cache.courses(session)]
    assert publishable(draft()) == ("nl",)
    publish(runtime, session, "nl")
    published = runtime.course_cache.course(session, SLUG)
    assert published is not None
    assert published.course.languages == ("nl",)
    assert [one.slug for one in published.course.lessons] == ["les-1", "les-2", "les-3"]
    assert (published.course.tests, published.course.safety_notices) == ({}, {})
    assert session.get(CampaignRow, published.campaign_id) is not None
    after = draft()
    assert not after.parts
    assert all(one.draft is None for one in after.lessons)
    assert not after.is_changed
    actions = list(session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)))
    assert actions[-2:] == ["course.create", "course.publish"]


def test_what_is_missing_is_named_with_its_field_and_nothing_is_published(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    save_part(runtime, session, CoursePart.PAGE, nl__tagline="")
    save_part(runtime, session, CoursePart.TEST, nl__title="Wat weet jij?", nl__questions__0__question="Wat?")
    broken = {**lesson("nl", "Les 2", 2), "nl.body": "Kijk <b>hier</b>", "nl.subject": "Nu!"}
    saved = draft().lessons[1].draft
    assert saved is not None
    content = DraftContent(broken, 0)
    assert lesson_drafts.save(session, draft().id, "les-2", content, saved.saved, None, runtime.clock.now())
    found = {(one.place, one.finding.where, one.finding.kind) for one in findings(draft(), "nl")}
    assert {
        (CoursePart.PAGE, "nl.tagline", "missing"),
        (CoursePart.TEST, "nl.body", "missing"),
        (CoursePart.TEST, "nl.questions.0.options.0.text", "too-few"),
        ("les-2", "nl.body", "html"),
        ("les-2", "nl.subject", "exclamation"),
    } <= found
    with pytest.raises(CourseNotReady):
        publish(runtime, session, "nl")
    assert runtime.course_cache.course(session, SLUG) is None


def test_a_second_language_is_published_once_all_of_it_is_written(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    publish(runtime, session, "nl")
    course_edits.add_language(session, draft(), "en")
    english = {"en.title": "Better sleep", "en.tagline": "Five lessons", "en.body": "Sleep.", "en.summary": "Why"}
    save_part(runtime, session, CoursePart.PAGE, **{name.replace(".", "__"): text for name, text in english.items()})
    assert publishable(draft()) == ("nl",)
    for number, one in enumerate(draft().lessons, 1):
        fields = {**one.fields, **lesson("en", f"Lesson {number}", number)}
        lesson_drafts.save(session, draft().id, one.slug, DraftContent(fields, 0), 0, None, runtime.clock.now())
    assert publishable(draft()) == ("nl", "en")
    published = runtime.course_cache.course(session, SLUG)
    assert published is not None
    assert published.course.languages == ("nl",)
    publish(runtime, session, "en")
    published = runtime.course_cache.course(session, SLUG)
    assert published is not None
    assert published.course.languages == ("nl", "en")
    assert all(set(one.texts) == {"nl", "en"} for one in published.course.lessons)
    assert all(one.draft is None for one in draft().lessons)


def test_what_is_written_in_another_language_stays_a_draft(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    course_edits.add_language(session, draft(), "en")
    save_part(runtime, session, CoursePart.PAGE, en__title="Better sleep")
    one = draft().lessons[0]
    assert one.draft is not None
    content = DraftContent({**one.fields, "en.title": "Lesson"}, 0)
    lesson_drafts.save(session, draft().id, one.slug, content, one.draft.saved, None, runtime.clock.now())
    publish(runtime, session, "nl")
    after = draft()
    assert after.fields(CoursePart.PAGE)["en.title"] == "Better sleep"
    assert after.lessons[0].fields["en.title"] == "Lesson"
    assert [one.draft is None for one in after.lessons] == [False, True, True]
    published = runtime.course_cache.course(session, SLUG)
    assert published is not None
    assert published.course.languages == ("nl",)


def test_a_picture_that_is_gone_is_named_with_its_lesson_and_language(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    gone = f"pictures/bed-{'0' * 32}-600x400.png"
    save_part(runtime, session, CoursePart.PAGE, nl__body=f"Slaap.\n\n![Een bed]({gone})")
    saved = draft().lessons[1].draft
    assert saved is not None
    shown = {**lesson("nl", "Les 2", 2), "nl.body": f"Slaap is rust.\n\n![Een bed](pictures&#47;{gone[9:]})"}
    assert lesson_drafts.save(
        session, draft().id, "les-2", DraftContent(shown, 0), saved.saved, None, runtime.clock.now()
    )
    found = picture_findings(session, draft(), "nl")
    assert [(one.place, one.language, one.finding.kind, one.finding.where) for one in found] == [
        (CoursePart.PAGE, "nl", "picture-missing", "nl.body"),
        ("les-2", "nl", "picture-missing", "nl.body"),
    ]
    assert found[0].finding.values == {"line": 3, "text": "bed"}
    with pytest.raises(CourseNotReady):
        publish(runtime, session, "nl")


def test_a_page_may_only_lead_to_lessons_that_there_are(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    tile = {"tiles__0__lesson": "weg", "nl__tiles__0__title": "Weg", "nl__tiles__0__line": "Er niet"}
    save_part(runtime, session, CoursePart.PAGE, **tile)
    [found] = disagreements(draft(), ["nl"])
    assert (found.place, found.finding.kind, found.finding.where) == (CoursePart.PAGE, "no-lesson", "tiles.0.lesson")
    with pytest.raises(CourseNotReady):
        publish(runtime, session, "nl")


def test_two_who_publish_at_once_do_not_overwrite_each_other(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    seen = SeenCourse(draft().revision, draft().content_hash)
    save_part(runtime, session, CoursePart.PAGE, nl__tagline="Anders.")
    with pytest.raises(StaleDraft):
        publish(runtime, session, "nl", seen=seen)
    publish(runtime, session, "nl")
    with pytest.raises(StaleDraft):
        publish(runtime, session, "nl", seen=seen)


def test_two_who_write_the_same_part_are_told_of_each_other(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    opened = draft()
    seen = opened.parts[CoursePart.PAGE].saved
    course_edits.save_part(
        session, runtime.clock.now(), opened, CoursePart.PAGE, PartEdit({"nl.tagline": "A"}, seen), None
    )
    with pytest.raises(StaleDraft):
        course_edits.save_part(
            session, runtime.clock.now(), opened, CoursePart.PAGE, PartEdit({"nl.tagline": "B"}, seen), None
        )
    assert draft().fields(CoursePart.PAGE)["nl.tagline"] == "A"


def test_the_order_is_a_draft_until_it_is_published(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    publish(runtime, session, "nl")
    course_edits.move(session, runtime.clock.now(), draft(), "les-3", 1, None, 0)
    assert [one.slug for one in draft().lessons] == ["les-3", "les-1", "les-2"]
    assert [one.slug for one in draft().course.lessons] == ["les-1", "les-2", "les-3"]
    assert draft().is_changed
    publish(runtime, session)
    assert [one.slug for one in draft().course.lessons] == ["les-3", "les-1", "les-2"]
    assert not draft().is_changed


def test_each_publication_of_the_parts_is_kept(runtime: Runtime, session: Session, made: None) -> None:
    publish(runtime, session, "nl")
    save_part(runtime, session, CoursePart.PAGE, nl__tagline="Nieuw.")
    publish(runtime, session)
    course_id = session.scalar(select(CourseRow.id).where(CourseRow.slug == SLUG))
    documents = session.scalars(
        select(CourseVersionRow.document).where(CourseVersionRow.course_id == course_id).order_by(CourseVersionRow.id)
    )
    taglines = [document["texts"]["nl"]["tagline"] for document in documents]  # type: ignore[index]
    assert taglines == [PAGE["nl.tagline"], "Nieuw."]


def test_a_copy_has_everything_of_one_language_as_drafts(runtime: Runtime, session: Session) -> None:
    source = load(session, runtime.course_cache, COURSE)
    slug = course_edits.copy(session, runtime.clock.now(), source, "Backs at school", "en", None)
    assert slug == "backs-at-school"
    copied = load(session, runtime.course_cache, slug)
    assert copied.languages == ("en",)
    assert publishable(copied) == ("en",)
    assert disagreements(copied, ["en"]) == []
    assert not any(name.startswith("nl.") for part in FORMS for name in copied.fields(part))
    publish_course(
        session,
        runtime.clock.now(),
        runtime.course_cache,
        slug,
        ["en"],
        SeenCourse(copied.revision, copied.content_hash),
        None,
    )
    course = runtime.course_cache.course(session, slug)
    original = runtime.course_cache.course(session, COURSE)
    assert course is not None
    assert original is not None
    assert course.course.tests["en"] == original.course.tests["en"]
    assert course.course.safety_notices["en"] == original.course.safety_notices["en"]
    assert [one.texts["en"] for one in course.course.lessons] == [one.texts["en"] for one in original.course.lessons]
    assert course.course.texts["en"].title == "Backs at school"


@pytest.mark.parametrize(
    ("title", "language", "error"),
    [
        ("Beter slapen", "nl", CourseSlugTaken),
        ("My page", "nl", CourseSlugTaken),
        ("!!!", "nl", NoTitle),
        ("New", "../en", UnknownLanguage),
        ("New", "xx", UnknownLanguage),
    ],
)
def test_a_course_needs_a_title_and_a_language_of_its_own(
    runtime: Runtime, session: Session, made: None, title: str, language: str, error: type[Exception]
) -> None:
    before = session.scalars(select(CourseRow.id)).all()
    with pytest.raises(error):
        course_edits.create(session, runtime.clock.now(), title, language, None)
    assert session.scalars(select(CourseRow.id)).all() == before


def test_only_a_course_that_was_never_published_can_be_deleted(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    publish(runtime, session, "nl")
    with pytest.raises(CourseIsPublished):
        course_edits.delete(session, runtime.clock.now(), draft(), None)
    course_edits.create(session, runtime.clock.now(), "Weg ermee", "nl", None)
    course_edits.delete(session, runtime.clock.now(), load(session, runtime.course_cache, "weg-ermee"), None)
    with pytest.raises(CourseNotFound):
        load(session, runtime.course_cache, "weg-ermee")


def test_an_archived_course_keeps_its_readers_and_can_come_back(
    runtime: Runtime, session: Session, made: None, draft: Callable[[], CourseDraft]
) -> None:
    publish(runtime, session, "nl")
    for archived in (True, False):
        course_edits.archive(session, runtime.clock.now(), draft(), None, archived=archived)
        published = runtime.course_cache.course(session, SLUG)
        assert published is not None
        assert published.is_archived is archived
