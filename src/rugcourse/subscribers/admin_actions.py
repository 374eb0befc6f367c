"""Actions of admins for one subscriber. Each has a reason, and writes to the audit log in the same transaction.

CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.content.model import without_invisible
from rugcourse.db.audience import MAX_TAG_LENGTH
from rugcourse.db.models import AuditAction, SubscriberRow, SubscriberStatus
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

_ERASED = "erased"  # the subject of audit log entries about erased people


class SubscriberNotFound(NotFoundError):
    """There is no subscriber with this id."""


class UnknownAction(InvalidInput):
    """There is no action with this name."""


class DeliveryNotUnknown(InvalidState):
    """The mail is not one of this subscriber whose delivery is unknown."""


class InvalidTag(InvalidInput):
    """The tag is empty, too long or contains a comma."""


class TagsRefused(InvalidState):
    """The subscriber objected to tags."""


class NotAskedByOwner(InvalidInput):
    """The owner did not ask for the correction, so that the new address has to confirm it."""


class AddressChanged(ConflictError):
    """The address has changed since the page was loaded."""


class NotConfirmed(InvalidInput):
    """The checkbox to confirm the erasure was not ticked."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """An action with its reason and parameters.

    `enrolment_id`, `lesson_id`: for `move`. `delivery_id`: for `resend`. `email`: the new address. `shown`: the address
    when the page was loaded. `sure`: the erasure is confirmed. `told`: the owner of the address asked for this.
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
    """What an action works with."""

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
    """Perform an action and write it to the audit log. Returns what to mail, for `ask_address`; else None.

    Raises SubscriberNotFound, UnknownAction, and the errors of the actions; then nothing is changed.
    """
    do = _ACTIONS.get(request.action)
    if do is None:
        raise UnknownAction
    person = session.get(SubscriberRow, subscriber_id)
    if person is None:
        raise SubscriberNotFound
    asked = do(_Context(session, now, signer, person, request))
    _record(session, now, admin_id, subscriber_id, AuditAction(f"subscriber.{request.action}"), request.reason)
    return asked


def record_copy(session: Session, now: datetime, admin_id: int, subscriber_id: int, reason: str) -> None:
    """Record in the audit log that a subscriber's data was exported. Raises SubscriberNotFound."""
    if session.get(SubscriberRow, subscriber_id) is None:
        raise SubscriberNotFound
    _record(session, now, admin_id, subscriber_id, AuditAction.SUBSCRIBER_COPY, reason)


def record_list_export(session: Session, now: datetime, admin_id: int, about: dict[str, object]) -> None:
    """Record in the audit log that a list of subscribers was exported. `about`: the filters, without addresses."""
    admins.record_change(session, now, admin_id, AuditAction.SUBSCRIBERS_EXPORT, "subscribers", None, about)


def record_file(session: Session, now: datetime, admin_id: int, name: str, about: Mapping[str, str]) -> None:
    """Record in the audit log that a list was downloaded. `name`: of the list; `about`: its filters and order."""
    admins.record_change(session, now, admin_id, AuditAction.LIST_DOWNLOAD, f"list:{name}", None, about)


def suppress_address(session: Session, now: datetime, signer: Signer, admin_id: int, typed: str, reason: str) -> None:
    """Suppress an address. Raises NotAnAddress."""
    suppression.suppress_address(session, now, signer, typed, "admin")
    _record_address(session, now, admin_id, AuditAction.ADDRESS_SUPPRESS, reason)


def lift_suppression(session: Session, now: datetime, signer: Signer, admin_id: int, typed: str, reason: str) -> None:
    """Lift the suppression of an address. Raises NotAnAddress, NotSuppressed."""
    suppression.lift(session, now, signer, typed)
    _record_address(session, now, admin_id, AuditAction.ADDRESS_LIFT, reason)


def _record_address(session: Session, now: datetime, admin_id: int, action: AuditAction, reason: str) -> None:
    """Record an action for an address in the audit log, which contains no addresses."""
    admins.record_change(session, now, admin_id, action, "suppressions", None, {"reason": reason})


def _record(
    session: Session, now: datetime, admin_id: int, subscriber_id: int, action: AuditAction, reason: str
) -> None:
    erased = action == AuditAction.SUBSCRIBER_ERASE
    source = {"source": "said by the person"} if action == AuditAction.SUBSCRIBER_CORRECT else {}
    kept = None if erased else {"reason": reason, **source}  # a reason can name the person
    subject = _ERASED if erased else admins.subject_of(subscriber_id)
    admins.record_change(session, now, admin_id, action, subject, None, kept)


def _pause(context: _Context) -> None:
    preferences.pause(context.session, context.now, context.person.id)


def _resume(context: _Context) -> None:
    preferences.resume(context.session, context.now, context.person.id)


def _move(context: _Context) -> None:
    """Move an enrolment. Enrolments of other subscribers, or in broadcasts, raise LessonNotInCourse."""
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
    """Correct the address at once if its owner asked for it, or never confirmed and so is asked at the new one."""
    person, request = context.person, context.request
    if not request.told and person.status != SubscriberStatus.PENDING:
        raise NotAskedByOwner
    if request.shown not in {"", person.email}:
        raise AddressChanged
    correct_address(context.session, context.now, context.signer, person.id, request.email)


def _ask_address(context: _Context) -> AddressRequest | None:
    """Ask a new address to confirm: mails that reveal health data must not go to an unconfirmed one."""
    email = normalise_email(context.request.email)
    if email is None:
        raise NotAnAddress
    return request_change(context.session, context.now, context.signer, context.person.id, email)


def _tag(context: _Context) -> None:
    if context.person.tags_objected_at is not None:
        raise TagsRefused
    subscribers.add_tags(context.session, [context.person.id], _tag_of(context.request))


def _untag(context: _Context) -> None:
    subscribers.remove_tag(context.session, context.person.id, _tag_of(context.request))


def _object_to_tags(context: _Context) -> None:
    preferences.object_on_request(context.session, context.now, context.person.id, Objection.TAGS)


def _object_to_statistics(context: _Context) -> None:
    preferences.object_on_request(context.session, context.now, context.person.id, Objection.STATISTICS)


def _tag_of(request: ActionRequest) -> str:
    tag = without_invisible(request.tag).strip().lower()
    if not tag.isprintable() or not tag or len(tag) > MAX_TAG_LENGTH or "," in tag:
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
    "ask_address": _ask_address,
    "tag": _tag,
    "untag": _untag,
    "no_tags": _object_to_tags,
    "no_statistics": _object_to_statistics,
}

ACTION_NAMES = tuple(_ACTIONS)
