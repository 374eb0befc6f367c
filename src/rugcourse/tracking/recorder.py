"""Records opens and clicks of readers who agreed to measuring, and resolves links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import EventKind, SubscriberStatus, Verdict
from rugcourse.db.queries import arrivals, email_events, subscribers
from rugcourse.db.queries.email_events import Clicked, Event, MailRead
from rugcourse.links import MailRef
from rugcourse.tracking.bot_detection import BURST_LINKS, BURST_SECONDS, classify_request
from rugcourse.tracking.link_targets import target_of


class TrackingHit(NamedTuple):
    """A request for a link or the tracking picture of a mail. Method and user agent are not stored.

    `link`: the number of the link; None for the picture.
    """

    mail: MailRef
    link: int | None
    method: str
    user_agent: str


def record_hits(
    session: Session, course_cache: CourseCache, clock: Clock, fetches: Sequence[TrackingHit]
) -> list[str | None]:
    """Record requests of readers who agreed to measuring. Returns the target of each: None for a picture or dead link.

    Several links of one mail within seconds all count as a scanner's. HEAD requests are not recorded.
    """
    mails = email_events.find_mails(session, {fetch.mail for fetch in fetches})
    targets = [_target(session, course_cache, mails.get(fetch.mail), fetch) for fetch in fetches]
    counted = [
        (mails[fetch.mail], fetch)
        for fetch, target in zip(fetches, targets, strict=True)
        if _counts(mails.get(fetch.mail), fetch, target)
    ]
    if counted:
        _keep(session, clock, counted)
    return targets


def _target(session: Session, course_cache: CourseCache, mail: MailRead | None, fetch: TrackingHit) -> str | None:
    return target_of(session, course_cache, mail, fetch.link) if mail is not None and fetch.link is not None else None


def _counts(mail: MailRead | None, fetch: TrackingHit, target: str | None) -> bool:
    led_somewhere = fetch.link is None or target is not None
    if mail is None or not mail.measuring or mail.subscriber_status != SubscriberStatus.ACTIVE:
        return False
    return led_somewhere and fetch.method == "GET"


def _keep(session: Session, clock: Clock, counted: Sequence[tuple[MailRead, TrackingHit]]) -> None:
    now = clock.now()
    kept = [
        Event(
            mail.id,
            EventKind.OPEN if fetch.link is None else EventKind.CLICK,
            classify_request(fetch.method, fetch.user_agent),
            now,
            fetch.link,
        )
        for mail, fetch in counted
    ]
    clicks = [event for event in kept if event.kind == EventKind.CLICK]
    clicked = {event.delivery_id for event in clicks}
    # A picture does not prove that its mail arrived: gateways fetch it before they accept the mail.
    used = {event.delivery_id for event in clicks if event.verdict == Verdict.HUMAN}
    if used:  # a bounce of the same mail may be handled at the same moment
        subscribers.lock(session, {mail.subscriber_id for mail, _ in counted if mail.id in used})
    email_events.add_events(session, kept)
    since = now - clock.span(BURST_SECONDS)
    lately = email_events.clicks_since(session, clicked, since) if clicked else []
    scanned = _mark_scanners(session, lately, since, now)
    doubted = {one.delivery_id for one in lately if arrivals.is_unknown(one.state)}
    for delivery_id in sorted(used & doubted - scanned):
        arrivals.confirm_by_activity(session, delivery_id, now)


def _mark_scanners(session: Session, lately: Sequence[Clicked], since: datetime, now: datetime) -> set[int]:
    """Mark the clicks since an instant as a machine's for mails whose links were all followed; returns these mails.

    Also revokes what the clicks had proved: that the mail arrived.
    """
    scanned = {one.delivery_id for one in lately if one.links >= BURST_LINKS}
    if scanned:
        email_events.classify_since(session, scanned, EventKind.CLICK, since, Verdict.MACHINE)
        arrivals.revoke_activity(session, scanned, since, now)
    return scanned
