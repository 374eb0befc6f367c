"""Counters: how many mails are in which state, how many were opened or answered; per campaign, lesson and day.

No page counts rows. Triggers of the database record every change of what is counted, in the transaction of the change
and whatever code made it; so the counters can't drift, and the code that sends lessons knows nothing of them. They
only add rows to `counter_delta`: a counter that all workers update would make them wait for each other. `compact` adds
the rows up.

`_SOURCES` defines what is counted. The triggers are generated from it, and so is `recount`, which counts the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Executable, Select, Subquery, func, select, text, union_all
from sqlalchemy.orm import Session

from rugcourse.db.bulk import dialect_of, insert_into
from rugcourse.db.models import CounterChangeRow, CounterRow


class Key(NamedTuple):
    """What a counter is about. `campaign_id` and `lesson_id` are 0 if it is about none; `day` is in UTC."""

    campaign_id: int
    lesson_id: int
    day: date
    metric: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A table whose rows are counted, in SQL about one row `r`.

    `day`: the column with the UTC date. `of_mail`: campaign and lesson are those of the row's delivery `d`.
    `changes`: columns that affect how a row is counted. `where`: which rows are counted. `forgets`: deleted rows are
    subtracted.
    """

    table: str
    changes: str
    campaign: str
    lesson: str
    day: str
    metric: str
    of_mail: bool = False
    where: str = "1 = 1"
    forgets: bool = True


class Answers(NamedTuple):
    """First answers, and how many of them were right when they were given."""

    given: int
    right: int


_EVENT = "event "
_OPTION, _RIGHT, _WRONG = "option ", " right", " wrong"
_SOURCES = (
    _Source(
        "delivery", "state, planned_at", "coalesce(r.campaign_id, 0)", "coalesce(r.lesson_id, 0)", "planned_at",
        "'mail ' || CASE WHEN r.state IN ('planned', 'submitting') THEN 'open' ELSE r.state END",
    ),
    # Opens and clicks are deleted in time; their number is kept.
    _Source(
        "email_event", "verdict", "coalesce(d.campaign_id, 0)", "coalesce(d.lesson_id, 0)", "at",
        f"'{_EVENT}' || r.kind || ' ' || r.verdict", of_mail=True, where="r.is_first", forgets=False,
    ),
    _Source(
        "answer", "verdict, is_excluded", "coalesce(d.campaign_id, 0)", "coalesce(d.lesson_id, 0)", "first_at",
        f"'{_OPTION}' || r.question || ' ' || r.first_option || "
        f"CASE WHEN r.first_correct THEN '{_RIGHT}' ELSE '{_WRONG}' END",
        of_mail=True, where="r.verdict <> 'machine' AND NOT r.is_excluded",
    ),
    _Source("feedback", "helped", "0", "r.lesson_id", "at", "CASE WHEN r.helped THEN 'helped' ELSE 'not helped' END"),
    _Source("enrolment", "status", "r.campaign_id", "0", "started_at", "'reader ' || r.status"),
    _Source("subscriber", "status", "0", "0", "created_at", "'subscriber ' || r.status"),
    _Source("assessment_attempt", "stage", "0", "0", "at", "'test ' || r.stage || ' ' || r.course_id"),
)  # fmt: skip
_KEY = ", ".join(Key._fields)
# In the order of the key, so that two that add up at once lock counters in the same order. Sums of 0 change nothing.
_ADD_UP = (
    f"INSERT INTO counter ({_KEY}, count) SELECT {_KEY}, sum(count) FROM {{rows}} "  # noqa: S608 - names of ours
    f"GROUP BY {_KEY} HAVING sum(count) <> 0 ORDER BY {_KEY} "
    f"ON CONFLICT ({_KEY}) DO UPDATE SET count = counter.count + excluded.count"
)
_COMPACT_ON_POSTGRESQL = (
    f"WITH gone AS (DELETE FROM counter_delta RETURNING {_KEY}, count), "  # noqa: S608
    f"added AS ({_ADD_UP.format(rows='gone')}) SELECT count(*) FROM gone"
)


def trigger_statements(dialect: str) -> list[str]:
    """Return the statements that create the triggers, for a migration, which keeps a copy of their text."""
    make = _postgresql_triggers if dialect == "postgresql" else _sqlite_triggers
    return [statement for source in _SOURCES for statement in make(source)]


def totals(session: Session, campaign_id: int | None = None) -> dict[tuple[int, int, str], int]:
    """Return (campaign id, lesson id, metric) → total over all days, of one campaign or of all."""
    counters = _counters(campaign_id)
    rows = session.execute(
        select(counters.c.campaign_id, counters.c.lesson_id, counters.c.metric, func.sum(counters.c["count"])).group_by(
            counters.c.campaign_id, counters.c.lesson_id, counters.c.metric
        )
    )
    return {(campaign, lesson, what): int(n) for campaign, lesson, what, n in rows if n}


def option_key(question: str, option: int, *, right: bool) -> str:
    """Return the name of the counter of first answers with an option that was right, or wrong, when chosen."""
    return f"{_OPTION}{question} {option}{_RIGHT if right else _WRONG}"


def answers_in(counted: Iterable[tuple[str, int]], question: str = "") -> Answers:
    """Sum the first answers in counters (metric, count), to one question or to all."""
    options = [(what, n) for what, n in counted if what.startswith(f"{_OPTION}{question} " if question else _OPTION)]
    return Answers(sum(n for _, n in options), sum(n for what, n in options if what.endswith(_RIGHT)))


def question_of(metric: str) -> str:
    """Return the id of the question whose answers a counter counts, empty for another counter."""
    return metric.removeprefix(_OPTION).split(" ")[0] if metric.startswith(_OPTION) else ""


def since(session: Session, first: date) -> dict[Key, int]:
    """Return all counters from a day (UTC) on."""
    counters = _counters()
    columns = [counters.c[name] for name in Key._fields]
    return _by_key(
        session, select(*columns, func.sum(counters.c["count"])).where(counters.c.day >= first).group_by(*columns)
    )


def by_day(session: Session, since: date, metric: str) -> dict[date, int]:
    """Return day → number of `metric` over all campaigns, from a day (UTC) on."""
    return _sums(session, "day", since, metric)


def by_campaign(session: Session, since: date, metric: str) -> dict[int, int]:
    """Return campaign id → number of `metric`, from a day (UTC) on."""
    return _sums(session, "campaign_id", since, metric)


def compact(session: Session) -> int:
    """Add the recorded changes to the counters; returns how many rows there were."""
    connection = session.connection()
    if dialect_of(session) == "postgresql":
        # One statement sees one snapshot, so it adds up exactly what it deletes, while others add changes.
        return int(connection.exec_driver_sql(_COMPACT_ON_POSTGRESQL).scalar_one())
    connection.exec_driver_sql(_ADD_UP.format(rows="counter_delta"))  # nobody else writes meanwhile
    return connection.exec_driver_sql("DELETE FROM counter_delta").rowcount


def subtract_events(session: Session, subscriber_id: int) -> None:
    """Subtract the opens and clicks of a person who is about to be erased."""
    source = next(one for one in _SOURCES if one.table == "email_event")
    theirs = f"SELECT id FROM delivery WHERE subscriber_id = {subscriber_id:d}"  # noqa: S608 - a number
    rows = f"(SELECT * FROM email_event WHERE delivery_id IN ({theirs}))"  # noqa: S608
    session.connection().exec_driver_sql(_adding(source, {rows: -1}, dialect_of(session)))


def differences(session: Session) -> dict[Key, tuple[int, int]]:
    """Return the counters that differ from the rows: key → (counter, rows). Reads whole tables.

    For opens and clicks it skips days from which rows may have been deleted, as these are still counted.
    """
    counters = _counters()
    columns = [counters.c[name] for name in Key._fields]
    kept = _by_key(session, select(*columns, func.sum(counters.c["count"])).group_by(*columns))
    counted = recount(session)
    complete_after = min((key.day for key in counted if key.metric.startswith(_EVENT)), default=date.max)
    return {
        key: (kept.get(key, 0), counted.get(key, 0))
        for key in sorted(kept.keys() | counted.keys())
        if kept.get(key, 0) != counted.get(key, 0) and not (key.metric.startswith(_EVENT) and key.day <= complete_after)
    }


def recount(session: Session) -> dict[Key, int]:
    """Compute every counter from the rows."""
    counted: dict[Key, int] = {}
    for source in _SOURCES:
        query = text(_selecting(source, {source.table: 1}, dialect_of(session)))
        columns = [getattr(CounterRow, name) for name in (*Key._fields, "count")]
        counted |= _by_key(session, query.columns(*columns))
    return counted


def rebuild(session: Session) -> int:
    """Set the counters from the rows; returns how many differed."""
    wrong = differences(session)
    _add(session, {key: rows - counter for key, (counter, rows) in wrong.items()})
    return len(wrong)


def _sums(session: Session, by: str, since: date, metric: str) -> dict[Any, int]:
    counters = _counters()
    column = counters.c[by]
    query = select(column, func.sum(counters.c["count"])).where(counters.c.metric == metric, counters.c.day >= since)
    return {key: int(n) for key, n in session.execute(query.group_by(column)) if n}


def _counters(campaign_id: int | None = None) -> Subquery:
    """SQL: counters and the changes to add to them, as one table."""
    parts: list[Select[*tuple[object, ...]]] = []
    for table in (CounterRow, CounterChangeRow):
        part = select(*(getattr(table, name) for name in (*Key._fields, "count")))
        parts.append(part if campaign_id is None else part.where(table.campaign_id == campaign_id))
    return union_all(*parts).subquery("counters")


def _by_key(session: Session, query: Executable) -> dict[Key, int]:
    return {Key(*key): int(n) for *key, n in session.execute(query) if n}


def _add(session: Session, sums: Mapping[Key, int]) -> None:
    rows = [{**key._asdict(), "count": n} for key, n in sorted(sums.items()) if n]
    if rows:
        adding = insert_into(CounterRow, dialect_of(session))
        both = CounterRow.__table__.c["count"] + adding.excluded["count"]
        session.connection().execute(
            adding.on_conflict_do_update(index_elements=list(Key._fields), set_={"count": both}), rows
        )


def _adding(source: _Source, rows: Mapping[str, int], dialect: str) -> str:
    """SQL: record that rows count, each so many times."""
    return f"INSERT INTO counter_delta ({_KEY}, count) {_selecting(source, rows, dialect)}"


def _selecting(source: _Source, rows: Mapping[str, int], dialect: str) -> str:
    """SQL: the counters of rows. `rows`: table or subquery → how many times each of its rows counts."""
    mail = "JOIN delivery d ON d.id = r.delivery_id" if source.of_mail else ""
    parts = " UNION ALL ".join(
        f"{_counting(source, dialect)}, {sign} AS count FROM {table} r {mail} WHERE {source.where}"
        for table, sign in rows.items()
    )
    return f"SELECT {_KEY}, sum(count) AS count FROM ({parts}) counted GROUP BY {_KEY} HAVING sum(count) <> 0"  # noqa: S608


def _counting(source: _Source, dialect: str) -> str:
    day = f"(r.{source.day} AT TIME ZONE 'UTC')::date" if dialect == "postgresql" else f"date(r.{source.day})"
    about = f"{source.campaign} AS campaign_id, {source.lesson} AS lesson_id, {day} AS day"
    return f"SELECT {about}, {source.metric} AS metric"


def _postgresql_triggers(source: _Source) -> Iterator[str]:
    """Yield triggers that run once per statement, with the old and new rows as tables."""
    table = source.table
    for event, rows in _changes(source, {"new_rows": 1}, {"old_rows": -1}):
        tables = " ".join(f"{one[:3].upper()} TABLE AS {one}" for one in rows)
        name = f"counter_{table}_{event}"
        yield (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{_adding(source, rows, 'postgresql')}; RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


def _sqlite_triggers(source: _Source) -> Iterator[str]:
    """Yield triggers that run once per row: SQLite has no others."""
    mail = "FROM delivery d WHERE d.id = r.delivery_id AND" if source.of_mail else "WHERE"
    step = f"INSERT INTO counter_delta ({_KEY}, count) {_counting(source, 'sqlite')}, {{}} {mail} {source.where}"
    for event, rows in _changes(source, {"NEW.": 1}, {"OLD.": -1}):
        name = f"counter_{source.table}_{event}"
        when = f"update OF {source.changes}" if event == "update" else event
        steps = "; ".join(re.sub(r"\br\.", row, step.format(sign)) for row, sign in rows.items())
        yield f"CREATE TRIGGER {name} AFTER {when} ON {source.table} BEGIN {steps}; END"


def _changes(
    source: _Source, new: Mapping[str, int], old: Mapping[str, int]
) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Yield the operations on rows, and how often their old and new values count then."""
    yield "insert", new
    yield "update", {**new, **old}
    if source.forgets:
        yield "delete", old
