"""A course goes to another installation as a pack, and becomes a course of its own there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.builders import COURSE, course_of, mails_to, shipped_pictures
from tests.support.course_edits import pass_days, slugs_to

from rugcourse.bootstrap import Runtime
from rugcourse.content import AuthoringErrors
from rugcourse.content.writer import files_of
from rugcourse.course_editor.course_draft import CourseNotFound
from rugcourse.course_editor.course_edits import CourseSlugTaken
from rugcourse.course_editor.file_sync import export_courses, import_courses
from rugcourse.course_editor.pack import InvalidPack, read_pack, write_pack
from rugcourse.course_editor.pack_transfer import (
    InvalidSlug,
    add_course,
    course_of_pack,
    pack_of,
)
from rugcourse.db.models import AuditAction
from rugcourse.db.queries import admins, courses
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.scheduling import Schedule


def add(runtime: Runtime, data: bytes, slug: str | None = None) -> str:
    return runtime.database.run(add_course, runtime.clock.now(), course_of_pack(data, slug)).slug


def packed(runtime: Runtime, slug: str = COURSE) -> bytes:
    return runtime.database.query(pack_of, slug)


def pictures() -> dict[str, bytes]:
    """The files of the pictures that the shipped courses show."""
    return {one.ref.file_name: one.content for one in shipped_pictures()}


def slugs(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return [slug for _, slug in courses.course_ids(session)]


@pytest.mark.parametrize("slug", [COURSE, "stress-en-rugpijn"])
def test_a_course_from_a_pack_is_the_same_but_for_its_slug(runtime: Runtime, slug: str) -> None:
    assert add(runtime, packed(runtime, slug), "other") == "other"
    with runtime.database.read() as session:
        there, here = (courses.load_course(session, one) for one in ("other", slug))
    assert there is not None
    assert here is not None
    assert there.course == here.course.model_copy(update={"slug": "other"})
    assert packed(runtime, "other") != packed(runtime, slug)
    assert read_pack(packed(runtime, "other")).files == read_pack(packed(runtime, slug)).files


def test_a_course_without_a_test_and_a_safety_notice_needs_none_in_its_pack(runtime: Runtime) -> None:
    plain = course_of(runtime).course.model_copy(update={"slug": "plain", "tests": {}, "safety_notices": {}})
    files = {
        name: text.replace("{{ safety_notice }}", "").replace("retest: true\n", "")
        for name, text in files_of(plain).items()
    }
    added = runtime.database.run(
        add_course, runtime.clock.now(), course_of_pack(write_pack(files, "plain", plain.languages, pictures()))
    )
    assert (added.tests, added.safety_notices) == ({}, {})


def test_the_first_language_of_a_course_is_still_its_first(runtime: Runtime) -> None:
    data = write_pack(files_of(course_of(runtime).course), "other", ["nl", "en"], pictures())
    added = runtime.database.run(add_course, runtime.clock.now(), course_of_pack(data))
    assert added.languages == read_pack(packed(runtime, "other")).languages == ("nl", "en")


def test_readers_get_the_lessons_of_a_course_that_came_in_a_pack(runtime: Runtime, dispatcher: Dispatcher) -> None:
    add(runtime, packed(runtime), "other")
    reader = Signup("sam@x.example", "Sam", Schedule("Europe/Amsterdam", 8))
    other = runtime.database.query(courses.load_course, "other")
    assert other is not None
    runtime.database.run(sign_up, runtime.clock, runtime.signer, other, reader, "nl")
    [mail] = mails_to(runtime, reader.email)
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail.id)
    pass_days(runtime, dispatcher, 2)
    assert slugs_to(runtime, reader.email) == ["welkom", "overbelasting"]


def test_it_is_written_to_the_folder_by_the_next_export_and_read_from_there(runtime: Runtime, tmp_path: Path) -> None:
    add(runtime, packed(runtime), "other")
    export_courses(runtime.database, tmp_path / "lessons")
    [again] = [
        one for one in import_courses(runtime.database, runtime.clock, tmp_path / "lessons") if one.course == "other"
    ]
    assert (again.changed, again.newer_here) == ((), ())


@pytest.mark.parametrize("slug", [None, COURSE, "stress-en-rugpijn"])
def test_a_course_that_is_there_is_never_changed(runtime: Runtime, slug: str | None) -> None:
    before = course_of(runtime).course
    with pytest.raises(CourseSlugTaken, match="choose another slug"):
        add(runtime, packed(runtime), slug)
    assert course_of(runtime).course == before
    assert len(slugs(runtime)) == 2


def test_a_course_that_somebody_else_adds_meanwhile_is_not_changed(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = course_of(runtime).course
    monkeypatch.setattr(courses, "find", lambda *_: None)  # it was not there when this one looked
    with pytest.raises(CourseSlugTaken):
        add(runtime, packed(runtime, "stress-en-rugpijn"), COURSE)
    assert runtime.database.query(courses.load_course, COURSE).course == before  # type: ignore[union-attr]


@pytest.mark.parametrize("slug", ["../x", "A", "a--b", "-a", "a\n", "x" * 61, "privacy", "my-page", "é", "."])
def test_a_slug_that_no_course_can_have_is_refused(runtime: Runtime, slug: str) -> None:
    with pytest.raises(InvalidSlug):
        add(runtime, packed(runtime), slug)


def test_nothing_is_packed_of_a_course_that_is_not_there(runtime: Runtime) -> None:
    with pytest.raises(CourseNotFound, match="'none'"):
        packed(runtime, "none")


def test_mistakes_are_told_with_file_and_line_and_no_path_of_this_machine(runtime: Runtime) -> None:
    files = files_of(course_of(runtime).course)
    data = write_pack({**files, "01-welkom.nl.md": "---\ntitle: x\nsumary: y\n---\ntekst\n"}, "other", ["en", "nl"])
    with pytest.raises(AuthoringErrors) as refused:
        add(runtime, data)
    assert "other/01-welkom.nl.md:3: there is no field `sumary`" in str(refused.value)
    assert all(line.startswith("other/") for line in str(refused.value).splitlines())
    assert len(slugs(runtime)) == 2


def test_a_manifest_that_names_other_languages_than_the_files_is_refused(runtime: Runtime) -> None:
    data = write_pack(files_of(course_of(runtime).course), "other", ["nl"], pictures())
    with pytest.raises(InvalidPack, match="says that the course is in nl, but its files are in en, nl"):
        add(runtime, data)


def test_the_audit_log_says_which_course_was_added(runtime: Runtime) -> None:
    add(runtime, packed(runtime), "other")
    with runtime.database.read() as session:
        [(entry, _)] = admins.changes(session, 1)
    assert (entry.action, entry.subject) == (AuditAction.COURSE_ADD, "other")
