"""Which addresses may be connected to: public ones, and those of networks that the settings name.

Else somebody who may add an endpoint could read or change what only this machine's network reaches (SSRF).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_COMPATIBLE = IPv6Network("::/96")  # deprecated by RFC 4291, but some systems route it
_NEVER = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))  # local NAT64 (RFC 8215), site-local


def is_allowed(text: str, allowed: Sequence[Network], *, only_allowed: bool = False) -> bool:
    """Whether an address may be connected to. `allowed`: networks that are fine although they are not public.

    `only_allowed`: no public ones, as for a URL without TLS.
    """
    address = _carried(ip_address(text.partition("%")[0]))
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return not only_allowed and _is_public(address)


def _carried(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 address leads to, if it does, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: IpAddress) -> bool:
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address.teredo is None and address not in _COMPATIBLE and not any(address in one for one in _NEVER)
