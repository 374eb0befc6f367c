"""Parses the JSON notifications of Amazon SES, which come by webhook, or by mail if the SNS topic sends mails."""

from __future__ import annotations

import json

from rugcourse.bounces.classifier import classify
from rugcourse.bounces.json_values import part, text
from rugcourse.bounces.report import BounceReport, BounceType
from rugcourse.bounces.text import shortened

_KINDS = {"Permanent": BounceType.HARD, "Transient": BounceType.SOFT, "Undetermined": BounceType.SOFT}
_REFUSED = frozenset(("ContentRejected", "AttachmentRejected"))
_FIRST = '{"'


def reports_of(said: object) -> list[tuple[str, BounceReport]]:
    """Return (address, report) for each recipient of a notification."""
    match text(said, "notificationType") or text(said, "eventType"):
        case "Complaint" if text(said, "complaint", "complaintFeedbackType") != "not-spam":
            recipients = part(said, "complaint", "complainedRecipients")
            words = text(said, "complaint", "complaintFeedbackType") or "spam"
            report = BounceReport(BounceType.COMPLAINT, words=shortened(words)[:40], message_ids=_message_ids(said))
            return [(text(one, "emailAddress"), report) for one in _list(recipients)]
        case "Bounce":
            recipients = part(said, "bounce", "bouncedRecipients")
            return [(text(one, "emailAddress"), _bounce(said, one)) for one in _list(recipients)]
        case _:
            return []


def read_notification(body: str) -> BounceReport | None:
    """Parse the body of a mail from SNS; None if it is not one."""
    said = _first_object(body)
    if text(said, "Type") == "Notification":
        said = _first_object(text(said, "Message"))
    if not (text(said, "notificationType") or text(said, "eventType")):
        return None
    found = reports_of(said)
    return found[0][1] if found else BounceReport(BounceType.OTHER, message_ids=_message_ids(said))


def _bounce(said: object, recipient: object) -> BounceReport:
    kind = _KINDS.get(text(said, "bounce", "bounceType"), BounceType.SOFT)
    if text(said, "bounce", "bounceSubType") in _REFUSED:
        kind = BounceType.POLICY
    diagnostic = text(recipient, "diagnosticCode")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    status = text(recipient, "status")
    kept = status if status.count(".") == 2 else ""
    return BounceReport(
        classify(kept, words, kind), kept, shortened(words), _message_ids(said), text(recipient, "emailAddress")
    )


def _message_ids(said: object) -> tuple[str, ...]:
    headers = _list(part(said, "mail", "headers"))
    return tuple(text(one, "value") for one in headers if text(one, "name").lower() == "message-id")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _first_object(body: str) -> object:
    """Return the JSON object at the beginning of a text, or None."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(body.lstrip())[0] if body.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None
