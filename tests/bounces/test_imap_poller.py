"""Bounces that lie in a mailbox: a real Dovecot on loopback, with mailboxes of its own."""

from __future__ import annotations

import imaplib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.bounces import RAW_SAMPLES, bounce_about, return_path_of, status_of
from tests.support.builders import lessons_to
from tests.support.rows import everything
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import BounceHandler, HandledBounce
from rugcourse.bounces.imap_poller import MailboxAway, delete_old, poll
from rugcourse.db.engine import DatabaseAway
from rugcourse.db.models import DeliveryState, SubscriberStatus
from rugcourse.setting_values import Mailbox
from rugcourse.worker.tasks import apply_retention

_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = {host}
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
_SECONDS = 10


@contextmanager
def dovecot() -> Iterator[int]:
    """A Dovecot of its own; it ends with the block. Yields its port."""
    port = free_port()
    folder = Path("/tmp") / f"rugcourse-dovecot-{os.getpid()}-{port}"  # short, and open: sockets lie in it
    (folder / "mail").mkdir(parents=True)
    folder.chmod(0o755)
    shutil.chown(folder / "mail", "nobody", "nogroup")
    config = folder / "dovecot.conf"
    config.write_text(_CONFIG.format(folder=folder, host=HOST, port=port))
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            imaplib.IMAP4(HOST, port, timeout=_SECONDS).logout()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(log.read_text())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with dovecot() as running:
        yield running


@contextmanager
def opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    server = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=_SECONDS)
    server.login(mailbox.user, mailbox.password)
    yield server
    server.logout()


def put(mailbox: Mailbox, *messages: bytes) -> None:
    with opened(mailbox) as server:
        server.create(f'"{mailbox.folder}"')
        for message in messages:
            assert server.append(f'"{mailbox.folder}"', "", None, message)[0] == "OK"  # type: ignore[arg-type]


def unread(mailbox: Mailbox) -> int:
    with opened(mailbox) as server:
        server.select(f'"{mailbox.folder}"')
        return len(server.search(None, "UNSEEN")[1][0].split())


@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("folder", ["INBOX", "Came back"])
def test_imap_poller_handles_new_mail_once_and_keeps_it(
    runtime: Runtime,
    sink: Sink,
    email: str,
    port: int,
    folder: str,
) -> None:
    mailbox = Mailbox(HOST, port, f"{folder[0].lower()}{runtime.database.dialect}", "secret", folder, encrypted=False)
    written = f"Delivered-To: catch-all@courses.example\r\nX-Original-To: {return_path_of(runtime, sink, email)}\r\n"
    bounce = written.encode() + bounce_about("postfix unknown user", email)
    forged = b"Delivered-To: bounces+forged@courses.example\r\n" + RAW_SAMPLES["gmail full"]
    put(mailbox, RAW_SAMPLES["a letter"], forged, bounce, b"nonsense\r\n")
    assert unread(mailbox) == 4
    assert poll(runtime.bounce_handler, mailbox) == 4
    assert lessons_to(runtime, email)[-1].state == DeliveryState.FAILED
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED
    assert unread(mailbox) == 0
    before = everything(runtime)
    assert poll(runtime.bounce_handler, mailbox) == 0
    put(mailbox, bounce)
    assert poll(runtime.bounce_handler, mailbox) == 1
    assert everything(runtime) == before


def away(*_args: object, **_named: object) -> None:
    raise DatabaseAway("no connection")


@pytest.mark.needs("dovecot")
def test_imap_poller_retries_mail_that_was_not_handled(
    runtime: Runtime,
    sink: Sink,
    email: str,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox = Mailbox(HOST, port, f"cut{runtime.database.dialect}", "secret", encrypted=False)
    put(
        mailbox,
        f"To: {return_path_of(runtime, sink, email)}\r\n".encode() + bounce_about("postfix unknown user", email),
    )
    with monkeypatch.context() as patch:
        patch.setattr("rugcourse.bounces.handler.bounces.record_bounce", away)
        with pytest.raises(DatabaseAway):
            poll(runtime.bounce_handler, mailbox)
    assert unread(mailbox) == 1
    assert poll(runtime.bounce_handler, mailbox) == 1
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED


@pytest.mark.needs("dovecot")
def test_a_message_that_cant_be_read_holds_up_none_behind_it(
    runtime: Runtime,
    sink: Sink,
    email: str,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox = Mailbox(HOST, port, f"poison{runtime.database.dialect}", "secret", encrypted=False)
    deep = b"(" * 20_000
    for header in (b"To: " + deep, b"Delivered-To: " + deep + b"\r\nCc: " + b"<" * 20_000):
        put(mailbox, header + b"\r\n" + RAW_SAMPLES["a letter"])
    put(mailbox, b"X-Breaks: us\r\n" + RAW_SAMPLES["a letter"])
    put(
        mailbox,
        f"To: {return_path_of(runtime, sink, email)}\r\n".encode() + bounce_about("postfix unknown user", email),
    )
    handle = BounceHandler.handle_message

    def breaking(self: BounceHandler, recipient: str, raw: bytes) -> HandledBounce:
        return handle(self, recipient, raw) if b"X-Breaks" not in raw else 1 / 0  # type: ignore[return-value]

    monkeypatch.setattr(BounceHandler, "handle_message", breaking)
    assert poll(runtime.bounce_handler, mailbox) == 4
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED
    assert unread(mailbox) == 1, "it stays unread, with a flag, for whoever looks"
    assert poll(runtime.bounce_handler, mailbox) == 0


@pytest.mark.needs("dovecot")
def test_old_messages_are_deleted_but_for_those_that_wait_and_those_that_others_marked(
    runtime: Runtime,
    port: int,
) -> None:
    mailbox = Mailbox(HOST, port, f"tidy{runtime.database.dialect}", "secret", encrypted=False)
    now = runtime.clock.now()
    put(mailbox)
    with opened(mailbox) as server:
        server.select("INBOX")
        for flags, days, words in (
            (r"(\Seen)", 31, "old"), (r"(\Flagged)", 32, "unreadable"), ("", 40, "waits"), (r"(\Seen)", 29, "new"),
            (r"(\Deleted)", 3, "marked"),
        ):  # fmt: skip
            server.append("INBOX", flags, now - timedelta(days=days), f"Subject: {words}\r\n\r\n".encode())
    assert delete_old(runtime.bounce_handler, mailbox, 30) == 2
    assert delete_old(runtime.bounce_handler, mailbox, 30) == 0
    with opened(mailbox) as server:
        server.select("INBOX")
        _, found = server.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    left = [one[1].split()[1].decode() for one in found if isinstance(one, tuple)]
    assert left == ["waits", "new", "marked"]


@pytest.mark.needs("dovecot")
def test_the_nightly_task_tidies_unless_it_is_told_to_leave_messages(
    runtime: Runtime,
    port: int,
) -> None:
    name = f"nightly{runtime.database.dialect}"
    mailbox = Mailbox(HOST, port, name, "secret", encrypted=False)
    put(mailbox)
    with opened(mailbox) as server:
        server.append("INBOX", r"(\Seen)", runtime.clock.now() - timedelta(days=40), b"Subject: old\r\n\r\n")
    address = {"bounce_mailbox": f"imap://{name}:secret@{HOST}:{port}"}
    for days, left in ((0, 1), (50, 1), (30, 0)):
        settings = runtime.settings.model_copy(update={**address, "keep_bounce_mail_days": days})
        apply_retention(replace(runtime, settings=settings))
        with opened(mailbox) as server:
            assert int(server.select("INBOX")[1][0] or 0) == left


def test_a_mailbox_that_gives_no_reason_is_away_all_the_same(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang_up(*_args: object, **_named: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(imaplib, "IMAP4", type("Silent", (), {"__init__": hang_up, "error": imaplib.IMAP4.error}))
    with pytest.raises(MailboxAway, match=r"^127\.0\.0\.1:143: "):
        poll(runtime.bounce_handler, Mailbox("127.0.0.1", 143, "b", "secret", encrypted=False))


@pytest.mark.needs("dovecot")
def test_a_mailbox_that_does_not_open_says_why(runtime: Runtime, port: int) -> None:
    for mailbox in (
        Mailbox(HOST, port, "sam", "wrong", encrypted=False),
        Mailbox(HOST, port, "sam", "secret", "Not there", encrypted=False),
        Mailbox(HOST, port, "sam", "secret", encrypted=True),
        Mailbox(HOST, free_port(), "sam", "secret", encrypted=False),
    ):
        with pytest.raises(MailboxAway, match=HOST):
            poll(runtime.bounce_handler, mailbox)


@pytest.mark.parametrize(
    ("url", "mailbox"),
    [
        ("imaps://b%40x.example:s%2Fx@mail.example", Mailbox("mail.example", 993, "b@x.example", "s/x")),
        ("imap://b:s@127.0.0.1:1143/Came%20back", Mailbox("127.0.0.1", 1143, "b", "s", "Came back", encrypted=False)),
        ("imaps://b@mail.example", None),
        ("pop3://b:s@mail.example", None),
        ("mail.example", None),
    ],
)  # fmt: skip
def test_the_address_of_a_mailbox_is_read_or_refused(url: str, mailbox: Mailbox | None) -> None:
    if mailbox is None:
        with pytest.raises(ValueError, match="imaps://user:password@host"):
            Mailbox.from_url(url)
    else:
        assert Mailbox.from_url(url) == mailbox
