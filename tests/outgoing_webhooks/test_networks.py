"""Only public addresses may be connected to, however they are written, and networks that the settings name."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from rugcourse.outgoing_webhooks.networks import is_allowed

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:4700::6810:84e5", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::1"],
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, ())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - not bound to
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_others_are_not_however_they_are_written(address: str) -> None:
    assert not is_allowed(address, ())


def test_a_network_of_the_settings_is_allowed_and_no_other_one() -> None:
    assert is_allowed("127.0.0.1", LOOPBACK)
    assert is_allowed("::ffff:127.0.0.1", LOOPBACK)
    assert is_allowed("::1", LOOPBACK)
    assert not is_allowed("10.0.0.1", LOOPBACK)


def test_without_tls_only_these_networks_are_allowed() -> None:
    assert is_allowed("127.0.0.1", LOOPBACK, only_allowed=True)
    assert not is_allowed("93.184.216.34", LOOPBACK, only_allowed=True)
