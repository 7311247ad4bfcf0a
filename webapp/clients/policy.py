"""What a status or a failure of the transport means: one table for both services, and how long to wait."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import httpx

MAX_ATTEMPTS = 4
DEFAULT_WAIT_SECONDS = 10.0
LONGEST_PAUSE = 10.0  # a service that asks for more before a repeat is left alone: the job comes back later
_LONGEST_WAIT = timedelta(days=1)


class Action(StrEnum):
    """What the caller does about an answer."""

    OK = "ok"
    SIGN_IN = "sign_in"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    WAIT = "wait"
    RETRY = "retry"
    OUR_FAULT = "our_fault"


_BY_STATUS: dict[int, Action] = {
    400: Action.REJECTED,
    401: Action.SIGN_IN,
    403: Action.FORBIDDEN,
    404: Action.NOT_FOUND,
    408: Action.RETRY,
    409: Action.REJECTED,
    410: Action.NOT_FOUND,
    413: Action.REJECTED,
    414: Action.REJECTED,
    422: Action.REJECTED,
    423: Action.WAIT,
    425: Action.RETRY,
    429: Action.WAIT,
    477: Action.WAIT,
}


def action_for(status: int) -> Action:
    """The action for a status. Redirects are never followed (they would carry the key along), so they are our fault."""
    if 200 <= status < 300:
        return Action.OK
    if status >= 500:
        return Action.RETRY
    return _BY_STATUS.get(status, Action.OUR_FAULT)


def never_sent(error: httpx.TransportError) -> bool:
    """True when the request cannot have reached the service, so that a repeat is always safe."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol)


def backoff(attempt: int, *, first: float = 0.5, longest: float = 8.0) -> float:
    """Seconds before try `attempt` + 1: doubled each time, half of it by chance so that workers do not move in step."""
    whole: float = min(longest, first * 2 ** (attempt - 1))
    return whole / 2 + random.uniform(0, whole / 2)  # noqa: S311 - spreads load, guards nothing


def retry_after(headers: httpx.Headers, now: datetime) -> datetime | None:
    """The `Retry-After` header, as seconds or as a date, a day at most; None when absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    seconds = number(value)
    if seconds is not None:
        return now + timedelta(seconds=min(seconds, _LONGEST_WAIT.total_seconds()))
    moment = http_date(value)
    return None if moment is None else min(moment, now + _LONGEST_WAIT)


def http_date(value: str) -> datetime | None:
    """A date as HTTP headers print it, in UTC; None when it is no date or one beyond all calendars."""
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(value: str) -> float | None:
    """A plain non-negative number, else None (also for nan and inf)."""
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if 0 <= parsed < float("inf") else None
