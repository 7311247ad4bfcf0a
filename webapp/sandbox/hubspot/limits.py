"""Rate limits: 110 calls in 10 s for an app in a portal, search 5 a second for the portal."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from webapp.sandbox.hubspot.errors import HubSpotError


class RateLimits:
    """Counts by the sandbox's clock; nothing is refused while `on` is False."""

    def __init__(self, *, on: bool = True, per_ten_seconds: int = 110, search_per_second: int = 5) -> None:
        self.on = on
        self.per_ten_seconds = per_ten_seconds
        self.search_per_second = search_per_second
        self._calls: dict[tuple[int, int], deque[datetime]] = {}
        self._searches: dict[int, deque[datetime]] = {}

    def spend(self, app_id: int, hub_id: int, now: datetime, *, search: bool, headers: dict[str, str]) -> None:
        """Count one call, put the rate headers into `headers`, raise the 429 when the window is full."""
        if search:
            window = self._searches.setdefault(hub_id, deque())
            if not _take(window, now, timedelta(seconds=1), self.search_per_second) and self.on:
                raise _too_many("You have reached your secondly limit.", "SECONDLY", app_id)
            return
        window = self._calls.setdefault((app_id, hub_id), deque())
        taken = _take(window, now, timedelta(seconds=10), self.per_ten_seconds)
        headers["X-HubSpot-RateLimit-Max"] = str(self.per_ten_seconds)
        headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, self.per_ten_seconds - len(window)))
        headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
        if not taken and self.on:
            raise _too_many("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING", app_id)


def _take(window: deque[datetime], now: datetime, span: timedelta, most: int) -> bool:
    while window and (window[0] <= now - span or window[0] > now):
        window.popleft()
    if len(window) >= most:
        return False
    window.append(now)
    return True


def _too_many(message: str, policy: str, app_id: int) -> HubSpotError:
    extra = {"errorType": "RATE_LIMIT", "policyName": policy, "groupName": f"publicapi:crm:app:{app_id}"}
    return HubSpotError(429, "RATE_LIMITS", message, extra=extra)
