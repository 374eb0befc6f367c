"""The store: migrations, publishing, and that readers keep their place when a course changes."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError, StatementError
from tests.support.builders import COURSE, LESSONS, MORNING, enrolment_of, make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, load_course
from rugcourse.db import migrate
from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current, upgrade
from rugcourse.db.models import Base, EnrolmentRow, LessonVersionRow, SubscriberRow
from rugcourse.db.queries import courses
from rugcourse.privacy.erase import erase


def reordered(course: Course, *slugs: str) -> Course:
    lessons = [lesson for slug in slugs if (lesson := course.lesson(slug)) is not None]
    numbered = [lesson.model_copy(update={"number": number}) for number, lesson in enumerate(lessons, 1)]
    return course.model_copy(update={"lessons": tuple(numbered)})


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert is_current(database)
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_a_course_comes_out_of_the_store_as_it_went_in(database: Database) -> None:
    course = load_course(LESSONS / COURSE)
    with database.write() as session:
        changed = courses.save_course(session, course, MORNING)
    with database.read() as session:
        found = courses.load_course(session, COURSE)
    assert found is not None
    assert found.course == course
    assert list(found.course.tests["nl"].causes) == list(course.tests["nl"].causes)
    assert changed == [lesson.slug for lesson in course.lessons]


def test_publishing_the_same_again_adds_nothing_and_an_edit_adds_one_version(database: Database) -> None:
    course = load_course(LESSONS / COURSE)
    first = course.lessons[0]
    text = first.texts["nl"].model_copy(update={"highlight": "Iets anders."})
    edited_lesson = first.model_copy(update={"texts": {**first.texts, "nl": text}})
    edited = course.model_copy(update={"lessons": (edited_lesson, *course.lessons[1:])})
    with database.write() as session:
        courses.save_course(session, course, MORNING)
    with database.write() as session:
        assert courses.save_course(session, course, MORNING) == []
        assert courses.save_course(session, edited, MORNING) == ["welkom"]
        assert session.scalar(select(func.count()).select_from(LessonVersionRow)) == 10


@pytest.mark.parametrize(
    ("slugs", "at", "expected"),
    [
        (["overbelasting", "stress"], 4, 2),  # stress was fourth and is second now
        (["welkom", "stress"], 2, 2),  # the next one is gone: on with the first behind it that is left
        (["afronding", "welkom"], 9, 1),
        (["welkom"], 5, 2),  # nothing is left for them
    ],
)
def test_readers_go_on_with_the_same_lesson_when_a_course_is_put_in_another_order(
    runtime: Runtime, slugs: list[str], at: int, expected: int
) -> None:
    email = make_reader(runtime)
    course = load_course(LESSONS / COURSE)
    with runtime.database.write() as session:
        session.get_one(EnrolmentRow, enrolment_of(runtime, email).id).next_position = at
    with runtime.database.write() as session:
        courses.save_course(session, reordered(course, *slugs), MORNING)
    assert enrolment_of(runtime, email).next_position == expected


def test_drafts_that_were_there_keep_a_place_that_somebody_chose_as_behind_a_lesson(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
        connection.commit()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO course VALUES (1, 'c', 'x', '{}', '2026-01-01 00:00:00', '{}')")
        for number, slug in enumerate(("one", "two", "three"), 1):
            connection.exec_driver_sql(
                "INSERT INTO lesson (course_id, slug, position, current_version_id, read_count) VALUES (1, ?, ?, ?, 0)",
                (slug, number, number + 10),
            )
        for slug, place in (("two", 2), ("three", 1), ("one", 3), ("new", 2)):
            connection.exec_driver_sql(
                "INSERT INTO lesson_draft VALUES (1, ?, ?, 1, NULL, '2026-01-01')",
                (slug, json.dumps({"place": str(place)})),
            )
    upgrade(database)
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT slug, fields, began_from FROM lesson_draft").all()
    database.close()
    found = {slug: (json.loads(fields), began_from) for slug, fields, began_from in rows}
    assert found == {
        "two": ({}, 12),
        "three": ({"behind": ""}, 13),
        "one": ({"behind": "three"}, 11),
        "new": ({"behind": "one"}, 0),
    }


def test_what_raises_in_a_unit_of_work_leaves_nothing(database: Database) -> None:
    row = SubscriberRow(email="a@x.example", language="nl", status="active", created_at=MORNING)

    def fail_half_way() -> None:
        with database.write() as session:
            session.add(row)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SubscriberRow)) == 0


def test_times_come_back_in_utc_and_a_time_without_a_zone_is_refused(database: Database) -> None:
    clock = VirtualClock(datetime(2026, 7, 1, 12, tzinfo=UTC))
    with database.write() as session:
        session.add(SubscriberRow(email="a@x.example", language="nl", status="active", created_at=clock.now()))
    with database.read() as session:
        assert session.scalars(select(SubscriberRow.created_at)).one() == clock.now()
    naive = clock.now().replace(tzinfo=None)
    with pytest.raises(StatementError, match="zone"), database.write() as session:
        session.execute(select(SubscriberRow).where(SubscriberRow.created_at == naive))


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_used_is_one_clear_error(url: str) -> None:
    with pytest.raises(DatabaseError, match="RUGCOURSE_DATABASE_URL"):
        upgrade(Database(url))


def test_an_error_of_the_database_tells_no_address(database: Database) -> None:
    address = "@".join(("sam", "x.example"))  # a traceback quotes lines of source
    with pytest.raises((DatabaseAway, ProgrammingError)) as told, database.write() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": address})
    logged = "".join(traceback.format_exception(told.value))
    assert "INSERT INTO nowhere" in logged
    assert address not in logged


@pytest.mark.parametrize("table", ["subscriber", "delivery", "enrolment", "consent"])
def test_a_number_is_given_once(runtime: Runtime, table: str) -> None:
    """A link of somebody who was erased would open the page of the next person, who got the same number."""
    rows = Base.metadata.tables[table]
    email = make_reader(runtime)
    with runtime.database.read() as session:
        newest = session.scalar(select(func.max(rows.c.id))) or 0
        [person] = session.scalars(select(SubscriberRow.id).where(SubscriberRow.email == email))
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, person)
    make_reader(runtime, "next@example.org")
    with runtime.database.read() as session:
        left = session.scalars(select(rows.c.id)).all()
    assert left
    assert all(one > newest for one in left)


def test_sqlite_keeps_rows_indexes_and_counters_when_its_tables_are_made_anew(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(database, to="0014")
    with database.write() as session:
        session.execute(text("INSERT INTO course VALUES (7, 'a', 'h', '{}', '2026-01-01 00:00:00', '{}')"))
        session.execute(
            text(
                "INSERT INTO subscriber (id, email, domain, name, language, status, measuring, created_at) "
                "VALUES (5, 'a@example.org', 'example.org', '', 'nl', 'active', 0, '2026-01-01 00:00:00')"
            )
        )
        before = set(session.execute(text("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")).all())
    upgrade(database)
    with database.write() as session:
        after = set(session.execute(text("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")).all())
        assert before <= after
        assert session.execute(text("SELECT email FROM subscriber WHERE id = 5")).scalar() == "a@example.org"
        session.execute(text("DELETE FROM subscriber"))
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    with database.read() as session:
        assert session.execute(text("SELECT sum(n) FROM tally_change WHERE what = 'subscriber active'")).scalar() == 0
        assert session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'subscriber'")).scalar() > 1_000_000
    database.close()
