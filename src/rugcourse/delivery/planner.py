"""Turns due enrolments into deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

import structlog
from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database, DatabaseAway
from rugcourse.db.queries import campaigns, cancellations, delivery_planning, due_enrolments, sending_holds
from rugcourse.db.queries.campaigns import Sending
from rugcourse.db.queries.delivery_planning import LessonOfDay
from rugcourse.db.queries.due_enrolments import DueEnrolment, ExpectedEnrolment, Step
from rugcourse.delivery import retry
from rugcourse.delivery.failures import OnRejection, give_up_late
from rugcourse.scheduling import Decision, Missed, SendNow, SendWindow, ShiftTo, decide_for, next_mail

log = structlog.get_logger()

BATCH = 1000
TOO_LATE = "too-late"  # why a campaign waits for an admin: its fixed moment was missed by more than the send window


@dataclass(frozen=True, slots=True)
class PlanningResult:
    """The numbers of one planning run. `late`: deliveries that were not sent within their send window."""

    planned: int = 0
    shifted: int = 0
    late: int = 0

    def __add__(self, other: PlanningResult) -> PlanningResult:
        return PlanningResult(self.planned + other.planned, self.shifted + other.shifted, self.late + other.late)


def plan_due(database: Database, clock: Clock, send_window: SendWindow, on_rejection: OnRejection) -> PlanningResult:
    """Plan every lesson that is due now, and return the totals. `on_rejection`: see `plan_batches`."""
    return sum(plan_batches(database, clock, send_window, on_rejection), PlanningResult())


def plan_batches(
    database: Database, clock: Clock, send_window: SendWindow, on_rejection: OnRejection
) -> Iterator[PlanningResult]:
    """Plan every lesson that is due now, one batch per step.

    Each batch is one transaction: it inserts the deliveries and advances the enrolments, or does neither. Any number
    of schedulers may run this concurrently. Before that, late deliveries are ended; `on_rejection` is called for those
    that the reader's server deferred until they were late.
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
            log.exception("batch_not_planned", campaign_id=campaign_id)
            yield _plan_one_by_one(database, clock, campaign_id, send_window)


def _end_late(database: Database, clock: Clock, on_rejection: OnRejection) -> Iterator[PlanningResult]:
    late = BATCH
    while late == BATCH:
        with database.write_batch() as session:
            late = len(cancellations.cancel_late(session, clock.now(), BATCH))
        yield PlanningResult(late=late)
    with database.read() as session:
        put_off = cancellations.late_after_tries(session, clock.now(), BATCH)
    for delivery_id in put_off:
        try:
            with database.write() as session:
                ended = give_up_late(session, delivery_id, clock.now(), on_rejection)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("late_mail_not_ended", delivery_id=delivery_id)
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
    """Plan one batch row by row, so that an invalid row does not block others; the next batch waits for the next tick.

    If the campaign itself can't be read, its enrolments are left unchanged.
    """
    try:
        with database.read() as session:
            campaigns.find_sending(session, campaign_id)
            ids = due_enrolments.due_ids(session, campaign_id, clock.now(), BATCH)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("campaign_unreadable", campaign_id=campaign_id)
        return PlanningResult()
    return sum((_plan_one(database, clock, campaign_id, one, send_window) for one in ids), PlanningResult())


def _plan_one(
    database: Database, clock: Clock, campaign_id: int, enrolment_id: int, send_window: SendWindow
) -> PlanningResult:
    """Plan one enrolment, or postpone it for a while if that fails."""
    try:
        with database.write_batch(durable=False) as session:
            return _plan_batch(session, campaign_id, clock.now(), send_window, only=enrolment_id)
    except DatabaseAway:
        raise
    except Exception:
        log.exception("lesson_not_planned", campaign_id=campaign_id, enrolment_id=enrolment_id)
    with database.write() as session:
        due_enrolments.shift(session, {clock.now() + clock.span(retry.BROKEN_ROW_SECONDS): [enrolment_id]})
    return PlanningResult(shifted=1)


def _plan_batch(
    session: Session, campaign_id: int, now: datetime, send_window: SendWindow, *, only: int | None = None
) -> PlanningResult:
    # Locked before the positions of lessons are read: reordering lessons changes both, and waits for these locks.
    due = due_enrolments.lock_due(session, campaign_id, now, BATCH, only)
    campaign = campaigns.find_sending(session, campaign_id)
    if campaign is None:  # paused in the meantime
        return PlanningResult()
    choices = Choices(campaign, _tried_before(session, campaign, due))
    for one in due:
        choices.choose(one, now, send_window)
    if choices.missed:
        _end_missed(session, choices, now, send_window)
    planned = delivery_planning.plan_lessons(session, choices.lessons, now, campaign.delivers)
    # A lesson that was not planned had been sent before the course was reordered. Go on to the next, the same day.
    due_enrolments.skip_lessons(session, [one for ids in choices.lessons.values() for one in ids if one not in planned])
    steps = {step: [one for one in ids if one in planned] for step, ids in choices.steps.items()}
    due_enrolments.advance(session, steps, now)
    due_enrolments.complete(session, choices.over, now)
    if None in choices.shifts:  # readers who came back since their status was read are considered again
        back = due_enrolments.came_back(session, choices.shifts[None])
        choices.shifts[None] = [one for one in choices.shifts[None] if one not in back]
    due_enrolments.shift(session, choices.shifts)
    return PlanningResult(planned=len(planned), shifted=len(due) - len(planned) - len(choices.missed))


def _tried_before(session: Session, campaign: Sending, due: Sequence[DueEnrolment]) -> set[int]:
    """Return the enrolments whose first mail was tried at the campaign's fixed moment and deferred by the server."""
    first = [one.id for one in due if one.position == 1 and one.last_local_date is None]
    return cancellations.tried(session, first) if campaign.timing.has_fixed_start and first else set()


def _end_missed(session: Session, choices: Choices, now: datetime, send_window: SendWindow) -> None:
    """Handle enrolments that did not get the first mail at the campaign's fixed moment.

    If nothing has gone out since, the system was down, and an admin decides about the campaign. If others got theirs,
    a rate limit, a warm-up or a hold of a domain caused the delay: the rest get it at their next hour.
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
        domains = due_enrolments.domains_of(session, list(missed)) if held else {}
        excused = {one for one in missed if domains.get(one) in held}
    for one in excused:
        choices.choose_by_schedule(missed.pop(one), now, send_window)
    if missed:
        campaigns.pause_for_admin(session, campaign.id, TOO_LATE)


def _was_late(campaign: Sending, one: DueEnrolment, send_window: SendWindow) -> bool:
    """Whether a reader's pause, or a limit the day before, moved their first mail away from the fixed moment."""
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
    """Apply the scheduling rules to a due enrolment.

    If `promised` is False, the campaign's fixed moment is over and the reader's own hour applies.
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
        awaits_answer=one.awaits_answer,
    )


@dataclass(slots=True)
class Choices:
    """The decisions on due enrolments of a campaign, grouped by outcome.

    `tried`: their first mail was tried at the fixed moment and deferred. `over`: no lesson is left for them.
    `missed`: their fixed moment has passed.
    """

    campaign: Sending
    tried: set[int]
    lessons: dict[LessonOfDay, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[Step, list[int]] = field(default_factory=lambda: defaultdict(list))
    shifts: dict[datetime | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    over: set[int] = field(default_factory=set)
    missed: dict[int, DueEnrolment] = field(default_factory=dict)

    def choose(self, due: DueEnrolment, now: datetime, send_window: SendWindow) -> None:
        """Decide about one enrolment."""
        self._choose(due, now, send_window, promised=due.id not in self.tried)

    def choose_by_schedule(self, due: DueEnrolment, now: datetime, send_window: SendWindow) -> None:
        """Decide about one enrolment by the reader's schedule, as its fixed moment is over."""
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
                is_last = due.position == len(campaign.lessons)
                waits = campaign.timing.cadence.waits_for_answer and not is_last
                following = next_mail(campaign.timing, due.schedule, now, local_date, awaits_answer=waits)
                self.steps[Step(local_date, following, is_last, waits)].append(due.id)
