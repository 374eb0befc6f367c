"""Composition root: settings become a database, links, mails. The only module that puts the parts together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy.orm import Session

from rugcourse import paths
from rugcourse.bounces.complaint_rate import ComplaintLimits
from rugcourse.bounces.webhooks import echo_header
from rugcourse.clock import Clock, SystemClock
from rugcourse.course_editor.file_sync import Imported, import_courses
from rugcourse.course_editor.merge import OnConflict
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryQueue
from rugcourse.db.queries.sending_holds import ALL
from rugcourse.db.withdrawal_log import WithdrawalLog
from rugcourse.delivery import holds, restore_guard
from rugcourse.delivery.claimer import Claimer
from rugcourse.delivery.composer import Composer
from rugcourse.delivery.dispatcher import Connect, Dispatcher, SendPolicy
from rugcourse.delivery.failures import OnRejection
from rugcourse.delivery.journal import Journal
from rugcourse.delivery.rate_limits import SendLimits, WarmUp
from rugcourse.delivery.recovery import settle_journals
from rugcourse.delivery.smtp import Accepted, Connection, Envelope, ServerUnavailable
from rugcourse.delivery.template_cache import TemplateCache
from rugcourse.ebooks.cache import refresh_ebooks
from rugcourse.email_preview.sample import SampleEmails, addressed
from rugcourse.emails.branding import Branding
from rugcourse.emails.mime import Sender
from rugcourse.links import Links, MailRef, Signer
from rugcourse.picture_library.files import make_renditions
from rugcourse.picture_storage.opening import open_storage
from rugcourse.picture_storage.storage import PictureStorage
from rugcourse.privacy.export import Export, export
from rugcourse.privacy.replay import replay
from rugcourse.privacy.retention import Retention
from rugcourse.scheduling import QuietHours, SendWindow
from rugcourse.secret_box import SecretBox
from rugcourse.setting_values import read_networks
from rugcourse.settings import Settings
from rugcourse.site_settings import CurrentSite, Site

if TYPE_CHECKING:
    from rugcourse.bounces.handler import BounceHandler
    from rugcourse.emails.dkim import DkimSigner
    from rugcourse.outgoing_webhooks.dispatcher import WebhookDispatcher

log = structlog.get_logger()
_EBOOKS_AFTER_SECONDS = 5.0  # by then the first pages are out
NotifyWorker = Callable[[DeliveryQueue], None]


def no_notify(_queue: DeliveryQueue) -> None:
    """For those who have no worker to wake: what stands planned goes out at the next tick."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the faces of the product work with. `notify_worker` wakes a worker; a lost call loses nothing."""

    settings: Settings
    clock: Clock
    database: Database
    signer: Signer
    links: Links
    course_cache: CourseCache
    notify_worker: NotifyWorker = no_notify
    current: CurrentSite = field(init=False)

    def __post_init__(self) -> None:
        self.database.withdrawals = self.withdrawals
        self.database.picture_storage = picture_storage(self.settings, self.settings.picture_storage)
        object.__setattr__(self, "current", CurrentSite(self.settings))

    @property
    def site(self) -> Site:
        """What applies now: the environment's settings with those that an owner saved in the browser over them."""
        return self.current.site

    @property
    def withdrawals(self) -> WithdrawalLog:
        return WithdrawalLog.of(self.settings, self.signer)

    @property
    def send_window(self) -> SendWindow:
        quiet = self.settings.quiet
        return SendWindow(timedelta(hours=self.settings.grace_hours), QuietHours(*quiet) if quiet else None)

    @property
    def bounce_handler(self) -> BounceHandler:
        from rugcourse.bounces.handler import BounceHandler  # noqa: PLC0415 - 5 MB for those who take in what comes back

        return BounceHandler(self.database, self.clock, self.links, self.complaint_limits)

    @property
    def complaint_limits(self) -> ComplaintLimits:
        return ComplaintLimits(self.settings.complaint_warning / 100, self.settings.complaint_stop / 100)

    @property
    def retention(self) -> Retention:
        return Retention.of(self.settings)

    def data_export(self, subscriber_id: int) -> Export | None:
        """Everything that is known of a person, or None when there is nobody with this id."""
        return self.database.query(export, self.course_cache, subscriber_id, self.signer, self.site.settings)

    @property
    def lessons_dir(self) -> Path:
        return self.settings.lessons_dir or paths.folder("lessons")

    @property
    def branding(self) -> Branding:
        return self.site.branding

    @property
    def sample_emails(self) -> SampleEmails:
        return SampleEmails(self.settings.base_url, self.branding, sender(self.site.settings))


def open_runtime(settings: Settings, clock: Clock | None = None, notify_worker: NotifyWorker = no_notify) -> Runtime:
    """Open what the settings name. Raises DatabaseError; connects to nothing yet."""
    signer = Signer.from_texts(settings.secret_keys, settings.suppression_key)
    return Runtime(
        settings=settings,
        clock=clock or SystemClock(),
        database=Database(settings.database_url, password=settings.database_password),
        signer=signer,
        links=Links(settings.base_url, signer),
        course_cache=CourseCache(),
        notify_worker=notify_worker,
    )


def picture_storage(settings: Settings, location: str) -> PictureStorage | None:
    """Return where pictures are kept; None is the database. `location`: as RUGCOURSE_PICTURE_STORAGE.

    Raises StorageNotConfigured, and ValueError for what can't be read.
    """
    return open_storage(location, settings.picture_storage_key_id, settings.picture_storage_secret)


def import_lessons(
    runtime: Runtime, folder: Path | None = None, on_conflict: OnConflict = OnConflict.OURS
) -> list[Imported]:
    """Make the courses in a folder, or in the one of the settings, what readers get; their books are made apart.

    What was changed here since stays. Raises AuthoringErrors; MergeConflict where `on_conflict` says so.
    """
    return import_courses(runtime.database, runtime.clock, folder or runtime.lessons_dir, on_conflict)


def make_ebooks(runtime: Runtime) -> None:
    """Make the books of all courses that are out of date, and the pictures in the widths of mails and pages."""
    runtime.current.refresh(runtime.database)
    make_renditions(runtime.database)
    refresh_ebooks(runtime.database, runtime.clock, runtime.links, runtime.branding, runtime.course_cache)


def make_ebooks_later(runtime: Runtime) -> threading.Timer:
    """Make them beside the first pages, not before them. Returns what can be cancelled."""

    def make() -> None:
        try:
            make_ebooks(runtime)
        except Exception:  # whoever asks for a book makes it
            log.exception("ebooks_not_made")

    timer = threading.Timer(_EBOOKS_AFTER_SECONDS, make)
    timer.name, timer.daemon = "ebooks", True
    timer.start()
    return timer


def send_sample(runtime: Runtime, message: bytes, recipient: str) -> bool:
    """Send a sample mail without recording it in the ledger. Returns whether the server accepted it."""
    return send_now(runtime, addressed(message, recipient), recipient)


def send_now(runtime: Runtime, message: bytes, recipient: str) -> bool:
    """Sign a message that is in no ledger, and hand it over to the mail server. Returns whether it was taken.

    Raises UnusableKey.
    """
    settings = runtime.settings
    signer = dkim_signer(settings)
    signed = message if signer is None else signer.sign(message)
    try:
        connection = Connection(settings.smtp, settings.ehlo_name or None, settings.smtp_timeout_seconds)
    except ServerUnavailable:
        return False
    try:
        envelope = Envelope(settings.sender_address, recipient)
        return isinstance(connection.send(envelope, signed, lambda: None), Accepted)
    except ServerUnavailable:
        return False
    finally:
        connection.quit()


class ReleasedHold(NamedTuple):
    """Whether something was held, and of how many people the database had forgotten what they withdrew."""

    was_held: bool
    withdrawn: int = 0


def release_hold(runtime: Runtime, key: str, admin_id: int | None = None) -> ReleasedHold:
    """Let what is held under `key` go on, and before everything goes on, withdraw again what a backup undid.

    Raises OSError where that can't be read.
    """
    withdrawn = 0
    if key == ALL:
        days = runtime.settings.keep_bounced_days
        withdrawn = replay(runtime.database, runtime.clock, runtime.signer, runtime.withdrawals, days)
        if withdrawn:
            log.warning("withdrawals_replayed", people=withdrawn)
    return ReleasedHold(runtime.database.run(holds.release, runtime.clock.now(), key, admin_id), withdrawn)


def sender(settings: Settings) -> Sender:
    return Sender(
        name=settings.practice,
        address=settings.sender_address,
        reply_to=settings.reply_to,
        list_domain=settings.sender_domain,
        echo_header=echo_header(settings),
        feedback_id=settings.feedback_sender_id,
        one_click=settings.base_url.startswith("https://"),
        names_course=not settings.neutral_headers,
    )


def return_paths(runtime: Runtime) -> Callable[[MailRef], str]:
    """Mail → where its message comes back to: an address of its own where bounces are read, else the sender's."""
    address = runtime.settings.bounce_address
    if not address:
        return lambda _mail: runtime.settings.sender_address
    return lambda mail: runtime.links.return_path(mail, address)


def rejection_handler(runtime: Runtime) -> OnRejection:
    """What follows from a refusal. It is loaded when there is one."""

    def follow(session: Session, delivery_id: int, reply: str) -> None:
        runtime.bounce_handler.handle_rejection(session, delivery_id, reply)

    return follow


def dkim_signer(settings: Settings) -> DkimSigner | None:
    """Raises UnusableKey."""
    if not settings.dkim_files:
        return None
    from rugcourse.emails.dkim import DkimSigner  # noqa: PLC0415 - 7 MB for those who sign here
    from rugcourse.emails.dkim_keys import in_use, load_keys  # noqa: PLC0415

    return DkimSigner(settings.sender_domain, in_use(load_keys(settings.dkim_files)))


def limits(settings: Settings) -> SendLimits:
    start = settings.warmup_start
    return SendLimits(
        per_minute=settings.per_minute,
        domains=settings.per_domain,
        warm_up=WarmUp(start, settings.warmup_count, settings.warmup_growth) if start else None,
    )


def open_dispatcher(runtime: Runtime, connect: Connect | None = None) -> Dispatcher:
    """What a worker process sends with. `connect`: something else than the mail server in the settings.

    Looks first whether this is the database to send from, and settles what dead workers on this machine had found out.
    """
    settings = runtime.settings
    journals = settings.data_dir / "journal"
    journals.mkdir(parents=True, exist_ok=True)
    restore_guard.check(runtime.database, runtime.clock, settings.data_dir)
    settle_journals(runtime.database, runtime.clock, journals, rejection_handler(runtime))
    composer = Composer(runtime.links, settings.sender_domain, dkim_signer(settings), settings.bounce_address)
    journal = Journal(journals)
    return Dispatcher(
        database=runtime.database,
        clock=runtime.clock,
        claimer=Claimer(
            database=runtime.database,
            clock=runtime.clock,
            template_cache=TemplateCache(runtime.course_cache, runtime.current, sender, runtime.links),
            composer=composer,
            journal=journal,
            limits=limits(settings),
            lease_seconds=settings.lease_seconds,
        ),
        composer=composer,
        journal=journal,
        connect=connect
        or (lambda: Connection(settings.smtp, settings.ehlo_name or None, settings.smtp_timeout_seconds)),
        return_path=return_paths(runtime),
        on_rejection=rejection_handler(runtime),
        policy=SendPolicy(settings.smtp_timeout_seconds, settings.max_attempts),
    )


def open_webhook_dispatcher(runtime: Runtime, stopping: threading.Event) -> WebhookDispatcher:
    """What a worker process tells other systems with, until `stopping` is set."""
    from rugcourse.outgoing_webhooks.dispatcher import WebhookDispatcher  # noqa: PLC0415 - for those who have endpoints

    return WebhookDispatcher(
        runtime.database,
        runtime.clock,
        SecretBox(runtime.settings.secret_keys),
        read_networks(runtime.settings.webhook_networks),
        stopping=stopping,
    )
