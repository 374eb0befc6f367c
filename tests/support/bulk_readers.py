"""Many readers at once, written straight into the store by one statement a table: for drills and measurements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Date, bindparam, text

from rugcourse.db.engine import Database
from rugcourse.db.queries.subscribers import weekday_bits
from rugcourse.db.types import UtcDateTime
from rugcourse.scheduling import Schedule

STAMP = 2**35 - 1  # as long in a token as a real one
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
_SUBSCRIBERS = """
INSERT INTO subscriber (id, security_stamp, email, domain, name, language, status, tracking_consent, news_consent, created_at) {numbers}
SELECT i, {stamp}, 'r' || i || '@d' || (i % 7) || '.example', 'd' || (i % 7) || '.example', 'Reader ' || i,
       CASE i % 2 WHEN 1 THEN 'nl' ELSE 'en' END, 'active', false, true, :created FROM n
"""
_SCHEDULES = """
INSERT INTO schedule (subscriber_id, zone, hour, weekdays, paused) {numbers}
SELECT i, '{zone}', {hour}, {weekdays}, false FROM n
"""
_ENROLMENTS = """
INSERT INTO enrolment (campaign_id, subscriber_id, status, next_position, lessons_planned, next_due_at, started_at)
{numbers} SELECT {campaign}, i, 'active', 1, 0, :due, :created FROM n
"""

_LESSON_MAILS = """
INSERT INTO delivery (kind, queue, state, subscriber_id, campaign_id, enrolment_id, lesson_id, lesson_version_id,
                      local_date, planned_at, settled_at, attempts, language, message_id, smtp_response)
SELECT 'lesson', 'lessons', 'accepted', e.subscriber_id, e.campaign_id, e.id, l.id, l.current_version_id,
       :day, :at, :at, 1, 'en', '<' || l.id || '.' || e.id || '@x>', '250 2.0.0 taken'
FROM enrolment e, lesson l WHERE l.course_id = {course} AND l.position = {position} ORDER BY e.id
"""
_EVENTS = """
INSERT INTO email_event (delivery_id, kind, verdict, is_first, at)
SELECT d.id, '{kind}', '{verdict}', true, :at FROM delivery d, lesson l
WHERE l.id = d.lesson_id AND l.course_id = {course} AND l.position = 1 AND d.id % {every} = 0
"""
_TAGS = """
INSERT INTO subscriber_tag (subscriber_id, tag)
SELECT id, CASE id % 3 WHEN 0 THEN 'winter' WHEN 1 THEN 'intake' ELSE 'knee' END FROM subscriber WHERE id % 2 = 0
"""
_ATTEMPTS = """
INSERT INTO assessment_attempt (course_id, subscriber_id, stage, options, correct, total, at)
SELECT {course}, s.id, '{stage}', '{{}}', s.id % 8, 8, :at FROM subscriber s WHERE s.id % {every} = 0
"""


def add_crowd(
    database: Database, campaign_id: int, count: int, schedule: Schedule, due_at: datetime | None, *, first: int = 1
) -> None:
    """Confirmed readers r<number>@d<number mod 7>.example, from number `first` on, in one campaign.

    Each is due for the first lesson at `due_at` (UTC).
    """
    values = {"due": due_at, "created": (due_at or datetime.now(UTC)) - timedelta(days=1)}
    typed = [bindparam(name, type_=UtcDateTime()) for name in values]
    words = {
        "numbers": _NUMBERS.format(first=first, last=first + count - 1),
        "zone": schedule.zone,
        "hour": schedule.hour,
        "weekdays": weekday_bits(schedule.weekdays),
        "campaign": campaign_id,
        "stamp": STAMP,
    }
    with database.write() as session:
        for statement in (_SUBSCRIBERS, _SCHEDULES, _ENROLMENTS):
            used = [one for one in typed if f":{one.key}" in statement]
            session.execute(
                text(statement.format(**words)).bindparams(*used), {one.key: values[one.key] for one in used}
            )
        if database.dialect == "postgresql":
            session.execute(text("SELECT setval('subscriber_id_seq', (SELECT max(id) FROM subscriber))"))


def add_lesson_mails(database: Database, course_id: int, at: datetime, *, lessons: int) -> None:
    """The first lessons of a course, accepted at an instant (UTC), for everybody in it; in English."""
    with database.write() as session:
        for position in range(1, lessons + 1):
            statement = text(_LESSON_MAILS.format(course=course_id, position=position))
            day = at.date() + timedelta(days=position)
            session.execute(
                statement.bindparams(bindparam("at", type_=UtcDateTime()), bindparam("day", type_=Date())),
                {"at": at, "day": day},
            )


def add_acts(database: Database, course_id: int, at: datetime, *, every: int = 5) -> None:
    """Of everybody who had the first lesson an open and a click by a human; of one in `every` both tests; words on half
    of them. One mail in a hundred came back, and one in three thousand was called spam.
    """
    events = (("open", "human", 1), ("click", "human", 1), ("bounce", "machine", 100), ("complaint", "human", 3000))
    statements = [
        _EVENTS.format(course=course_id, kind=kind, verdict=verdict, every=one) for kind, verdict, one in events
    ]
    statements += [_ATTEMPTS.format(course=course_id, stage=stage, every=every) for stage in ("before", "after")]
    for statement in statements:
        with database.write() as session:
            session.execute(text(statement).bindparams(bindparam("at", type_=UtcDateTime())), {"at": at})
    with database.write() as session:
        session.execute(text(_TAGS))
