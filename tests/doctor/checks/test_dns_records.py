"""What the DNS says of the sender: asked of a real server on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.builders import make_settings
from tests.support.nameserver import DOMAIN, WELL, nameserver
from tests.support.servers import free_port

from rugcourse.doctor.checks.dns_records import check_dns
from rugcourse.doctor.report import CHECKS, Finding, State
from rugcourse.doctor.resolver import Dns
from rugcourse.emails.dkim_keys import load_keys, make_keys
from rugcourse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(
        tmp_path, "smtp://127.0.0.1:25", sender_address=f"les@{DOMAIN}", bounce_address=f"b@{DOMAIN}",
        ehlo_name="mail.practice.nl",
    )  # fmt: skip


def look(settings: Settings, records: dict[tuple[str, str], list[str]]) -> list[Finding]:
    with nameserver(records) as server:
        return list(check_dns(settings, Dns(server)))


def states(findings: list[Finding]) -> dict[str, State]:
    return {one.check: one.state for one in findings}


def said(findings: list[Finding], check: str) -> str:
    return " ".join(f"{one.found % one.values} {one.fix % one.values}" for one in findings if one.check == check)


def test_a_domain_that_is_set_up_is_well(settings: Settings) -> None:
    found = look(settings, WELL)
    assert states(found) == {
        "spf": State.OK, "dkim": State.UNKNOWN, "dmarc": State.OK, "mx": State.OK, "ptr": State.OK,
    }  # fmt: skip
    assert "_dmarc.practice.nl" in said(found, "dmarc")


def test_a_domain_of_which_nothing_is_known_is_told_what_to_add(settings: Settings) -> None:
    found = look(settings, {("other.nl", "A"): ["192.0.2.1"]})
    assert states(found) == {
        "spf": State.ERROR, "dkim": State.UNKNOWN, "dmarc": State.ERROR, "mx": State.ERROR, "ptr": State.UNKNOWN,
    }  # fmt: skip
    assert f"TXT record to {DOMAIN}" in said(found, "spf")
    assert f"_dmarc.{DOMAIN}" in said(found, "dmarc")
    assert all(one.check in CHECKS for one in found)


@pytest.mark.parametrize(
    ("changes", "check", "state", "words"),
    [
        ({(DOMAIN, "TXT"): ['"v=spf1 -all"', '"v=spf1 mx -all"']}, "spf", State.ERROR, "2 SPF records"),
        ({(DOMAIN, "TXT"): ['"v=spf1 +all"']}, "spf", State.ERROR, "everyone"),
        ({(DOMAIN, "TXT"): ['"v=spf1 mx"']}, "spf", State.WARNING, "says nothing"),
        ({(DOMAIN, "TXT"): ['"v=spf1 mx ?all"']}, "spf", State.WARNING, "says nothing"),
        ({(DOMAIN, "TXT"): ['"v=spf1 redirect=relay.nl"']}, "spf", State.OK, "redirect"),
        ({(DOMAIN, "TXT"): ['"v=sp" "f1 mx ~all"']}, "spf", State.OK, "~all"),
        ({("relay.nl", "TXT"): ['"v=spf1 ' + "a mx " * 5 + '-all"']}, "spf", State.ERROR, "12 look-ups"),
        ({("relay.nl", "TXT"): ['"v=spf1 include:relay.nl -all"']}, "spf", State.ERROR, "11 look-ups"),
        ({(DOMAIN, "TXT"): ['"v=spf1 include:gone.nl -all"']}, "spf", State.ERROR, "include:gone.nl"),
        ({(DOMAIN, "TXT"): ['"v=spf1 redirect=gone.nl"']}, "spf", State.ERROR, "redirect=gone.nl"),
        ({(DOMAIN, "TXT"): ['"v=spf1 redirect=relay.nl"'], ("relay.nl", "TXT"): ['"v=spf1 +all"']}, "spf", State.ERROR, "everyone"),
        ({(DOMAIN, "TXT"): ['"v=spf1 mx -all exp=why.nl"']}, "spf", State.OK, "exp"),
        ({(DOMAIN, "TXT"): ['"v=spf1 inlcude:relay.nl -all"']}, "spf", State.ERROR, "inlcude:relay.nl"),
        ({(DOMAIN, "TXT"): ['"v=spf1 ip4:300.1.1.1 -all"']}, "spf", State.ERROR, "ip4:300.1.1.1"),
        ({(DOMAIN, "TXT"): ['"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a/24 -all"'], (DOMAIN, "A"): ["192.0.2.9"]}, "spf", State.OK, "ip6"),
        ({(DOMAIN, "TXT"): ['"v=spf1 a:a1.nl a:a2.nl a:a3.nl -all"']}, "spf", State.ERROR, "a:a3.nl"),
        ({("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=reject; sp=none"']}, "dmarc", State.WARNING, "p=none"),
        ({("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=Reject"']}, "dmarc", State.OK, "p=reject"),
        ({(DOMAIN, "MX"): ["0 ."], (DOMAIN, "A"): ["192.0.2.9"]}, "mx", State.ERROR, "accepts no email"),
        ({("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=none"']}, "dmarc", State.WARNING, "p=none"),
        ({("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}, "dmarc", State.ERROR, "2 DMARC records"),
        ({(f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1;p=reject"']}, "dmarc", State.OK, "reject"),
        ({(DOMAIN, "MX"): ["0 ."]}, "mx", State.ERROR, "are lost"),
        ({(DOMAIN, "MX"): [], (DOMAIN, "A"): ["192.0.2.8"]}, "mx", State.OK, "itself"),
        ({("7.2.0.192.in-addr.arpa", "PTR"): ["other.example."]}, "ptr", State.ERROR, "PTR"),
    ],
)  # fmt: skip
def test_dns_check_names_each_wrong_record(
    settings: Settings, changes: dict[tuple[str, str], list[str]], check: str, state: State, words: str
) -> None:
    found = look(settings, {**WELL, **changes})
    assert states(found)[check] == state
    assert words in said(found, check)


def test_mail_that_comes_back_elsewhere_and_is_not_signed_is_not_aligned(settings: Settings) -> None:
    other = settings.model_copy(update={"bounce_address": "b@relay.nl"})
    found = look(other, {**WELL, ("relay.nl", "MX"): ["10 mx.relay.nl."]})
    assert State.WARNING in {one.state for one in found if one.check == "dmarc"}
    assert "relay.nl" in said(found, "dmarc")


@pytest.mark.parametrize(
    ("record", "aligned"),
    [
        ({(f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=reject"']}, True),
        ({("_dmarc.practice.nl", "TXT"): ['"v=DMARC1; p=reject; aspf=s"']}, False),
    ],
)
def test_a_bounce_domain_of_the_same_organisation_is_aligned_unless_the_record_is_strict(
    settings: Settings, record: dict[tuple[str, str], list[str]], aligned: bool
) -> None:
    other = settings.model_copy(update={"bounce_address": "b@bounces.practice.nl"})
    found = look(other, {**WELL, ("bounces.practice.nl", "MX"): ["10 mx.practice.nl."], **record})
    assert ("no part of" not in said(found, "dmarc")) == aligned


def test_an_address_in_capitals_is_the_same_domain(settings: Settings) -> None:
    loud = settings.model_copy(update={"sender_address": f"les@{DOMAIN.upper()}"})
    assert [one.state for one in look(loud, WELL)] == [one.state for one in look(settings, WELL)]


def test_a_name_that_the_dns_can_say_nothing_about_ends_no_other_check(settings: Settings) -> None:
    found = look(settings, {**WELL, ("relay.nl", "TXT"): ["SERVFAIL"]})
    assert states(found) == {**states(look(settings, WELL)), "spf": State.UNKNOWN}
    assert "relay.nl" in said(found, "spf")


def test_keys_are_compared_with_what_the_dns_says(settings: Settings, tmp_path: Path) -> None:
    files = {**make_keys(tmp_path / "new", "b"), **make_keys(tmp_path / "old", "a")}
    signing = settings.model_copy(update={"dkim_keys": ",".join(f"{name}={file}" for name, file in files.items())})
    new_rsa, new_ed, old_rsa, old_ed = load_keys(files)

    def stands(*keys: Any) -> dict[tuple[str, str], list[str]]:
        return {
            (f"{key.selector}._domainkey.{DOMAIN}", "TXT"): [f'"{key.record[:200]}" "{key.record[200:]}"']
            for key in keys
        }

    def dkim(records: dict[tuple[str, str], list[str]]) -> list[State]:
        return [one.state for one in look(signing, {**WELL, **records}) if one.check == "dkim"]

    assert dkim(stands(new_rsa, new_ed, old_rsa, old_ed)) == [State.OK] * 4
    assert dkim(stands(new_rsa, new_ed)) == [State.OK, State.OK, State.WARNING, State.WARNING]
    assert dkim(stands(new_ed, old_rsa, old_ed)) == [State.ERROR, State.OK, State.OK, State.OK]
    other = {(f"br._domainkey.{DOMAIN}", "TXT"): ['"v=DKIM1; k=rsa; p=MIIB"']}
    found = look(signing, {**WELL, **stands(new_ed), **other})
    assert f"another key than the one that signs. Put this there: {new_rsa.record}" in said(found, "dkim")
    missing = settings.model_copy(update={"dkim_keys": f"a={tmp_path / 'missing.pem'}"})
    assert states(look(missing, WELL))["dkim"] == State.ERROR


def test_a_relay_elsewhere_has_a_name_of_its_own(settings: Settings) -> None:
    relayed = settings.model_copy(update={"smtp_url": "smtp://relay.nl:587"})
    assert "ptr" not in states(look(relayed, WELL))


def test_dns_check_reports_unknown_when_no_server_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rugcourse.doctor.resolver._SECONDS", 0.3)
    found = list(check_dns(settings, Dns(f"127.0.0.1:{free_port()}")))
    assert states(found) == {"spf": State.UNKNOWN}
