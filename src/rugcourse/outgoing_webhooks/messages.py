"""The body of an event and its headers, as Standard Webhooks describes them."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 - how each begins, so that scanners recognise a leaked one
_SECRET_BYTES = 32
_USER_AGENT = "rugcourse-webhooks/1"


def new_secret() -> str:
    """Return a secret as receivers type it: base64 after a prefix."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def message_id(delivery_id: int, created_at: datetime) -> str:
    """Return the `webhook-id` of an event for an endpoint: the same at each attempt, and no other's.

    With the time of the event, as a restored database counts on from an earlier number.
    """
    return f"msg_{delivery_id}_{int(created_at.timestamp() * 1000)}"


def body_of(
    event: str,
    created_at: datetime,
    subscriber_id: int | None,
    data: Mapping[str, object],
    email: str | None = None,
) -> str:
    """Return the body of an event. `email`: only for an endpoint that gets addresses."""
    about: dict[str, object] = {} if subscriber_id is None else {"subscriber_id": subscriber_id}
    if email is not None:
        about["email"] = email
    timestamp = created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": timestamp, "data": about | dict(data)}, separators=(",", ":"))


def headers_of(message: str, at: datetime, body: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the headers of an attempt. `at`: the machine's time, which receivers compare with theirs.

    `keys`: the secrets that sign, the newest first.
    """
    signatures = [Webhook(key).sign(message, at, body) for key in keys]
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": _USER_AGENT,
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
