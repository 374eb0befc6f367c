"""Rules: lessons are edited, put in, moved, taken out and renamed, on the pages for authors and in files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from tests.model import course
from tests.model.base import Play
from tests.model.expectations import Enrolment, Reader
from tests.model.groups import WHICH, in_group

from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.merge import OnConflict
from rugcourse.course_editor.publishing import AlreadyPast, ExistingReaders, publish_lesson, unpublish
from rugcourse.db.queries import courses
from rugcourse.scheduling import DAILY, WEEKDAYS, Cadence

_GROUP = "authors"
CADENCES = st.sampled_from(
    [
        DAILY,
        Cadence(weekdays=WEEKDAYS[:5]),
        Cadence(every_days=3),
        Cadence(unanswered_days=4),
        Cadence(unanswered_days=2),
    ]
)
_MOST_LESSONS = 5

Lessons = list[tuple[str, int]]


class AuthorRules(Play):
    def __init__(self) -> None:
        super().__init__()
        self.versions = dict.fromkeys((*course.FIRST_LESSONS, *course.LATER_LESSONS), 1)

    @in_group(_GROUP, which=WHICH, under_way=st.sampled_from(list(ExistingReaders)))
    def lesson_is_edited(self, which: int, under_way: ExistingReaders) -> None:
        slug = self._lesson(which)
        self.versions[slug] += 1
        self._publish(slug, self.model.lessons.index(slug) + 1, under_way=under_way)

    @in_group(_GROUP, which=WHICH, place=st.integers(1, _MOST_LESSONS), behind=st.sampled_from(list(AlreadyPast)))
    def lesson_is_put_in(self, which: int, place: int, behind: AlreadyPast) -> None:
        """A new one, or one that was there before."""
        slug = self._absent_lesson(which)
        if slug is not None:
            order = [*self.model.lessons]
            order.insert(place - 1, slug)
            self._change_course(order, lambda: self._publish(slug, order.index(slug) + 1, behind=behind), slug, behind)

    @in_group(_GROUP, which=WHICH, place=st.integers(1, _MOST_LESSONS))
    def lesson_is_moved(self, which: int, place: int) -> None:
        slug = self._lesson(which)
        order = [one for one in self.model.lessons if one != slug]
        order.insert(place - 1, slug)
        self._change_course(order, lambda: self._publish(slug, order.index(slug) + 1))

    @in_group(_GROUP, which=WHICH)
    def lesson_is_taken_out(self, which: int) -> None:
        slug = self._lesson(which)
        if len(self.model.lessons) > 1:
            order = [one for one in self.model.lessons if one != slug]
            self._change_course(order, lambda: self.database.run(unpublish, self.clock.now(), None, course.SLUG, slug))

    @in_group(_GROUP, order=st.permutations(range(_MOST_LESSONS + 1)))
    def files_have_another_order(self, order: list[int]) -> None:
        mine = self.model.lessons
        chosen = [mine[number] for number in order if number < len(mine)]
        self._change_course(chosen, lambda: self._import(chosen))

    @in_group(_GROUP, which=WHICH, place=st.integers(1, _MOST_LESSONS))
    def files_have_one_more(self, which: int, place: int) -> None:
        slug = self._absent_lesson(which)
        if slug is not None:
            order = [*self.model.lessons]
            order.insert(place - 1, slug)
            self._change_course(order, lambda: self._import(order), slug)

    @in_group(_GROUP, cadence=CADENCES)
    def files_have_another_cadence(self, cadence: Cadence) -> None:
        self.model.change_cadence(cadence, self.now)
        self._import(self.model.lessons)

    @in_group(_GROUP, which=WHICH)
    def files_have_one_less(self, which: int) -> None:
        order = [one for one in self.model.lessons if one != self._lesson(which)]
        if order:
            self._change_course(order, lambda: self._import(order))

    @in_group(_GROUP, which=WHICH, other=WHICH)
    def files_have_another_name(self, which: int, other: int) -> None:
        """Who waits for a lesson that is renamed gets it under its new name."""
        slug, new = self._lesson(which), self._absent_lesson(other)
        if new is not None:
            order = [new if one == slug else one for one in self.model.lessons]
            self._change_course(order, lambda: self._import(order), new, was=slug)

    def _lesson(self, which: int) -> str:
        return self.model.lessons[which % len(self.model.lessons)]

    def _absent_lesson(self, which: int) -> str | None:
        absent = [one for one in self.versions if one not in self.model.lessons]
        return absent[which % len(absent)] if absent and len(self.model.lessons) < _MOST_LESSONS else None

    def _publish(
        self,
        slug: str,
        place: int,
        *,
        under_way: ExistingReaders = ExistingReaders.NEW,
        behind: AlreadyPast = AlreadyPast.NOBODY,
    ) -> None:
        with self.database.read() as session:
            published = self.product.runtime.course_cache.course(session, course.SLUG)
        assert published is not None
        fields = fields_of(course.lesson(slug, self.versions[slug], place))
        lesson_draft = LessonDraft(published.course, slug, place, fields)
        self.database.run(publish_lesson, self.clock.now(), None, lesson_draft, under_way, behind)

    def _import(self, order: list[str]) -> None:
        """The files were exported, changed and imported."""
        with self.database.write() as session:
            published = courses.load_course(session, course.SLUG)
            assert published is not None
            courses.note_files(session, published.course)
        files = course.course_of([(slug, self.versions[slug]) for slug in order], self.model.cadence)
        import_course(self.database, self.clock, [files], OnConflict.THEIRS)

    def _change_course(
        self,
        order: list[str],
        publish: Callable[[], Any],
        new: str | None = None,
        behind: AlreadyPast = AlreadyPast.NOBODY,
        was: str | None = None,
    ) -> None:
        """Publish another order of lessons. `new`: one that was not there; `was`: what it was called before."""
        remaining = {id(one): self._remaining(reader, one) for reader, one in self._enrolments()}
        publish()
        gone = set(self.model.lessons) - set(order)
        self.model.lessons = order
        for reader, enrolment in self._enrolments():
            mine = remaining[id(enrolment)]
            again = bool(mine) or self._is_latest_run(reader, enrolment, remaining)
            if new is not None and again and self._is_for(enrolment, mine, order, new, behind, was):
                enrolment.owed.add(new)
            elif new is not None:
                enrolment.owed.discard(new)
            enrolment.owed -= gone

    def _is_latest_run(self, reader: Reader, enrolment: Enrolment, remaining: dict[int, list[str]]) -> bool:
        """Who had a course twice gets a new lesson once: in the run that goes on, else in the one that began last."""
        runs = [one for other, one in self._enrolments() if other is reader and not one.left]
        return bool(runs) and runs[-1] is enrolment and not any(remaining[id(one)] for one in runs)

    def _is_for(
        self,
        enrolment: Enrolment,
        remaining: list[str],
        order: list[str],
        new: str,
        behind: AlreadyPast,
        was: str | None,
    ) -> bool:
        """Whether who is in the middle of a course gets a lesson that was put in."""
        if not remaining:
            return behind == AlreadyPast.FINISHED
        if remaining[0] == was:
            return True
        if behind != AlreadyPast.NOBODY and not enrolment.left:
            return True
        ahead = [order.index(one) for one in remaining if one in order]
        return bool(ahead) and order.index(new) >= min(ahead) - 1  # also right before the one that comes next

    def _remaining(self, reader: Reader, enrolment: Enrolment) -> list[str]:
        """What an enrolment waits for, in the order of the course; what is under way counts as had."""
        states = self.product.states(reader.email, enrolment.campaign.id)
        under_way = {slug for slug, state in states.items() if state != "cancelled"}
        return [one for one in self.model.lessons if one in enrolment.owed and one not in under_way]

    def _enrolments(self) -> list[tuple[Reader, Enrolment]]:
        return [
            (reader, one)
            for reader in self.model.readers
            for one in reader.enrolments.values()
            if one.campaign.kind != "broadcast" and not one.campaign.cancelled
        ]
