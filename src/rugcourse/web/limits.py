"""How much one network, one address and all of them together may ask for."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

_ADDRESS_PER_DAY = RateLimitItemPerDay(5)
_REMARKS_PER_HOUR = RateLimitItemPerHour(30)
_GUESSES = RateLimitItemPerMinute(5, 15)  # of one account from one network


class Limits:
    """Counts over moving windows: in memory, or in Redis where processes share one.

    What is counted is forgotten with its window. Mail addresses are counted under their keyed hash.
    """

    def __init__(self, broker_url: str, signups_per_hour: int, signups_per_hour_in_all: int) -> None:
        shared = broker_url.startswith(("redis://", "rediss://"))
        self._limiter = MovingWindowRateLimiter(storage_from_string(broker_url if shared else "memory://"))
        self._per_network = RateLimitItemPerHour(signups_per_hour)
        self._in_all = RateLimitItemPerHour(signups_per_hour_in_all)

    def allows_signup(self, client: str | None) -> bool:
        """Count one signup; False when this network, or all of them together, had their share."""
        return self._hit(self._per_network, "signup", network(client)) and self._hit(self._in_all, "signup", "all")

    def allows_mail(self, address_hash: str) -> bool:
        """Count one mail asked for at an address; False when it had its share of today."""
        return self._hit(_ADDRESS_PER_DAY, "mail", address_hash)

    def allows_remark(self, client: str | None) -> bool:
        """Count one remark about a lesson; False when this network had its share."""
        return self._hit(_REMARKS_PER_HOUR, "remark", network(client))

    def may_guess(self, account: str, client: str | None) -> bool:
        """Whether a password or code may be tried for an account (a keyed hash) from a network.

        Who fails from elsewhere is not in the owner's way: nobody can lock them out.
        """
        return bool(self._limiter.test(_GUESSES, "guess", account, network(client)))

    def count_guess(self, account: str, client: str | None) -> None:
        """Count one that failed."""
        self._hit(_GUESSES, "guess", account, network(client))

    def _hit(self, limit: RateLimitItem, *what: str) -> bool:
        return bool(self._limiter.hit(limit, *what))


def network(client: str | None) -> str:
    """What one subscriber of a provider can freely choose addresses from: one IPv4 address, an IPv6 /64."""
    try:
        address = ip_address(client or "")
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(ip_network(f"{address}/64", strict=False))
