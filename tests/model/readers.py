"""Rules: what readers do, by the links in their mails and on the pages of the course."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.model.base import SCHEDULES, Play
from tests.model.expectations import Reader, Sent, Status
from tests.model.groups import WHICH, WHO, in_group, step

from rugcourse.db.models import DeliveryKind, DeliveryRow
from rugcourse.db.queries.enrolments import find_in_course
from rugcourse.delivery.send_next import NothingToSend, send_next_now
from rugcourse.enrolment import magic_link, preferences
from rugcourse.enrolment.confirmation import VALID_DAYS, NotConfirmable, confirm
from rugcourse.enrolment.preferences import UNDO_DAYS, NotAReader, TooLate
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.privacy.erase import erase
from rugcourse.scheduling import Schedule

_GROUP = "readers"


class ReaderRules(Play):
    @in_group(_GROUP, who=WHO, schedule=SCHEDULES)
    def sign_up(self, who: int, schedule: Schedule) -> None:
        self._sign_up(self.reader(who), schedule)

    @in_group(_GROUP, who=WHO, which=WHICH, news=st.booleans())
    def confirm(self, who: int, which: int, news: bool) -> None:
        sent = self.mail_of(self.reader(who), which, DeliveryKind.CONFIRM)
        if sent is not None:
            self._confirm(sent, news=news)

    @in_group(_GROUP, who=WHO, agreed=st.booleans())
    def choose_news(self, who: int, agreed: bool) -> None:
        reader = self.reader(who)
        if self._change(
            reader,
            lambda id_: self.database.run(preferences.set_news, self.clock.now(), id_, agreed=agreed),
            "choosing news",
        ):
            self.model.choose_news(reader, self.now, agreed=agreed)

    @step(who=WHO, schedule=SCHEDULES)  # in every group: without readers there is nothing to play
    def join(self, who: int, schedule: Schedule) -> None:
        """Sign up, get the mail, and confirm."""
        self.join_now(self.reader(who), schedule)

    @in_group(_GROUP, who=WHO, days=st.sampled_from([None, 1, 3]))
    def pause(self, who: int, days: int | None) -> None:
        reader = self.reader(who)
        until = None if days is None else self.now + timedelta(days=days)
        if self._change(
            reader, lambda id_: self.database.run(preferences.pause, self.clock.now(), id_, until), "pausing"
        ):
            reader.change(replace(reader.schedule, paused=True, paused_until=until), self.now)

    @in_group(_GROUP, who=WHO)
    def go_on(self, who: int) -> None:
        reader = self.reader(who)
        if self._change(reader, lambda id_: self.database.run(preferences.resume, self.clock.now(), id_), "going on"):
            reader.change(replace(reader.schedule, paused=False, paused_until=None), self.now)

    @in_group(_GROUP, who=WHO, schedule=SCHEDULES)
    def change_schedule(self, who: int, schedule: Schedule) -> None:
        reader = self.reader(who)
        if self._change(
            reader,
            lambda id_: self.database.run(preferences.change_schedule, self.clock.now(), id_, schedule),
            "changing",
        ):
            before = reader.schedule
            reader.change(replace(schedule, paused=before.paused, paused_until=before.paused_until), self.now)

    @in_group(_GROUP, who=WHO, which=WHICH)
    def unsubscribe(self, who: int, which: int) -> None:
        reader = self.reader(who)
        sent = self.mail_of(reader, which)
        if sent is not None:
            self.database.run(preferences.unsubscribe, self.clock.now(), sent.delivery_id)
            if sent.life == reader.life:
                self.model.leave(reader, self.now)

    @in_group(_GROUP, who=WHO, which=WHICH)
    def leave_course(self, who: int, which: int) -> None:
        reader = self.reader(who)
        sent = self.mail_of(reader, which)
        if sent is None:
            return
        before = self.product.runs(reader.email)
        did = self.attempt(
            lambda: self.database.run(preferences.leave_course, self.clock.now(), sent.delivery_id),
            preferences.NotAReader,
        )
        knows_it = any(not reader.enrolments[one].campaign.cancelled for one in before)
        may = (
            bool(before)
            and (knows_it or sent.kind != DeliveryKind.BROADCAST)
            and sent.life == reader.life
            and reader.status in {Status.ACTIVE, Status.SUPPRESSED}
        )
        self.expect(may, did, f"{reader.name} leaves a course")
        after = self.product.runs(reader.email)
        left = [one for one, status in after.items() if status != before.get(one)]
        self.expect(
            [], [one for one in left if after[one] != "left"], f"{reader.name} leaves a course, and what changed"
        )
        if did and "active" in after.values():
            self.disagree(f"{reader.name} left {left} of {before}")
        for one in left:
            reader.enrolments[one].left, reader.enrolments[one].left_at = True, self.now
        reader.agreed = reader.agreed and not (did and may)

    @in_group(_GROUP, who=WHO, which=WHICH)
    def come_back(self, who: int, which: int) -> None:
        reader = self.reader(who)
        sent = self.mail_of(reader, which)
        if sent is None:
            return
        before = self.product.runs(reader.email)
        did = self.attempt(
            lambda: self.database.run(preferences.come_back, self.clock.now(), sent.delivery_id), NotAReader, TooLate
        )
        one_is_back = reader.status == Status.ACTIVE and before != self.product.runs(reader.email)
        may = sent.life == reader.life and (
            one_is_back or (reader.left_at is not None and reader.status == Status.LEFT and self._is_undoable(reader))
        )
        self.expect(may, did, f"{reader.name} comes back")
        if did and may:
            reader.agreed = reader.agreed or one_is_back
            self._believe_runs(reader, before, left_with=reader.left_at if reader.status == Status.LEFT else None)
            reader.status, reader.left_at = Status.ACTIVE, None

    @in_group(_GROUP, who=WHO, which=WHICH)
    def next_lesson_now(self, who: int, which: int) -> None:
        reader = self.reader(who)
        sent = self.mail_of(reader, which)
        if sent is None:
            return
        did = self.attempt(lambda: self.database.run(send_next_now, self.clock.now(), sent.delivery_id), NothingToSend)
        may = sent.life == reader.life and reader.is_reading(self.now)
        if did and not may:
            self.disagree(f"{reader.name} gets the next lesson now, and may not")

    @in_group(_GROUP, who=WHO, which=WHICH, option=st.integers(0, 3))
    def answer(self, who: int, which: int, option: int) -> None:
        sent = self.mail_of(self.reader(who), which, DeliveryKind.LESSON)
        if sent is not None:
            self._answer_question(sent, option)

    @in_group(_GROUP, who=WHO, which=WHICH)
    def scan(self, who: int, which: int) -> None:
        """A mail gateway's sandbox presses all answers: it says nothing of whether the mail arrived."""
        sent = self.mail_of(self.reader(who), which, DeliveryKind.LESSON)
        if sent is not None:
            for option in (0, 1, 2, 0, 1, 2):
                self._answer_question(sent, option)

    @in_group(_GROUP, who=WHO)
    def ask_for_link(self, who: int) -> None:
        self.database.run(magic_link.request_link, self.clock.now(), self.reader(who).email)

    @in_group(_GROUP, who=WHO)
    def take_a_copy(self, who: int) -> None:
        reader = self.reader(who)
        found = self.product.runtime.data_export(self.person_id(reader))
        self.expect(reader.status != Status.UNKNOWN, found is not None, f"{reader.name} takes a copy")
        others = [one.email for one in self.model.readers if one is not reader]
        if found is not None and any(email in str(found.sections) for email in others):
            self.disagree(f"the copy for {reader.name} holds the address of somebody else")

    @in_group(_GROUP, who=WHO)
    def erase(self, who: int) -> None:
        reader = self.reader(who)
        did = self.database.run(erase, self.clock.now(), self.product.runtime.signer, self.person_id(reader))
        self.expect(reader.status != Status.UNKNOWN, did, f"{reader.name} is erased")
        if did:
            self.model.erase(reader)

    def _answer_question(self, sent: Sent, option: int) -> None:
        runtime = self.product.runtime
        asked = QuestionRef(runtime.links.quoted(sent.message_id), 0)
        with self.database.write() as session:
            record_answers(session, runtime.course_cache, self.clock, [SubmittedAnswer(asked, option)])

    def join_now(self, reader: Reader, schedule: Schedule) -> None:
        self._sign_up(reader, schedule)
        self.work()
        sent = self.mail_of(reader, 0, DeliveryKind.CONFIRM)
        if sent is not None and sent.life == reader.life:
            self._confirm(sent, news=True)

    def _sign_up(self, reader: Reader, schedule: Schedule) -> None:
        runtime = self.product.runtime
        with self.database.read() as session:
            published = runtime.course_cache.course(session, self.course)
        signup = Signup(reader.email, f"Name {reader.number}", schedule)
        self.database.run(sign_up, self.clock, runtime.signer, published, signup, "nl")
        self.model.sign_up(reader, schedule, self.now)

    def _confirm(self, sent: Sent, *, news: bool) -> None:
        reader = sent.reader
        rows = self.product.ledger(DeliveryRow.id == sent.delivery_id) if sent.life == reader.life else []
        may = (
            bool(rows)
            and reader.status not in {Status.UNKNOWN, Status.SUPPRESSED}
            and self.now - (rows[0].settled_at or rows[0].planned_at) < timedelta(days=VALID_DAYS)
            and not self._left_since(reader, rows[0])
        )
        before = self.product.runs(reader.email)
        reads = reader.status == Status.ACTIVE and any(self._goes_on(reader, one) for one in before)
        did = self.attempt(
            lambda: self.database.run(
                confirm, self.clock.now(), self.product.runtime.signer, sent.delivery_id, news=news
            ),
            NotConfirmable,
        )
        self.expect(may, did, f"{reader.name} confirms")
        if did and may:
            runs = self.product.runs(reader.email)
            begun = [one for one in runs if one not in before]
            if begun and any(self._goes_on(reader, one) for one in before):
                self.disagree(f"{reader.name} begins {begun} beside {before}")
            self._believe_runs(reader, before)
            if not reads:
                reader.news = news or (reader.news and reader.status == Status.ACTIVE)
            self.model.confirm(reader, begun[0] if begun else 0, self.now, reads=reads)

    def _left_since(self, reader: Reader, invitation: DeliveryRow) -> bool:
        """Whether somebody who was asked to confirm left everything since, or that course: they sign up anew."""
        assert invitation.campaign_id is not None
        with self.database.read() as session:
            run = find_in_course(session, invitation.campaign_id, invitation.subscriber_id)
        moments = [reader.left_at, None if run is None else run.left_at]
        return any(one is not None and invitation.planned_at < one for one in moments)

    def _change(self, reader: Reader, change: Any, what: str) -> bool:
        """Something on the reader's own page. Returns whether it was done."""
        person_id = self.person_id(reader)
        did = self.attempt(lambda: change(person_id), NotAReader)
        self.expect(reader.status == Status.ACTIVE, did, f"{what} of {reader.name}")
        return did and reader.status == Status.ACTIVE

    def _goes_on(self, reader: Reader, campaign_id: int) -> bool:
        enrolment = reader.enrolments[campaign_id]
        return not enrolment.left and not enrolment.campaign.cancelled

    def _believe_runs(self, reader: Reader, before: dict[int, str], left_with: datetime | None = None) -> None:
        """What the product brought back is what had been left; `left_with`: all that was left at that moment."""
        for campaign_id, status in self.product.runs(reader.email).items():
            enrolment = reader.enrolments.get(campaign_id)
            if enrolment is None:
                continue
            back = before[campaign_id] == "left" and status == "active"
            is_news = reader.has_as_news(enrolment)  # that they have to allow anew
            due = left_with is not None and before[campaign_id] == "left" and enrolment.left_at == left_with
            due = due and not is_news
            if left_with is not None and back != due:
                self.disagree(f"{reader.name} comes back to campaign {campaign_id}: {back}, and not {due}")
            if back:
                enrolment.left, enrolment.left_at = False, None
        for enrolment in reader.enrolments.values():  # also what was over, and broadcasts
            if left_with is not None and enrolment.left_at == left_with and not reader.has_as_news(enrolment):
                enrolment.left, enrolment.left_at = False, None

    def _is_undoable(self, reader: Reader) -> bool:
        left_at: datetime | None = reader.left_at
        return left_at is not None and self.now - left_at <= timedelta(days=UNDO_DAYS)
