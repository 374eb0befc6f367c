"""Webhooks of relays: parses their reports about our mail, and verifies that they are authentic.

A provider turns a request into `ProviderEvent`s. A request that fails verification raises `UnverifiedRequest` and has
no effect. Replaying a verified request only repeats a report about the same mail, which has no further effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter

from rugcourse.bounces.webhooks.base import MalformedPayload, Provider, UnverifiedRequest, WebhookRequest
from rugcourse.settings import Settings

__all__ = [
    "PROVIDERS",
    "MalformedPayload",
    "Provider",
    "UnverifiedRequest",
    "WebhookRequest",
    "configured",
    "echo_header",
    "open_provider",
]


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """All that differs between providers.

    `setting`: the field of the settings with its key; without a key the webhook does not exist. `factory`: the name in
    its module that makes the provider from the key.

    `echo_header`: a header in which our Message-ID stays, where the provider writes one of its own.
    """

    setting: str
    factory: str
    echo_header: str = ""


# By the last part of the webhook's address, which is also the module of the class.
PROVIDERS: dict[str, ProviderEntry] = {
    "ses": ProviderEntry("ses_topics", "Ses"),
    "postmark": ProviderEntry("postmark_secret", "Postmark", echo_header="X-PM-Metadata-mail"),
    "mailgun": ProviderEntry("mailgun_key", "Mailgun"),
    "sendgrid": ProviderEntry("sendgrid_key", "SendGrid.from_text"),
    "brevo": ProviderEntry("brevo_secret", "Brevo"),
}


def open_provider(settings: Settings, name: str) -> Provider | None:
    """Return the provider of this name, or None if there is none or its key is not set."""
    entry = PROVIDERS.get(name)
    key = getattr(settings, entry.setting) if entry is not None else None
    if entry is None or not key:
        return None
    module = import_module(f"{__name__}.{name}")  # some bring 5 MB of cryptography along
    provider: Provider = attrgetter(entry.factory)(module)(key)
    return provider


def configured(settings: Settings) -> list[str]:
    """Return the names of the providers whose key is set."""
    return [name for name, entry in PROVIDERS.items() if getattr(settings, entry.setting)]


def echo_header(settings: Settings) -> str:
    """Return the header in which the provider in the settings leaves our Message-ID; empty if it needs none."""
    headers = (PROVIDERS[name].echo_header for name in configured(settings))
    return next((header for header in headers if header), "")
