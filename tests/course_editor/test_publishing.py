"""A lesson is published while readers are under way: who gets which version, who goes back, and nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.builders import COURSE, course_of, enrolment_of, make_reader, plan
from tests.support.course_edits import NOBODY, edited, inserted, pass_days, publish, slugs_to, titles_to
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.course_editor import drafts, history
from rugcourse.course_editor.drafts import PREDECESSOR_FIELD, LessonNotFound, SlugTaken, StaleDraft
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.publishing import (
    AlreadyPast,
    ExistingReaders,
    LessonNotReady,
    SeenVersions,
    publish_lesson,
    unpublish,
)
from rugcourse.db.queries import lesson_drafts as kept_drafts
from rugcourse.db.queries import lesson_versions
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences


def test_readers_under_way_get_the_new_version_or_the_one_they_began_with(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    before = course_of(runtime).course.lessons[1].texts["nl"].title
    first = make_reader(runtime)
    pass_days(runtime, dispatcher, 1)
    publish(runtime, edited(runtime, "overbelasting", "Tweede versie"), ExistingReaders.OLD)
    second = make_reader(runtime)
    publish(runtime, edited(runtime, "overbelasting", "Derde versie"), ExistingReaders.OLD)
    third = make_reader(runtime)
    pass_days(runtime, dispatcher, 2)
    assert titles_to(runtime, first)[1] == before
    assert titles_to(runtime, second)[1] == "Tweede versie"
    assert titles_to(runtime, third)[1] == "Derde versie"


def test_the_new_version_for_all_ends_what_was_kept_for_some(runtime: Runtime, dispatcher: Dispatcher) -> None:
    reader = make_reader(runtime)
    pass_days(runtime, dispatcher, 1)
    publish(runtime, edited(runtime, "overbelasting", "Tweede"), ExistingReaders.OLD)
    publish(runtime, edited(runtime, "overbelasting", "Derde"), ExistingReaders.NEW)
    pass_days(runtime, dispatcher, 1)
    assert titles_to(runtime, reader)[1] == "Derde"


@pytest.mark.parametrize(
    ("behind", "went_back", "middle_gets", "finished_gets"),
    [(AlreadyPast.NOBODY, 0, 0, 0), (AlreadyPast.PASSED, 1, 1, 0), (AlreadyPast.FINISHED, 2, 1, 1)],
)
def test_a_lesson_put_in_late_goes_to_whom_it_is_meant_for_and_nobody_gets_one_twice(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    behind: AlreadyPast,
    went_back: int,
    middle_gets: int,
    finished_gets: int,
) -> None:
    finished = make_reader(runtime)
    pass_days(runtime, dispatcher, 9)
    middle = make_reader(runtime)
    pass_days(runtime, dispatcher, 4)
    fresh = make_reader(runtime)
    assert publish(runtime, inserted(runtime, 3), behind=behind) == went_back
    pass_days(runtime, dispatcher, 12)
    for email, times in ((finished, finished_gets), (middle, middle_gets), (fresh, 1)):
        had = slugs_to(runtime, email)
        assert had.count("ertussen") == times
        assert len(had) == len(set(had)) == 9 + times
        assert enrolment_of(runtime, email).status == "completed"
    assert slugs_to(runtime, fresh)[2] == "ertussen"
    if middle_gets:
        assert slugs_to(runtime, middle)[4] == "ertussen"  # the next one they got, and then on where they were
    assert audit(runtime.database, runtime.clock.now(), timedelta(hours=1)).findings == ()


def test_a_lesson_for_who_passed_its_place_goes_to_who_waits_for_the_last_one(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    reader = make_reader(runtime)
    pass_days(runtime, dispatcher, 8)
    clock.advance(days=1)
    plan(runtime)
    assert enrolment_of(runtime, reader).status == "completed"  # the last one stands planned
    assert publish(runtime, inserted(runtime, 3), behind=AlreadyPast.PASSED) == 1
    person = enrolment_of(runtime, reader).subscriber_id
    runtime.database.run(preferences.pause, clock.now(), person)
    runtime.database.run(preferences.resume, clock.now(), person)
    pass_days(runtime, dispatcher, 12)
    had = slugs_to(runtime, reader)
    assert sorted(had[8:]) == ["afronding", "ertussen"]
    assert enrolment_of(runtime, reader).status == "completed"
    assert audit(runtime.database, clock.now(), timedelta(hours=1)).findings == ()


def test_a_lesson_taken_out_comes_to_nobody_and_what_waited_for_it_goes_on(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    reader = make_reader(runtime)
    pass_days(runtime, dispatcher, 1)
    runtime.database.run(unpublish, runtime.clock.now(), NOBODY, COURSE, "afronding")
    pass_days(runtime, dispatcher, 10)
    assert "afronding" not in slugs_to(runtime, reader)
    assert len(slugs_to(runtime, reader)) == 8


def test_the_draft_of_a_lesson_that_is_taken_out_can_be_restored(runtime: Runtime, clock: VirtualClock) -> None:
    course_id = course_of(runtime).id
    with runtime.database.write() as session:
        kept_drafts.save(
            session, course_id, "afronding", kept_drafts.DraftContent({"nl.title": "Half"}, 0), 0, None, clock.now()
        )
    runtime.database.run(unpublish, clock.now(), NOBODY, COURSE, "afronding")
    with runtime.database.read() as session:
        assert kept_drafts.find(session, course_id, "afronding") is None
        [discarded] = kept_drafts.discarded_of_course(session, course_id)
    assert discarded.slug == "afronding"


def test_publishing_refuses_mistakes_and_removing_a_lesson_of_the_landing_page(runtime: Runtime) -> None:
    before = course_of(runtime).course
    with pytest.raises(LessonNotReady):
        publish(runtime, edited(runtime, "overbelasting", "Kijk!"))
    tile = before.texts["nl"].tiles[0].lesson
    with pytest.raises(LessonNotReady):
        runtime.database.run(unpublish, runtime.clock.now(), NOBODY, COURSE, tile)
    assert course_of(runtime).course == before


def test_publishing_different_lessons_at_once_keeps_both(runtime: Runtime) -> None:
    one, other = edited(runtime, "overbelasting", "Een"), edited(runtime, "stress", "Twee")
    publish(runtime, one)
    publish(runtime, other)  # written when the first was not published yet
    titles = {lesson.slug: lesson.texts["nl"].title for lesson in course_of(runtime).course.lessons}
    assert (titles["overbelasting"], titles["stress"]) == ("Een", "Twee")


def test_a_draft_is_kept_as_it_was_typed_and_not_over_anothers(runtime: Runtime) -> None:
    state = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "stress")
    mine = LessonDraft(state.published.course, "stress", 4, {"nl.title": "Half"})
    runtime.database.run(drafts.save, runtime.clock.now(), state, mine, None, 0)
    with pytest.raises(StaleDraft):
        runtime.database.run(drafts.save, runtime.clock.now(), state, mine, None, 0)
    again = runtime.database.query(drafts.load_editor, runtime.course_cache, COURSE, "stress")
    assert (again.saved, dict(again.lesson_draft.fields), again.lesson_draft.place) == (1, {"nl.title": "Half"}, 4)
    assert PREDECESSOR_FIELD not in again.lesson_draft.fields


def test_a_new_lesson_is_called_after_its_title_and_no_name_is_used_twice(runtime: Runtime) -> None:
    begin = (drafts.create, runtime.clock.now(), runtime.course_cache, COURSE)
    assert runtime.database.run(*begin, "Één dág: rust!", "welkom", None) == "een-dag-rust"
    assert runtime.database.run(*begin, "Spaß am Gehen", "welkom", None) == "spass-am-gehen"
    for taken in ("Eén dag rust", "Stress", "!!"):
        with pytest.raises(SlugTaken):
            runtime.database.run(*begin, taken, "", None)


def test_history_tells_word_by_word_what_changed(runtime: Runtime) -> None:
    publish(runtime, edited(runtime, "stress", "Spanning, en nog iets"))
    with runtime.database.read() as session:
        newest, oldest = history.versions_of(session, course_of(runtime).id, COURSE, "stress")
    assert (newest.current, oldest.current) == (True, False)
    changes = {one.field: one.parts for one in history.differences(oldest.lesson, newest.lesson)}
    assert set(changes) == {"nl.title", "nl.subject"}
    assert ("new", "Spanning, en nog iets") in changes["nl.subject"] or any(
        what == "new" for what, _ in changes["nl.subject"]
    )
    assert "".join(text for what, text in changes["nl.title"] if what != "gone") == "Spanning, en nog iets"


def test_a_lesson_that_a_colleague_took_out_meanwhile_is_not_put_back_unsaid(runtime: Runtime) -> None:
    slug = "ertussen"
    publish(runtime, inserted(runtime, 2))
    lesson_draft = edited(runtime, slug, "Anders")
    with runtime.database.read() as session:
        version = lesson_versions.find_published_version(session, course_of(runtime).id, slug) or 0
    runtime.database.run(unpublish, runtime.clock.now(), NOBODY, COURSE, slug)
    with pytest.raises(LessonNotFound):
        runtime.database.run(publish_lesson, runtime.clock.now(), NOBODY, lesson_draft, seen=SeenVersions(0, version))
    assert course_of(runtime).course.lesson(slug) is None
