"""Turns Cliniko's error answers into our error tree. Their texts are for people and are never matched on."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from webapp.clients import policy
from webapp.clients.errors import (
    ApiError,
    FieldError,
    Forbidden,
    NeedsReconnect,
    NotFound,
    OurFault,
    Rejected,
    Throttled,
    Unavailable,
)
from webapp.clients.policy import Action
from webapp.clock import now

LONGEST_WAIT = timedelta(seconds=90)  # the window is a minute; more means a clock that is off


def failure(response: httpx.Response, attempt: int) -> ApiError:
    """The error for an answer that is not a success."""
    status = response.status_code
    body = _body(response)
    message = _text(body.get("message")) if isinstance(body, Mapping) else ""
    match policy.action_for(status):
        case Action.SIGN_IN:
            return NeedsReconnect("cliniko", reason="key_revoked", status=status)
        case Action.FORBIDDEN:
            return Forbidden("cliniko", status=status, detail=message)
        case Action.NOT_FOUND:
            return NotFound("cliniko", status=status, detail=message)
        case Action.REJECTED:
            errors = field_errors(body.get("errors")) if isinstance(body, Mapping) else ()
            return Rejected("cliniko", status=status, detail=message, errors=errors)
        case Action.WAIT:
            return Throttled("cliniko", status=status, retry_at=_retry_at(response.headers, attempt))
        case Action.RETRY:
            return Unavailable("cliniko", status=status, retry_at=policy.retry_after(response.headers, now()))
        case _:
            return OurFault("cliniko", status=status, detail=message)


def field_errors(errors: object) -> tuple[FieldError, ...]:
    """The `errors` of a 422: per field a text, a list, null or a nested object; a bare text or list too."""
    return tuple(_walk(None, errors))


def _walk(field: str | None, value: Any) -> Iterator[FieldError]:
    if isinstance(value, Mapping):
        if not value and field is not None:
            yield FieldError(field, None, "")
        for name, inner in value.items():
            yield from _walk(f"{field}.{name}" if field else str(name), inner)
    elif isinstance(value, list):
        if not value and field is not None:
            yield FieldError(field, None, "")
        for inner in value:
            yield from _walk(field, inner)
    elif value is not None or field is not None:
        yield FieldError(field, None, _text(value))


def _retry_at(headers: httpx.Headers, attempt: int) -> datetime:
    moment = now()
    reset = policy.number(headers.get("X-RateLimit-Reset", ""))
    at = policy.retry_after(headers, moment)
    if at is None and reset is not None and reset < 253_402_300_800:
        at = datetime.fromtimestamp(reset, UTC)
    if at is None:
        at = moment + timedelta(seconds=policy.DEFAULT_WAIT_SECONDS * attempt)
    # A reset in the past means that the clocks differ: one second is better than none.
    return min(max(at, moment + timedelta(seconds=1)), moment + LONGEST_WAIT)


def _body(response: httpx.Response) -> object:
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(value: object) -> str:
    return "" if value is None else str(value)
