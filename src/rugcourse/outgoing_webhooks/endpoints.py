"""What an admin does with a webhook endpoint: adds, changes, disables and deletes it, and makes a new secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.orm import Session

from rugcourse.content.model import without_invisible
from rugcourse.db.models import (
    WEBHOOK_TEST,
    AuditAction,
    DisabledReason,
    WebhookDeliveryRow,
    WebhookEndpointRow,
    WebhookEvent,
)
from rugcourse.db.queries import admins, webhook_deliveries, webhook_endpoints, webhook_events
from rugcourse.errors import InvalidInput, NotFoundError
from rugcourse.i18n import N_
from rugcourse.outgoing_webhooks.messages import new_secret
from rugcourse.outgoing_webhooks.networks import Network, is_allowed
from rugcourse.secret_box import SecretBox

LONGEST_URL = 500
LONGEST_DESCRIPTION = 80
MOST_ENDPOINTS = 20  # each is looked at when something happens
ROTATION = timedelta(hours=24)  # for which the former secret signs as well
_LISTED = 50
_MOST_COUNTED = 10_000
_THIS_MACHINE = "localhost"


class InvalidEndpoint(InvalidInput):
    """An endpoint can't be so. The message says why."""


class EndpointNotFound(NotFoundError):
    """There is no such endpoint, or no such event of it."""


@dataclass(frozen=True, slots=True)
class EndpointForm:
    """What an admin typed. `events`: the names of those that it wants."""

    url: str
    description: str
    events: tuple[str, ...]
    includes_email: bool


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """`secret`: what it verifies signatures with, which nothing shows again."""

    id: int
    secret: str


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """An endpoint, its latest events, and from which id (below) there are older ones, if any."""

    endpoint: WebhookEndpointRow
    deliveries: Sequence[WebhookDeliveryRow]
    older: int | None


def add(
    session: Session,
    now: datetime,
    secret_box: SecretBox,
    allowed: Sequence[Network],
    form: EndpointForm,
    admin_id: int | None,
) -> NewEndpoint:
    """Add an endpoint. Raises InvalidEndpoint."""
    checked = _checked(form, allowed)
    if webhook_endpoints.number_of(session) >= MOST_ENDPOINTS:
        raise InvalidEndpoint(N_("There are as many endpoints as there can be. Delete one first."))
    row = WebhookEndpointRow(
        url=checked.url,
        description=checked.description,
        events=" ".join(checked.events),
        includes_email=checked.includes_email,
        is_enabled=True,
        disabled_reason=DisabledReason.NONE,
        secret="",
        created_at=now,
        failures=0,
    )
    webhook_endpoints.add(session, row)
    secret = new_secret()
    row.secret = secret_box.encrypt(secret, _context(row.id))
    session.flush()
    _record(session, now, admin_id, AuditAction.WEBHOOK_ADD, row)
    return NewEndpoint(row.id, secret)


def change(
    session: Session,
    now: datetime,
    allowed: Sequence[Network],
    endpoint_id: int,
    form: EndpointForm,
    admin_id: int | None,
) -> None:
    """Change an endpoint; its secret stays. Raises InvalidEndpoint, EndpointNotFound."""
    checked, row = _checked(form, allowed), _found(session, endpoint_id)
    before = _facts(row)
    row.url, row.description = checked.url, checked.description
    row.events, row.includes_email = " ".join(checked.events), checked.includes_email
    row.retry_at = None
    _record(session, now, admin_id, AuditAction.WEBHOOK_CHANGE, row, before)


def rotate_secret(
    session: Session, now: datetime, secret_box: SecretBox, endpoint_id: int, admin_id: int | None
) -> NewEndpoint:
    """Make a new secret; the former one signs as well for a day. Raises EndpointNotFound."""
    row, secret = _found(session, endpoint_id), new_secret()
    row.former_secret, row.former_secret_until = row.secret, now + ROTATION
    row.secret = secret_box.encrypt(secret, _context(row.id))
    _record(session, now, admin_id, AuditAction.WEBHOOK_ROTATE_SECRET, row)
    return NewEndpoint(row.id, secret)


def set_enabled(session: Session, now: datetime, endpoint_id: int, admin_id: int | None, *, enabled: bool) -> None:
    """Enable or disable an endpoint. What waited goes out once it is enabled. Raises EndpointNotFound."""
    row = _found(session, endpoint_id)
    if enabled:
        row.is_enabled, row.disabled_reason = True, DisabledReason.NONE
        webhook_endpoints.mark_success(row)
    else:
        webhook_endpoints.disable(row, DisabledReason.ADMIN)
    action = AuditAction.WEBHOOK_ENABLE if enabled else AuditAction.WEBHOOK_DISABLE
    _record(session, now, admin_id, action, row)


def remove(session: Session, now: datetime, endpoint_id: int, admin_id: int | None) -> None:
    """Delete an endpoint, and what it was told. Raises EndpointNotFound."""
    row = _found(session, endpoint_id)
    _record(session, now, admin_id, AuditAction.WEBHOOK_DELETE, row)
    webhook_endpoints.remove(session, row)


def send_test(session: Session, now: datetime, endpoint_id: int) -> None:
    """Send a test event, which is about nobody. Raises EndpointNotFound."""
    row = _found(session, endpoint_id)
    webhook_events.write(session, [row.id], WEBHOOK_TEST, now, [(None, {"message": "It works."})])


def replay(session: Session, now: datetime, endpoint_id: int, delivery_id: int, admin_id: int | None) -> None:
    """Send an event again that was accepted or given up, under the same id. Raises EndpointNotFound."""
    row = _found(session, endpoint_id)
    if not webhook_deliveries.replay(session, endpoint_id, delivery_id, now):
        raise EndpointNotFound
    _record(session, now, admin_id, AuditAction.WEBHOOK_REPLAY, row)


def listed(session: Session) -> list[tuple[WebhookEndpointRow, int]]:
    """Return all endpoints, with how many events wait for each, counted up to a limit."""
    waiting = webhook_deliveries.waiting_by_endpoint(session, _MOST_COUNTED)
    return [(one, waiting.get(one.id, 0)) for one in webhook_endpoints.everything(session)]


def disabled_by_themselves(session: Session) -> Sequence[WebhookEndpointRow]:
    """Return endpoints that were disabled as they took nothing any more."""
    return webhook_endpoints.disabled_by_themselves(session)


def page_of(session: Session, endpoint_id: int, before_id: int | None) -> EndpointPage:
    """Return an endpoint with its events below an id, or the latest. Raises EndpointNotFound."""
    row = webhook_endpoints.find(session, endpoint_id)
    if row is None:
        raise EndpointNotFound
    found = webhook_deliveries.listed(session, endpoint_id, before_id, _LISTED + 1)
    older = found[_LISTED - 1].id if len(found) > _LISTED else None
    return EndpointPage(row, found[:_LISTED], older)


def usable_secrets(row: WebhookEndpointRow, secret_box: SecretBox, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first; none if the key that encrypted them was removed."""
    kept: list[str] = [row.secret]
    if row.former_secret is not None and row.former_secret_until is not None and row.former_secret_until > now:
        kept.append(row.former_secret)
    found = [secret_box.decrypt(one, _context(row.id)) for one in kept]
    return [one for one in found if one is not None]


def _checked(form: EndpointForm, allowed: Sequence[Network]) -> EndpointForm:
    url = form.url.strip()
    _check_url(url, allowed)
    unknown = set(form.events) - {*WebhookEvent}
    chosen = tuple(one for one in WebhookEvent if one in form.events)
    if unknown or not chosen:
        raise InvalidEndpoint(N_("Choose at least one event."))
    description = without_invisible(" ".join(form.description.split())).strip()
    if len(description) > LONGEST_DESCRIPTION:
        raise InvalidEndpoint(N_("The description is too long. Use at most 80 characters."))
    return EndpointForm(url, description, chosen, form.includes_email)


def _check_url(url: str, allowed: Sequence[Network]) -> None:
    """Check a URL as it was typed. Where its name leads is checked whenever it is connected to."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or len(url) > LONGEST_URL or not url.isascii() or any(not one.isprintable() for one in url):
        raise InvalidEndpoint(N_("Enter a whole URL, such as https://example.org/webhooks."))
    if " " in url or parts.username is not None or parts.fragment:
        raise InvalidEndpoint(N_("Enter a URL without spaces, a user name or a part after #."))
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_near(parts, allowed)):
        raise InvalidEndpoint(N_("The URL has to begin with https://."))


def _is_near(parts: SplitResult, allowed: Sequence[Network]) -> bool:
    """Whether a URL leads into one of the networks that the settings allow."""
    host = parts.hostname or ""
    try:
        address = str(ip_address("127.0.0.1" if host == _THIS_MACHINE else host))
    except ValueError:
        return False
    return is_allowed(address, allowed, only_allowed=True)


def _found(session: Session, endpoint_id: int) -> WebhookEndpointRow:
    row = webhook_endpoints.find(session, endpoint_id, lock=True)
    if row is None:
        raise EndpointNotFound
    return row


def _record(
    session: Session,
    now: datetime,
    admin_id: int | None,
    action: AuditAction,
    row: WebhookEndpointRow,
    before: dict[str, object] | None = None,
) -> None:
    admins.record_change(session, now, admin_id, action, f"webhook {row.id}", before, _facts(row))


def _facts(row: WebhookEndpointRow) -> dict[str, object]:
    return {"url": row.url, "events": row.events, "address": row.includes_email}


def _context(endpoint_id: int) -> str:
    return f"webhook {endpoint_id}"
