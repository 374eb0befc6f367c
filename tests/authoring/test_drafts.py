"""Drafts of lessons that are discarded and restored: nothing is lost, and no newer work is written over."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.builders import COURSE, course_of

from rugcourse.authoring import drafts
from rugcourse.authoring.drafts import Desk, NewerDraft, NoSuchDraft, NoSuchLesson, SavedMeanwhile
from rugcourse.authoring.manuscript import Manuscript
from rugcourse.runtime import Runtime
from rugcourse.store import admins
from rugcourse.store.tables import ChangeRow, DiscardedDraftRow

SLUG = "stress"


def desk_of(runtime: Runtime, slug: str = SLUG) -> Desk:
    return drafts.open_desk(runtime.database, runtime.library, COURSE, slug)


def keep(runtime: Runtime, title: str) -> None:
    desk = desk_of(runtime)
    typed = Manuscript(desk.published.course, SLUG, 4, {"nl.title": title})
    drafts.keep(runtime.database, runtime.clock, desk, typed, None, desk.saved)


def discard(runtime: Runtime, seen: int, slug: str = SLUG) -> int:
    return drafts.discard(runtime.database, runtime.clock, desk_of(runtime, slug), None, seen)


def restore(runtime: Runtime, discarded: int) -> tuple[str, str]:
    return drafts.restore(runtime.database, runtime.clock, discarded, None)


def logged(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.read() as session:
        return [(one.action, one.subject) for one in session.scalars(select(ChangeRow).order_by(ChangeRow.id))]


def test_a_discarded_draft_comes_back_as_it_was_and_the_log_knows(runtime: Runtime) -> None:
    keep(runtime, "Half")
    discarded = discard(runtime, seen=1)
    assert desk_of(runtime).saved == 0
    assert desk_of(runtime).manuscript.lesson() == course_of(runtime).course.lesson(SLUG)
    assert restore(runtime, discarded) == (COURSE, SLUG)
    desk = desk_of(runtime)
    assert (desk.saved, dict(desk.manuscript.fields), desk.manuscript.place) == (1, {"nl.title": "Half"}, 4)
    assert logged(runtime) == [(f"lesson: {what}", f"lesson:{COURSE}/{SLUG}") for what in ("discard", "restore")]
    with pytest.raises(NoSuchDraft):
        restore(runtime, discarded)


def test_the_draft_of_a_new_lesson_can_be_restored_although_the_course_does_not_have_it(runtime: Runtime) -> None:
    slug = drafts.begin(runtime.database, runtime.clock, runtime.library, COURSE, "Slapen", 3, None)
    discarded = discard(runtime, 1, slug)
    with pytest.raises(NoSuchLesson):
        desk_of(runtime, slug)
    assert restore(runtime, discarded) == (COURSE, slug)
    assert desk_of(runtime, slug).manuscript.fields["en.title"] == "Slapen"


def test_restoring_writes_over_no_newer_draft(runtime: Runtime) -> None:
    keep(runtime, "Old")
    discarded = discard(runtime, seen=1)
    keep(runtime, "New")
    before = logged(runtime)
    with pytest.raises(NewerDraft):
        restore(runtime, discarded)
    assert desk_of(runtime).manuscript.fields["nl.title"] == "New"
    assert logged(runtime) == before
    newer = discard(runtime, seen=1)
    assert restore(runtime, discarded) == (COURSE, SLUG)  # it waited in the bin
    assert desk_of(runtime).manuscript.fields["nl.title"] == "Old"
    with pytest.raises(NewerDraft):
        restore(runtime, newer)


def test_what_somebody_else_kept_meanwhile_is_not_discarded(runtime: Runtime) -> None:
    keep(runtime, "Mine")
    keep(runtime, "Theirs")
    for seen in (0, 1, 3):
        with pytest.raises(SavedMeanwhile):
            discard(runtime, seen)
    assert desk_of(runtime).manuscript.fields["nl.title"] == "Theirs"
    assert logged(runtime) == []


def test_nothing_is_discarded_that_the_log_would_not_tell(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(runtime, "Half")

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(admins, "log_change", die)
    with pytest.raises(RuntimeError):
        discard(runtime, seen=1)
    assert desk_of(runtime).saved == 1
    with runtime.database.read() as session:
        assert session.scalars(select(DiscardedDraftRow)).all() == []
