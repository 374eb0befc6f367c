"""Drafts of lessons that are discarded and restored: nothing is lost, and no newer work is written over."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.support.builders import COURSE, course_of

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor import drafts
from rugcourse.course_editor.drafts import (
    EditorState,
    LessonNotFound,
    NewerDraft,
    NoSuchDraft,
    StaleDraft,
    StalePublication,
)
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.merge import OnConflict
from rugcourse.course_editor.publishing import SeenVersions, publish_lesson
from rugcourse.db.models import AuditLogRow, DiscardedDraftRow
from rugcourse.db.queries import admins

SLUG = "stress"


def desk_of(runtime: Runtime, slug: str = SLUG) -> EditorState:
    return runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, slug)


def keep(runtime: Runtime, title: str) -> None:
    state = desk_of(runtime)
    typed = LessonDraft(state.published.course, SLUG, 4, {"nl.title": title})
    runtime.database.run(drafts.save, runtime.clock.now(), state, typed, None, state.saved)


def discard(runtime: Runtime, seen: int, slug: str = SLUG) -> int:
    return runtime.database.run(drafts.discard, runtime.clock.now(), desk_of(runtime, slug), None, seen)


def restore(runtime: Runtime, discarded: int) -> tuple[str, str]:
    return runtime.database.run(drafts.restore, runtime.clock.now(), discarded, None)


def logged(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.read() as session:
        return [(one.action, one.subject) for one in session.scalars(select(AuditLogRow).order_by(AuditLogRow.id))]


def test_a_discarded_draft_comes_back_as_it_was_and_the_log_knows(runtime: Runtime) -> None:
    keep(runtime, "Half")
    discarded = discard(runtime, seen=1)
    assert desk_of(runtime).saved == 0
    assert desk_of(runtime).lesson_draft.lesson() == course_of(runtime).course.lesson(SLUG)
    assert restore(runtime, discarded) == (COURSE, SLUG)
    state = desk_of(runtime)
    assert (state.saved, dict(state.lesson_draft.fields), state.lesson_draft.place) == (2, {"nl.title": "Half"}, 4)
    assert logged(runtime) == [(f"lesson.{what}_draft", f"lesson:{COURSE}/{SLUG}") for what in ("discard", "restore")]
    with pytest.raises(NoSuchDraft):
        restore(runtime, discarded)


def test_the_draft_of_a_new_lesson_can_be_restored_although_the_course_does_not_have_it(runtime: Runtime) -> None:
    slug = runtime.database.run(
        drafts.create, runtime.clock.now(), runtime.course_cache, COURSE, "Slapen", "overbelasting", None
    )
    discarded = discard(runtime, 1, slug)
    with pytest.raises(LessonNotFound):
        desk_of(runtime, slug)
    assert restore(runtime, discarded) == (COURSE, slug)
    assert desk_of(runtime, slug).lesson_draft.fields["en.title"] == "Slapen"


def test_restoring_writes_over_no_newer_draft(runtime: Runtime) -> None:
    keep(runtime, "Old")
    discarded = discard(runtime, seen=1)
    keep(runtime, "New")
    before = logged(runtime)
    with pytest.raises(NewerDraft):
        restore(runtime, discarded)
    assert desk_of(runtime).lesson_draft.fields["nl.title"] == "New"
    assert logged(runtime) == before
    newer = discard(runtime, seen=2)
    assert restore(runtime, discarded) == (COURSE, SLUG)  # it waited in the bin
    assert desk_of(runtime).lesson_draft.fields["nl.title"] == "Old"
    with pytest.raises(NewerDraft):
        restore(runtime, newer)


def test_discarding_a_draft_fails_when_somebody_else_saved_it_meanwhile(runtime: Runtime) -> None:
    keep(runtime, "Mine")
    keep(runtime, "Theirs")
    for seen in (0, 1, 3):
        with pytest.raises(StaleDraft):
            discard(runtime, seen)
    assert desk_of(runtime).lesson_draft.fields["nl.title"] == "Theirs"
    assert logged(runtime) == []


def test_a_form_of_a_draft_that_was_discarded_is_not_kept_over_one_that_was_begun_anew(runtime: Runtime) -> None:
    keep(runtime, "A first try")
    opened = desk_of(runtime)
    discard(runtime, opened.saved)
    keep(runtime, "Hours of work")
    with pytest.raises(StaleDraft):
        runtime.database.run(drafts.save, runtime.clock.now(), opened, opened.lesson_draft, None, opened.saved)
    with pytest.raises(StaleDraft):
        discard(runtime, opened.saved)
    assert desk_of(runtime).lesson_draft.fields["nl.title"] == "Hours of work"


def test_a_form_of_a_draft_that_was_published_is_not_kept_over_the_next_one(runtime: Runtime) -> None:
    """Also where readers get what they got when it was opened: it was only moved, or published back."""
    keep_over(runtime, typed_by(runtime, "Other"), desk_of(runtime).version)
    opened = desk_of(runtime)
    publish(runtime, opened.lesson_draft)
    keep_over(runtime, typed_by(runtime, "Hours of work"), desk_of(runtime).version)
    now = desk_of(runtime)
    with pytest.raises(StaleDraft):
        runtime.database.run(
            drafts.save, runtime.clock.now(), opened, opened.lesson_draft, None, opened.saved, now.version
        )
    with pytest.raises(StaleDraft):
        publish(runtime, now.lesson_draft, SeenVersions(opened.saved, now.version))
    assert desk_of(runtime).lesson_draft.fields["nl.title"] == "Hours of work"


def test_discarding_a_draft_is_rolled_back_when_the_audit_entry_fails(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(runtime, "Half")

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(admins, "record_change", die)
    with pytest.raises(RuntimeError):
        discard(runtime, seen=1)
    assert desk_of(runtime).saved == 1
    with runtime.database.read() as session:
        assert session.scalars(select(DiscardedDraftRow)).all() == []


def typed_by(runtime: Runtime, title: str, **others: str) -> LessonDraft:
    """What somebody types over the lesson as it lies on the desk now."""
    state = desk_of(runtime)
    return drafts.with_input(state, {**state.lesson_draft.fields, "nl.title": title, **others})


def keep_over(runtime: Runtime, lesson_draft: LessonDraft, version: int) -> None:
    state = desk_of(runtime)
    runtime.database.run(drafts.save, runtime.clock.now(), state, lesson_draft, None, state.saved, version)


def publish(runtime: Runtime, lesson_draft: LessonDraft, seen: SeenVersions | None = None) -> None:
    runtime.database.run(publish_lesson, runtime.clock.now(), None, lesson_draft, seen=seen)


def order(runtime: Runtime) -> list[str]:
    return [lesson.slug for lesson in course_of(runtime).course.lessons]


def put_in(runtime: Runtime, place: int) -> None:
    course = course_of(runtime).course
    lesson = course.lesson(SLUG)
    assert lesson is not None
    fields = {**fields_of(lesson), "quiz.0.id": "new-1", "quiz.1.id": "new-2"}
    publish(runtime, LessonDraft(course, "ertussen", place, fields))


def test_a_form_that_was_opened_before_somebody_published_is_not_kept_unsaid(runtime: Runtime) -> None:
    opened = desk_of(runtime).version
    mine = typed_by(runtime, "Mine")
    publish(runtime, typed_by(runtime, "Theirs"))
    with pytest.raises(StalePublication):
        keep_over(runtime, mine, opened)
    assert desk_of(runtime).saved == 0
    keep_over(runtime, mine, desk_of(runtime).version)  # once they have been told
    assert desk_of(runtime).newer is None


def test_a_draft_knows_what_was_published_since_it_was_begun(runtime: Runtime) -> None:
    """Whether in the admin pages or by an import; a draft that came back from the bin, too."""
    keep_over(runtime, typed_by(runtime, "Draft"), desk_of(runtime).version)
    put_in(runtime, 1)
    assert desk_of(runtime).newer is None  # the same wording in another place
    course = course_of(runtime).course
    lesson = course.lesson(SLUG)
    assert lesson is not None
    texts = {code: text.model_copy(update={"highlight": "In a file"}) for code, text in lesson.texts.items()}
    new = lesson.model_copy(update={"texts": texts})
    lessons = tuple(new if one is lesson else one for one in course.lessons)
    import_course(runtime.database, runtime.clock, [course.model_copy(update={"lessons": lessons})], OnConflict.THEIRS)
    assert restore(runtime, discard(runtime, 1)) == (COURSE, SLUG)
    newer = desk_of(runtime).newer
    assert newer is not None
    assert (newer.at, newer.by) == (runtime.clock.now(), None)


def test_publishing_fails_when_draft_or_version_is_not_the_one_that_was_seen(runtime: Runtime) -> None:
    keep_over(runtime, typed_by(runtime, "First"), desk_of(runtime).version)
    state = desk_of(runtime)
    seen = SeenVersions(state.saved, state.version)
    keep_over(runtime, typed_by(runtime, "Second"), state.version)
    with pytest.raises(StaleDraft):
        publish(runtime, desk_of(runtime).lesson_draft, seen)
    publish(runtime, typed_by(runtime, "Theirs"))
    with pytest.raises(StalePublication):
        publish(runtime, state.lesson_draft, SeenVersions(0, state.version))
    publish(runtime, state.lesson_draft, SeenVersions(0, desk_of(runtime).version))
    assert course_of(runtime).course.lessons[3].texts["nl"].title == "First"


def test_a_draft_moves_no_lesson_back_to_a_place_that_nobody_chose(runtime: Runtime) -> None:
    keep_over(runtime, typed_by(runtime, "Draft"), desk_of(runtime).version)
    opened = desk_of(runtime)
    put_in(runtime, 2)
    before = order(runtime)
    publish(runtime, opened.lesson_draft)
    assert order(runtime) == before
    publish(runtime, desk_of(runtime).lesson_draft)
    assert order(runtime) == before


def test_a_place_that_was_chosen_is_kept_as_behind_that_lesson(runtime: Runtime) -> None:
    after = {drafts.LOADED_PREDECESSOR_FIELD: "onderbelasting", drafts.PREDECESSOR_FIELD: "welkom"}
    keep_over(runtime, typed_by(runtime, "Draft", **after), desk_of(runtime).version)
    put_in(runtime, 1)
    publish(runtime, desk_of(runtime).lesson_draft)
    assert order(runtime)[:3] == ["ertussen", "welkom", SLUG]
    first = {drafts.LOADED_PREDECESSOR_FIELD: "welkom", drafts.PREDECESSOR_FIELD: ""}
    publish(runtime, typed_by(runtime, "Draft", **first))
    assert order(runtime)[:3] == [SLUG, "ertussen", "welkom"]


def test_a_form_that_was_opened_before_the_course_changed_moves_nothing(runtime: Runtime) -> None:
    put_in(runtime, 4)
    before = order(runtime)
    stale = {drafts.LOADED_PREDECESSOR_FIELD: before[2], drafts.PREDECESSOR_FIELD: before[2]}
    publish(runtime, typed_by(runtime, "Draft", **stale))
    assert order(runtime) == before
