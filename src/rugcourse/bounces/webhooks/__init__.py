"""Webhooks of relays: parses their reports about our mail, and verifies that they are authentic.

A provider turns a request into `ProviderEvent`s. A request that fails verification raises `UnverifiedRequest` and has
no effect. Replaying a verified request only repeats a report about the same mail, which has no further effect.
"""

from __future__ import annotations

from rugcourse.bounces.webhooks.base import MalformedPayload, Provider, UnverifiedRequest, WebhookRequest
from rugcourse.bounces.webhooks.brevo import Brevo
from rugcourse.bounces.webhooks.mailgun import Mailgun
from rugcourse.bounces.webhooks.postmark import Postmark
from rugcourse.bounces.webhooks.sendgrid import SendGrid
from rugcourse.bounces.webhooks.ses import Ses
from rugcourse.settings import Settings

__all__ = ["MalformedPayload", "Provider", "UnverifiedRequest", "WebhookRequest", "open_provider"]


def open_provider(settings: Settings, name: str) -> Provider | None:
    """Return the provider of this name, or None if its key is not set."""
    match name:
        case "ses" if settings.ses_topics:
            return Ses(frozenset(settings.ses_topics))
        case "postmark" if settings.postmark_secret:
            return Postmark(settings.postmark_secret)
        case "mailgun" if settings.mailgun_key:
            return Mailgun(settings.mailgun_key)
        case "sendgrid" if settings.sendgrid_key:
            return SendGrid.from_text(settings.sendgrid_key)
        case "brevo" if settings.brevo_secret:
            return Brevo(settings.brevo_secret)
        case _:
            return None
