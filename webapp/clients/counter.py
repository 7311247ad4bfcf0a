"""How many calls an account caused on a day, for the dashboard."""

from datetime import date

import redis

from webapp.clients.errors import Service
from webapp.clock import now

_KEEP_SECONDS = 8 * 86_400


class CallCounter:
    """Counts in Redis per account, service and day (UTC). Losing a count never fails a call."""

    def __init__(self, redis: redis.Redis, hub_id: int) -> None:
        self._redis = redis
        self._hub_id = hub_id

    def add(self, service: Service) -> None:
        """One more call today."""
        key = _key(self._hub_id, service, now().date())
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, _KEEP_SECONDS)
                pipe.execute()
        except redis.RedisError:
            return

    def read(self, service: Service, day: date) -> int:
        """The calls of a day."""
        raw = self._redis.get(_key(self._hub_id, service, day))
        return int(raw) if isinstance(raw, bytes | str) else 0


def _key(hub_id: int, service: Service, day: date) -> str:
    return f"crmconnect:calls:{hub_id}:{service}:{day.isoformat()}"
