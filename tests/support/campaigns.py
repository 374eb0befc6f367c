"""Campaigns that are drafted, started and read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from tests.support.builders import at_eight, course_of, enrolment_of, mails_to, make_reader, plan, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import drafts, lifecycle, send_preview
from rugcourse.campaigns.drafts import Actor, Part
from rugcourse.campaigns.progress import CampaignProgress, progress_of
from rugcourse.clock import VirtualClock
from rugcourse.content import Message, MessageText
from rugcourse.db.audience import Audience
from rugcourse.db.models import CampaignKind, CampaignRow, DeliveryKind, DeliveryState, EnrolmentRow, Ground
from rugcourse.db.queries import campaigns, enrolments, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.scheduling import Schedule, Timing

MONDAY = date(2026, 11, 30)
TEXT = MessageText(
    title="Open evening", subject="You are welcome", preheader="On Thursday", body="See [us](https://example.org/x)."
)
MESSAGE = Message(texts={"nl": TEXT, "en": TEXT})


def author(runtime: Runtime) -> Actor:
    return Actor(None, runtime.clock.now())  # at the command line


def draft(runtime: Runtime, kind: CampaignKind, timing: Timing, audience: Audience = Audience()) -> int:  # noqa: B008
    made = runtime.database.run(drafts.create, author(runtime), kind, course_of(runtime).id, "November")
    if kind == CampaignKind.BROADCAST:
        runtime.database.run(drafts.write, runtime.clock.now(), made, "November", MESSAGE)
    drafts.set_audience(runtime.database, runtime.clock, made, audience)
    runtime.database.run(drafts.set_timing, made, timing)
    runtime.database.run(drafts.set_pace, made, None, timing.every_days)
    return made


def start(runtime: Runtime, campaign_id: int) -> None:
    """Also for all who know the course."""
    runtime.database.run(lifecycle.start, author(runtime), campaign_id, knowing(runtime, campaign_id))
    enrol(runtime)


def knowing(runtime: Runtime, campaign_id: int) -> int:
    """How many of its audience were counted as people who know the course."""
    counted = send_preview.repeats_counted(campaign_row(runtime, campaign_id).estimate)
    return counted[1].total if counted else 0


def enrol(runtime: Runtime) -> None:
    while runtime.database.run(lifecycle.enrol_batch, runtime.clock.now(), runtime.send_window.quiet):
        pass


def campaign_row(runtime: Runtime, campaign_id: int) -> CampaignRow:
    with runtime.database.read() as session:
        row = campaigns.find(session, campaign_id)
        assert row is not None
        return row


def progress(runtime: Runtime, campaign_id: int) -> CampaignProgress:
    with runtime.database.read() as session:
        return progress_of(session, campaign_row(runtime, campaign_id))


def due_times(runtime: Runtime, campaign_id: int) -> dict[str, datetime | None]:
    with runtime.database.read() as session:
        rows = session.scalars(select(EnrolmentRow).where(EnrolmentRow.campaign_id == campaign_id)).all()
        people = {one.id: one.email for one in subscribers.everyone(session, 100)}
    return {people[one.subscriber_id]: one.next_due_at for one in rows}


def broadcasts_to(runtime: Runtime, email: str) -> list[DeliveryState]:
    return [DeliveryState(one.state) for one in mails_to(runtime, email, DeliveryKind.BROADCAST)]


def enrolment_in(runtime: Runtime, campaign_id: int, email: str) -> tuple[str, datetime | None]:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        one = session.scalars(
            select(EnrolmentRow).where(EnrolmentRow.campaign_id == campaign_id, EnrolmentRow.subscriber_id == person.id)
        ).one()
    return one.status, one.next_due_at


def in_all_stages(runtime: Runtime, dispatcher: Dispatcher) -> dict[str, str]:
    """Four people: who had the whole course, who is in the middle, who left it on the way, and who never followed it."""
    found = {name: make_reader(runtime, f"{name}@x.example") for name in ("done", "reading", "stopped")}
    found["new"] = reader_of_another_course(runtime, "new@x.example")
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    for name, status in (("done", "completed"), ("stopped", "left")):
        set_enrolment(runtime, found[name], status)
    return found


def sign_up_for_another_course(runtime: Runtime, email: str) -> None:
    with runtime.database.read() as session:
        other = runtime.course_cache.course(session, "stress-en-rugpijn")
    assert other is not None
    signup = Signup(email, "Sam Reader", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, runtime.clock, runtime.signer, other, signup, "nl")


def reader_of_another_course(runtime: Runtime, email: str) -> str:
    sign_up_for_another_course(runtime, email)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0].id
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail, news=True)
    return email


def set_enrolment(runtime: Runtime, email: str, status: str) -> None:
    with runtime.database.write() as session:
        mine = session.merge(enrolment_of(runtime, email))
        mine.status, mine.next_due_at = status, None
        mine.completed_at = runtime.clock.now() if status == "completed" else None
        mine.left_at = runtime.clock.now() if status == "left" else None


def enrolled(runtime: Runtime, campaign_id: int) -> set[str]:
    return {email.partition("@")[0] for email in due_times(runtime, campaign_id)}


def etag_of(runtime: Runtime, campaign_id: int, *parts: Part) -> str:
    with runtime.database.read() as session:
        row = campaigns.find(session, campaign_id)
        assert row is not None
        return drafts.etag(session, row, *parts)


def lessons_of(runtime: Runtime, campaign_id: int, email: str) -> list[int]:
    """The lessons of a campaign that arrived."""
    found = [one for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == campaign_id]
    return [one.lesson_id or 0 for one in found if one.state == DeliveryState.ACCEPTED]


def sign_up_again(runtime: Runtime, email: str) -> DeliveryKind:
    """What the visitor gets by mail; a mail that asks to confirm is confirmed."""
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(days=1)
    signup = Signup(email, "Sam Reader", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, runtime.clock, runtime.signer, course_of(runtime), signup, "nl")
    mail = mails_to(runtime, email)[-1]
    if mail.kind == DeliveryKind.CONFIRM:
        runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail.id)
    return DeliveryKind(mail.kind)


def enrolments_of(runtime: Runtime, email: str) -> list[EnrolmentRow]:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return list(enrolments.of_subscriber(session, person.id))


def broadcast(runtime: Runtime, ground: Ground) -> int:
    assert isinstance(runtime.clock, VirtualClock)
    if runtime.clock.now().hour < 8:
        runtime.clock.advance(hours=3)  # behind the quiet hours
    made = draft(runtime, CampaignKind.BROADCAST, Timing(at=runtime.clock.now()))
    drafts.set_audience(runtime.database, runtime.clock, made, Audience(), ground=ground)
    return made


def next_due(runtime: Runtime, person: int) -> datetime | None:
    """Of the course."""
    with runtime.database.read() as session:
        [found] = [one for one in enrolments.of_subscriber(session, person) if one.status == "active"]
    return found.next_due_at


def read_on(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Twelve days of lessons."""
    assert isinstance(runtime.clock, VirtualClock)
    for _ in range(12 * 12):
        runtime.clock.advance(hours=2)
        plan(runtime)
        send_all(dispatcher)
