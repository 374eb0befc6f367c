"""Evaluates an SPF record as receivers do (RFC 7208), but without a client address to check."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from rugcourse.doctor.resolver import Dns
from rugcourse.errors import InvalidInput

_MOST_LOOKUPS, _MOST_VOID = 10, 2  # RFC 7208, 4.6.4
_TERM = re.compile(r"([+?~-]?)([a-z0-9]+)(?:[:]([^/\s]*))?((?:/.*)?)", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
_NETWORKS = {"ip4": IPv4Network, "ip6": IPv6Network}


class PermError(InvalidInput):
    """A term makes the record invalid, so that receivers ignore it (RFC 7208, 4.6). The argument is the term."""


@dataclass(slots=True)
class SpfLookups:
    """Counts the look-ups that a record needs, and lists those that find nothing."""

    dns: Dns
    lookups: int = 0
    void: list[str] = field(default_factory=list)

    @property
    def is_too_long(self) -> bool:
        return self.lookups > _MOST_LOOKUPS

    def check_void(self) -> None:
        """Raise PermError if more look-ups find nothing than are allowed, for the first one over the limit."""
        if len(self.void) > _MOST_VOID:
            raise PermError(self.void[_MOST_VOID])

    def rest(self, domain: str, record: str) -> str | None:
        """Evaluate a record and all that it includes. Raises PermError and DnsAway.

        Returns the qualifier for servers that it does not name, or None if it has none.
        """
        redirect, qualifier = "", None
        for term in record.split()[1:]:
            if modifier := _MODIFIER.fullmatch(term):
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
            elif qualifier is None:  # terms after `all` are ignored
                qualifier = self._mechanism(domain, term)
        if qualifier is None and redirect:
            return self._include(redirect, f"redirect={redirect}")
        return qualifier

    def _mechanism(self, domain: str, term: str) -> str | None:
        """Evaluate a mechanism. Returns its qualifier if it is `all`, otherwise None."""
        found = _TERM.fullmatch(term)
        if found is None:
            raise PermError(term)
        name, target = found[2].lower(), found[3] or ""
        match name:
            case "all":
                return found[1] or "+"
            case "ip4" | "ip6":
                _check_network(term, name)
            case "include" | "exists" if not target:
                raise PermError(term)
            case "include":
                self._include(target, term)
            case "a" | "mx" | "ptr" | "exists":
                self._query_term(name, target or domain)
            case _:
                raise PermError(term)
        return None

    def _query_term(self, name: str, target: str) -> None:
        self.lookups += 1
        if self.is_too_long or "%" in target or name not in {"a", "mx"}:
            return
        found = self.dns.addresses(target) if name == "a" else self.dns.mail_servers(target)
        if not found:
            self.void.append(f"{name}:{target}")

    def _include(self, target: str, term: str) -> str | None:
        self.lookups += 1
        if self.is_too_long or "%" in target:
            return None
        records = records_of(self.dns, target)
        if len(records) != 1:
            raise PermError(term)
        return self.rest(target, records[0])


def records_of(dns: Dns, domain: str) -> list[str]:
    """Return the SPF records of a domain. Raises DnsAway."""
    return [one for one in dns.texts(domain) if one.lower().split(" ")[0] == "v=spf1"]


def _check_network(term: str, name: str) -> None:
    try:
        _NETWORKS[name](term.partition(":")[2], strict=False)
    except ValueError:
        raise PermError(term) from None
