"""Webhooks of relays: what they report about mail that they took from us, and how each proves who it is.

A provider turns a request into `ProviderEvent`s. A request that it can't prove to come from there is an
`UnverifiedRequest` and does nothing. What was proved once and is sent again is a report about the same mail: nothing
more follows from it.
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
    """The provider of this name, if its key is set."""
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
