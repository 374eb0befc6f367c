"""Rate limits for a network, an address or account, and all clients together.

A request is counted before it is processed, so that parallel requests can't exceed a limit.
"""

from __future__ import annotations

import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

log = structlog.get_logger()

_MOST_KEYS = 100_000  # in memory: some 40 MB
_OF_ADMINS = (
    "/device ",
    "/code/",
    "/confirm/",
)  # keys of admins: a table that was filled by strangers must not lock them out
_REDIS_SECONDS = 0.5  # timeout, after which the process counts for itself for a while
_ALONE_SECONDS = 30.0

_ADDRESS_PER_DAY = RateLimitItemPerDay(5)
_RESETS_PER_DAY = RateLimitItemPerDay(5)
_REMARKS_PER_HOUR = RateLimitItemPerHour(30)
_TESTS_PER_HOUR = RateLimitItemPerHour(200)  # a school class may take it at the same time
_CHALLENGES_PER_HOUR = RateLimitItemPerHour(60)
_ANYTHING_IN_ALL = RateLimitItemPerHour(10_000)  # each for remarks, tests and challenges: bounds the memory
_API_PER_MINUTE = RateLimitItemPerMinute(600)
_API_WAIT_SECONDS = 10
_API_SIGNUPS_PER_HOUR = RateLimitItemPerHour(300)
# Login attempts, successful or not; a success clears the first of these.
_LOGINS_OF_ACCOUNT_FROM_NETWORK = RateLimitItemPerMinute(5, 15)
_LOGINS_FROM_NETWORK = RateLimitItemPerMinute(30, 15)
_LOGINS_OF_ACCOUNT = RateLimitItemPerMinute(50, 60)
_LOGINS_IN_ALL = RateLimitItemPerMinute(300, 15)
_CODES_OF_ACCOUNT = RateLimitItemPerDay(30)
_ONCE_A_DAY = RateLimitItemPerDay(1)
_CONFIRMATIONS = RateLimitItemPerMinute(5, 15)


class BoundedMemory(MemoryStorage):
    """In-memory storage with a maximum of keys; the package's own one never deletes keys.

    Expired keys are deleted by `forget`, and when it is full. If it still is, new keys of anonymous clients are
    refused.
    """

    _looked_at = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        full = key not in self.events and len(self.events) >= _MOST_KEYS
        if full and not any(part in key for part in _OF_ADMINS) and not self._make_room():
            return False
        return bool(super().acquire_entry(key, limit, expiry, amount))

    def forget(self) -> None:
        """Delete expired keys."""
        now = time.time()
        for key in list(self.events):
            with self.locks[key]:  # a concurrent request may have added the key and be about to count
                entries = self.events.get(key)
                if not entries or entries[0].expiry < now:
                    self.clear(key)

    def _make_room(self) -> bool:
        now = time.time()
        if now - self._looked_at > 1:
            self._looked_at = now
            self.forget()
        return len(self.events) < _MOST_KEYS


class RequestLimits:
    """Counts in moving windows: in memory, or in Redis if processes share one. If Redis is unavailable, each process
    counts for itself until it is back.

    Counts are deleted after their window: by Redis at once, in memory by the next `forget`. Mail addresses are counted
    by their keyed hash.
    """

    def __init__(self, broker_url: str, signups_per_hour: int, signups_per_hour_in_all: int) -> None:
        shared = broker_url.startswith(("redis://", "rediss://"))
        self._memory = BoundedMemory()
        self._alone = MovingWindowRateLimiter(self._memory)
        self._limiter = self._alone
        self._alone_until = 0.0
        self._lost: tuple[type[Exception], ...] = ()  # what Redis raises while it is away
        if shared:
            from redis.exceptions import RedisError  # noqa: PLC0415 - 14 MB, and without Redis nothing needs it

            self._lost = (RedisError,)
            waits = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
            self._limiter = MovingWindowRateLimiter(storage_from_string(broker_url, **waits))
        self._per_network = RateLimitItemPerHour(signups_per_hour)
        self._in_all = RateLimitItemPerHour(signups_per_hour_in_all)

    def forget(self) -> None:
        """Delete expired counts of networks and addresses."""
        self._memory.forget()

    def allows_signup(self, client: str | None) -> bool:
        """Count a signup. Returns False if the limit of the network, or of all together, is reached."""
        return self._hits(self._in_all, self._per_network, "signup", client)

    def allows_mail(self, address_hash: str) -> bool:
        """Count a mail requested for an address. Returns False if its daily limit is reached."""
        return self._hit(_ADDRESS_PER_DAY, "mail", address_hash)

    def allows_reset(self, account: str) -> bool:
        """Count a password reset link. Returns False if the account's daily limit is reached."""
        return self._hit(_RESETS_PER_DAY, "reset", account)

    def allows_remark(self, client: str | None) -> bool:
        """Count a feedback on a lesson. Returns False if the network's limit is reached."""
        return self._hits(_ANYTHING_IN_ALL, _REMARKS_PER_HOUR, "remark", client)

    def allows_test(self, client: str | None) -> bool:
        """Count a finished knowledge test. Returns False if the network's limit is reached."""
        return self._hits(_ANYTHING_IN_ALL, _TESTS_PER_HOUR, "test", client)

    def allows_forgotten(self, client: str | None) -> bool:
        """Count a request of the form "forgot password". Returns False if the network's limit is reached."""
        return self._hits(_ANYTHING_IN_ALL, _CHALLENGES_PER_HOUR, "forgotten", client)

    def allows_challenge(self, client: str | None) -> bool:
        """Count a passkey challenge. Returns False if the network's limit is reached."""
        return self._hits(_ANYTHING_IN_ALL, _CHALLENGES_PER_HOUR, "challenge", client)

    def allows_login(self, account: str, client: str | None, device: str | None = None) -> bool:
        """Count a login attempt. Returns False if the limit of the account (a keyed hash), network, or all together is
        reached.

        `device`: identifies a browser in which this admin logged in before. It has its own limit, so that attempts of
        others can't lock out the owner (OWASP: slow down online guessing attacks with device cookies).
        """
        if device is not None:
            return self._hit(_LOGINS_OF_ACCOUNT_FROM_NETWORK, "login", account, f"device {device}")
        where = network(client)
        return (
            self._hit(_LOGINS_IN_ALL, "login", "all", count=False)
            and self._hit(_LOGINS_OF_ACCOUNT, "login of", account, count=False)
            and self._hit(_LOGINS_FROM_NETWORK, "login", where)
            and self._hit(_LOGINS_OF_ACCOUNT_FROM_NETWORK, "login", account, where)
            and self._hit(_LOGINS_OF_ACCOUNT, "login of", account)
            and self._hit(_LOGINS_IN_ALL, "login", "all")
        )

    def logged_in(self, account: str, client: str | None, device: str | None = None) -> None:
        """Reset the attempts of a client that logged in."""
        where = network(client) if device is None else f"device {device}"
        self._clear(_LOGINS_OF_ACCOUNT_FROM_NETWORK, "login", account, where)

    def allows_code(self, account: str) -> bool:
        """Count an attempt at a TOTP code, from any network. Returns False if the account's daily limit is reached."""
        return self._hit(_CODES_OF_ACCOUNT, "code", account)

    def allows_confirmation(self, session_id: int) -> bool:
        """Count a password confirmation in a session. Returns False if its limit is reached."""
        return self._hit(_CONFIRMATIONS, "confirm", str(session_id))

    def confirmed(self, session_id: int) -> None:
        """Reset the attempts of a session that gave the right password."""
        self._clear(_CONFIRMATIONS, "confirm", str(session_id))

    def allows_api_guess(self, client: str | None) -> bool:
        """Count a wrong token. Returns False if the network's limit is reached."""
        return self._hits(_ANYTHING_IN_ALL, _CHALLENGES_PER_HOUR, "api guess", client)

    def api_wait(self, token_id: int) -> int:
        """Count a request of a token. Returns 0, or the seconds to wait if its limit is reached."""
        return 0 if self._hit(_API_PER_MINUTE, "api", str(token_id)) else _API_WAIT_SECONDS

    def allows_api_signup(self, token_id: int) -> bool:
        """Count a signup by a token. Returns False if its limit, or that of all signups together, is reached."""
        return self._hit(_API_SIGNUPS_PER_HOUR, "api signup", str(token_id)) and self._hit(
            self._in_all, "signup", "all"
        )

    def is_first_use(self, proof: str, body_hash: str) -> bool:
        """Return whether a signature is new today, or was used with the same body before, as in a retry."""
        if self._hit(_ONCE_A_DAY, "proof", proof):
            self._hit(_ONCE_A_DAY, "proof of", proof, body_hash)
            return True
        return not self._hit(_ONCE_A_DAY, "proof of", proof, body_hash, count=False)

    def _hits(self, in_all: RateLimitItem, of_network: RateLimitItem, what: str, client: str | None) -> bool:
        """Count for a network and overall. When the overall limit is reached, no new networks are stored."""
        return (
            self._hit(in_all, what, "all", count=False)
            and self._hit(of_network, what, network(client))
            and self._hit(in_all, what, "all")
        )

    def _hit(self, limit: RateLimitItem, *what: str, count: bool = True) -> bool:
        """Return whether a limit is not reached, and count the request unless `count` is False."""
        if time.monotonic() >= self._alone_until:
            try:
                return bool((self._limiter.hit if count else self._limiter.test)(limit, *what))
            except self._lost as error:
                self._alone_until = time.monotonic() + _ALONE_SECONDS  # no further request waits for it meanwhile
                log.warning("rate_limits_local", error=type(error).__name__)
        return bool((self._alone.hit if count else self._alone.test)(limit, *what))

    def _clear(self, limit: RateLimitItem, *what: str) -> None:
        self._alone.clear(limit, *what)
        if time.monotonic() >= self._alone_until:
            with suppress(*self._lost):
                self._limiter.clear(limit, *what)


def network(client: str | None) -> str:
    """Return the unit within which a client can change its address freely: an IPv4 address or an IPv6 /64."""
    address = _address(client)
    if address is None:
        return "unknown"
    return str(address) if address.version == 4 else str(ip_network(f"{address}/64", strict=False))


def shortened(client: str | None) -> str:
    """Return a network that may be logged, as it identifies nobody: an IPv4 /24 or an IPv6 /48."""
    address = _address(client)
    if address is None:
        return "unknown"
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _address(client: str | None) -> IPv4Address | IPv6Address | None:
    """Parse an address. IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) becomes IPv4: else all of them would share one network."""
    try:
        address = ip_address(client or "")
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
