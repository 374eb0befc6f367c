"""Files and admin pages change the same course: what is newer stays, and what clashes is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.builders import COURSE, LESSONS

from rugcourse.authoring.files import export_courses, import_courses
from rugcourse.authoring.merge import BothChanged, Clash, merge, numbered
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, load_course, load_courses
from rugcourse.content.prints import prints_of
from rugcourse.store import courses
from rugcourse.store.database import Database


@pytest.fixture
def course() -> Course:
    return load_course(LESSONS / COURSE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LESSONS, tmp_path / "lessons"))


def reworded(course: Course, slug: str, title: str) -> Course:
    lessons = [
        one.model_copy(update={"texts": {k: t.model_copy(update={"title": title}) for k, t in one.texts.items()}})
        if one.slug == slug
        else one
        for one in course.lessons
    ]
    return course.model_copy(update={"lessons": tuple(lessons)})


def without(course: Course, slug: str) -> Course:
    return course.model_copy(update={"lessons": numbered([one for one in course.lessons if one.slug != slug])})


def added(course: Course, like: str, slug: str, after: int) -> Course:
    model = course.lesson(like)
    assert model is not None
    lessons = list(course.lessons)
    lessons.insert(after, model.model_copy(update={"slug": slug}))
    return course.model_copy(update={"lessons": numbered(lessons)})


def slugs(course: Course) -> list[str]:
    return [one.slug for one in course.lessons]


def title(course: Course, slug: str) -> str:
    lesson = course.lesson(slug)
    assert lesson is not None
    return lesson.texts["nl"].title


def test_each_side_keeps_what_only_it_changed(course: Course) -> None:
    here, files = reworded(course, "stress", "Here"), reworded(course, "welkom", "In a file")
    merged = merge(here, files, prints_of(course), Clash.REFUSE)
    assert (title(merged.course, "stress"), title(merged.course, "welkom")) == ("Here", "In a file")
    assert merged.newer_here == ("stress",)


def test_the_same_change_on_both_sides_is_no_clash(course: Course) -> None:
    both = reworded(course, "stress", "The same")
    assert merge(both, both, prints_of(course), Clash.REFUSE).newer_here == ()


def test_a_clash_is_refused_with_its_names_or_decided(course: Course) -> None:
    here, files = reworded(course, "stress", "Here"), reworded(course, "stress", "In a file")
    with pytest.raises(BothChanged, match=r"stress.*Nothing was imported"):
        merge(here, files, prints_of(course), Clash.REFUSE)
    assert title(merge(here, files, prints_of(course), Clash.HERE).course, "stress") == "Here"
    assert title(merge(here, files, prints_of(course), Clash.FILES).course, "stress") == "In a file"


def test_lessons_that_are_new_or_gone_on_one_side_stand_where_they_stood_there(course: Course) -> None:
    here = added(without(course, "stress"), "welkom", "new-here", 2)
    files = added(without(course, "onderbelasting"), "welkom", "new-in-files", 8)
    merged = merge(here, files, prints_of(course), Clash.REFUSE).course
    gone = {"stress", "onderbelasting"}
    expected = [one for one in slugs(course) if one not in gone]
    expected.insert(2, "new-here")
    expected.insert(len(expected), "new-in-files")
    assert slugs(merged) == expected
    assert [one.number for one in merged.lessons] == list(range(1, len(expected) + 1))


def test_the_side_that_moved_lessons_says_their_order(course: Course) -> None:
    moved = course.model_copy(update={"lessons": numbered([*course.lessons[1:], course.lessons[0]])})
    assert slugs(merge(moved, course, prints_of(course), Clash.REFUSE).course) == slugs(moved)
    assert slugs(merge(course, moved, prints_of(course), Clash.REFUSE).course) == slugs(moved)


def test_importing_again_does_not_undo_what_was_changed_here(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, reworded(course, "stress", "Here"))
    (again, _) = import_courses(database, clock, folder, Clash.REFUSE)
    assert (again.changed, again.newer_here) == ((), ("stress",))
    file = folder / COURSE / "04-stress.nl.md"
    file.write_text(file.read_text(encoding="utf-8").replace("title: ", "title: Anders, ", 1), encoding="utf-8")
    with pytest.raises(BothChanged):
        import_courses(database, clock, folder, Clash.REFUSE)
    assert title(published(database), "stress") == "Here"
    import_courses(database, clock, folder)  # as at a start: what is here stays
    assert title(published(database), "stress") == "Here"


def test_export_writes_what_changed_and_nothing_else_and_then_both_are_the_same(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    assert export_courses(database, folder) == []
    change_here(database, clock, without(reworded(course, "stress", "Here: with a colon"), "welkom"))
    written = {file.name for file in export_courses(database, folder)}
    assert {"03-stress.nl.md", "03-stress.en.md", "01-overbelasting.nl.md"} <= written
    assert not (folder / COURSE / "01-welkom.nl.md").exists()
    assert load_course(folder / COURSE) == published(database)
    assert import_courses(database, clock, folder, Clash.REFUSE)[0].changed == ()


def test_export_to_an_empty_folder_is_a_course_again(
    database: Database, clock: VirtualClock, folder: Path, tmp_path: Path
) -> None:
    import_courses(database, clock, folder)
    export_courses(database, tmp_path / "copy")
    assert load_courses(tmp_path / "copy") == load_courses(LESSONS)


def change_here(database: Database, clock: VirtualClock, course: Course) -> None:
    with database.write() as session:
        courses.save_course(session, course, clock.now())


def published(database: Database) -> Course:
    with database.read() as session:
        found = courses.load_course(session, COURSE)
    assert found is not None
    return found.course
