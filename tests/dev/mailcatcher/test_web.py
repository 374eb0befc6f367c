"""The inbox of the demo."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from rugcourse.dev.mailcatcher.mailbox import CaughtMails
from rugcourse.dev.mailcatcher.web import create_app


def test_address_of_a_mail_leads_to_all_mails_to_it(tmp_path: Path) -> None:
    mailbox = CaughtMails(tmp_path)
    for recipient in ("kim+a@x.example", "sam@x.example", "kim+a@x.example"):
        mailbox.keep(f"To: {recipient}\r\nSubject: For {recipient}\r\n\r\nhello".encode())
    inbox = TestClient(create_app(mailbox, "http://site.example"))
    everything = inbox.get("/").text
    assert (everything.count("For kim"), everything.count("For sam")) == (2, 1)
    assert 'href="/?to=kim%2Ba%40x.example"' in inbox.get("/mail/1").text
    theirs = inbox.get("/?to=kim%2Ba%40x.example").text
    assert (theirs.count("For kim"), theirs.count("For sam")) == (2, 0)
    assert "No mail yet" in inbox.get("/?to=nobody@x.example").text
