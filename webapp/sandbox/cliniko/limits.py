"""Rate limit: 200 calls in any 60 seconds, for a user, whichever of the user's keys is used."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

_MINUTE = timedelta(seconds=60)


class RateLimits:
    """Counts by the sandbox's clock; nothing is refused while `on` is False."""

    def __init__(self, *, on: bool = True, per_minute: int = 200) -> None:
        self.on = on
        self.per_minute = per_minute
        self._calls: dict[tuple[str, str], deque[datetime]] = {}

    def spend(self, account_id: str, user_id: str, now: datetime) -> int | None:
        """Count one call. None when it is allowed, else the UNIX second at which the next one will be."""
        window = self._calls.setdefault((account_id, user_id), deque())
        while window and (window[0] <= now - _MINUTE or window[0] > now):
            window.popleft()
        if len(window) >= self.per_minute and self.on:
            return math.ceil((window[0] + _MINUTE).timestamp())
        window.append(now)
        return None
