"""All settings of rugcourse.

Each field is the environment variable `RUGCOURSE_<NAME>`, which can also be in a file `.env` in the working folder. An
empty variable counts as unset. `RUGCOURSE_<NAME>_FILE` can name a file with the value, as containers do for secrets.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rugcourse.errors import ConfigError
from rugcourse.locales import check_language
from rugcourse.setting_values import (
    FEEDBACK_ID,
    Mailbox,
    SmtpServer,
    check_address,
    check_feedback_id,
    check_proxies,
    check_public_key,
    check_time_zone,
    check_token,
    check_webhook_secret,
    is_this_machine,
    read_base_url,
    read_hours,
    read_keys,
    read_limits,
    read_lines,
    read_networks,
    read_picture_storage,
)

DEFAULT_SECRET = "change-me: this key is public"  # noqa: S105 - refused by `serve`, see `require_own_secret`
MADE_UP_ADDRESS = "Voorbeeldstraat 1, 1234 AB Utrecht"
MADE_UP_LINES = {
    "nl": "Fysiotherapeut. Legt rugpijn uit in gewone taal.",
    "en": "Physiotherapist. Explains back pain in plain words.",
    "de": "Physiotherapeut. Erklärt Rückenschmerzen in einfachen Worten.",
}
SUPERVISOR = "Autoriteit Persoonsgegevens"
RESERVED = (".example", ".test", ".invalid", ".localhost", "example.org", "example.com", "example.net")  # RFC 2606
_TIMEOUTS_IN_A_LEASE = 4
_READERS: Mapping[str, Callable[[str], object]] = {
    "bounce_address": check_address,
    "bounce_mailbox": Mailbox.from_url,
    "brevo_secret": check_webhook_secret,
    "default_language": check_language,
    "dkim_keys": read_keys,
    "domain_limits": read_limits,
    "mailgun_key": check_webhook_secret,
    "feedback_id": check_feedback_id,
    "metrics_token": check_token,
    "picture_storage": read_picture_storage,
    "postmark_secret": check_webhook_secret,
    "quiet_hours": read_hours,
    "reply_to": check_address,
    "sender_address": check_address,
    "time_zone": check_time_zone,
    "sendgrid_key": check_public_key,
    "smtp_url": SmtpServer.from_url,
    "trusted_proxies": check_proxies,
    "webhook_networks": read_networks,
}
_WEBHOOK_SECRETS = {"brevo_secret", "mailgun_key", "postmark_secret"}
_MAY_BE_EMPTY = {
    *("bounce_address", "bounce_mailbox", "feedback_id", "metrics_token", "reply_to", "sendgrid_key"),
    *_WEBHOOK_SECRETS,
}


class SettingsError(ConfigError):
    """A setting is missing or wrong. The message names the variable and says how to correct it."""


class Settings(BaseSettings):
    """The settings. Times are in the unit at the end of the name."""

    model_config = SettingsConfigDict(
        env_prefix="RUGCOURSE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str = Field("sqlite:///var/rugcourse.db", description="SQLite or PostgreSQL (postgresql://…)")
    database_password: str = Field("", description="the database's password, if it is not in the URL")
    broker_url: str = Field("memory://", description="memory:// in one process, redis://… for many")
    smtp_url: str = Field("smtp://127.0.0.1:25", description="smtp://user:pass@host:port or smtps://…")
    base_url: str = Field(
        "http://127.0.0.1:8000", description="the public URL of the website, with which links in mails begin"
    )
    secret_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (DEFAULT_SECRET,), description="keys that sign links, newest first, separated by commas"
    )
    suppression_key: str = Field(
        "", description="key for the hashes of suppressed addresses; default: the oldest of the secret keys"
    )
    data_dir: Path = Field(Path("var"), description="the folder for journals and other local state")
    lessons_dir: Path | None = Field(None, description="the folder with courses; default: the shipped ones")
    picture_storage: str = Field(
        "database",
        description="where pictures are kept: database, /a/folder, or s3://bucket?endpoint=https://…&region=…",
    )
    picture_storage_key_id: str = Field("", description="the id of the access key of that bucket")
    picture_storage_secret: str = Field("", description="the secret access key of that bucket")

    host: str = Field("127.0.0.1", description="the address the web server listens on")
    port: int = Field(8000, ge=0, le=65535, description="the port the web server listens on")
    metrics_token: str = Field("", description="the bearer token for /metrics; without it there is no such page")
    metrics_host: str = Field("127.0.0.1", description="the address on which a worker answers for its metrics")
    metrics_port: int = Field(0, ge=0, le=65535, description="the port for a worker's metrics; 0: none")
    trusted_proxies: str = Field(
        "",
        description="the proxies whose X-Forwarded-For is trusted: addresses or networks, as 127.0.0.1,172.30.57.0/24",
    )

    webhook_networks: str = Field("", description="private networks that webhooks may reach, as 127.0.0.0/8,10.0.0.0/8")
    second_factor_grace_days: int = Field(
        7, ge=0, description="days after their first login within which owners and editors must set up a second factor"
    )
    signups_per_hour: int = Field(30, description="signups per hour from one network")
    signups_per_hour_in_all: int = Field(1000, ge=1, description="signups per hour from all networks together")
    confirm_reminder: bool = Field(
        True, description="remind those once, after a day, who signed up and did not confirm: true or false"
    )
    keep_unconfirmed_days: int = Field(
        7, ge=1, description="days until anonymous tests and unconfirmed signups are deleted"
    )
    keep_measured_days: int = Field(90, ge=1, description="days until measured opens and clicks are deleted")
    keep_left_days: int = Field(30, ge=30, description="days after leaving until a person is erased")
    keep_finished_days: int = Field(
        180, ge=30, description="days after the last mail until a reader is erased who completed the course"
    )
    keep_idle_days: int = Field(
        365,
        ge=30,
        description="days after the last mail until a reader is erased who is still in a course, as in a long pause",
    )
    keep_bounced_days: int = Field(90, ge=1, description="days until a bounced address, and its person, is deleted")
    keep_suppressed_days: int = Field(
        1825, ge=365, description="days until an address that is suppressed for another reason is deleted"
    )
    keep_remark_days: int = Field(180, ge=1, description="days until visitors' remarks on lessons are deleted")
    keep_log_days: int = Field(
        365, ge=30, description="days until audit log entries about people are deleted, and disabled admins anonymised"
    )
    keep_job_days: int = Field(90, ge=7, description="days until background jobs are deleted")
    keep_withdrawal_days: int = Field(
        60,
        ge=1,
        description="days until entries of the withdrawal log are deleted: as long as you keep backups, as the "
        "privacy page says",
    )
    keep_bounce_mail_days: int = Field(
        30, ge=0, description="days until a handled message is deleted from the mailbox for bounces; 0: never"
    )
    default_language: str = Field(
        "nl", validate_default=True, description="the language if a visitor asks for none of the available ones"
    )
    time_zone: str = Field("Europe/Amsterdam", description="the time zone of the practice, and of unknown readers")
    practice: str = Field("Let's Go Fysio", description="the practice that runs the courses")
    author_name: str = Field("Stijn", description="who writes the lessons")
    author_lines: Annotated[Mapping[str, str], NoDecode] = Field(
        MADE_UP_LINES,
        validate_default=True,
        description="a line about the author in each language, as JSON; a language without one shows the default's",
    )
    sender_address: str = Field("cursus@rugcourse.example", description="the From address of every mail")
    reply_to: str = Field("", description="where replies go; default: the sender")
    bounce_address: str = Field(
        "", description="the address for bounces, as bounces@example.org; each mail gets bounces+token@example.org"
    )
    bounce_mailbox: str = Field(
        "", description="a mailbox to poll for bounces: imaps://user:password@host[:port][/folder]"
    )
    postmark_secret: str = Field("", description="the password in the address of Postmark's webhook")
    brevo_secret: str = Field("", description="the token that Brevo's webhook sends")
    mailgun_key: str = Field("", description="Mailgun's HTTP webhook signing key")
    sendgrid_key: str = Field("", description="the public key of SendGrid's signed event webhook")
    ses_topics: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="the SNS topics (ARNs) with notifications of Amazon SES; separated by commas"
    )
    feedback_id: str = Field(
        "",
        description="your sender id in Gmail's Postmaster Tools, 5 to 15 characters; default: from the domain",
    )
    neutral_headers: bool = Field(
        True, description="mail headers do not name the course, which may reveal something about the reader's health"
    )
    dns_server: str = Field("", description="host[:port] of the DNS server that `doctor` asks; default: the system's")
    dkim_keys: str = Field(
        "", description="selector=file.pem,… to sign with DKIM here, newest first; empty if the relay signs"
    )
    ehlo_name: str = Field("", description="the name in EHLO to the mail server; default: the name of this host")
    postal_address: str = Field(MADE_UP_ADDRESS, description="shown under every mail")
    phone: str = Field("", description="the practice's telephone number, for the imprint")
    kvk: str = Field("", description="the practice's number at the Chamber of Commerce, for the imprint")
    big: str = Field("", description="the author's professional title and number in the BIG register, for the imprint")
    processors: str = Field(
        "",
        description="the data processors, what they do and where: Example Host (hosting, Germany); Relay (mail, …)",
    )
    transfers: str = Field(
        "",
        description="the processors outside of the EEA, and the legal basis: Relay (USA, standard clauses); or: none",
    )
    dpo: str = Field("", description="the data protection officer and their address, if there is one")
    supervisor: str = Field(SUPERVISOR, description="the supervisory authority that people can complain to")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")
    log_format: Literal["console", "json"] = Field("console", description="lines for people, or JSON for a log store")
    tick_seconds: float = Field(10.0, gt=0, le=3600, description="how often the scheduler looks for what is due")
    worker_threads: int = Field(3, ge=1, le=64, description="sending threads per worker process")
    smtp_timeout_seconds: float = Field(60.0, gt=0, le=3600, description="how long the mail server may be silent")
    lease_seconds: float = Field(
        300.0, gt=0, le=86_400, description="how long a worker may hold deliveries before its lease expires"
    )
    grace_hours: float = Field(
        4.0, ge=0.25, le=24, description="how long after the reader's hour a lesson may still go out"
    )
    quiet_hours: str = Field("22-7", description="no late lessons between these local hours; none: at any hour")
    per_minute: int | None = Field(None, ge=1, description="lessons per minute; unset: no limit")
    domain_limits: str = Field(
        "", description="lessons per minute per recipient's domain: gmail.com=300,outlook.com=100"
    )
    warmup_start: date | None = Field(None, description="a new sender's first day (UTC), as 2026-11-24; unset: none")
    warmup_count: int = Field(200, ge=1, description="lessons on the first day of the warm-up")
    warmup_growth: float = Field(1.5, ge=1, description="factor from each day of the warm-up to the next")
    complaint_warning: float = Field(0.1, gt=0, description="percentage of complaints from which to warn")
    complaint_stop: float = Field(0.3, gt=0, description="percentage of complaints from which sending is held")
    max_attempts: int = Field(
        8, ge=1, le=100, description="how often a deferred mail is tried before it counts as failed"
    )

    @field_validator("secret_keys", "ses_topics", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return tuple(key.strip() for key in value.split(",") if key.strip()) if isinstance(value, str) else value

    @field_validator("author_lines", mode="before")
    @classmethod
    def _lines_by_language(cls, value: object) -> object:
        return read_lines(value) if isinstance(value, str) else value

    @field_validator("author_lines")
    @classmethod
    def _said_in_the_default_language(cls, value: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        for language in value:
            check_language(language)
        default = info.data.get("default_language")
        if default is not None and default not in value:
            raise ValueError(f"there is no line in {default}, the default language")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys or any(len(key) < 16 for key in keys):
            raise ValueError("give at least one key of 16 characters or more")
        return keys

    @field_validator("lease_seconds")
    @classmethod
    def _outlasts_the_server(cls, value: float, info: ValidationInfo) -> float:
        """Check that a lease is long enough for more than one message, however slowly the mail server responds."""
        least = _TIMEOUTS_IN_A_LEASE * info.data.get("smtp_timeout_seconds", 0.0)
        if value < least:
            raise ValueError(
                f"{value:g} is too short beside RUGCOURSE_SMTP_TIMEOUT_SECONDS; set it to {least:g} or more, "
                "or let the mail server be silent for less long"
            )
        return value

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return read_base_url(value)

    @field_validator(*_READERS)
    @classmethod
    def _readable(cls, value: str, info: ValidationInfo) -> str:
        """Refuse a value that can't be read, or that would be unsafe."""
        if value or info.field_name not in _MAY_BE_EMPTY:
            _READERS[info.field_name or ""](value)
        return value

    @field_validator("complaint_stop")
    @classmethod
    def _warns_first(cls, value: float, info: ValidationInfo) -> float:
        warning = info.data.get("complaint_warning", 0.0)
        if value < warning:
            raise ValueError(f"{value:g} is below RUGCOURSE_COMPLAINT_WARNING; set it to {warning:g} or more")
        return value

    @property
    def quiet(self) -> tuple[int, int] | None:
        """The quiet hours, from the first to the second local hour (0 to 23): no late lessons go out."""
        return read_hours(self.quiet_hours)

    @property
    def per_domain(self) -> dict[str, int]:
        """Recipient's domain → lessons per minute."""
        return read_limits(self.domain_limits)

    @property
    def dkim_files(self) -> dict[str, Path]:
        """DKIM selector → file of the private key."""
        return read_keys(self.dkim_keys)

    @property
    def mailbox(self) -> Mailbox | None:
        """The mailbox to poll for bounces, if any."""
        return Mailbox.from_url(self.bounce_mailbox) if self.bounce_mailbox else None

    @property
    def smtp(self) -> SmtpServer:
        return SmtpServer.from_url(self.smtp_url)

    @property
    def sender_domain(self) -> str:
        return self.sender_address.rpartition("@")[2]

    @property
    def feedback_sender_id(self) -> str:
        """The SenderId of Feedback-ID: the domain, or its beginning and a digest if it is too long for Gmail."""
        if self.feedback_id:
            return self.feedback_id
        domain = self.sender_domain.lower()
        digest = hashlib.sha256(domain.encode()).hexdigest()[:6]
        return domain if FEEDBACK_ID.fullmatch(domain) else f"{domain[:8]}-{digest}"

    def author_line(self, language: str) -> str:
        return self.author_lines.get(language, self.author_lines[self.default_language])

    def require_own_sender(self) -> None:
        """Raise SettingsError if the website is public but sender or postal address are made up."""
        host = urlsplit(self.base_url).hostname or ""
        if is_this_machine(host) or host.endswith(RESERVED):
            return
        wrong = []
        if self.postal_address == MADE_UP_ADDRESS:
            wrong.append("RUGCOURSE_POSTAL_ADDRESS is made up; set it to the practice's: it stands under every mail")
        if self.sender_domain.endswith(RESERVED):
            wrong.append(f"RUGCOURSE_SENDER_ADDRESS is {self.sender_address}, which is nobody's; set it to your own")
        if wrong:
            raise SettingsError("\n".join(wrong))

    def require_own_secret(self) -> None:
        """Raise SettingsError if links would be signed with the public default key."""
        if DEFAULT_SECRET in self.secret_keys:
            raise SettingsError(
                "RUGCOURSE_SECRET_KEYS is not set, so anyone could forge links. Set it to a long random text, "
                'for instance the output of: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
            )


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment and `.env`, with `overrides` on top.

    Raises SettingsError with one line per wrong variable.
    """
    try:
        return Settings(**{**_from_files(), **overrides})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = (
            f"RUGCOURSE_{'_'.join(str(part) for part in problem['loc']).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise SettingsError("\n".join(lines)) from None


def secret_files() -> list[Path]:
    """Return the files that `RUGCOURSE_<NAME>_FILE` variables name."""
    variables = (f"RUGCOURSE_{name.upper()}_FILE" for name in Settings.model_fields)
    return [Path(os.environ[variable]) for variable in variables if variable in os.environ]


def _from_files() -> dict[str, str]:
    """Return the values of these files by field name."""
    found = {}
    for name in Settings.model_fields:
        variable = f"RUGCOURSE_{name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if path is None:
            continue
        if variable in os.environ:
            raise SettingsError(f"{variable} and {variable}_FILE are both set; keep one of them")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{variable}_FILE: {path} can't be read: {error.strerror}") from None
    return found
