"""Rules: campaigns are started, paused, resumed, cancelled and archived; acts for many, lists, the work of the night."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select
from tests.model import course
from tests.model.base import SCHEDULES, Play
from tests.model.expectations import Campaign, Enrolment, Reader, Status
from tests.model.groups import WHICH, WHO, in_group

from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.campaigns.drafts import Actor
from rugcourse.campaigns.lifecycle import InvalidCampaignState
from rugcourse.db.audience import Audience
from rugcourse.db.models import CampaignKind, CampaignStatus, EnrolmentRow, SubscriberRow
from rugcourse.db.queries import campaigns
from rugcourse.enrolment import admin_changes
from rugcourse.enrolment.admin_changes import LessonAlreadySent, LessonNotInCourse
from rugcourse.scheduling import Schedule, Timing
from rugcourse.subscribers import background_jobs, bulk_actions, csv_import, csv_reader
from rugcourse.subscribers.bulk_actions import BulkAction, BulkActionRequest
from rugcourse.subscribers.csv_import import ImportSettings
from rugcourse.subscribers.csv_reader import Column
from rugcourse.worker.tasks import apply_retention, reconcile

_GROUP = "admins"
_MOST_CAMPAIGNS = 4
_UNCONFIRMED = timedelta(days=7)


class AdminRules(Play):
    @in_group(_GROUP, hours=st.sampled_from([0, 2, 14, 26]), kind=st.sampled_from(["cohort", "broadcast"]))
    def campaign_at_an_instant(self, hours: int, kind: str) -> None:
        self._start(CampaignKind(kind), Timing(at=self.now + timedelta(hours=hours)))

    @in_group(
        _GROUP, days=st.sampled_from([0, 1, 3]), hour=st.sampled_from([None, 9, 20, 23]),
        every_days=st.sampled_from([None, 2]), kind=st.sampled_from(["cohort", "broadcast"]),
    )  # fmt: skip
    def campaign_on_a_day(self, days: int, hour: int | None, every_days: int | None, kind: str) -> None:
        day = (self.now + timedelta(days=days)).date()
        self._start(CampaignKind(kind), Timing(day=day, hour=hour, every_days=every_days))

    @in_group(_GROUP, kind=st.sampled_from(["cohort", "broadcast"]))
    def campaign_now(self, kind: str) -> None:
        self._start(CampaignKind(kind), Timing())

    @in_group(_GROUP, which=WHICH)
    def campaign_is_paused(self, which: int) -> None:
        campaign = self._campaign(which)
        did = self.attempt(
            lambda: self.database.run(lifecycle.pause, self._author(), campaign.id), InvalidCampaignState
        )
        self.expect(not campaign.stopped, did, f"pausing campaign {campaign.id}")
        campaign.stopped = True

    @in_group(_GROUP, which=WHICH)
    def campaign_is_resumed(self, which: int) -> None:
        campaign = self._campaign(which)
        did = self.attempt(
            lambda: self.database.run(lifecycle.resume, self._author(), campaign.id), InvalidCampaignState
        )
        self.expect(campaign.stopped and not campaign.cancelled, did, f"resuming campaign {campaign.id}")
        if did:
            campaign.stopped = campaign.paused_itself = False

    @in_group(_GROUP, which=WHICH)
    def campaign_is_cancelled(self, which: int) -> None:
        campaign = self._campaign(which)
        may = campaign.kind != CampaignKind.EVERGREEN and not campaign.cancelled
        did = self.attempt(
            lambda: self.database.run(lifecycle.cancel, self._author(), campaign.id), InvalidCampaignState
        )
        self.expect(may, did, f"cancelling campaign {campaign.id}")
        if did:
            campaign.stopped = campaign.cancelled = True
            campaign.paused_itself = False

    @in_group(_GROUP, which=WHICH, back=st.booleans())
    def campaign_is_archived(self, which: int, back: bool) -> None:
        campaign = self._campaign(which)
        self.attempt(
            lambda: self.database.run(lifecycle.archive, self._author(), campaign.id, back=back), InvalidCampaignState
        )

    @in_group(_GROUP, which=WHICH)
    def campaign_is_copied(self, which: int) -> None:
        campaign = self._campaign(which)
        if len(self.model.campaigns) < _MOST_CAMPAIGNS:
            copy = self.database.run(drafts.duplicate, self._author(), campaign.id, "Copy")
            kind = CampaignKind.COHORT if campaign.kind == CampaignKind.EVERGREEN else campaign.kind
            self._let_go(copy, kind)

    @in_group(
        _GROUP,
        act=st.sampled_from([BulkAction.PAUSE, BulkAction.PAUSE, BulkAction.RESUME]),
        days=st.sampled_from([None, 1, 3]),
    )
    def act_for_all(self, act: BulkAction, days: int | None) -> None:
        until = None if days is None or act != BulkAction.PAUSE else (self.now + timedelta(days=days)).date()
        order = BulkActionRequest(audience=Audience(), act=act, reason="for all", until=until)
        job = self.database.run(bulk_actions.preview, self.clock.now(), order, None)
        self.database.run(background_jobs.start, self.clock.now(), job, None)
        self._work_off()
        midnight = None if until is None else self.now.replace(hour=0, minute=0, second=0) + timedelta(days=days or 0)
        for reader in self.model.readers:
            paused = act == BulkAction.PAUSE
            kept = reader.schedule if reader.schedules and paused else None
            rests_longer = (
                kept is not None
                and kept.paused
                and (kept.paused_until is None or (midnight is not None and kept.paused_until >= midnight))
            )
            if reader.status == Status.ACTIVE and not rests_longer:
                self._reschedule(reader, paused=paused, until=midnight if paused else None)

    @in_group(_GROUP, who=WHO, news=st.booleans(), schedule=SCHEDULES)
    def list_is_imported(self, who: int, news: bool, schedule: Schedule) -> None:
        reader = self.reader(who)
        bounce_handler = ImportSettings(
            course=course.SLUG, columns={Column.EMAIL: 0}, language="nl", zone=schedule.zone, hour=schedule.hour,
            agreed_at=self.now.date(), agreed_text="Yes, send me the course", agreed_where="a list on paper", news=news,
        )  # fmt: skip
        listing = csv_reader.read_list(f"E-mail,Naam\n{reader.email},Somebody\n".encode())
        job = self.database.run(csv_import.store_upload, self.clock.now(), listing, "list.csv", None)
        self.database.run(background_jobs.check, job, bounce_handler)
        self._work_off()
        self.database.run(background_jobs.start, self.clock.now(), job, None)
        self._work_off()
        suppressed = reader.email in self.model.suppressions
        if suppressed or reader.status not in {Status.UNKNOWN, Status.PENDING}:
            return
        self.model.sign_up(reader, Schedule(schedule.zone, schedule.hour), self.now)
        self.model.confirm(reader, self.model.evergreen.id, self.now)
        reader.news = news

    @in_group(_GROUP, who=WHO, number=st.integers(1, 5))
    def reader_is_moved(self, who: int, number: int) -> None:
        reader = self.reader(who)
        enrolment = reader.enrolments.get(self.model.evergreen.id)
        if enrolment is None:
            return
        with self.database.read() as session:
            lesson_id = campaigns.lessons_of(session, self.model.evergreen.id).get(number, 0)
        did = self.attempt(
            lambda: self.database.run(admin_changes.move_to_lesson, self.clock.now(), self._enrolment_id(reader), lesson_id),
            LessonAlreadySent, LessonNotInCourse,
        )  # fmt: skip
        if did:
            enrolment.owed = set(self.model.lessons[number - 1 :])

    @in_group(_GROUP)
    def night(self) -> None:
        """The books are checked, and what is no longer needed is forgotten."""
        reconcile(self.product.runtime)
        apply_retention(self.product.runtime)
        with self.database.read() as session:
            known = set(session.scalars(select(SubscriberRow.email)))
        for reader in self.model.readers:
            since = reader.signed_up_at or self.now
            if reader.status == Status.PENDING and reader.email not in known and self.now - since >= _UNCONFIRMED:
                self.model.forget(reader)

    def _campaign(self, which: int) -> Campaign:
        mine = [*self.model.campaigns.values()]
        return mine[which % len(mine)]

    def _author(self) -> Actor:
        return Actor(None, self.now)

    def _start(self, kind: CampaignKind, timing: Timing) -> None:
        if len(self.model.campaigns) == _MOST_CAMPAIGNS:
            return
        with self.database.read() as session:
            published = self.product.runtime.course_cache.course(session, course.SLUG)
        assert published is not None
        made = self.database.run(drafts.create, self._author(), kind, published.id, "November")
        if kind == CampaignKind.BROADCAST:
            self.database.run(drafts.write, self.clock.now(), made, "November", course.message(made))
        self.database.run(drafts.set_timing, made, timing)
        self.database.run(drafts.set_pace, made, None, timing.every_days)
        self._let_go(made, kind)

    def _agreed(self, reader: Reader, kind: CampaignKind) -> bool:
        """A course goes to who wants news, reads it or had it; a message to who wants news."""
        runs = self.product.runs(reader.email).values() if kind == CampaignKind.COHORT else ()
        return reader.news or any(status in {"active", "completed"} for status in runs)

    def _let_go(self, made: int, kind: CampaignKind) -> None:
        """Start a campaign for all who agreed to get it, also those who know the course."""
        drafts.set_audience(self.database, self.clock, made, Audience())
        counted = send_preview.repeats_counted(self.product.campaign(made).estimate)
        self.database.run(lifecycle.start, self._author(), made, counted[1].total if counted else 0)
        row = self.product.campaign(made)
        campaign = Campaign(made, kind, campaigns.timing_of(row), started=self.now)
        with self.database.read() as session:
            message = campaigns.find_message(session, made)
        subject = message.texts["nl"].subject if message else ""
        self.model.campaigns[made] = campaign
        owed = {subject} if kind == CampaignKind.BROADCAST else {*self.model.lessons}
        for reader in self.model.readers:
            if reader.status == Status.ACTIVE and self._agreed(reader, kind):
                reader.enrolments[made] = Enrolment(campaign, {*owed})
        self.work()
        self._compare_enrolments(campaign)

    def _compare_enrolments(self, campaign: Campaign) -> None:
        query = select(SubscriberRow.email).join(EnrolmentRow, EnrolmentRow.subscriber_id == SubscriberRow.id)
        with self.database.read() as session:
            found = set(session.scalars(query.where(EnrolmentRow.campaign_id == campaign.id)))
        wanted = {one.email for one in self.model.readers if campaign.id in one.enrolments}
        if self.product.campaign(campaign.id).status != CampaignStatus.PAUSED:
            self.expect(wanted, found, f"who is in campaign {campaign.id}")

    def _work_off(self) -> None:
        while background_jobs.run_next_batch(self.database, self.clock, self.product.runtime.signer):
            pass

    def _reschedule(self, reader: Reader, *, paused: bool, until: Any) -> None:
        before = reader.schedule
        reader.change(Schedule(before.zone, before.hour, before.weekdays, paused, until, before.every_days), self.now)

    def _enrolment_id(self, reader: Reader) -> int:
        query = (
            select(EnrolmentRow.id)
            .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
            .where(SubscriberRow.email == reader.email, EnrolmentRow.campaign_id == self.model.evergreen.id)
        )
        with self.database.read() as session:
            return session.scalar(query) or 0
