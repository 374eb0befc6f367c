"""Looks up names in the DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, NoNameservers, Resolver
from dns.reversename import from_address

from rugcourse.errors import UnavailableError

_PORT = 53
_SECONDS = 5.0


class DnsAway(UnavailableError):
    """No DNS server responds."""


class DnsFailed(UnavailableError):
    """The DNS server can't resolve a name (such as SERVFAIL). The argument is the name."""


@dataclass(frozen=True, slots=True)
class Dns:
    """A DNS client. `server`: host[:port], or empty for the system's resolvers."""

    server: str = ""

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name, with the strings of each joined (RFC 7208, 3.3). Raises DnsAway."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self._ask(name, "TXT")]

    def mail_servers(self, name: str) -> list[str]:
        """Return the mail servers of a domain, by preference; none for a null MX (RFC 7505). Raises DnsAway."""
        found = sorted(self._ask(name, "MX"), key=lambda one: one.preference)
        return [host for one in found if (host := one.exchange.to_text().rstrip("."))]

    def refuses_mail(self, name: str) -> bool:
        """Whether a domain has a null MX (RFC 7505). Raises DnsAway."""
        return any(one.exchange.to_text() == "." for one in self._ask(name, "MX"))

    def addresses(self, name: str) -> list[str]:
        """Return the IP addresses of a name. Raises DnsAway."""
        return [one.address for kind in ("A", "AAAA") for one in self._ask(name, kind)]

    def names(self, address: str) -> list[str]:
        """Return the names of an IP address (PTR). Raises DnsAway."""
        return [one.target.to_text().rstrip(".").lower() for one in self._ask(from_address(address).to_text(), "PTR")]

    def _ask(self, name: str, kind: str) -> Sequence[Any]:
        try:
            return list(self._resolver().resolve(name, kind, search=False))
        except (NXDOMAIN, NoAnswer):
            return []
        except NoNameservers as error:
            if any(response is not None for *_, response in error.kwargs["errors"]):
                raise DnsFailed(name) from error
            raise DnsAway(str(error)) from error
        except DNSException as error:
            raise DnsAway(str(error)) from error

    def _resolver(self) -> Resolver:
        if not self.server:
            resolver = Resolver()
        else:
            host, _, port = self.server.partition(":")
            resolver = Resolver(configure=False)
            resolver.nameservers = [host]
            resolver.port = int(port or _PORT)
        resolver.lifetime = _SECONDS
        return resolver
