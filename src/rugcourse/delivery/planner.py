"""Turns enrolments that are due into deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.queries import campaigns, delivery_planning, enrolments, sending_holds
from rugcourse.db.queries.campaigns import Sending
from rugcourse.db.queries.delivery_planning import LessonOfDay
from rugcourse.db.queries.enrolments import DueEnrolment, ExpectedEnrolment, Step
from rugcourse.delivery.failures import OnRejection, give_up_late
from rugcourse.scheduling import Decision, Missed, SendNow, SendWindow, ShiftTo, decide_for, next_mail

log = structlog.get_logger()

BATCH = 1000
_BROKEN_ROW_REST_SECONDS = 3600.0  # then it is looked at again: it may be set right
TOO_LATE = "too-late"  # why a campaign waits for an admin: the moment it promised was missed by more than we wait


@dataclass(frozen=True, slots=True)
class PlanningResult:
    """What one look at the calendar brought. `late`: planned before, but their hour passed unsent."""

    planned: int = 0
    shifted: int = 0
    late: int = 0

    def __add__(self, other: PlanningResult) -> PlanningResult:
        return PlanningResult(self.planned + other.planned, self.shifted + other.shifted, self.late + other.late)


def plan_due(database: Database, clock: Clock, send_window: SendWindow, on_rejection: OnRejection) -> PlanningResult:
    """Plan every lesson that is due now, and say what that came to. `on_rejection`: see `plan_batches`."""
    return sum(plan_batches(database, clock, send_window, on_rejection), PlanningResult())


def plan_batches(
    database: Database, clock: Clock, send_window: SendWindow, on_rejection: OnRejection
) -> Iterator[PlanningResult]:
    """Plan every lesson that is due now, a batch with each step.

    Each batch is one transaction: the deliveries are inserted and the enrolments moved on together, or neither. Any
    number of schedulers may do this at once. Before that, what was planned and is late comes to its end;
    `on_rejection`: what follows for a reader whose server put a mail off until it was late.
    """
    yield from _end_late(database, clock, on_rejection)
    with database.read() as session:
        due = campaigns.due(session, clock.now())
    for campaign_id in due:
        try:
            yield from _plan_campaign(database, clock, campaign_id, send_window)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("a batch can't be planned; its readers are looked at one by one", campaign=campaign_id)
            yield _plan_one_by_one(database, clock, campaign_id, send_window)


def _end_late(database: Database, clock: Clock, on_rejection: OnRejection) -> Iterator[PlanningResult]:
    late = BATCH
    while late == BATCH:
        with database.write_batch() as session:
            late = len(delivery_planning.cancel_late(session, clock.now(), BATCH))
        yield PlanningResult(late=late)
    with database.read() as session:
        put_off = delivery_planning.late_after_tries(session, clock.now(), BATCH)
    for delivery_id in put_off:
        try:
            with database.write() as session:
                ended = give_up_late(session, delivery_id, clock.now(), on_rejection)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("a mail that is late can't be ended", delivery=delivery_id)
        else:
            yield PlanningResult(late=int(ended))


def _plan_campaign(
    database: Database, clock: Clock, campaign_id: int, send_window: SendWindow
) -> Iterator[PlanningResult]:
    seen = BATCH
    while seen == BATCH:
        with database.write_batch(durable=False) as session:
            batch = _plan_batch(session, campaign_id, clock.now(), send_window)
        yield batch
        seen = batch.planned + batch.shifted


def _plan_one_by_one(database: Database, clock: Clock, campaign_id: int, send_window: SendWindow) -> PlanningResult:
    """One batch, in which a row that is wrong stops no other; the next one waits for the next tick.

    A campaign that can't be read itself is left as it is: no reader of it is to blame.
    """
    try:
        with database.read() as session:
            campaigns.find_sending(session, campaign_id)
            ids = enrolments.due_ids(session, campaign_id, clock.now(), BATCH)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("a campaign can't be read", campaign=campaign_id)
        return PlanningResult()
    return sum((_plan_one(database, clock, campaign_id, one, send_window) for one in ids), PlanningResult())


def _plan_one(
    database: Database, clock: Clock, campaign_id: int, enrolment_id: int, send_window: SendWindow
) -> PlanningResult:
    """One reader, who is put off for a while where that can't be done."""
    try:
        with database.write_batch(durable=False) as session:
            return _plan_batch(session, campaign_id, clock.now(), send_window, only=enrolment_id)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("a lesson can't be planned and is put off", campaign=campaign_id, enrolment=enrolment_id)
    with database.write() as session:
        enrolments.shift(session, {clock.now() + clock.span(_BROKEN_ROW_REST_SECONDS): [enrolment_id]})
    return PlanningResult(shifted=1)


def _plan_batch(
    session: Session, campaign_id: int, now: datetime, send_window: SendWindow, *, only: int | None = None
) -> PlanningResult:
    # Locked before the places of lessons are read: who puts them in another order changes both, and waits for these.
    due = enrolments.lock_due(session, campaign_id, now, BATCH, only)
    campaign = campaigns.find_sending(session, campaign_id)
    if campaign is None:  # paused since it was looked at
        return PlanningResult()
    choices = Choices(campaign, _tried_before(session, campaign, due))
    for one in due:
        choices.choose(one, now, send_window)
    if choices.missed:
        _end_missed(session, choices, now, send_window)
    planned = delivery_planning.plan_lessons(session, choices.lessons, now, campaign.delivers)
    # A lesson that could not be planned came before: the course was put in another order. On to the next, the same day.
    enrolments.skip_lessons(session, [one for ids in choices.lessons.values() for one in ids if one not in planned])
    steps = {step: [one for one in ids if one in planned] for step, ids in choices.steps.items()}
    enrolments.advance(session, steps, now)
    enrolments.complete(session, choices.over, now)
    if None in choices.shifts:  # who came back since their status and schedule were read is looked at once more
        back = enrolments.came_back(session, choices.shifts[None])
        choices.shifts[None] = [one for one in choices.shifts[None] if one not in back]
    enrolments.shift(session, choices.shifts)
    return PlanningResult(planned=len(planned), shifted=len(due) - len(planned) - len(choices.missed))


def _tried_before(session: Session, campaign: Sending, due: Sequence[DueEnrolment]) -> set[int]:
    """Those whose first mail was tried at the moment that the campaign promised, and put off by their server."""
    first = [one.id for one in due if one.position == 1 and one.last_local_date is None]
    return delivery_planning.tried(session, first) if campaign.timing.promises and first else set()


def _end_missed(session: Session, choices: Choices, now: datetime, send_window: SendWindow) -> None:
    """What becomes of those who did not get the first mail at the moment that the campaign promised.

    Where nothing at all went out since, it is us who were away, and an admin says what becomes of the campaign. Where
    others had theirs, a limit, a warm-up or a hold of a domain took its time: the rest get it at their next hour.
    """
    missed, campaign = choices.missed, choices.campaign
    for delayed in [one for one in missed.values() if _was_late(campaign, one, send_window)]:
        choices.choose_by_schedule(missed.pop(delayed.id), now, send_window)
    if not missed:
        return
    if campaigns.has_delivered_since(session, campaign.id, min(one.due_at for one in missed.values())):
        excused = set(missed)
    else:
        held = sending_holds.held_domains(session, now)
        domains = enrolments.domains_of(session, list(missed)) if held else {}
        excused = {one for one in missed if domains.get(one) in held}
    for one in excused:
        choices.choose_by_schedule(missed.pop(one), now, send_window)
    if missed:
        campaigns.pause_for_admin(session, campaign.id, TOO_LATE)


def _was_late(campaign: Sending, one: DueEnrolment, send_window: SendWindow) -> bool:
    """Whether a reader's own pause, or a limit the day before, moved their first mail away from the promised moment."""
    timing, undisturbed = campaign.timing, replace(one.schedule, paused=False, paused_until=None)
    begun = timing.at or datetime.combine(timing.day or one.due_at.date(), time(0), UTC) - timedelta(days=1)
    promised = next_mail(timing, undisturbed, max(begun, campaign.go_from or begun), None, send_window.quiet)
    return promised is not None and one.due_at > promised + send_window.grace


def decide(
    campaign: Sending,
    one: DueEnrolment | ExpectedEnrolment,
    now: datetime,
    send_window: SendWindow,
    *,
    promised: bool = True,
) -> Decision | Missed:
    """What the rules of the calendar say about an enrolment that is due.

    `promised` False: the moment that the campaign promised is over, and it is the reader's own hour that counts.
    """
    return decide_for(
        campaign.timing,
        one.schedule,
        one.due_at,
        now,
        send_window,
        one.last_local_date,
        first=promised and one.position == 1 and one.last_local_date is None,
        go_from=campaign.go_from,
    )


@dataclass(slots=True)
class Choices:
    """What becomes of enrolments of a campaign that are due, those together that go the same way.

    `tried`: their promised moment was kept, in vain. `over`: no lesson is left for them. `missed`: their promised
    moment is over.
    """

    campaign: Sending
    tried: set[int]
    lessons: dict[LessonOfDay, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[Step, list[int]] = field(default_factory=lambda: defaultdict(list))
    shifts: dict[datetime | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    over: set[int] = field(default_factory=set)
    missed: dict[int, DueEnrolment] = field(default_factory=dict)

    def choose(self, due: DueEnrolment, now: datetime, send_window: SendWindow) -> None:
        """Decide about one."""
        self._choose(due, now, send_window, promised=due.id not in self.tried)

    def choose_by_schedule(self, due: DueEnrolment, now: datetime, send_window: SendWindow) -> None:
        """Decide about one whose promised moment is over and whom nothing more is promised."""
        self._choose(due, now, send_window, promised=False)

    def _choose(self, due: DueEnrolment, now: datetime, send_window: SendWindow, *, promised: bool) -> None:
        campaign = self.campaign
        lesson_id = campaign.lessons.get(due.position)
        if lesson_id is None:
            self.over.add(due.id)
            return
        if not due.active:
            self.shifts[None].append(due.id)
            return
        match decide(campaign, due, now, send_window, promised=promised):
            case Missed():
                self.missed[due.id] = due
            case ShiftTo(instant):
                self.shifts[instant].append(due.id)
            case SendNow(local_date, send_by):
                self.lessons[LessonOfDay(lesson_id, local_date, send_by)].append(due.id)
                following = next_mail(campaign.timing, due.schedule, now, local_date)
                is_last = due.position == len(campaign.lessons)
                self.steps[Step(local_date, following, is_last)].append(due.id)
