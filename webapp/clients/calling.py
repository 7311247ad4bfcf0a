"""One call with its retries, shared by both clients: budget, send, read the answer, wait and repeat where that is safe.

Every try leaves one `api_call` line. Neither a query nor a body is ever logged.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import httpx
import msgspec
import structlog

from webapp.clients import policy
from webapp.clients.counter import CallCounter
from webapp.clients.errors import ApiError, Retryable, Service, Throttled, Unavailable
from webapp.clients.policy import Action
from webapp.clock import now

# httpx logs every address with its query, and queries hold email addresses.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_log = structlog.get_logger(__name__)

Params = Mapping[str, str | int | Sequence[str]]


class Repeat(StrEnum):
    """When a call may be repeated by itself after a failure that may have reached the service."""

    ALWAYS = "always"  # reads, and writes that have the same effect twice
    UNSENT = "unsent"  # only when no connection was made
    NEVER = "never"  # not even then: the caller looks first


class Bucket(Protocol):
    """The part of a Budget that a call uses."""

    def take(self) -> None: ...
    def block(self, until: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `data` is the decoded JSON, None for an empty body."""

    status: int
    data: Any = field(repr=False)
    headers: httpx.Headers = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """What to send. `shown` is the path for the log, without a query and without anything about a person.

    `writes` says that the call changes something, so that a failure after sending may have taken effect.
    """

    method: str
    url: str = field(repr=False)
    shown: str
    repeat: Repeat
    writes: bool
    params: Params | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends calls of one client. `failure` turns an answer that is not a success into the error to raise."""

    service: Service
    http: httpx.Client
    failure: Callable[[httpx.Response, int], ApiError]
    counter: CallCounter | None = None
    sleep: Callable[[float], None] = time.sleep
    attempts: int = policy.MAX_ATTEMPTS

    def run(self, call: Call, bucket: Bucket, headers: Mapping[str, str] | None = None) -> Answer:
        """Make the call. Raises ApiError."""
        attempt = 1
        last: Retryable | None = None
        while True:
            self._take(bucket, last)
            outcome, unsent = self._once(call, attempt, headers)
            if isinstance(outcome, Answer):
                return outcome
            if not isinstance(outcome, Retryable):
                raise outcome
            # An earlier try that may have taken effect still counts when a later one did not.
            outcome.maybe_applied = outcome.maybe_applied or (last is not None and last.maybe_applied)
            if isinstance(outcome, Throttled) and outcome.retry_at is not None:
                bucket.block(outcome.retry_at)
            pause = self._pause(call, outcome, unsent, attempt)
            if pause is None:
                raise outcome
            if pause:
                self.sleep(pause)
            attempt, last = attempt + 1, outcome

    def _take(self, bucket: Bucket, last: Retryable | None) -> None:
        try:
            bucket.take()
        except Retryable as full:
            if last is None:
                raise
            # What the service said tells more than that our own wait would be too long.
            last.retry_at = full.retry_at or last.retry_at
            raise last from None

    def _pause(self, call: Call, outcome: Retryable, unsent: bool, attempt: int) -> float | None:
        """Seconds before the next try, or None when there is none."""
        if attempt >= self.attempts:
            return None
        if isinstance(outcome, Throttled):
            # The refusal took no effect, so any call may follow; the bucket makes it wait or gives up.
            return 0.0
        # A 401 is answered by a new token, not by patience.
        if outcome.status == 401 or not (call.repeat is Repeat.ALWAYS or (call.repeat is Repeat.UNSENT and unsent)):
            return None
        pause = policy.backoff(attempt)
        if outcome.retry_at is not None:
            pause = max(pause, (outcome.retry_at - now()).total_seconds())
        return pause if pause <= policy.LONGEST_PAUSE else None

    def _once(self, call: Call, attempt: int, headers: Mapping[str, str] | None) -> tuple[Answer | ApiError, bool]:
        started = time.perf_counter()
        if self.counter is not None:
            self.counter.add(self.service)
        try:
            response = self.http.request(
                call.method,
                call.url,
                params=call.params or None,
                content=None if call.json is None else msgspec.json.encode(call.json),
                headers={**(headers or {}), **({} if call.json is None else {"Content-Type": "application/json"})},
            )
        except httpx.TransportError as error:
            unsent = policy.never_sent(error)
            self._note(call, attempt, started, None, None, type(error).__name__)
            return _unavailable(self.service, call, type(error).__name__, None, unsent=unsent), unsent
        except httpx.DecodingError as error:
            self._note(call, attempt, started, None, None, type(error).__name__)
            return _unavailable(self.service, call, "DecodingError", None), False
        return self._read(call, response, attempt, started), False

    def _read(self, call: Call, response: httpx.Response, attempt: int, started: float) -> Answer | ApiError:
        if policy.action_for(response.status_code) is not Action.OK:
            failure = self.failure(response, attempt)
            if isinstance(failure, Unavailable) and response.status_code != 401:
                failure.maybe_applied = call.writes
            self._note(call, attempt, started, response.status_code, failure.correlation_id, failure.category)
            return failure
        data, problem = None, None
        try:
            data = msgspec.json.decode(response.content) if response.content else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = "unreadable_body"
        self._note(call, attempt, started, response.status_code, None, problem)
        if problem is not None:
            return _unavailable(self.service, call, problem, response.status_code)
        return Answer(response.status_code, data, response.headers)

    def _note(
        self,
        call: Call,
        attempt: int,
        started: float,
        status: int | None,
        correlation_id: str | None,
        problem: str | None,
    ) -> None:
        _log.info(
            "api_call",
            service=self.service,
            method=call.method,
            path=call.shown,
            status=status,
            ms=round((time.perf_counter() - started) * 1000),
            correlation_id=correlation_id,
            attempt=attempt,
            problem=problem,
        )


def _unavailable(
    service: Service, call: Call, category: str, status: int | None, *, unsent: bool = False
) -> Unavailable:
    return Unavailable(service, status=status, category=category, maybe_applied=call.writes and not unsent)
