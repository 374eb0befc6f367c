"""Applies withdrawals again that are missing after a database was restored from a backup.

Later decisions take precedence, as far as they are known: people who signed up, consented or returned since, and lifted
suppressions, are not changed. Idempotent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import BOUNCE, COMPLAINT, ERASED, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.db.withdrawal_log import (
    FORMER_ADDRESS,
    LIFTED,
    LINKS_CLOSED,
    MEASURING,
    NEWS,
    NO_SUPPRESSION,
    RETURNED,
    STATISTICS_ALLOWED,
    STATISTICS_OBJECTED,
    TAGS_ALLOWED,
    TAGS_OBJECTED,
    UNSUBSCRIBED,
    WithdrawalLog,
)
from rugcourse.enrolment import preferences, suppression
from rugcourse.enrolment.consents import ConsentContext, ConsentSource
from rugcourse.links import Signer
from rugcourse.privacy.erase import erase

_BATCH = 500

Kinds = dict[str, datetime]  # kind → time of the latest withdrawal (UTC)


def replay(database: Database, clock: Clock, signer: Signer, log: WithdrawalLog, bounced_days: int) -> int:
    """Apply withdrawals of the log that the database lacks. Returns the number of affected people. Raises OSError.

    `bounced_days`: older bounces are ignored, as their suppressions have expired.
    """
    withdrawn = _read(log, clock.now() - timedelta(days=bounced_days))
    applied = 0
    for people in _people(database) if withdrawn else ():
        known = {subscriber_id: bytes.fromhex(signer.digest(email)) for subscriber_id, email in people}
        theirs = {one: withdrawn.pop(digest) for one, digest in known.items() if digest in withdrawn}
        if theirs:
            with database.write() as session:
                applied += sum(_withdraw(session, clock.now(), signer, one, kinds) for one, kinds in theirs.items())
    applied += _suppress_unknown(database, withdrawn)
    database.scrub()
    return applied


def _read(log: WithdrawalLog, bounced_since: datetime) -> dict[bytes, Kinds]:
    """Return the latest withdrawal of each kind by digest."""
    found: dict[bytes, Kinds] = {}
    for one in log.read():
        if one.kind != BOUNCE or one.at >= bounced_since:
            kinds = found.setdefault(one.digest, {})
            kinds[one.kind] = max(one.at, kinds.get(one.kind, one.at))
    return found


def _withdraw(session: Session, now: datetime, signer: Signer, subscriber_id: int, kinds: Kinds) -> bool:
    """Apply one person's withdrawals. Returns whether anything changed."""
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None:
        return False
    theirs_since = max(person.created_at, person.address_corrected_at or person.created_at)
    since = {kind: at for kind, at in kinds.items() if at >= theirs_since}
    if since.pop(ERASED, None) is not None:
        why = _reason(since)
        if why is not None and why[0] != BOUNCE:
            subscribers.suppress(session, signer.digest(person.email), why[0], why[1])
        return erase(session, now, signer, subscriber_id)
    left = _leave(session, person, _left_at(since), now)
    ended = _end_measuring(session, person, since.pop(MEASURING, None), now)
    ended |= _end_news(session, person, since.pop(NEWS, None), now)
    ended |= _object(session, person, since)
    kept = subscribers.find_suppression(session, signer.digest(person.email))
    found = _reason(since) if kept is None or kept.reason == ERASED else None
    if found is not None:
        _suppress(session, signer, person, found[0], now)
    return left or ended or found is not None


def _left_at(kinds: Kinds) -> datetime | None:
    """Return when somebody last left without returning later, and remove these kinds. A complaint counts as leaving,
    even if its suppression was lifted.
    """
    returned = kinds.pop(RETURNED, None)
    left = max((at for kind, at in kinds.items() if kind in {UNSUBSCRIBED, COMPLAINT}), default=None)
    kinds.pop(UNSUBSCRIBED, None)
    return left if left is not None and (returned is None or left > returned) else None


def _leave(session: Session, person: SubscriberRow, at: datetime | None, now: datetime) -> bool:
    if at is None or person.left_at is not None or _agreed_after(session, person, "lessons", at):
        return False
    if person.status not in {SubscriberStatus.ACTIVE, SubscriberStatus.SUPPRESSED}:
        return False
    preferences.leave_everything(session, person, ConsentContext(now, ConsentSource.RESTORED))
    return True


def _end_measuring(session: Session, person: SubscriberRow, at: datetime | None, now: datetime) -> bool:
    if at is None or not person.tracking_consent or _agreed_after(session, person, "measuring", at):
        return False
    preferences.end_measuring(session, person, ConsentContext(now, ConsentSource.RESTORED))
    return True


def _end_news(session: Session, person: SubscriberRow, at: datetime | None, now: datetime) -> bool:
    if at is None or not person.news_consent or _agreed_after(session, person, "news", at):
        return False
    preferences.end_news(session, person, ConsentContext(now, ConsentSource.RESTORED))
    return True


def _object(session: Session, person: SubscriberRow, since: Kinds) -> bool:
    """Apply objections and closed links. Returns whether anything changed."""
    done = False
    if _stands(since, STATISTICS_OBJECTED, STATISTICS_ALLOWED) and person.statistics_objected_at is None:
        preferences.object_to_statistics(session, person, since[STATISTICS_OBJECTED])
        done = True
    if _stands(since, TAGS_OBJECTED, TAGS_ALLOWED) and person.tags_objected_at is None:
        preferences.object_to_tags(session, person, since[TAGS_OBJECTED])
        done = True
    if LINKS_CLOSED in since and (person.links_revoked_at is None or person.links_revoked_at < since[LINKS_CLOSED]):
        preferences.close_links_of(session, person, since[LINKS_CLOSED])
        done = True
    return done


def _stands(kinds: Kinds, withdrawn: str, allowed: str) -> bool:
    """Return whether a kind was withdrawn and not allowed again later."""
    return withdrawn in kinds and (allowed not in kinds or kinds[withdrawn] > kinds[allowed])


def _suppress(session: Session, signer: Signer, person: SubscriberRow, reason: str, now: datetime) -> None:
    suppression.suppress(session, now, signer, person.email, reason)
    if reason == COMPLAINT:
        preferences.end_courses(session, person.id, "the reader called it spam", now)
        person.left_at = person.left_at or now


def _agreed_after(session: Session, person: SubscriberRow, purpose: str, at: datetime) -> bool:
    return any(
        one.granted and one.purpose == purpose and one.at > at for one in subscribers.consents(session, person.id)
    )


def _suppress_unknown(database: Database, left: Mapping[bytes, Kinds]) -> int:
    """Suppress addresses without a subscriber, as an import could add them again. Returns how many."""
    count, digests = 0, iter(left.items())
    while some := dict(islice(digests, _BATCH)):
        reasons = {digest.hex(): _reason(_with_former(kinds)) for digest, kinds in some.items()}
        with database.write() as session:
            known = subscribers.suppressions_among(session, list(reasons))
            for digest, (reason, at) in ((one, found) for one, found in reasons.items() if found):
                before = known.get(digest)
                if before is None or (before.reason == BOUNCE and reason != BOUNCE):
                    subscribers.suppress(session, digest, reason, at)
                    count += 1
    return count


def _with_former(kinds: Kinds) -> Kinds:
    """Treat an earlier address of an erased person as erased: nobody has it now, and an import must not add it."""
    if FORMER_ADDRESS not in kinds:
        return kinds
    return {**kinds, ERASED: max(kinds[FORMER_ADDRESS], kinds.get(ERASED, kinds[FORMER_ADDRESS]))}


def _reason(kinds: Kinds) -> tuple[str, datetime] | None:
    """Return the most important reason for a suppression, and its time; None if all were lifted later."""
    lifted = kinds.get(LIFTED)
    reasons = [one for one in kinds.items() if one[0] not in NO_SUPPRESSION]
    return min((one for one in reasons if lifted is None or one[1] > lifted), key=_weight, default=None)


def _weight(found: tuple[str, datetime]) -> int:
    return {COMPLAINT: 0, ERASED: 2, BOUNCE: 3}.get(found[0], 1)


def _people(database: Database) -> Iterator[list[tuple[int, str]]]:
    last = 0
    while True:
        with database.read() as session:
            found = subscribers.addresses(session, last, _BATCH)
        if not found:
            return
        yield found
        last = found[-1][0]
