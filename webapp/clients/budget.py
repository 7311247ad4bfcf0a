"""Request budgets shared by all workers through Redis: a moving window, and a time until which nobody may call.

Keys hold ids or keyed hashes, never an API key or a token.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from webapp.clients.errors import Service, Throttled, Unavailable

_PREFIX = "crmconnect:budget"
_LONGEST_BLOCK = timedelta(hours=25)  # a daily limit ends at the account's midnight; nothing is longer
# A later end wins, whoever says it last: a short block must not shorten a long one.
_EXTEND = """
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
"""

_limiters: WeakKeyDictionary[redis.ConnectionPool, MovingWindowRateLimiter] = WeakKeyDictionary()


class Budget:
    """At most `limit` calls per `per_seconds` under one key, whoever makes them.

    `reserve` is the share of the limit that this caller leaves to others: background work gives 0.2, so that a
    person's request never waits behind it; what answers a person gives 0.
    """

    def __init__(
        self,
        redis: redis.Redis,
        key: str,
        limit: int,
        per_seconds: int,
        max_wait: float,
        *,
        reserve: float = 0.0,
        service: Service = "hubspot",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.key = key
        self.max_wait = max_wait
        self._redis = redis
        self._service: Service = service
        self._sleep = sleep
        self._limiter = _limiter(redis)
        self._windows: list[RateLimitItem] = [RateLimitItemPerSecond(max(1, limit), per_seconds)]
        if reserve:
            share = max(1, int(limit * (1 - reserve)))
            # Counted apart and first: background calls fill their own window before they touch the whole.
            self._windows.insert(0, RateLimitItemPerSecond(share, per_seconds, namespace="background"))

    def take(self) -> None:
        """Use one call, waiting up to `max_wait` seconds for it. Raises Throttled(retry_at), Unavailable."""
        try:
            self._take()
        except redis.RedisError as error:
            raise Unavailable(self._service, category="budget_unavailable") from error

    def block(self, until: datetime) -> None:
        """Nobody calls under this key before `until` (an aware time): the service said so."""
        moment = min(until, _now() + _LONGEST_BLOCK).timestamp()
        left = moment - time.time()
        if left <= 0:
            return
        try:
            self._redis.eval(_EXTEND, 1, self._block_key, repr(moment), str(int(left * 1000) + 1000))
        except redis.RedisError as error:
            raise Unavailable(self._service, category="budget_unavailable") from error

    def blocked_until(self) -> datetime | None:
        """The time until which nobody may call, or None. Raises Unavailable."""
        try:
            moment = self._blocked()
        except redis.RedisError as error:
            raise Unavailable(self._service, category="budget_unavailable") from error
        return datetime.fromtimestamp(moment, UTC) if moment > time.time() else None

    @property
    def _block_key(self) -> str:
        return f"{_PREFIX}:{self.key}:blocked"

    def _blocked(self) -> float:
        raw = self._redis.get(self._block_key)
        return float(raw) if isinstance(raw, bytes | str) else 0.0

    def _take(self) -> None:
        deadline = time.time() + self.max_wait
        while True:
            free_at = self._blocked()
            if free_at <= time.time():
                asked = self._ask()
                if asked is None:
                    return
                free_at = asked
            if free_at > deadline:
                raise Throttled(
                    self._service, category="budget", retry_at=datetime.fromtimestamp(free_at, UTC), maybe_applied=False
                )
            # A moment more than needed: others wait for the same slot and one of them takes it.
            self._sleep(max(0.01, free_at - time.time() + 0.005))

    def _ask(self) -> float | None:
        """None when a call was taken, else the time at which to ask again."""
        *shares, whole = self._windows
        # While the whole is full no place in the share is taken: it would be spent on a call that is not made, or be
        # out of date when it is made at last, so that background calls eat what is reserved.
        if shares and not self._limiter.test(whole, self.key):
            return self._free_at(whole)
        for window in self._windows:
            if not self._limiter.hit(window, self.key):
                return self._free_at(window)
        return None

    def _free_at(self, window: RateLimitItem) -> float:
        stats = self._limiter.get_window_stats(window, self.key)
        # With something left, a call has left the window since it was found full: ask again at once.
        return 0.0 if stats.remaining > 0 else stats.reset_time


def _limiter(client: redis.Redis) -> MovingWindowRateLimiter:
    pool = client.connection_pool
    limiter = _limiters.get(pool)
    if limiter is None:
        storage = RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX)
        limiter = _limiters[pool] = MovingWindowRateLimiter(storage)
    return limiter


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
