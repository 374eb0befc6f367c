"""The copy has every personal column, or the declared reason why not; and tells options as they were read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, ColumnElement, Date, Integer, Table, select, update
from tests.support.builders import COURSE, MORNING, course_of, lessons_to
from tests.support.databases import unchecked
from tests.support.privacy import data_export, subscriber_id

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.content.model import Course, Question
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db.models import (
    AdminRow,
    Base,
    CampaignRow,
    DeliveryRow,
    LessonRow,
    LessonVersionRow,
    Role,
    SubscriberRow,
)
from rugcourse.db.queries import ab_tests, admins
from rugcourse.db.types import UtcDateTime
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.privacy.inventory import LABELS, of_readers

SHOWN = [(group.table, column, place) for group in of_readers() for column, place in group.shown.items()]
TABLES = {table.name: table for table in Base.metadata.sorted_tables}
# What a column points to that has no foreign key.
POINTS_TO: dict[tuple[str, str], type[Base]] = {
    ("delivery", "campaign_id"): CampaignRow,
    ("delivery", "lesson_id"): LessonRow,
    ("delivery", "lesson_version_id"): LessonVersionRow,
}


@pytest.fixture
def filled(runtime: Runtime, email: str) -> str:
    """A reader for whom admins did something, and who must not be written to."""
    person = subscriber_id(runtime, email)
    with runtime.database.write() as session:
        admin = AdminRow(email="lee@practice.example", role=Role.EDITOR, created_at=runtime.clock.now())
        second = AdminRow(email="kim@practice.example", role=Role.OWNER, created_at=runtime.clock.now())
        session.add_all((admin, second))
        session.flush()
        subject, reason = admins.subject_of(person), {"reason": "called us"}
        admins.record_change(session, runtime.clock.now(), admin.id, "subscriber.pause", subject, None, reason)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, email, "complaint")
    return email


@pytest.mark.parametrize(("table", "column", "place"), SHOWN, ids=str)
def test_export_reflects_every_exported_column(
    runtime: Runtime, filled: str, table: str, column: str, place: str
) -> None:
    section, _, name = place.partition(".")
    person = subscriber_id(runtime, filled)
    before = _values(runtime, filled, section, name)
    assert before, "there is a row to change"
    if column == "id":
        assert set(_ids(runtime, TABLES[table], person)) == set(before)
        return
    with runtime.database.write() as session:
        where = _of(runtime, TABLES[table], person, filled)
        row = session.execute(select(TABLES[table]).where(where).order_by(*TABLES[table].primary_key).limit(1)).one()
        mine = [one == row._mapping[one.name] for one in TABLES[table].primary_key]
        other = _another(TABLES[table].c[column], row._mapping[column], _known(session, table, column))
        with unchecked(session, table):
            session.execute(update(TABLES[table]).where(*mine).values({column: other}))
    assert _values_of(runtime, person, section, name) != before


def _values(runtime: Runtime, address: str, section: str, name: str) -> list[Any]:
    return _values_of(runtime, subscriber_id(runtime, address), section, name)


def _values_of(runtime: Runtime, person: int, section: str, name: str) -> list[Any]:
    found = runtime.data_export(person)
    assert found is not None
    return [record[name] for record in found.sections[section]]


def _ids(runtime: Runtime, table: Table, person: int) -> Iterator[int]:
    with runtime.database.read() as session:
        yield from session.scalars(select(table.c.id).where(table.c.subscriber_id == person))


def _of(runtime: Runtime, table: Table, person: int, address: str) -> ColumnElement[bool]:
    """Which rows of a table are about a person."""
    match table.name:
        case "subscriber":
            return table.c.id == person
        case "audit_log":
            return table.c.subject == admins.subject_of(person)
        case "suppression":
            return table.c.address_hash == runtime.signer.digest(address)
        case "email_event" | "feedback":
            return table.c.delivery_id.in_(select(DeliveryRow.id).where(DeliveryRow.subscriber_id == person))
        case _:
            return table.c.subscriber_id == person


def _known(session: Any, table: str, column: str) -> list[int]:
    """The ids that a column can point to; none where it points to nothing."""
    target = POINTS_TO.get((table, column))
    if target is not None:
        return list(session.scalars(select(target.__table__.c.id)))
    keys = [key.column for key in TABLES[table].c[column].foreign_keys]
    return list(session.scalars(select(keys[0]).order_by(keys[0]))) if keys else []


def _another(column: Column[Any], value: Any, known: list[int]) -> Any:  # noqa: PLR0911
    """Another value that the column can hold."""
    match column.type:
        case _ if known:
            return next(one for one in reversed(known) if one != value)
        case JSON():
            return {"other": 1}
        case Boolean():
            return not value
        case Integer():
            return value - 1 if value and value > 9 else (value or 0) + 1
        case UtcDateTime():
            return (value or MORNING) + timedelta(days=1)
        case Date():
            return (value or MORNING.date()) + timedelta(days=1)
        case _:
            return "en" if value == "nl" else "Africa/Lagos" if column.name == "zone" else "x" if value != "x" else "y"


def test_export_names_admins_by_role(runtime: Runtime, filled: str) -> None:
    [found] = _values(runtime, filled, "done_by_us", "by")
    assert found == "editor"
    assert "lee@practice.example" not in repr(runtime.data_export(subscriber_id(runtime, filled)))


def test_export_shows_answers_in_the_wording_that_was_sent(
    runtime: Runtime,
    email: str,
    clock: VirtualClock,
) -> None:
    sent = course_of(runtime).course.lessons[0].texts["nl"].quiz[0].options[0].text
    before = data_export(runtime, email).sections["answers"]
    _publish_with_options_reversed(runtime, clock)
    after = data_export(runtime, email).sections["answers"]
    assert after == before
    assert before[0]["first_answer"] == sent


def _publish_with_options_reversed(runtime: Runtime, clock: VirtualClock) -> None:
    def turned(question: Question) -> Question:
        return question.model_copy(update={"options": tuple(reversed(question.options))})

    course: Course = course_of(runtime).course
    lessons = [
        one.model_copy(
            update={
                "texts": {
                    language: text.model_copy(update={"quiz": tuple(turned(asked) for asked in text.quiz)})
                    for language, text in one.texts.items()
                }
            }
        )
        for one in course.lessons
    ]
    assert course.slug == COURSE
    import_course(runtime.database, clock, [course.model_copy(update={"lessons": tuple(lessons)})])


def test_export_names_the_ab_test_variant(
    runtime: Runtime,
    email: str,
) -> None:
    mail = lessons_to(runtime, email)[0]
    assert mail.lesson_id is not None
    assert mail.lesson_version_id is not None
    with runtime.database.write() as session:
        others = session.scalars(select(LessonVersionRow.id).where(LessonVersionRow.id != mail.lesson_version_id))
        versions = (others.first() or 0, mail.lesson_version_id)
        ab_tests.add(session, mail.lesson_id, versions, 100, mail.planned_at)
    assert [one["compared"] for one in data_export(runtime, email).sections["mails"]] == [None, None, "b"]


def test_export_page_has_words_for_all_sections_and_names() -> None:
    page = (paths.folder("templates") / "web" / "data-export.html").read_text(encoding="utf-8")
    sections, names = (set(words) for words in zip(*(place.split(".") for *_, place in SHOWN), strict=True))
    assert [name for name in sorted(sections) if f'"{name}": ' not in page] == []
    assert names - set(LABELS) == set()


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_export_begins_with_the_information_of_article_15(runtime: Runtime, email: str, language: str) -> None:
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).values(language=language))
    copy = runtime.data_export(subscriber_id(runtime, email))
    assert copy is not None
    assert next(iter(copy.sections)) == "about_this_copy"
    told = " ".join(line for chapter in copy.sections["about_this_copy"] for line in chapter["text"])
    for word in {
        "nl": "toestemming 90 Autoriteit wissen lijst",
        "en": "basis 90 Autoriteit erased list",
        "de": "Rechtsgrundlage 90 Autoriteit löschen Liste",
    }[language].split():
        assert word in told
