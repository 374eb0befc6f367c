"""Queries for pictures, their files in several widths, and the texts that name them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, cast, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session, undefer

from rugcourse.content import Course
from rugcourse.content.picture_search import IMAGE, pictures_in_document, pictures_of
from rugcourse.db.bulk import upsert
from rugcourse.db.engine import picture_storage_of
from rugcourse.db.models import (
    CourseDraftRow,
    CourseRow,
    CourseVersionRow,
    DiscardedDraftRow,
    JsonObject,
    LessonDraftRow,
    LessonRow,
    LessonVersionRow,
    PictureRenditionRow,
    PictureRow,
    SiteSettingsRow,
)
from rugcourse.picture_storage.storage import PictureStorage, StorageUnavailable
from rugcourse.pictures.reference import PictureRef, digest_of


class StoredFile(NamedTuple):
    """A file of a picture: its bytes, or, where these are in the picture storage, its key there."""

    content: bytes | None
    key: str | None = None


class PictureUse(NamedTuple):
    """A text that names a picture. `course`: "" for the settings of the site. `lesson`: a slug, or "" for a part of the
    course that is no lesson.

    `campaign_id`: of a message. `is_current`: readers get it, or will when its draft is published; otherwise it is an
    earlier version or a discarded draft.
    """

    course: str
    lesson: str
    campaign_id: int | None
    is_draft: bool
    is_current: bool


def sizes(session: Session, digests: Collection[str]) -> dict[str, int]:
    """Return digest → bytes of those pictures that are here."""
    rows = session.execute(select(PictureRow.digest, PictureRow.size).where(PictureRow.digest.in_(digests)))
    return {row.digest: row.size for row in rows}


def find(session: Session, digest: str) -> PictureRow | None:
    """Return a picture with its content, or None."""
    return session.scalar(select(PictureRow).where(PictureRow.digest == digest).options(undefer(PictureRow.content)))


def bytes_of(storage: PictureStorage | None, file: StoredFile, digest: str = "") -> bytes:
    """Return the bytes of a file. `digest`: their hash, if it is known. Raises StorageUnavailable."""
    if file.content is not None:
        return file.content
    if storage is None or file.key is None:
        raise StorageUnavailable(
            "pictures are in a folder or bucket, and RUGCOURSE_PICTURE_STORAGE is `database`: name that one"
        )
    content = storage.get(file.key)
    if digest and digest_of(content) != digest:
        raise StorageUnavailable(f"{storage.name}/{file.key} is not what was kept there")
    return content


def of_course(session: Session, course: Course, without: Collection[str] = ()) -> dict[str, bytes]:
    """Return file name → content of the pictures of a course. `without`: the digests of those that are not needed.

    Raises StorageUnavailable.
    """
    return contents(session, (ref for ref in pictures_of(course) if ref.digest not in without))


def contents(session: Session, refs: Iterable[PictureRef]) -> dict[str, bytes]:
    """Return file name → content of those pictures that are here, at their full size. Raises StorageUnavailable."""
    wanted = {ref.digest: ref.file_name for ref in refs}
    if not wanted:
        return {}
    query = select(PictureRow.digest, PictureRow.content, PictureRow.storage_key).where(PictureRow.digest.in_(wanted))
    storage = picture_storage_of(session)
    return {
        wanted[digest]: bytes_of(storage, StoredFile(content, key), digest)
        for digest, content, key in session.execute(query).all()
    }


def find_rendition(session: Session, digest: str, width: int, extension: str) -> StoredFile | None:
    found = session.execute(
        select(PictureRenditionRow.content, PictureRenditionRow.storage_key)
        .join(PictureRow, PictureRow.digest == PictureRenditionRow.digest)
        .where(PictureRow.digest == digest, PictureRenditionRow.width == width, PictureRow.extension == extension)
    ).one_or_none()
    return None if found is None else StoredFile(found.content, found.storage_key)


def add(session: Session, ref: PictureRef, file: StoredFile, size: int, admin_id: int | None, now: datetime) -> bool:
    """Add a picture of `size` bytes. Returns False if it is here already, perhaps under another name."""
    values = {
        "digest": ref.digest,
        "name": ref.name,
        "extension": ref.extension,
        "width": ref.width,
        "height": ref.height,
        "size": size,
        "content": file.content,
        "storage_key": file.key,
        "admin_id": admin_id,
        "created_at": now,
    }
    statement = upsert(session, PictureRow).values(**values).on_conflict_do_nothing(index_elements=["digest"])
    return session.scalar(statement.returning(PictureRow.digest)) is not None


def add_renditions(session: Session, digest: str, files: Mapping[int, StoredFile]) -> None:
    """Keep the files of a picture by width, unless somebody else has kept them meanwhile."""
    rows = [
        {"digest": digest, "width": width, "content": file.content, "storage_key": file.key}
        for width, file in files.items()
    ]
    statement = upsert(session, PictureRenditionRow).on_conflict_do_nothing(index_elements=["digest", "width"])
    session.execute(statement, rows)


def without_renditions(session: Session) -> list[str]:
    """Return the digests of pictures whose files in other widths were not made yet."""
    made = select(PictureRenditionRow.digest)
    return list(session.scalars(select(PictureRow.digest).where(PictureRow.digest.not_in(made))))


def newest(session: Session, count: int, before: tuple[datetime, str] | None = None) -> Sequence[PictureRow]:
    """Return pictures without their content, newest first. `before`: older than one of that moment and digest."""
    query = select(PictureRow).order_by(PictureRow.created_at.desc(), PictureRow.digest.desc()).limit(count)
    if before is not None:
        at, digest = before
        same = (PictureRow.created_at == at) & (PictureRow.digest < digest)
        query = query.where((PictureRow.created_at < at) | same)
    return session.scalars(query).all()


def remove(session: Session, digest: str) -> list[str]:
    """Delete a picture; returns the keys of its files in the picture storage, which nobody names any more."""
    removed = (
        delete(table).where(table.digest == digest).returning(table.storage_key)
        for table in (PictureRenditionRow, PictureRow)
    )
    keys = (key for statement in removed for key in session.scalars(statement).all())
    return list(dict.fromkeys(key for key in keys if key is not None))


def uses(session: Session) -> dict[str, list[PictureUse]]:
    """Return digest → the texts that show it, each once."""
    found: dict[str, dict[PictureUse, None]] = {}
    named = (*_in_versions(session), *_in_courses(session), *_in_drafts(session), *_in_site_settings(session))
    for use, document in named:
        for ref in pictures_in_document(document):
            found.setdefault(ref.digest, {})[use] = None
    return {digest: list(them) for digest, them in found.items()}


def _in_versions(session: Session) -> Iterator[tuple[PictureUse, object]]:
    rows = session.execute(
        select(CourseRow.slug, LessonRow, LessonVersionRow.id, LessonVersionRow.document)
        .join(LessonRow, LessonRow.id == LessonVersionRow.lesson_id)
        .join(CourseRow, CourseRow.id == LessonRow.course_id)
        .where(_has_pictures(LessonVersionRow.document))
    )
    for course, lesson, version_id, document in rows:
        is_current = version_id == lesson.current_version_id
        yield PictureUse(course, lesson.slug, lesson.campaign_id, is_draft=False, is_current=is_current), document


def _in_courses(session: Session) -> Iterator[tuple[PictureUse, object]]:
    now = select(CourseRow.slug, CourseRow.document).where(_has_pictures(CourseRow.document))
    for course, document in session.execute(now):
        yield PictureUse(course, "", None, is_draft=False, is_current=True), document
    before = select(CourseRow.slug, CourseVersionRow.document).join(
        CourseRow, CourseRow.id == CourseVersionRow.course_id
    )
    for course, document in session.execute(before.where(_has_pictures(CourseVersionRow.document))):
        yield PictureUse(course, "", None, is_draft=False, is_current=False), document


def _in_drafts(session: Session) -> Iterator[tuple[PictureUse, object]]:
    for table, is_current in ((LessonDraftRow, True), (DiscardedDraftRow, False)):
        query = select(CourseRow.slug, table.slug, table.fields).join(CourseRow, CourseRow.id == table.course_id)
        for course, slug, fields in session.execute(query.where(_has_pictures(table.fields))):
            yield PictureUse(course, slug, None, is_draft=True, is_current=is_current), fields
    parts = select(CourseRow.slug, CourseDraftRow.fields).join(CourseRow, CourseRow.id == CourseDraftRow.course_id)
    for course, fields in session.execute(parts.where(_has_pictures(CourseDraftRow.fields))):
        yield PictureUse(course, "", None, is_draft=True, is_current=True), fields


def _in_site_settings(session: Session) -> Iterator[tuple[PictureUse, object]]:
    for document in session.scalars(select(SiteSettingsRow.document)):
        yield PictureUse("", "", None, is_draft=False, is_current=True), document


def _has_pictures(
    document: InstrumentedAttribute[JsonObject] | InstrumentedAttribute[dict[str, str]],
) -> ColumnElement[bool]:
    """Leave out most texts without a picture; the others are parsed."""
    return cast(document, String).like(f"%{IMAGE}%")
