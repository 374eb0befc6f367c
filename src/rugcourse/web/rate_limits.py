"""How much one network, one address and all of them together may ask for.

Each look is a hit: it is counted before anything is checked, so that many at once are as many tries.
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
)  # few, and theirs: a table that strangers filled must not keep them out
_REDIS_SECONDS = 0.5  # to answer; then a process counts for itself for a while
_ALONE_SECONDS = 30.0

_ADDRESS_PER_DAY = RateLimitItemPerDay(5)
_RESETS_PER_DAY = RateLimitItemPerDay(5)
_REMARKS_PER_HOUR = RateLimitItemPerHour(30)
_TESTS_PER_HOUR = RateLimitItemPerHour(200)  # a class takes it at the same time, from one network
_CHALLENGES_PER_HOUR = RateLimitItemPerHour(60)
_ANYTHING_IN_ALL = RateLimitItemPerHour(
    10_000
)  # of remarks, of tests, of challenges: bounds what is remembered of them
# Logins, whether they succeed or not; a success clears the first of them.
_LOGINS_OF_ACCOUNT_FROM_NETWORK = RateLimitItemPerMinute(5, 15)
_LOGINS_FROM_NETWORK = RateLimitItemPerMinute(30, 15)
_LOGINS_OF_ACCOUNT = RateLimitItemPerMinute(50, 60)
_LOGINS_IN_ALL = RateLimitItemPerMinute(300, 15)
_CODES_OF_ACCOUNT = RateLimitItemPerDay(30)
_ONCE_A_DAY = RateLimitItemPerDay(1)
_CONFIRMATIONS = RateLimitItemPerMinute(5, 15)


class BoundedMemory(MemoryStorage):
    """The package's store in memory, which never lets go of a name that it counted: here those that are over go when
    it is told to, and when there are many; where that is not enough, new ones of strangers are refused.
    """

    _looked_at = 0.0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        full = key not in self.events and len(self.events) >= _MOST_KEYS
        if full and not any(part in key for part in _OF_ADMINS) and not self._make_room():
            return False
        return bool(super().acquire_entry(key, limit, expiry, amount))

    def forget(self) -> None:
        """Let go of the names whose window is over."""
        now = time.time()
        for key in list(self.events):
            with self.locks[key]:  # who counts at this moment has set the name down, and counts next
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
    """Counts over moving windows: in memory, or in Redis where processes share one. Without Redis each process counts
    for itself until it is back.

    What is counted is forgotten with its window: by Redis at once, in memory by the next `forget`. Mail addresses are
    counted under their keyed hash.
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
        """Let go of the networks and addresses whose window is over."""
        self._memory.forget()

    def allows_signup(self, client: str | None) -> bool:
        """Count one signup; False when this network, or all of them together, had their share."""
        return self._hits(self._in_all, self._per_network, "signup", client)

    def allows_mail(self, address_hash: str) -> bool:
        """Count one mail asked for at an address; False when it had its share of today."""
        return self._hit(_ADDRESS_PER_DAY, "mail", address_hash)

    def allows_reset(self, account: str) -> bool:
        """Count one link for a new password; False when the account had its share of today."""
        return self._hit(_RESETS_PER_DAY, "reset", account)

    def allows_remark(self, client: str | None) -> bool:
        """Count one remark about a lesson; False when this network had its share."""
        return self._hits(_ANYTHING_IN_ALL, _REMARKS_PER_HOUR, "remark", client)

    def allows_test(self, client: str | None) -> bool:
        """Count one finished knowledge test; False when this network had its share."""
        return self._hits(_ANYTHING_IN_ALL, _TESTS_PER_HOUR, "test", client)

    def allows_forgotten(self, client: str | None) -> bool:
        """Count one time that somebody says they forgot the password; False when this network had its share."""
        return self._hits(_ANYTHING_IN_ALL, _CHALLENGES_PER_HOUR, "forgotten", client)

    def allows_challenge(self, client: str | None) -> bool:
        """Count one challenge for a passkey; False when this network had its share."""
        return self._hits(_ANYTHING_IN_ALL, _CHALLENGES_PER_HOUR, "challenge", client)

    def allows_login(self, account: str, client: str | None, device: str | None = None) -> bool:
        """Count one try to log in with a password; False when the account (a keyed hash), the network, or all of them
        together had their share.

        `device`: names a browser in which this admin logged in before. It is counted by itself, so that nobody else's
        tries lock its owner out (OWASP: slow down online guessing attacks with device cookies).
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
        """Forget the tries of who got in."""
        where = network(client) if device is None else f"device {device}"
        self._clear(_LOGINS_OF_ACCOUNT_FROM_NETWORK, "login", account, where)

    def allows_code(self, account: str) -> bool:
        """Count one code of an authenticator, tried by somebody who knows the password, from whatever network."""
        return self._hit(_CODES_OF_ACCOUNT, "code", account)

    def allows_confirmation(self, session_id: int) -> bool:
        """Count one time that a session is asked for the password again; False when it had its share."""
        return self._hit(_CONFIRMATIONS, "confirm", str(session_id))

    def confirmed(self, session_id: int) -> None:
        """Forget the tries of a session that knew the password."""
        self._clear(_CONFIRMATIONS, "confirm", str(session_id))

    def is_first_use(self, proof: str, body_hash: str) -> bool:
        """Whether a proof is new today, or comes with the same body again, as from who tries once more."""
        if self._hit(_ONCE_A_DAY, "proof", proof):
            self._hit(_ONCE_A_DAY, "proof of", proof, body_hash)
            return True
        return not self._hit(_ONCE_A_DAY, "proof of", proof, body_hash, count=False)

    def _hits(self, in_all: RateLimitItem, of_network: RateLimitItem, what: str, client: str | None) -> bool:
        """Count for a network and in all. Nothing new is remembered of a network when all together had their share."""
        return (
            self._hit(in_all, what, "all", count=False)
            and self._hit(of_network, what, network(client))
            and self._hit(in_all, what, "all")
        )

    def _hit(self, limit: RateLimitItem, *what: str, count: bool = True) -> bool:
        """Whether there is room below a limit; it is taken, unless `count` is False."""
        if time.monotonic() >= self._alone_until:
            try:
                return bool((self._limiter.hit if count else self._limiter.test)(limit, *what))
            except self._lost as error:
                self._alone_until = time.monotonic() + _ALONE_SECONDS  # nobody waits for it again so soon
                log.warning("rate_limits_local", error=type(error).__name__)
        return bool((self._alone.hit if count else self._alone.test)(limit, *what))

    def _clear(self, limit: RateLimitItem, *what: str) -> None:
        self._alone.clear(limit, *what)
        if time.monotonic() >= self._alone_until:
            with suppress(*self._lost):
                self._limiter.clear(limit, *what)


def network(client: str | None) -> str:
    """What one subscriber of a provider can freely choose addresses from: one IPv4 address, an IPv6 /64."""
    address = _address(client)
    if address is None:
        return "unknown"
    return str(address) if address.version == 4 else str(ip_network(f"{address}/64", strict=False))


def shortened(client: str | None) -> str:
    """A network as it may be written down: an IPv4 /24, an IPv6 /48, in which nobody can be told from others."""
    address = _address(client)
    if address is None:
        return "unknown"
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _address(client: str | None) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that came in as IPv6 (RFC 4291, 2.5.5.2) is that IPv4 address: else all were one network."""
    try:
        address = ip_address(client or "")
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
