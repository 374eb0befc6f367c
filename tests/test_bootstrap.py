"""What an installation is put together from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dkim
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, send_now, sender
from rugcourse.emails.dkim_keys import load_keys, make_keys
from rugcourse.emails.plain import plain_message


def test_a_notice_that_is_in_no_ledger_is_signed_as_all_mails_are(runtime: Runtime, sink: Sink, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "keys", "2026a")
    keys = ",".join(f"{name}={file}" for name, file in files.items())
    signing = replace(runtime, settings=runtime.settings.model_copy(update={"dkim_keys": keys}))
    message = plain_message("Je adres is veranderd", "Vanaf nu …", "sam@x.example", "nl", sender(signing.settings))
    assert send_now(signing, message, "sam@x.example")
    domain = signing.settings.sender_domain
    records = {f"{key.selector}._domainkey.{domain}.".encode(): key.record.encode() for key in load_keys(files)}
    for number in range(len(files)):
        assert dkim.DKIM(sink.taken[-1].raw).verify(idx=number, dnsfunc=lambda name, **_: records.get(name))
