"""Pictures are kept once, made in each width when somebody asks, and deleted only when nobody shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import select
from tests.support.builders import COURSE
from tests.support.pictures import picture_file

from rugcourse.bootstrap import Runtime
from rugcourse.content.picture_files import PictureFile
from rugcourse.course_editor.drafts import load_editor, save
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.picture_linter import picture_findings
from rugcourse.course_editor.publishing import LessonNotReady, publish_lesson
from rugcourse.db.models import AuditAction, AuditLogRow, PictureRenditionRow, PictureRow
from rugcourse.picture_library import files, usage
from rugcourse.picture_library.files import PictureNotFound, make_renditions
from rugcourse.picture_library.files import picture_file as file_of
from rugcourse.picture_library.storing import store_files
from rugcourse.picture_library.usage import PictureInUse
from rugcourse.pictures.encoder import EncodedPicture
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture, PictureProblem

PICTURE = picture_file("load", 1000, 20)
REF = PICTURE.ref


@pytest.fixture
def kept(runtime: Runtime) -> PictureFile:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    return PICTURE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files are made of letters; returns the types that were asked for."""
    asked: list[str] = []

    def encode(source: bytes, extension: str = "", *, patient: bool = True) -> EncodedPicture:
        asked.append(extension)
        return EncodedPicture(extension, 1000, 20, {600: b"six", 800: b"eight", 1000: b"ten"})

    monkeypatch.setattr(files, "encode_picture", encode)
    return asked


def rows(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return list(session.scalars(select(PictureRow.digest)))


def draft_of(runtime: Runtime) -> tuple[str, LessonDraft]:
    state = runtime.database.query(load_editor, runtime.course_cache, COURSE, "overbelasting")
    return state.lesson_draft.slug, state.lesson_draft


def with_picture(draft: LessonDraft, address: str) -> LessonDraft:
    fields: Mapping[str, str] = draft.fields
    return replace(draft, fields={**fields, "nl.body": f"{fields['nl.body']}\n\n![Een rug]({address})"})


def keep_draft(runtime: Runtime, draft: LessonDraft) -> None:
    state = runtime.database.query(load_editor, runtime.course_cache, COURSE, draft.slug)
    runtime.database.run(save, runtime.clock.now(), state, draft, None, state.saved)


def test_a_picture_is_kept_once(runtime: Runtime, kept: PictureFile) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE, picture_file("other", 1000, 20)])
    assert rows(runtime).count(kept.ref.digest) == 1


def test_its_widths_are_made_once_when_the_first_is_asked_for(
    runtime: Runtime, kept: PictureFile, made: list[str]
) -> None:
    assert file_of(runtime.database, REF.digest, 600, "png") == (b"six", True)
    assert file_of(runtime.database, REF.digest, 1000, "png") == (b"ten", True)
    assert made == ["png"]


@pytest.mark.parametrize(("width", "extension"), [(601, "png"), (1600, "png"), (600, "jpg"), (0, "png")])
def test_no_other_width_or_type_is_made(
    runtime: Runtime, kept: PictureFile, made: list[str], width: int, extension: str
) -> None:
    with pytest.raises(PictureNotFound):
        file_of(runtime.database, REF.digest, width, extension)
    assert made == []


def test_a_picture_that_is_not_here_is_not_found(runtime: Runtime, made: list[str]) -> None:
    with pytest.raises(PictureNotFound):
        file_of(runtime.database, "0" * 32, 600, "png")


@pytest.mark.parametrize("error", [EncoderUnavailable("busy"), InvalidPicture(PictureProblem.DAMAGED)])
def test_who_comes_while_it_can_not_be_made_gets_it_at_its_full_size(
    runtime: Runtime, kept: PictureFile, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> EncodedPicture:
        raise error

    monkeypatch.setattr(files, "encode_picture", fail)
    assert file_of(runtime.database, REF.digest, 600, "png") == (PICTURE.content, False)
    make_renditions(runtime.database)
    with runtime.database.read() as session:
        assert session.scalars(select(PictureRenditionRow)).all() == []


def test_pictures_that_came_with_a_course_are_made_ready_before_anybody_asks(
    runtime: Runtime, kept: PictureFile, made: list[str]
) -> None:
    make_renditions(runtime.database)
    before = len(made)
    assert file_of(runtime.database, REF.digest, 800, "png") == (b"eight", True)
    make_renditions(runtime.database)
    assert len(made) == before


def test_an_unused_picture_is_deleted_with_its_files_and_the_log_says_so(
    runtime: Runtime, kept: PictureFile, made: list[str]
) -> None:
    make_renditions(runtime.database)
    runtime.database.run(usage.delete, runtime.clock.now(), REF.digest, None)
    assert REF.digest not in rows(runtime)
    with runtime.database.read() as session:
        actions = list(session.scalars(select(AuditLogRow.action).where(AuditLogRow.subject == REF.digest)))
    assert actions == [AuditAction.PICTURE_DELETE]
    with pytest.raises(PictureNotFound):
        runtime.database.run(usage.delete, runtime.clock.now(), REF.digest, None)


def test_a_picture_of_a_draft_of_a_lesson_and_of_an_earlier_version_stays(runtime: Runtime, kept: PictureFile) -> None:
    _, draft = draft_of(runtime)
    keep_draft(runtime, with_picture(draft, REF.address))
    _expect_in_use(runtime, is_draft=True, is_current=True)
    _, shown = draft_of(runtime)
    runtime.database.run(publish_lesson, runtime.clock.now(), None, shown)
    _expect_in_use(runtime, is_draft=False, is_current=True)
    runtime.database.run(publish_lesson, runtime.clock.now(), None, draft)
    _expect_in_use(runtime, is_draft=False, is_current=False)  # mails that were sent show it


def test_a_picture_whose_address_is_spelled_oddly_is_in_use(runtime: Runtime, kept: PictureFile) -> None:
    _, draft = draft_of(runtime)
    shown = with_picture(draft, f"pictures&#47;{REF.file_name}")
    keep_draft(runtime, shown)
    _expect_in_use(runtime, is_draft=True, is_current=True)
    runtime.database.run(publish_lesson, runtime.clock.now(), None, draft_of(runtime)[1])
    _expect_in_use(runtime, is_draft=False, is_current=True)


def _expect_in_use(runtime: Runtime, *, is_draft: bool, is_current: bool) -> None:
    page = runtime.database.query(usage.library_page, 100)
    (entry,) = (one for one in page.entries if one.ref == REF)
    assert [(one.course, one.lesson, one.is_draft, one.is_current) for one in entry.uses] == [
        (COURSE, "overbelasting", is_draft, is_current)
    ]
    with pytest.raises(PictureInUse):
        runtime.database.run(usage.delete, runtime.clock.now(), REF.digest, None)


def test_a_lesson_with_a_picture_that_is_gone_is_not_published(runtime: Runtime) -> None:
    _, draft = draft_of(runtime)
    draft = with_picture(draft, REF.address)
    (finding,) = runtime.database.query(picture_findings, draft.fields)
    assert (finding.kind, finding.where, finding.is_error) == ("picture-missing", "nl.body", True)
    with pytest.raises(LessonNotReady):
        runtime.database.run(publish_lesson, runtime.clock.now(), None, draft)
    (finding,) = runtime.database.query(
        picture_findings, with_picture(draft_of(runtime)[1], f"pictures&#47;{REF.file_name}").fields
    )
    assert (finding.kind, finding.where) == ("picture-missing", "nl.body")


@pytest.mark.parametrize(
    ("limit", "kind", "is_error"),
    [("MAIL_ADVICE_BYTES", "pictures-heavy", False), ("MAIL_MAX_BYTES", "pictures-too-heavy", True)],
)
def test_heavy_pictures_are_advised_against_and_too_heavy_ones_refused(
    runtime: Runtime, kept: PictureFile, monkeypatch: pytest.MonkeyPatch, limit: str, kind: str, is_error: bool
) -> None:
    monkeypatch.setattr(f"rugcourse.course_editor.picture_linter.{limit}", len(PICTURE.content) - 1)
    _, draft = draft_of(runtime)
    findings = runtime.database.query(picture_findings, with_picture(draft, REF.address).fields)
    assert {(one.kind, one.is_error) for one in findings} == {(kind, is_error)}


def test_the_library_goes_on_page_by_page(runtime: Runtime) -> None:
    for shade in range(5):
        runtime.database.run(store_files, runtime.clock.now(), [picture_file(f"p{shade}", shade=shade)])
    seen: list[str] = []
    after: str | None = None
    while True:
        page = runtime.database.query(usage.library_page, 2, after)
        seen += [one.ref.digest for one in page.entries]
        after = page.after
        if after is None:
            break
    assert sorted(seen) == sorted(rows(runtime))
    assert len(set(seen)) == len(seen)


def test_picture_that_can_not_be_made_is_tried_once(
    runtime: Runtime, kept: PictureFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(1)
        raise InvalidPicture(PictureProblem.DAMAGED)

    monkeypatch.setattr("rugcourse.picture_library.files.encode_picture", fail)
    for _ in range(3):
        found = file_of(runtime.database, REF.digest, REF.width, REF.extension)
        assert found == (PICTURE.content, False)
    assert tries == [1]
