"""The error bodies HubSpot answers with (https://developers.hubspot.com/docs/api-reference/error-handling)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any


class HubSpotError(Exception):
    """A refusal: `body()` is the JSON of a single call, `batch_error()` the form used inside a 207."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, Sequence[str]] | None = None,
        sub_category: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = [dict(error) for error in errors]
        self.context = {key: list(value) for key, value in (context or {}).items()}
        self.sub_category = sub_category
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
        }
        if self.context:
            body["context"] = self.context
        if self.errors:
            body["errors"] = self.errors
        if self.sub_category:
            body["subCategory"] = self.sub_category
        body.update(self.extra)
        return body

    def batch_error(self, **context: Sequence[str]) -> dict[str, Any]:
        """One entry of `errors` in a multi-status answer; it carries no correlation id."""
        merged = {**self.context, **{key: list(value) for key, value in context.items()}}
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": merged,
            "errors": self.errors,
            "links": {},
        }


def bad_request(message: str, **kwargs: Any) -> HubSpotError:
    return HubSpotError(400, "VALIDATION_ERROR", message, **kwargs)


def not_found(message: str, **kwargs: Any) -> HubSpotError:
    return HubSpotError(404, "OBJECT_NOT_FOUND", message, **kwargs)


def property_errors(problems: Sequence[Mapping[str, Any]]) -> HubSpotError:
    """One 400 for every property of a record that was refused."""
    shown = ", ".join(f'{{"isValid":false,"message":"{p["message"]}","error":"{p["code"]}"}}' for p in problems)
    return bad_request(f"Property values were not valid: [{shown}]", errors=problems)


def problem(name: str, code: str, message: str) -> dict[str, Any]:
    return {"message": message, "code": code, "context": {"propertyName": [name]}}
