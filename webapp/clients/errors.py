"""What can go wrong in a call to Cliniko or HubSpot, grouped by what the caller has to do about it.

ApiError
├─ Retryable        wait and try again
│   ├─ Throttled    a limit was reached, theirs or our own
│   └─ Unavailable  the service or the way to it failed
├─ NeedsReconnect   a person has to connect again
├─ Forbidden        this feature is not allowed; others may work
├─ Rejected         the data was refused; repeating it does not help
├─ NotFound         gone, or hidden
└─ OurFault         our configuration or a bug

`str(error)` holds no value of a person, no token and no address, so it may be logged. `detail` is the API's own text,
which may hold values: show it to the account's own people, never log it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Service = Literal["cliniko", "hubspot"]
ReconnectReason = Literal["key_revoked", "uninstalled"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused field. `field` is the API's own name of it, or None when the answer names none."""

    field: str | None
    code: str | None
    message: str


class ApiError(Exception):
    """Base of all failures of a call. `status` is the HTTP status, None when there was no answer."""

    def __init__(
        self,
        service: Service,
        *,
        status: int | None = None,
        category: str | None = None,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> None:
        super().__init__()
        self.service = service
        self.status = status
        self.category = category
        self.detail = detail
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        parts = [self.service, type(self).__name__]
        if self.status is not None:
            parts.append(f"status={self.status}")
        if self.category:
            parts.append(f"category={self.category}")
        if self.correlation_id:
            parts.append(f"correlation_id={self.correlation_id}")
        return " ".join(parts)


class Retryable(ApiError):
    """Try again, not before `retry_at` when it is known. `maybe_applied`: a write may have taken effect."""

    def __init__(
        self,
        service: Service,
        *,
        retry_at: datetime | None = None,
        maybe_applied: bool = False,
        status: int | None = None,
        category: str | None = None,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(service, status=status, category=category, detail=detail, correlation_id=correlation_id)
        self.retry_at = retry_at
        self.maybe_applied = maybe_applied


class Throttled(Retryable):
    """429, 423, 477, or our own budget would have to be waited for too long. This try was not applied."""


class Unavailable(Retryable):
    """5xx, time-out, connection reset or an answer that could not be read."""


class NeedsReconnect(ApiError):
    """The key was revoked or the app uninstalled: nothing works until a person connects again."""

    def __init__(
        self,
        service: Service,
        *,
        reason: ReconnectReason,
        status: int | None = None,
        category: str | None = None,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(service, status=status, category=category, detail=detail, correlation_id=correlation_id)
        self.reason: ReconnectReason = reason


class Forbidden(ApiError):
    """403: a role, a scope or a subscription does not allow this call."""

    def __init__(
        self,
        service: Service,
        *,
        missing_scopes: tuple[str, ...] = (),
        status: int | None = 403,
        category: str | None = None,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(service, status=status, category=category, detail=detail, correlation_id=correlation_id)
        self.missing_scopes = missing_scopes


class Rejected(ApiError):
    """400, 409, 414 or 422: the data was refused. `existing_id` is the record that already holds the value."""

    def __init__(
        self,
        service: Service,
        *,
        errors: tuple[FieldError, ...] = (),
        existing_id: str | None = None,
        status: int | None = None,
        category: str | None = None,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(service, status=status, category=category, detail=detail, correlation_id=correlation_id)
        self.errors = errors
        self.existing_id = existing_id


class NotFound(ApiError):
    """404: no such record, or a hidden one."""


class OurFault(ApiError):
    """Our configuration or a bug: the customer can do nothing about it."""
