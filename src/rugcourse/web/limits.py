"""How many signups one network may send."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


class SignupLimit:
    """Counts signups per network over a moving hour: in memory, or in Redis where processes share one."""

    def __init__(self, broker_url: str, per_hour: int) -> None:
        shared = broker_url.startswith(("redis://", "rediss://"))
        self._limiter = MovingWindowRateLimiter(storage_from_string(broker_url if shared else "memory://"))
        self._limit = RateLimitItemPerHour(per_hour)

    def allows(self, client: str | None) -> bool:
        """Count one signup; False when this network had its share."""
        return bool(self._limiter.hit(self._limit, "signup", network(client)))


def network(client: str | None) -> str:
    """What one subscriber of a provider can freely choose addresses from: one IPv4 address, an IPv6 /64."""
    try:
        address = ip_address(client or "")
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(ip_network(f"{address}/64", strict=False))
