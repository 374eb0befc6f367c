"""What an admin can do for one subscriber, each with a reason and, in the same transaction, an entry in the audit log.

To add an action: write a function below, put it into `_ACTIONS`, and name it in `templates/web/admin/subscriber.html`
and `templates/web/admin/audit-log-labels.html`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.audience import MAX_TAG_LENGTH
from rugcourse.db.models import SubscriberRow, SubscriberStatus
from rugcourse.db.queries import admins, campaigns, enrolments, subscribers
from rugcourse.delivery.resend import resend
from rugcourse.enrolment import preferences, suppression
from rugcourse.enrolment.admin_changes import LessonNotInCourse, correct_address, move_to_lesson
from rugcourse.enrolment.new_address import AddressRequest, request_change
from rugcourse.enrolment.preferences import Objection
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.errors import ConflictError, InvalidInput, InvalidState, NotFoundError
from rugcourse.links import Signer
from rugcourse.privacy.erase import erase

_ERASED = "erased"  # what the audit log calls somebody who is not there any more


class SubscriberNotFound(NotFoundError):
    """There is nobody with this number (any more)."""


class UnknownAction(InvalidInput):
    """There is no such action."""


class DeliveryNotUnknown(InvalidState):
    """The mail is not one of theirs of which nobody knows whether it arrived."""


class InvalidTag(InvalidInput):
    """No tag was typed, or one that is too long or holds a comma."""


class TagsRefused(InvalidState):
    """The person objected to tags."""


class NotAskedByOwner(InvalidInput):
    """The person did not say so themselves: the new address has to confirm."""


class AddressChanged(ConflictError):
    """The page showed another address than they have by now."""


class NotConfirmed(InvalidInput):
    """The box was not ticked."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """An action by its name, why it is done, and what was filled in for it; most need little of it.

    `enrolment_id`, `lesson_id`: for `move`; `delivery_id`: for `resend`; `email`: the new address; `shown`: the address
    that the page showed; `sure`: a box that says that it is meant; `told`: a box that says that the owner asked for it.
    """

    action: str
    reason: str
    enrolment_id: int = 0
    lesson_id: int = 0
    delivery_id: int = 0
    email: str = ""
    shown: str = ""
    sure: bool = False
    told: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class _Context:
    """Who an action is for, and what it works with."""

    session: Session
    now: datetime
    signer: Signer
    person: SubscriberRow
    request: ActionRequest


def perform(
    session: Session,
    now: datetime,
    signer: Signer,
    admin_id: int,
    subscriber_id: int,
    request: ActionRequest,
) -> AddressRequest | None:
    """Do something for a subscriber, and write it into the audit log. Returns what is to be mailed, for `ask address`.

    Raises SubscriberNotFound, UnknownAction, and what the actions below raise: then nothing is done or written.
    """
    do = _ACTIONS.get(request.action)
    if do is None:
        raise UnknownAction
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        raise SubscriberNotFound
    asked = do(_Context(session, now, signer, person, request))
    _record(session, now, admin_id, subscriber_id, request.action, request.reason)
    return asked


def record_copy(session: Session, now: datetime, admin_id: int, subscriber_id: int, reason: str) -> None:
    """Write into the audit log that everything about somebody was exported for them. Raises SubscriberNotFound."""
    if session.get(SubscriberRow, subscriber_id) is None:
        raise SubscriberNotFound
    _record(session, now, admin_id, subscriber_id, "copy", reason)


def record_list_export(session: Session, now: datetime, admin_id: int, about: dict[str, object]) -> None:
    """Write into the audit log that a list of subscribers was exported. `about`: the filters, without addresses."""
    admins.record_change(session, now, admin_id, "list taken", "subscribers", None, about)


def suppress_address(session: Session, now: datetime, signer: Signer, admin_id: int, typed: str, reason: str) -> None:
    """Never write to an address again. Raises NotAnAddress."""
    suppression.suppress_address(session, now, signer, typed, "admin")
    _record_address(session, now, admin_id, "suppress", reason)


def lift_suppression(session: Session, now: datetime, signer: Signer, admin_id: int, typed: str, reason: str) -> None:
    """Let an address be written to again. Raises NotAnAddress, NotSuppressed."""
    suppression.lift(session, now, signer, typed)
    _record_address(session, now, admin_id, "lift", reason)


def _record_address(session: Session, now: datetime, admin_id: int, action: str, reason: str) -> None:
    """The audit log keeps no address."""
    admins.record_change(session, now, admin_id, f"address: {action}", "suppressions", None, {"reason": reason})


def _record(session: Session, now: datetime, admin_id: int, subscriber_id: int, action: str, reason: str) -> None:
    erased = action == "erase"
    source = {"source": "said by the person"} if action == "correct" else {}
    kept = None if erased else {"reason": reason, **source}  # a reason can name the person
    subject = _ERASED if erased else admins.subject_of(subscriber_id)
    admins.record_change(session, now, admin_id, f"subscriber: {action}", subject, None, kept)


def _pause(context: _Context) -> None:
    preferences.pause(context.session, context.now, context.person.id)


def _resume(context: _Context) -> None:
    preferences.resume(context.session, context.now, context.person.id)


def _move(context: _Context) -> None:
    """Raises LessonNotInCourse also for an enrolment of somebody else, or in something that is no course."""
    session, request = context.session, context.request
    courses = campaigns.of_courses(session)
    mine = {one.id for one in enrolments.of_subscriber(session, context.person.id) if one.campaign_id in courses}
    if request.enrolment_id not in mine:
        raise LessonNotInCourse
    move_to_lesson(session, context.now, request.enrolment_id, request.lesson_id)


def _resend(context: _Context) -> None:
    session, delivery_id = context.session, context.request.delivery_id
    found = subscribers.by_delivery(session, delivery_id)
    if found is None or found[0].id != context.person.id or not resend(session, context.now, [delivery_id]):
        raise DeliveryNotUnknown


def _unsubscribe(context: _Context) -> None:
    preferences.unsubscribe_on_request(context.session, context.now, context.person.id)


def _suppress(context: _Context) -> None:
    suppression.suppress_person(context.session, context.now, context.signer, context.person.id, "admin")


def _erase(context: _Context) -> None:
    if not context.request.sure:
        raise NotConfirmed
    erase(context.session, context.now, context.signer, context.person.id)


def _correct(context: _Context) -> None:
    """At once: the owner asked for it, so the new address need not confirm; or it is asked to confirm anyway."""
    person, request = context.person, context.request
    if not request.told and person.status != SubscriberStatus.PENDING:
        raise NotAskedByOwner
    if request.shown not in {"", person.email}:
        raise AddressChanged
    correct_address(context.session, context.now, context.signer, person.id, request.email)


def _ask_address(context: _Context) -> AddressRequest | None:
    """Mails about somebody's health go to no new address before its owner says so."""
    email = normalise_email(context.request.email)
    if email is None:
        raise NotAnAddress
    return request_change(context.session, context.now, context.signer, context.person.id, email)


def _tag(context: _Context) -> None:
    if context.person.untagged_at is not None:
        raise TagsRefused
    subscribers.add_tags(context.session, [context.person.id], _tag_of(context.request))


def _untag(context: _Context) -> None:
    subscribers.remove_tag(context.session, context.person.id, _tag_of(context.request))


def _object_to_tags(context: _Context) -> None:
    preferences.object_on_request(context.session, context.now, context.person.id, Objection.TAGS)


def _object_to_statistics(context: _Context) -> None:
    preferences.object_on_request(context.session, context.now, context.person.id, Objection.STATISTICS)


def _tag_of(request: ActionRequest) -> str:
    tag = request.tag.strip().lower()
    if not tag or len(tag) > MAX_TAG_LENGTH or "," in tag:
        raise InvalidTag
    return tag


_ACTIONS: dict[str, Callable[[_Context], AddressRequest | None]] = {
    "pause": _pause,
    "resume": _resume,
    "move": _move,
    "resend": _resend,
    "unsubscribe": _unsubscribe,
    "suppress": _suppress,
    "erase": _erase,
    "correct": _correct,
    "ask address": _ask_address,
    "tag": _tag,
    "untag": _untag,
    "no tags": _object_to_tags,
    "no statistics": _object_to_statistics,
}
