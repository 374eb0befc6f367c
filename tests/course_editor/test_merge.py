"""Files and admin pages change the same course: what is newer stays, and what clashes is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.builders import COURSE, LESSONS

from rugcourse.clock import VirtualClock
from rugcourse.content import AuthoringErrors, Course, load_course, load_courses
from rugcourse.content.fingerprints import fingerprints_of
from rugcourse.content.writer import file_names, to_file
from rugcourse.course_editor.file_sync import Exported, export_courses, import_course, import_courses
from rugcourse.course_editor.merge import MergeConflict, OnConflict, merge, numbered
from rugcourse.db.engine import Database
from rugcourse.db.queries import course_publishing, courses


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


def test_merge_keeps_changes_that_only_one_side_made(course: Course) -> None:
    here, files = reworded(course, "stress", "Here"), reworded(course, "welkom", "In a file")
    merged = merge(here, files, fingerprints_of(course), OnConflict.FAIL)
    assert (title(merged.course, "stress"), title(merged.course, "welkom")) == ("Here", "In a file")
    assert merged.newer_here == ("stress",)


def test_the_same_change_on_both_sides_is_no_clash(course: Course) -> None:
    both = reworded(course, "stress", "The same")
    assert merge(both, both, fingerprints_of(course), OnConflict.FAIL).newer_here == ()


def test_a_clash_is_refused_with_its_names_or_decided(course: Course) -> None:
    here, files = reworded(course, "stress", "Here"), reworded(course, "stress", "In a file")
    with pytest.raises(MergeConflict, match=r"stress.*Nothing was imported"):
        merge(here, files, fingerprints_of(course), OnConflict.FAIL)
    assert title(merge(here, files, fingerprints_of(course), OnConflict.OURS).course, "stress") == "Here"
    assert title(merge(here, files, fingerprints_of(course), OnConflict.THEIRS).course, "stress") == "In a file"


def test_lessons_that_are_new_or_gone_on_one_side_stand_where_they_stood_there(course: Course) -> None:
    here = added(without(course, "stress"), "welkom", "new-here", 2)
    files = added(without(course, "onderbelasting"), "welkom", "new-in-files", 8)
    merged = merge(here, files, fingerprints_of(course), OnConflict.FAIL).course
    gone = {"stress", "onderbelasting"}
    expected = [one for one in slugs(course) if one not in gone]
    expected.insert(2, "new-here")
    expected.insert(len(expected), "new-in-files")
    assert slugs(merged) == expected
    assert [one.number for one in merged.lessons] == list(range(1, len(expected) + 1))


def test_the_side_that_moved_lessons_says_their_order(course: Course) -> None:
    moved = course.model_copy(update={"lessons": numbered([*course.lessons[1:], course.lessons[0]])})
    assert slugs(merge(moved, course, fingerprints_of(course), OnConflict.FAIL).course) == slugs(moved)
    assert slugs(merge(course, moved, fingerprints_of(course), OnConflict.FAIL).course) == slugs(moved)


def test_importing_again_does_not_undo_what_was_changed_here(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, reworded(course, "stress", "Here"))
    (again, _) = import_courses(database, clock, folder, OnConflict.FAIL)
    assert (again.changed, again.newer_here) == ((), ("stress",))
    file = folder / COURSE / "04-stress.nl.md"
    file.write_text(file.read_text(encoding="utf-8").replace("title: ", "title: Anders, ", 1), encoding="utf-8")
    with pytest.raises(MergeConflict):
        import_courses(database, clock, folder, OnConflict.FAIL)
    assert title(published(database), "stress") == "Here"
    import_courses(database, clock, folder)  # as at a start: what is here stays
    assert title(published(database), "stress") == "Here"


def test_export_writes_what_changed_and_nothing_else_and_then_both_are_the_same(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    assert export_courses(database, folder) == Exported((), (), (), ())
    change_here(database, clock, without(reworded(course, "stress", "Here: with a colon"), "welkom"))
    written = {file.name for file in export_courses(database, folder).written}
    assert {"03-stress.nl.md", "03-stress.en.md", "01-overbelasting.nl.md"} <= written
    assert not (folder / COURSE / "01-welkom.nl.md").exists()
    assert load_course(folder / COURSE) == published(database)
    assert import_courses(database, clock, folder, OnConflict.FAIL)[0].changed == ()


def test_export_to_an_empty_folder_is_a_course_again(
    database: Database, clock: VirtualClock, folder: Path, tmp_path: Path
) -> None:
    import_courses(database, clock, folder)
    export_courses(database, tmp_path / "copy")
    assert load_courses(tmp_path / "copy") == load_courses(LESSONS)


def test_export_leaves_what_is_newer_in_the_files_and_says_so(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, reworded(without(course, "welkom"), "stress", "Here"))
    more = without(added(course, "welkom", "new-in-files", 9), "afronding")
    write(folder, reworded(asking(more, "new-in-files"), "overbelasting", "In a file"))
    done = export_courses(database, folder, is_source=True)
    assert done.newer_in_files == tuple(f"{COURSE}: {part}" for part in ("afronding", "new-in-files", "overbelasting"))
    there = load_course(folder / COURSE)
    assert (title(there, "stress"), title(there, "overbelasting")) == ("Here", "In a file")
    assert (slugs(there)[-1], "welkom" in slugs(there)) == ("new-in-files", False)
    (imported, _) = import_courses(database, clock, folder, OnConflict.FAIL)
    assert (imported.newer_here, published(database)) == ((), there)


def test_export_leaves_a_language_that_only_the_files_have(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    no_english = {"texts": {"nl": course.texts["nl"]}, "tests": {"nl": course.tests["nl"]}}
    lessons = [one.model_copy(update={"texts": {"nl": one.texts["nl"]}}) for one in course.lessons]
    signs = {"nl": course.safety_notices["nl"]}
    dutch = course.model_copy(update={**no_english, "safety_notices": signs, "lessons": tuple(lessons)})
    import_course(database, clock, [dutch])
    done = export_courses(database, folder)
    assert (done.written, done.removed, len(done.newer_in_files)) == ((), (), 10)
    assert load_course(folder / COURSE) == course


def test_export_refuses_what_was_changed_on_both_sides_or_decides_and_keeps_a_copy(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, without(reworded(course, "stress", "Here"), "welkom"))
    write(folder, reworded(reworded(course, "stress", "In a file"), "welkom", "In a file"))
    before = contents(folder)
    with pytest.raises(MergeConflict, match=r"stress, welkom.*Nothing was exported"):
        export_courses(database, folder)
    assert contents(folder) == before
    kept = export_courses(database, folder, OnConflict.THEIRS)
    assert (kept.written, contents(folder)) == ((), before)
    done = export_courses(database, folder, OnConflict.OURS)
    assert load_course(folder / COURSE) == published(database)
    copies = {file.name for file in done.set_aside}
    assert copies == {f"{stem}.{code}.md.old" for stem in ("01-welkom", "04-stress") for code in ("nl", "en")}
    assert {name: text for name, text in contents(folder).items() if name in copies} == {
        name: before[name.removesuffix(".old")] for name in copies
    }


def test_export_writes_over_files_that_it_cannot_read_only_where_that_is_chosen_and_keeps_a_copy(
    database: Database, clock: VirtualClock, folder: Path
) -> None:
    import_courses(database, clock, folder)
    broken = folder / COURSE / "04-stress.nl.md"
    broken.write_text("---\ntitle: half", encoding="utf-8")
    before = contents(folder)
    with pytest.raises(AuthoringErrors, match="04-stress"):
        export_courses(database, folder)
    assert contents(folder) == before
    done = export_courses(database, folder, OnConflict.OURS)
    assert load_course(folder / COURSE) == published(database)
    assert broken.with_name("04-stress.nl.md.old") in done.set_aside


def test_a_copy_that_is_exported_elsewhere_decides_no_clash(
    database: Database, clock: VirtualClock, folder: Path, tmp_path: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, reworded(course, "stress", "Here"))
    write(folder, reworded(course, "stress", "In a file"))
    export_courses(database, tmp_path / "to-compare")
    with pytest.raises(MergeConflict, match="stress"):
        import_courses(database, clock, folder, OnConflict.FAIL)


def test_a_crash_while_a_file_is_written_leaves_the_file_as_it_was(
    database: Database, clock: VirtualClock, folder: Path, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_courses(database, clock, folder)
    change_here(database, clock, reworded(course, "stress", "Here"))
    before = contents(folder)

    def die(_: int) -> None:
        raise OSError(28, "No space left on device", "04-stress.nl.md")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", die)
        with pytest.raises(OSError, match="No space"):
            export_courses(database, folder, is_source=True)
    assert contents(folder) == before
    assert load_course(folder / COURSE) == course
    export_courses(database, folder, is_source=True)
    assert title(load_course(folder / COURSE), "stress") == "Here"
    assert not list((folder / COURSE).glob(".*"))


def test_a_new_order_in_the_files_counts_although_a_lesson_was_added_here(course: Course) -> None:
    here = added(course, "welkom", "new-here", 9)
    files = swapped(course, 1, 2)
    merged = merge(here, files, fingerprints_of(course), OnConflict.FAIL)
    assert slugs(merged.course) == [*slugs(files), "new-here"]


def test_merge_conflicts_when_both_sides_changed_the_order(course: Course) -> None:
    here, files = swapped(course, 1, 2), swapped(course, 5, 6)
    with pytest.raises(MergeConflict, match="the order of the lessons"):
        merge(here, files, fingerprints_of(course), OnConflict.FAIL)
    assert slugs(merge(here, files, fingerprints_of(course), OnConflict.OURS).course) == slugs(here)
    assert slugs(merge(here, files, fingerprints_of(course), OnConflict.THEIRS).course) == slugs(files)
    assert slugs(merge(here, here, fingerprints_of(course), OnConflict.FAIL).course) == slugs(here)


def test_an_import_names_what_changed_beside_the_lessons(
    database: Database, clock: VirtualClock, folder: Path, course: Course
) -> None:
    import_courses(database, clock, folder)
    notices = {code: one.model_copy(update={"line": "Call."}) for code, one in course.safety_notices.items()}
    tests = {code: one.model_copy(update={"title": "A test"}) for code, one in course.tests.items()}
    texts = {code: one.model_copy(update={"tagline": "New"}) for code, one in course.texts.items()}
    changed = without(course, "afronding").model_copy(
        update={"texts": texts, "tests": tests, "safety_notices": notices}
    )
    (imported,) = import_course(database, clock, [changed], OnConflict.FAIL)
    assert imported.changed == ("the landing page", "the knowledge test", "the safety notice", "afronding (taken out)")


def asking(course: Course, slug: str) -> Course:
    """The same, where the questions of a lesson have ids of their own."""
    lesson = course.lesson(slug)
    assert lesson is not None
    texts = {
        code: text.model_copy(
            update={"quiz": tuple(one.model_copy(update={"id": f"new-{one.id}"}) for one in text.quiz)}
        )
        for code, text in lesson.texts.items()
    }
    new = lesson.model_copy(update={"texts": texts})
    return course.model_copy(update={"lessons": tuple(new if one is lesson else one for one in course.lessons)})


def swapped(course: Course, one: int, other: int) -> Course:
    lessons = list(course.lessons)
    lessons[one], lessons[other] = lessons[other], lessons[one]
    return course.model_copy(update={"lessons": numbered(lessons)})


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in (folder / COURSE).glob("[!.]*") if file.is_file()}


def write(folder: Path, course: Course) -> None:
    """Write the lessons of a course as an author would."""
    for file in (folder / COURSE).glob("[0-9]*.md"):
        file.unlink()
    for name, text in file_names(course).items():
        if name[0].isdecimal():
            (folder / COURSE / name).write_text(to_file(text), encoding="utf-8")


def change_here(database: Database, clock: VirtualClock, course: Course) -> None:
    with database.write() as session:
        course_publishing.save_course(session, course, clock.now())


def published(database: Database) -> Course:
    with database.read() as session:
        found = courses.load_course(session, COURSE)
    assert found is not None
    return found.course
