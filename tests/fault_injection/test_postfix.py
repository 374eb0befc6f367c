"""A real Postfix (Debian package, loopback only): some mailboxes are not there, and what it sends back is in the ledger."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.builders import at_eight, mails_to, make_reader, make_runtime, make_settings, plan, send_all
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.bounces.lmtp_server import LmtpHandler, start_lmtp_server
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.models import SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.delivery.reconciliation import audit

ADDRESS = "bounces@courses.example"
_MASTER = """\
{port}     inet  n  -  n  -  -  smtpd
pickup     unix  n  -  n  60 1  pickup
cleanup    unix  n  -  n  -  0  cleanup
qmgr       unix  n  -  n  300 1 qmgr
tlsmgr     unix  -  -  n  1000? 1 tlsmgr
rewrite    unix  -  -  n  -  -  trivial-rewrite
bounce     unix  -  -  n  -  0  bounce
defer      unix  -  -  n  -  0  bounce
trace      unix  -  -  n  -  0  bounce
verify     unix  -  -  n  -  1  verify
smtp       unix  -  -  n  -  -  smtp
lmtp       unix  -  -  n  -  -  lmtp
error      unix  -  -  n  -  -  error
retry      unix  -  -  n  -  -  error
anvil      unix  -  -  n  -  1  anvil
scache     unix  -  -  n  -  1  scache
proxymap   unix  -  -  n  -  -  proxymap
showq      unix  n  -  n  -  -  showq
flush      unix  n  -  n  1000? 0 flush
postlog    unix-dgram n - n - 1 postlogd
"""
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.near.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = permit_mynetworks, reject
transport_maps = inline:{{ {{ courses.example = lmtp:inet:127.0.0.1:{door} }}, {{ * = smtp:[127.0.0.1]:{far} }} }}
smtp_host_lookup = native
smtp_tls_security_level = none
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
bounce_queue_lifetime = 10m
"""

pytestmark = [pytest.mark.long_drill, pytest.mark.needs("postfix")]


@contextmanager
def postfix(folder: Path, port: int, door: int, far: int) -> Iterator[None]:
    """A Postfix of its own, away from the machine's: it ends with the block."""
    folder.chmod(0o755)
    for name in ("queue", "data", "etc"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix", "postfix")
    (folder / "etc" / "main.cf").write_text(_MAIN.format(folder=folder, door=door, far=far))
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=f"{HOST}:{port}"))
    command = ["postfix", "-c", str(folder / "etc")]
    started = subprocess.run([*command, "start"], check=False, capture_output=True, text=True, timeout=60)
    log = folder / "mail.log"
    assert started.returncode == 0, started.stderr + (log.read_text() if log.exists() else "")
    try:
        yield
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=60)


def test_bounces_of_postfix_are_recorded_in_the_ledger(database: Database, clock: VirtualClock, tmp_path: Path) -> None:
    port, door_port = free_port(), free_port()
    missing, full = "missing@far.example", "full@far.example"
    faults = {missing: Fault("rcpt", "550 5.1.1 no such user here"), full: Fault("rcpt", "552 5.2.2 mailbox full")}
    folder = Path("/tmp") / f"rugcourse-postfix-{os.getpid()}-{port}"  # Postfix's own user has to get there
    folder.mkdir()
    settings = make_settings(tmp_path, f"smtp://{HOST}:{port}", bounce_address=ADDRESS, smtp_timeout_seconds=20)
    runtime = make_runtime(database, settings, clock)
    door = start_lmtp_server(LmtpHandler(runtime.bounce_handler, ADDRESS), HOST, door_port, lmtp=True)
    door.start()
    try:
        with Sink(faults.get) as far, postfix(folder, port, door_port, far.port):
            emails = [make_reader(runtime, email) for email in (missing, full, "fine@far.example", "well@far.example")]
            at_eight(runtime)
            plan(runtime)
            dispatcher = open_dispatcher(runtime)
            send_all(dispatcher)
            dispatcher.close()
            until = time.monotonic() + 60
            while time.monotonic() < until and any("accepted" in states(runtime, email) for email in (missing, full)):
                time.sleep(0.2)
            arrived = {one.recipient for one in far.taken}
    finally:
        door.stop()
        shutil.rmtree(folder, ignore_errors=True)
    assert arrived == set(emails[2:])
    assert [states(runtime, email) for email in emails[2:]] == [{"accepted"}] * 2
    for email, status in ((missing, "5.1.1"), (full, "5.2.2")):
        # What was planned is not sent to a mailbox that is gone; a lesson to a full one waits for its next hour.
        assert states(runtime, email) <= {"failed", "cancelled"}
        assert any((one.smtp_response or "").startswith(f"bounced: {status}") for one in mails_to(runtime, email))
    with database.read() as session:
        people = {email: subscribers.by_email(session, email) for email in emails}
    assert people[missing].status == SubscriberStatus.SUPPRESSED  # type: ignore[union-attr]
    assert people["fine@far.example"].status == SubscriberStatus.ACTIVE  # type: ignore[union-attr]
    assert audit(database, clock.now(), runtime.send_window.grace).findings == ()


def states(runtime: Runtime, email: str) -> set[str]:
    return {one.state for one in mails_to(runtime, email)}
