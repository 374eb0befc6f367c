"""Whatever authors do to a course, in the admin pages and in files, readers at every place get each lesson once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from tests.support.builders import course_of

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.content import Course, Lesson
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.merge import numbered
from rugcourse.course_editor.publishing import AlreadyPast, publish_lesson, unpublish
from rugcourse.db.models import (
    CampaignRow,
    CampaignStatus,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    SubscriberRow,
)
from rugcourse.db.published_course import PublishedCourse
from rugcourse.db.queries import courses, enrolments, subscribers
from rugcourse.delivery.planner import plan_due
from rugcourse.scheduling import Schedule

FIRST_LESSONS = 4
EVERY_HOUR = Schedule("Europe/Amsterdam", 8)
_numbers = count(1)

EDITS = ("day", "join", "move", "put in", "take out", "reorder", "rename", "swap slugs", "replace", "add", "shuffle")
Edit = tuple[str, int, int]
edits = st.lists(
    st.tuples(
        st.sampled_from(["day", "day", *EDITS]),  # days pass more often
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    max_size=14,
)


@dataclass
class Reader:
    """`ahead`: what must still come; `behind`: what was put in behind them, which may come when they go back."""

    enrolment_id: int
    ahead: set[str]
    had: list[str] = field(default_factory=list)
    behind: set[str] = field(default_factory=set)


class Story:
    """A course, its readers, and the simple model of what each of them must have had. Lessons have a name that stays."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.shipped = course_of(runtime).course
        bare = {
            code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in self.shipped.texts.items()
        }
        lessons = [self.lesson(self.new_name()) for _ in range(FIRST_LESSONS)]
        self.slug = self.new_name()
        course = self.shipped.model_copy(update={"slug": self.slug, "texts": bare, "lessons": numbered(lessons)})
        import_course(runtime.database, runtime.clock, [course])
        self.names = {lesson.slug: lesson.slug for lesson in lessons}
        self.readers: list[Reader] = []

    @staticmethod
    def new_name() -> str:
        return f"l{next(_numbers)}"

    def lesson(self, slug: str) -> Lesson:
        model = self.shipped.lessons[0]
        texts = {
            code: text.model_copy(
                update={
                    "quiz": tuple(q.model_copy(update={"id": f"{slug}-{n}"}) for n, q in enumerate(text.quiz)),
                    "highlight": f"About {slug}",
                }
            )
            for code, text in model.texts.items()
        }
        return model.model_copy(update={"slug": slug, "texts": texts})

    @property
    def published(self) -> PublishedCourse:
        with self.runtime.database.read() as session:
            found = courses.load_course(session, self.slug)
        assert found is not None
        return found

    @property
    def lessons(self) -> list[Lesson]:
        return list(self.published.course.lessons)

    def order(self) -> list[str]:
        return [self.names[lesson.slug] for lesson in self.lessons]

    def join(self, *_: int) -> None:
        now = self.runtime.clock.now()
        with self.runtime.database.write() as session:
            person = SubscriberRow(
                email=f"{self.new_name()}@x.example", domain="x.example", language="nl", status="active", created_at=now
            )
            session.add(person)
            session.flush()
            subscribers.save_schedule(session, person.id, EVERY_HOUR)
            enrolments.add(session, self.published.campaign_id, person.id, now, now)
            session.flush()
            made = enrolments.find(session, self.published.campaign_id, person.id)
            assert made is not None
            self.readers.append(Reader(made.id, set(self.order())))

    def day(self, *_: int) -> None:
        """Another day: every tick of its morning, and all that is planned arrives."""
        clock = self.runtime.clock
        assert isinstance(clock, VirtualClock)
        clock.move_to((clock.now() + timedelta(days=1)).replace(hour=7))
        while (
            done := plan_due(self.runtime.database, clock, self.runtime.send_window, rejection_handler(self.runtime))
        ).planned + done.shifted:
            pass
        with self.runtime.database.write() as session:
            session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.state == DeliveryState.PLANNED)
                .values(state=DeliveryState.ACCEPTED, not_before=None, settled_at=clock.now())
                .execution_options(synchronize_session=False)
            )
        for reader in self.readers:
            self.read_mails(reader)

    def read_mails(self, reader: Reader) -> None:
        slugs = {lesson_id: slug for slug, lesson_id in self.published.lesson_ids.items()}
        with self.runtime.database.read() as session:
            ids = session.scalars(
                select(DeliveryRow.lesson_id)
                .where(DeliveryRow.enrolment_id == reader.enrolment_id, DeliveryRow.kind == DeliveryKind.LESSON)
                .order_by(DeliveryRow.id)
            ).all()
        for lesson_id in ids[len(reader.had) :]:
            name = self.names[slugs[lesson_id or 0]]
            assert name in reader.ahead | reader.behind
            assert name not in reader.had
            reader.had.append(name)
            reader.ahead.discard(name)

    def status(self, reader: Reader) -> str:
        with self.runtime.database.read() as session:
            return session.get_one(EnrolmentRow, reader.enrolment_id).status

    # What authors do. A place or a lesson is named by any number: it is taken modulo what there is.

    def move(self, which: int, to: int) -> None:
        course = self.published.course
        lesson = course.lessons[which % len(course.lessons)]
        self.publish(LessonDraft(course, lesson.slug, to % len(course.lessons) + 1, fields_of(lesson)))

    def put_in(self, which: int, at: int) -> None:
        course = self.published.course
        slug, place = self.new_name(), at % (len(course.lessons) + 1) + 1
        self.names[slug] = slug
        behind = list(AlreadyPast)[which % len(AlreadyPast)]
        self.publish(LessonDraft(course, slug, place, fields_of(self.lesson(slug))), behind)
        self.expect_new(slug)
        for reader in self.readers:
            meant = behind == AlreadyPast.FINISHED or (
                behind == AlreadyPast.PASSED and self.status(reader) == EnrolmentStatus.ACTIVE
            )
            if meant:
                reader.ahead.add(slug)

    def publish(self, lesson_draft: LessonDraft, behind: AlreadyPast = AlreadyPast.NOBODY) -> None:
        self.runtime.database.run(publish_lesson, self.runtime.clock.now(), None, lesson_draft, behind=behind)

    def take_out(self, which: int, _: int) -> None:
        lessons = self.lessons
        if len(lessons) > 1:
            slug = lessons[which % len(lessons)].slug
            self.runtime.database.run(unpublish, self.runtime.clock.now(), None, self.slug, slug)
            self.expect_gone(slug)

    def reorder(self, first: int, second: int) -> None:
        lessons = self.lessons
        one, other = first % len(lessons), second % len(lessons)
        lessons[one], lessons[other] = lessons[other], lessons[one]
        self.import_(lessons)

    def shuffle(self, by: int, _: int) -> None:
        lessons = self.lessons
        self.import_(lessons[by % len(lessons) :] + lessons[: by % len(lessons)])

    def rename(self, which: int, _: int) -> None:
        lessons = self.lessons
        old, slug = lessons[which % len(lessons)], self.new_name()
        self.names[slug] = self.names[old.slug]
        self.import_([one.model_copy(update={"slug": slug}) if one is old else one for one in lessons])

    def swap_slugs(self, first: int, second: int) -> None:
        lessons = self.lessons
        one, other = first % len(lessons), second % len(lessons)
        slugs = [lesson.slug for lesson in lessons]
        slugs[one], slugs[other] = slugs[other], slugs[one]
        self.names |= {slug: self.names[lesson.slug] for slug, lesson in zip(slugs, lessons, strict=True)}
        self.import_([lesson.model_copy(update={"slug": slug}) for slug, lesson in zip(slugs, lessons, strict=True)])

    def replace(self, which: int, _: int) -> None:
        lessons = self.lessons
        old, slug = lessons[which % len(lessons)], self.new_name()
        self.names[slug] = slug
        self.import_([self.lesson(slug) if one is old else one for one in lessons])
        self.expect_gone(old.slug)
        self.expect_new(slug)

    def add(self, first: int, second: int) -> None:
        """Two new lessons, and one that moves, in one import."""
        lessons = self.lessons
        lessons.append(lessons.pop(first % len(lessons)))
        slugs = [self.new_name(), self.new_name()]
        for slug, at in zip(slugs, (first, second), strict=True):
            self.names[slug] = slug
            lessons.insert(at % (len(lessons) + 1), self.lesson(slug))
        self.import_(lessons)
        self.expect_new(*slugs)

    def import_(self, lessons: Sequence[Lesson]) -> None:
        course: Course = self.published.course.model_copy(update={"lessons": numbered(lessons)})
        with self.runtime.database.write() as session:
            courses.note_files(session, self.published.course)
        import_course(self.runtime.database, self.runtime.clock, [course])

    def expect_gone(self, slug: str) -> None:
        for reader in self.readers:
            reader.ahead.discard(self.names[slug])

    def expect_new(self, *slugs: str) -> None:
        """A new lesson is for those who stand before it: behind a lesson that must still come, or right before it."""
        order, new = self.order(), {self.names[slug] for slug in slugs}
        for reader in self.readers:
            places = [place for place, name in enumerate(order) if name in reader.ahead]
            first = min(places, default=len(order))
            while places and first > 0 and order[first - 1] in new:
                first -= 1
            reader.ahead |= new & set(order[first:])
            reader.behind |= new - reader.ahead

    def end(self) -> None:
        """Days go by until everybody has had all; then nobody is in the course any more."""
        for _ in range(len(self.lessons) + 2):
            self.day()
        for reader in self.readers:
            assert reader.ahead == set(), reader
            assert len(reader.had) == len(set(reader.had))
            assert self.status(reader) == EnrolmentStatus.COMPLETED
        with self.runtime.database.write() as session:
            session.get_one(CampaignRow, self.published.campaign_id).status = CampaignStatus.PAUSED


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
def test_random_course_edits_give_each_reader_each_lesson_once(runtime: Runtime, edits: list[Edit]) -> None:
    story = Story(runtime)
    acts: dict[str, Callable[[int, int], None]] = {name: getattr(story, name.replace(" ", "_")) for name in EDITS}
    story.join()
    for name, one, other in edits:
        acts[name](one, other)
    story.end()


def test_the_story_knows_a_reader_who_loses_a_lesson(runtime: Runtime) -> None:
    """The model is no ornament: it tells when one is passed over."""
    story = Story(runtime)
    story.join()
    with runtime.database.write() as session:
        session.get_one(EnrolmentRow, story.readers[0].enrolment_id).next_position = 2
    try:
        story.end()
    except AssertionError:
        return
    raise AssertionError("a lost lesson was not found")
