"""Makes what tests need, in one line each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import select

from rugcourse.bootstrap import Runtime, open_runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, load_courses
from rugcourse.content.model import Reviewer
from rugcourse.content.picture_files import PictureFile, PictureFolder
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db.engine import Database
from rugcourse.db.models import CourseRow, DeliveryKind, DeliveryQueue, DeliveryRow, EnrolmentRow
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import plan_due
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.links import MailRef
from rugcourse.scheduling import Schedule
from rugcourse.settings import Settings, load_settings

MORNING = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # a Monday, 06:00 in Amsterdam
COURSE = "oorzaken-van-rugpijn"
LESSONS = Path(__file__).parents[2] / "lessons"
_numbers = count(1)


def make_settings(folder: Path, smtp_url: str = "smtp://127.0.0.1:9", **others: object) -> Settings:
    values: dict[str, object] = {
        "database_url": f"sqlite:///{folder / 'test.db'}",
        "smtp_url": smtp_url,
        "base_url": "http://courses.example",
        "secret_keys": ("a-key-for-tests-0123456789",),
        "data_dir": folder,
        "ehlo_name": "localhost",
        "smtp_timeout_seconds": 1.5,
        "dns_server": "127.0.0.1:9",  # nobody is there
        "second_factor_grace_days": 3650,  # most tests are about something else
    }
    return load_settings(**{**values, **others})


@cache
def shipped_courses() -> list[Course]:
    """Read once: it takes a third of a second, and hundreds of tests begin with it."""
    return load_courses(LESSONS)


@cache
def shipped_pictures() -> list[PictureFile]:
    """Those that the lessons of the shipped courses show."""
    return [one for course in shipped_courses() for one in PictureFolder(LESSONS / course.slug).files(course)]


def signed_courses() -> list[Course]:
    """The shipped courses as they are once a clinician has signed their safety notices."""
    reviewer = Reviewer(name="A. Doctor", role="GP")
    return [
        course.model_copy(
            update={
                "safety_notices": {
                    language: notice.model_copy(update={"reviewed_by": reviewer})
                    for language, notice in course.safety_notices.items()
                }
            }
        )
        for course in shipped_courses()
    ]


def make_runtime(database: Database, settings: Settings, clock: VirtualClock | None = None) -> Runtime:
    """A runtime on a database that is there already, with the shipped courses published, unless it has some."""
    runtime = replace(open_runtime(settings, clock or VirtualClock(MORNING)), database=database)
    with database.read() as session:
        is_empty = session.scalar(select(CourseRow.id).limit(1)) is None
    if is_empty:
        import_course(database, runtime.clock, shipped_courses(), shown=shipped_pictures())
    return runtime


def course_of(runtime: Runtime) -> PublishedCourse:
    with runtime.database.read() as session:
        found = runtime.course_cache.course(session, COURSE)
    assert found is not None
    return found


def make_pending(runtime: Runtime, email: str | None = None, **schedule: object) -> str:
    """Somebody who signed up; returns their address. Their hour is 08:00 in Amsterdam."""
    email = email or f"reader{next(_numbers)}@example.org"
    wanted = Schedule(**{"zone": "Europe/Amsterdam", "hour": 8, **schedule})  # type: ignore[arg-type]
    signup = Signup(email, "Sam Reader", wanted)
    runtime.database.run(sign_up, runtime.clock, runtime.signer, course_of(runtime), signup, "nl")
    return email


def make_reader(runtime: Runtime, email: str | None = None, *, news: bool = True, **schedule: object) -> str:
    """Somebody who signed up and confirmed, and also wants other `news`; returns their address."""
    email = make_pending(runtime, email, **schedule)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0]
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail.id, news=news)
    return email


def mails_to(runtime: Runtime, email: str, kind: DeliveryKind | None = None) -> list[DeliveryRow]:
    """The deliveries for an address, oldest first."""
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        rows = session.scalars(
            select(DeliveryRow).where(DeliveryRow.subscriber_id == person.id).order_by(DeliveryRow.id)
        ).all()
    return [row for row in rows if kind is None or row.kind == kind]


def ref(runtime: Runtime, delivery_id: int) -> MailRef:
    """What links to a mail name; of one that is not there, nobody's."""
    with runtime.database.read() as session:
        found = subscribers.by_delivery(session, delivery_id)
        return subscribers.ref_of(found[0], delivery_id) if found else MailRef(delivery_id, 1)


def lessons_to(runtime: Runtime, email: str) -> list[DeliveryRow]:
    return mails_to(runtime, email, DeliveryKind.LESSON)


def enrolment_of(runtime: Runtime, email: str) -> EnrolmentRow:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return session.scalars(select(EnrolmentRow).where(EnrolmentRow.subscriber_id == person.id)).one()


def plan(runtime: Runtime) -> int:
    """How many lessons were planned now."""
    return plan_due(runtime.database, runtime.clock, runtime.send_window, rejection_handler(runtime)).planned


def send_all(dispatcher: Dispatcher) -> None:
    """Send what may go now, those first for whom a person waits."""
    for queue in (DeliveryQueue.TRANSACTIONAL, DeliveryQueue.LESSONS):
        while dispatcher.send_batch(queue):
            pass


def answer(runtime: Runtime, email: str, number: int = 0) -> None:
    """A reader answers the first question of one of their lessons."""
    with runtime.database.write() as session:
        press = SubmittedAnswer(QuestionRef(ref(runtime, lessons_to(runtime, email)[number].id), 0), 0)
        record_answers(session, runtime.course_cache, runtime.clock, [press])


def planned_readers(runtime: Runtime, dispatcher: Dispatcher, count: int) -> list[str]:
    """Readers who have had their other mails, and whose first lesson is planned."""
    emails = [make_reader(runtime) for _ in range(count)]
    send_all(dispatcher)
    at_eight(runtime)
    assert plan(runtime) == count
    return emails


def reader_with_lesson(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who has had the first lesson; returns their address."""
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    return email


def at_eight(runtime: Runtime, day: int = 0) -> None:
    """Move the clock to 08:00 in Amsterdam, `day` days after the first."""
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.move_to(datetime(2026, 11, 23, 7, 0, tzinfo=UTC))
    runtime.clock.advance(days=day)


def welcome_id(runtime: Runtime, email: str) -> int:
    return mails_to(runtime, email, DeliveryKind.WELCOME)[0].id
